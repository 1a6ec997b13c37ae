"""Retraining of a classifier on DCNN features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from leuk_core.cluster import fits_on_cluster
from leuk_core.data.splits import Protocol
from leuk_core.features.extractor import FeatureExtractor, load_extractor
from leuk_core.training.cross_validate import Validated, cross_validate, fit, write_sizes_and_colours
from leuk_core.training.features import features_of
from leuk_core.training.fit import classifier_facts, store_version
from leuk_core.training.retrain_material import Material, Shown, Tells, run_folder, show
from leuk_core.training.retrain_request import folds_of

EXTRACTOR = "dcnn@1"


class ClassifierTraining:
    """A classifier's way from cells to a stored version.

    Parameters
    ----------
    material : Material
        What it learns from.
    folder : Path
        The job's.
    tell : Tells
        What it speaks through.
    cache : Path
        Where cells in form and features are kept.
    """

    def __init__(self, material: Material, folder: Path, tell: Tells, cache: Path) -> None:
        self.material, self.folder, self.tell, self.cache = material, folder, tell, cache
        self.extractor: FeatureExtractor = load_extractor(EXTRACTOR)
        self.shown: Shown = show(material, self.extractor.recipe, tell, cache)
        self._features: list[np.ndarray] = []

    @property
    def features(self) -> list[np.ndarray]:
        """Features of the usable cells as they are, then of each changed copy; computed once and kept on disk."""
        if not self._features:
            request, shown = self.material.request, self.shown
            self.tell.step("computing features")
            every = features_of(
                shown.shown, self.extractor.recipe, self.extractor, self.cache, request.copies, request.seed,
                progress=self.tell.progress,
            )  # fmt: skip
            self._features = [copy[shown.positions] for copy in every]
        return self._features

    @property
    def folds(self) -> int:
        """How many folds there are."""
        return folds_of(self.material.request, self.shown.labels, self.shown.groups)

    def fold(self, number: int) -> Validated:
        """Judge the cells of one fold, unless that was done."""
        return self._judged(number)

    def cross_validate(self) -> Validated:
        """Judge each cell by a classifier that saw neither it nor its person; finished folds are not fitted again."""
        return self._judged(None)

    def _judged(self, only: int | None) -> Validated:
        request, shown = self.material.request, self.shown
        config = {
            "task": request.task, "data": self.material.about.name, "set": request.set, "cells": shown.shown.key,
            "classes": list(self.material.classes), "aliases_known": True, "preset": None, "extractor": EXTRACTOR,
            "copies": request.copies, "recipe_hash": self.extractor.recipe.hash,
        }  # fmt: skip
        features, place = self.features, run_folder(self.folder)
        self.tell.step("cross-validation")
        found = cross_validate(
            request.model, features, shown.labels, shown.groups, self.material.classes, place, config,
            protocol=Protocol(request.protocol), folds=self.folds, seed=request.seed, only=only,
            progress=self.tell.progress,
        )  # fmt: skip
        write_sizes_and_colours(place, shown.shown.areas[shown.positions], shown.shown.colours[shown.positions])
        return found

    def store(self, folder: Path, facts: dict[str, Any]) -> None:
        """Fit on all cells that are learnt from and write the version's folder."""
        request, features = self.material.request, self.features
        self.tell.step("fitting on all cells")
        target = np.array([self.material.classes.index(label) for label in self.shown.labels])
        with fits_on_cluster():
            classifier = fit(request.model, features, target, request.seed)
        self.tell.checkpoint()
        how = classifier_facts(request.model, classifier, request.copies, request.seed, self.material.scale)
        store_version(folder, classifier, self.extractor.recipe, {**how, **facts}, EXTRACTOR, None)
