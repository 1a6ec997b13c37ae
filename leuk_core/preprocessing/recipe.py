"""The recipe: everything that happens to a picture before a model sees it, recorded and versioned.

The app, the command line and training call `Recipe.apply`, and nothing else, so that they show a model the same array.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

import cv2
import numpy as np

from leuk_core.errors import InvalidParameter
from leuk_core.images import SmearImage
from leuk_core.preprocessing.cutout import Cutout, find_cell, is_on_black, red_cell_scale
from leuk_core.preprocessing.logmh import LoGMH
from leuk_core.preprocessing.stain import reinhard

FORMAT = 1

CNMC_MICRONS_PER_PIXEL = 0.059
"""Scale of the 450-pixel pictures of C-NMC, estimated: the set's authors give none.

With it the median normal lymphocyte (173 pixels across) measures 10.2 micrometres, as those of CellaVision DM96 crops
do whose own scale follows from their red cells.
"""

SCALES = {
    "unit": (1.0, 0.0),  # [0, 1]
    "signed": (2.0, -1.0),  # [-1, 1]: Xception, Inception-ResNet
    "lite": (255.0 / 128.0, -127.0 / 128.0),  # EfficientNet-Lite: (RGB - 127) / 128
}

STAGE_NAMES = ("original", "cut-out", "stain", "size", "logmh")

CNMC_SIDE = 450
"""Side of C-NMC's pictures, in pixels."""

ScaleSource = Literal["given", "metadata", "red cells", "form of C-NMC", "unknown"]


