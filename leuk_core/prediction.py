"""What a model answers about one picture, and the object that answers."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from leuk_core.answers import Answer, ClassifierAnswer, NetworkAnswer
from leuk_core.decision import Decision
from leuk_core.errors import InvalidParameter, ModelUnavailable
from leuk_core.images import SmearImage
from leuk_core.network import Network
from leuk_core.novelty import load_novelty
from leuk_core.preprocessing.kept import kept_stages
from leuk_core.preprocessing.measure import size_and_colour
from leuk_core.preprocessing.recipe import Recipe, Stages
from leuk_core.registry.versions import ModelVersion, find_version, task_of
from leuk_core.settings import settings
from leuk_core.untrained import refuse_untrained
from leuk_core.zoo.catalogue import Box


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reason not to believe an answer: a short code and a sentence for a person."""

    code: str
    text: str


@dataclass(frozen=True)
class Prediction:
    """One model's answer about one picture.

    Parameters
    ----------
    model : str
        Full reference, `<task>/<model>@<version>`.
    recipe_hash : str
        Hash of the recipe that the picture went through.
    pixels_sha256 : str
        Identity of the picture.
    probabilities : dict of str to float
        By class id, in the order of the task's card; sums to 1. Empty where nothing could be shown to the model.
    label : str or None
        Class id, or None for "undecided".
    doubts : tuple of Doubt
        Every reason found; empty where there is none.
    seen : ndarray of shape (size, size, 3), float32 in [0, 1], or None
        What the model was shown, before its own scaling.
    milliseconds : float
        Time from decoded picture to answer. What another model has done to the same picture just before is not done
        again: see `leuk_core.preprocessing.kept` and `FeatureExtractor.cached_features`.
    microns_per_pixel : float or None
        Scale that was taken; None where it is unknown.
    scale_source : str
        Where it comes from, see `leuk_core.preprocessing.recipe.Stages`.
    boxes : tuple of Box
        What a detector found, in pixels of `seen`, best first; empty for other models.
    warning : str
        What holds for every answer of this model and must stay beside it, such as a training that was too short.
    """

    model: str
    recipe_hash: str
    pixels_sha256: str
    probabilities: dict[str, float]
    label: str | None
    doubts: tuple[Doubt, ...] = field(default=())
    seen: np.ndarray | None = None
    milliseconds: float = 0.0
    microns_per_pixel: float | None = None
    scale_source: str = "unknown"
    boxes: tuple[Box, ...] = ()
    warning: str = ""


