"""Detectors of white cells on disk: which are installed, which one answers, and the loaded network.

models/detectors/<name>/<version>/card.json, network.safetensors   fixed by hash, as every model version
models/detectors/<name>/evaluations/*.json                         what was measured on held-out fields
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from leuk_core.cells.segment import nuclei_in
from leuk_core.errors import InvalidParameter, ModelUnavailable
from leuk_core.registry.versions import check_files
from leuk_core.settings import settings

SEGMENTATION = "segmentation"
"""The detector without weights; the others have a folder of versions."""

WEIGHTS = "network.safetensors"


@dataclass(frozen=True, slots=True)
class DetectorVersion:
    """One installed detector with weights: its name, version, folder and card."""

    name: str
    version: str
    folder: Path
    card: dict[str, Any]

    @property
    def ref(self) -> str:
        """Name and version, as answers carry them."""
        return f"{self.name}@{self.version}"


def detectors_dir() -> Path:
    """Return the folder of detectors."""
    return settings().models_dir / "detectors"


def list_detectors() -> list[DetectorVersion]:
    """Return the newest version of each detector that has weights, by name."""
    newest: dict[str, DetectorVersion] = {}
    for path in sorted(detectors_dir().glob("*/*/card.json")):
        folder = path.parent
        newest[folder.parent.name] = DetectorVersion(folder.parent.name, folder.name, folder, _read(path))
    return list(newest.values())


def default_detector() -> str:
    """Return the detector that answers unless another is asked for: the one whose card says so, else segmentation."""
    return next((entry.name for entry in list_detectors() if entry.card.get("default")), SEGMENTATION)


def detector_ref(name: str | None = None) -> str:
    """Return name and version of a detector, as answers carry them; None is the default one."""
    name = name or default_detector()
    return next((entry.ref for entry in list_detectors() if entry.name == name), name)


def evaluations_of(name: str) -> list[dict[str, Any]]:
    """Return what was measured of a detector, oldest first."""
    return [_read(path) for path in sorted((detectors_dir() / name / "evaluations").glob("*.json"))]


class Detector:
    """A loaded network that finds white cells; safe to call from several threads.

    Parameters
    ----------
    version : DetectorVersion
        Which one.

    Raises
    ------
    ModelUnavailable
        If its files are missing or were changed.
    """

    def __init__(self, version: DetectorVersion) -> None:
        from leuk_core.cells import network  # noqa: PLC0415 - loads Keras, only where a network is needed
        from leuk_core.registry.weights import load_network  # noqa: PLC0415

        if wrong := check_files(version.folder, version.card.get("files", {})):
            raise ModelUnavailable(f"The detector can't be used: {' '.join(wrong)} Received: {version.ref!r}")
        self.version = version
        self.least: float = version.card["least_score"]
        self.least_nucleus: float = version.card.get("least_nucleus", 0.0)
        self._network = network
        self._model = load_network(network.build(**version.card["parameters"]), version.folder / WEIGHTS)
        self._lock = threading.Lock()

    def find(self, pixels: np.ndarray, microns_per_pixel: float, least: float | None = None) -> np.ndarray:
        """Return the boxes found on a field that hold a nucleus.

        A network that has seen one stain takes the red cells of a bluer one for white cells; colour tells them apart on
        every field anew.

        Parameters
        ----------
        pixels : ndarray of shape (height, width, 3), uint8
            RGB.
        microns_per_pixel : float
            Scale of the field.
        least : float or None
            Smallest score; None takes that of the card.

        Returns
        -------
        ndarray of shape (n, 5)
            x0, y0, x1, y1 in pixels of the field, and the score; best first.
        """
        factor = microns_per_pixel / self._network.WORKING_SCALE
        picture = self._network.shown(pixels, factor)
        with self._lock:
            outputs = [np.asarray(values)[0] for values in self._model.predict_on_batch(picture)]
        found = np.array(self._network.boxes_of(outputs, self.least if least is None else least)).reshape(-1, 5)
        found[:, :4] /= factor
        height, width = pixels.shape[:2]
        found[:, [0, 2]], found[:, [1, 3]] = found[:, [0, 2]].clip(0, width), found[:, [1, 3]].clip(0, height)
        found = found[np.minimum(found[:, 2] - found[:, 0], found[:, 3] - found[:, 1]) >= 1]
        if self.least_nucleus and len(found):
            found = found[nuclei_in(found, pixels, microns_per_pixel) >= self.least_nucleus]
        return found


def load_detector(name: str) -> Detector:
    """Return a loaded detector with weights; the last two stay in memory, `load_detector.cache_clear()` empties that.

    Raises
    ------
    InvalidParameter
        If there is none of this name.
    """
    for entry in list_detectors():
        if entry.name == name:
            return _load(entry.name, entry.version)
    known = ", ".join([SEGMENTATION, *(entry.name for entry in list_detectors())])
    raise InvalidParameter(f"`detector` must be one of {known}. Received: detector={name!r}")


@lru_cache(maxsize=2)
def _load(name: str, version: str) -> Detector:
    return Detector(next(entry for entry in list_detectors() if (entry.name, entry.version) == (name, version)))


def _read(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return facts