@dataclass(frozen=True)
class Stages:
    """A picture after each step of a recipe.

    Parameters
    ----------
    pictures : dict of str to ndarray
        By stage name, in order (`STAGE_NAMES`): uint8 RGB, the last float32 in [0, 1].
    cutout : Cutout
        The cell's outline on the original picture.
    microns_per_pixel : float or None
        Scale of the original; None where it is unknown.
    scale_source : str
        Where the scale comes from: "given", "metadata", "red cells", "form of C-NMC" (450 x 450, cut out on black) or
        "unknown".
    window : tuple of float
        (left, top, right, bottom) of the final picture on the original, in pixels; may reach beyond it.
    mask : ndarray of shape (size, size), bool
        The cell on the final picture.
    """

    pictures: dict[str, np.ndarray]
    cutout: Cutout
    microns_per_pixel: float | None
    scale_source: ScaleSource
    window: tuple[float, float, float, float]
    mask: np.ndarray

    @property
    def names(self) -> list[str]:
        """Names of the stages, in order."""
        return list(self.pictures)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Cut-out, scale, stain, size, LoGMH and scaling, in this order.

    Parameters
    ----------
    cutout : {"auto", "none"}
        "auto" finds the white cell nearest the middle and makes the ground black; a cell that comes on black stays as
        it is. "none" keeps the whole picture.
    microns_per_pixel : float or None
        Scale of the result. The window of `size * microns_per_pixel` micrometres around the cell is shown, so that
        large cells stay large. None fits the whole picture into the square instead.
    stain : {"reinhard", "none"}
        Colours brought to a reference, or left.
    size : int
        Side of the square result, in pixels, 32 to 1024.
    logmh : LoGMH or None
        The filter; None leaves it out.
    scaling : {"unit", "signed", "lite"}
        Range that the model expects.
    name : str
        For people; not part of the hash.

    Raises
    ------
    InvalidParameter
        If a parameter is out of its range.

    Examples
    --------
    >>> recipe = Recipe(size=96, logmh=None)
    >>> Recipe.from_dict(recipe.to_dict()) == recipe
    True
    """

    cutout: str = "auto"
    microns_per_pixel: float | None = 0.083
    stain: str = "reinhard"
    size: int = 227
    logmh: LoGMH | None = field(default_factory=lambda: LoGMH(masked=True, normalisation="percentiles"))
    scaling: str = "unit"
    name: str = ""

    def __post_init__(self) -> None:
        for value, allowed, what in (
            (self.cutout, ("auto", "none"), "cutout"),
            (self.stain, ("reinhard", "none"), "stain"),
            (self.scaling, tuple(SCALES), "scaling"),
        ):
            if value not in allowed:
                raise InvalidParameter(f"`{what}` must be one of {', '.join(allowed)}. Received: {what}={value!r}")
        if not 32 <= self.size <= 1024:
            raise InvalidParameter(f"`size` must be from 32 to 1024 pixels. Received: size={self.size}")
        if self.microns_per_pixel is not None and not 0.01 <= self.microns_per_pixel <= 5:
            raise InvalidParameter(
                f"`microns_per_pixel` must be from 0.01 to 5 or None. Received: {self.microns_per_pixel}"
            )

    @property
    def hash(self) -> str:
        """First 16 digits of the SHA-256 of the recipe's canonical JSON, its name left out."""
        facts = {key: value for key, value in self.to_dict().items() if key != "name"}
        return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON types."""
        facts: dict[str, Any] = {"format": FORMAT, **json.loads(json.dumps(asdict(self)))}
        return facts

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Recipe:
        """Rebuild a recipe from `to_dict`'s result; unknown keys and formats are refused."""
        facts = dict(facts)
        if (given := facts.pop("format", FORMAT)) != FORMAT:
            raise InvalidParameter(f"A recipe of format {FORMAT} is needed. Received: format={given!r}")
        known = {entry.name for entry in fields(cls)}
        if unknown := sorted(set(facts) - known):
            raise InvalidParameter(f"A recipe has the keys {', '.join(sorted(known))}. Received also: {unknown}")
        if isinstance(facts.get("logmh"), dict):
            logmh = dict(facts["logmh"])
            if "percentiles" in logmh:
                logmh["percentiles"] = tuple(logmh["percentiles"])
            try:
                facts["logmh"] = LoGMH(**logmh)
            except TypeError as error:
                raise InvalidParameter(f"`logmh` has an unknown key. Received: {sorted(logmh)}") from error
        return cls(**facts)

    def apply(self, image: SmearImage, microns_per_pixel: float | None = None) -> np.ndarray:
        """Return what the model is shown: float32 of shape (size, size, 3), scaled as the model expects.

        Parameters
        ----------
        image : SmearImage
            The decoded picture.
        microns_per_pixel : float or None
            Scale given by a person; takes precedence over metadata and red cells.
        """
        return self.scale(self.stages(image, microns_per_pixel).pictures["logmh"])

    def scale(self, seen: np.ndarray) -> np.ndarray:
        """Bring a picture in [0, 1] to the range that the model expects."""
        factor, offset = SCALES[self.scaling]
        return seen * np.float32(factor) + np.float32(offset)

    def stages(self, image: SmearImage, microns_per_pixel: float | None = None) -> Stages:
        """Return the picture after every step; see `Stages`."""
        pixels = image.pixels
        found = find_cell(pixels)
        if self.cutout == "none":
            everything = np.ones(pixels.shape[:2], bool)
            found = Cutout(everything, on_black=False, problem=found.problem)
        cut = pixels if self.cutout == "none" or found.on_black else np.where(found.mask[..., None], pixels, 0)
        stained = reinhard(cut, found.mask) if self.stain == "reinhard" else cut
        scale, source = self._scale_of(image, microns_per_pixel)
        window = self._window(found.mask, pixels.shape, scale)
        sized, mask = _sample(self._with_seam(stained, pixels, found), found.mask, window, self.size)
        if self.cutout == "auto":
            sized[~mask] = 0
        final = self.filtered(sized, mask)
        pictures = dict(zip(STAGE_NAMES, (pixels, cut, stained, sized, final), strict=True))
        return Stages(pictures, found, scale, source, window, mask)

    def filtered(self, sized: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Run the last step alone on a sized uint8 picture, as a slider does; float32 in [0, 1]."""
        if self.logmh is None:
            return sized.astype(np.float32) / np.float32(255.0)
        return self.logmh.apply(sized, mask)

    def _with_seam(self, stained: np.ndarray, pixels: np.ndarray, found: Cutout) -> np.ndarray:
        """Keep a seam of true surroundings around a cell cut out here: resampling must mix no black into its rim."""
        if self.cutout == "none" or found.on_black or not found.found:
            return stained
        return reinhard(pixels, found.mask, margin=3) if self.stain == "reinhard" else pixels

    def _scale_of(self, image: SmearImage, given: float | None) -> tuple[float | None, ScaleSource]:
        if given is not None:
            return given, "given"
        if image.microns_per_pixel is not None:
            return image.microns_per_pixel, "metadata"
        if is_on_black(image.pixels) and (image.width, image.height) == (CNMC_SIDE, CNMC_SIDE):
            return CNMC_MICRONS_PER_PIXEL, "form of C-NMC"
        measured = red_cell_scale(image.pixels)
        return (measured, "red cells") if measured is not None else (None, "unknown")

    def _window(
        self, mask: np.ndarray, shape: tuple[int, ...], scale: float | None
    ) -> tuple[float, float, float, float]:
        height, width = shape[:2]
        if self.microns_per_pixel is None:
            side = float(max(height, width))
            middle = (width / 2, height / 2)
        else:
            # without a scale the picture is taken for one that is as wide, in micrometres, as C-NMC's
            effective = scale if scale is not None else CNMC_MICRONS_PER_PIXEL * CNMC_SIDE / max(height, width)
            side = self.size * self.microns_per_pixel / effective
            middle = _middle(mask) if mask.any() and self.cutout == "auto" else (width / 2, height / 2)
        return middle[0] - side / 2, middle[1] - side / 2, middle[0] + side / 2, middle[1] + side / 2


def _middle(mask: np.ndarray) -> tuple[float, float]:
    """Return the middle (x, y) of the mask's bounding box, in pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (columns[0] + columns[-1] + 1) / 2, (rows[0] + rows[-1] + 1) / 2


def _sample(
    pixels: np.ndarray, mask: np.ndarray, window: tuple[float, float, float, float], size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Resample `window` of a picture to a square; what lies beyond the picture is black."""
    left, top, right, _ = window
    zoom = size / (right - left)
    if zoom < 1:  # average first, then place: warpAffine alone would alias
        shape = (max(1, round(pixels.shape[1] * zoom)), max(1, round(pixels.shape[0] * zoom)))
        pixels_small = cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA)
        mask_small = cv2.resize(mask.astype(np.uint8) * 255, shape, interpolation=cv2.INTER_AREA)
        left, top = left * shape[0] / pixels.shape[1], top * shape[1] / pixels.shape[0]
        zoom = size / ((right - window[0]) * shape[0] / pixels.shape[1])
    else:
        pixels_small, mask_small = pixels, mask.astype(np.uint8) * 255
    # pixel centres: destination x + 0.5 = (source x + 0.5 - left) * zoom
    matrix = np.array([[zoom, 0, (0.5 - left) * zoom - 0.5], [0, zoom, (0.5 - top) * zoom - 0.5]])
    flags = cv2.INTER_LINEAR if zoom < 1.5 else cv2.INTER_CUBIC
    sized = cv2.warpAffine(pixels_small, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT)
    sized_mask = cv2.warpAffine(mask_small, matrix, (size, size), flags=cv2.INTER_LINEAR)
    return sized, sized_mask >= 128