class Predictor:
    """One loaded model version with everything that an answer needs; safe to call from several threads.

    Parameters
    ----------
    version : ModelVersion
        The version to load.

    Raises
    ------
    ModelUnavailable
        If its files are missing or were changed.
    """

    def __init__(self, version: ModelVersion) -> None:
        if wrong := version.check():
            raise ModelUnavailable(f"The model can't be used: {' '.join(wrong)} Received: {version.ref!r}")
        self.version = version
        self.task = task_of(version)
        self.recipe = version.recipe
        self.decision = Decision.from_dict(version.decision())
        self._novelty = load_novelty(version.task, version.card["reference"]) if "reference" in version.card else None
        self._answer: Answer
        if version.kind == "network":
            self._answer = NetworkAnswer(version, self._novelty.extractor if self._novelty is not None else None)
        else:
            self._answer = ClassifierAnswer(version)

    @property
    def ref(self) -> str:
        """Full reference, `<task>/<model>@<version>`."""
        return self.version.ref

    @property
    def network(self) -> Network | None:
        """The loaded network; None for a classifier on DCNN features."""
        return self._answer.network if isinstance(self._answer, NetworkAnswer) else None

    def probabilities(self, pictures: np.ndarray, key: Hashable = None) -> np.ndarray:
        """Return calibrated probabilities (n, classes) of pictures that went through the recipe, without any doubts.

        Parameters
        ----------
        pictures : ndarray of shape (n, size, size, 3), float32 in [0, 1]
            Before scaling.
        key : hashable
            Stands for these very pictures: models on the same features work them out once. None: nothing is kept.
        """
        return self.decision.probabilities(self._answer.scores_of(self.recipe.scale(pictures), key))

    def predict(self, image: SmearImage, microns_per_pixel: float | None = None) -> Prediction:
        """Answer about one picture.

        Parameters
        ----------
        image : SmearImage
            The decoded picture.
        microns_per_pixel : float or None
            Scale given by a person; takes precedence over what the picture itself tells.
        """
        return self.predict_with(image, self.recipe, microns_per_pixel)

    def predict_with(self, image: SmearImage, recipe: Recipe, microns_per_pixel: float | None = None) -> Prediction:
        """Answer about one picture brought to form by another recipe than the one the model was trained with.

        Raises
        ------
        InvalidParameter
            If the recipe's size or scaling isn't the model's.
        """
        if (recipe.size, recipe.scaling) != (self.recipe.size, self.recipe.scaling):
            raise InvalidParameter(
                f"`recipe` must have the model's size {self.recipe.size} and scaling {self.recipe.scaling}. "
                f"Received: size={recipe.size}, scaling={recipe.scaling}"
            )
        start = time.perf_counter()
        stages = kept_stages().of(recipe, image, microns_per_pixel)
        if not stages.cutout.found:
            nothing = Doubt("no-cell", stages.cutout.problem or "No cell was found.")
            return self._prediction(image, recipe, {}, (nothing,), stages, start)
        found = self._answer(image, recipe, stages, microns_per_pixel)
        probability = self.decision.probabilities(found.scores)[0]
        doubts = tuple(self._doubts(image, stages, found.features, probability))
        ids = [entry.id for entry in self.task.classes]
        return self._prediction(
            image, recipe, dict(zip(ids, map(float, probability), strict=True)), doubts, stages, start, found.boxes
        )

    def _doubts(
        self, image: SmearImage, stages: Stages, features: np.ndarray | None, probability: np.ndarray
    ) -> Iterator[Doubt]:
        if stages.cutout.problem:
            yield Doubt("not-one-cell", stages.cutout.problem)
        if stages.scale_source == "unknown":
            yield Doubt("scale-unknown", "The scale is unknown, and cell size counts: give micrometres a pixel.")
        if self._novelty is not None:
            area, colour = size_and_colour(image.pixels, stages.cutout.mask, stages.microns_per_pixel)
            if self._novelty.other_look(np.array([area]), colour[None])[0]:
                yield Doubt(
                    "other-look",
                    "Size or colour outside the training cells' range, as under another stain, light or camera: how "
                    "often the model is right there was not measured.",
                )
            if features is not None and self._novelty.other_kind(features)[0]:
                yield Doubt("unlike-training", "Unlike the training cells: rather another kind of cell.")
        highest, threshold = float(probability.max()), self.decision.threshold
        if highest < threshold:
            digits = 2 if f"{highest:.2f}" != f"{threshold:.2f}" else 4
            yield Doubt(
                "low-probability",
                f"The highest probability, {highest:.{digits}f}, is under the threshold of {threshold:.{digits}f}.",
            )

    def _prediction(
        self,
        image: SmearImage,
        recipe: Recipe,
        probabilities: dict[str, float],
        doubts: tuple[Doubt, ...],
        stages: Stages,
        start: float,
        boxes: tuple[Box, ...] = (),
    ) -> Prediction:
        decided = probabilities and not doubts
        return Prediction(
            model=self.ref,
            recipe_hash=recipe.hash,
            pixels_sha256=image.pixels_sha256,
            probabilities=probabilities,
            label=max(probabilities, key=lambda label: probabilities[label]) if decided else None,
            doubts=doubts,
            seen=stages.pictures["logmh"],
            milliseconds=(time.perf_counter() - start) * 1000.0,
            microns_per_pixel=stages.microns_per_pixel,
            scale_source=stages.scale_source,
            boxes=boxes,
            warning=self.version.card.get("warning", ""),
        )


def load_predictor(ref: str | None = None) -> Predictor:
    """Return the loaded predictor for a reference; None is the default model.

    The last `settings().max_loaded_models` stay in memory; `forget_models()` empties that.

    Raises
    ------
    ModelUnavailable
        If the reference names nothing usable.
    """
    refuse_untrained(ref)
    return _load(find_version(ref).ref)


def forget_models() -> None:
    """Empty the memory of loaded models and of prepared pictures."""
    _load.cache_clear()
    kept_stages().clear()


@lru_cache(maxsize=settings().max_loaded_models)
def _load(ref: str) -> Predictor:
    return Predictor(find_version(ref))
