"""Retraining of a network of the zoo. Imports Keras."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from leuk_core.data.splits import Protocol
from leuk_core.network import WEIGHTS
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.training.cross_validate import Validated
from leuk_core.training.networks.asked import size_and_parameters
from leuk_core.training.networks.cross_validate import Folds, cross_validate, epochs_taken
from leuk_core.training.networks.fit import train
from leuk_core.training.networks.machine import ready
from leuk_core.training.networks.recipes import recipe_of
from leuk_core.training.networks.settled import settled
from leuk_core.training.networks.store import network_card, store_network
from leuk_core.training.networks.workshop import CellSet, StartFrom, Workshop
from leuk_core.training.retrain_material import FIT, Material, Shown, Tells, run_folder, show
from leuk_core.training.retrain_request import Request, folds_of

_COMPARED = 500  # cells on which the stored weights are compared with those that were learnt


class NetworkTraining:
    """A network's way from cells to a stored version.

    Parameters
    ----------
    material : Material
        What it learns from.
    folder : Path
        The job's.
    tell : Tells
        What it speaks through.
    cache : Path
        Where cells in form and a trunk's activations are kept; no other process works there.
    """

    def __init__(self, material: Material, folder: Path, tell: Tells, cache: Path) -> None:
        self.material, self.folder, self.tell = material, folder, tell
        self.plan = plan_of(material.request)
        self.shown: Shown = show(material, self.plan.recipe, tell, cache)
        cells = CellSet(
            self.shown.shown, self.shown.positions, self.shown.labels, self.shown.groups, material.classes,
            self.plan.recipe,
        )  # fmt: skip
        self.workshop = Workshop(
            material.request.model, cells, material.request.schedule, self.plan.start, self.plan.parameters,
            cache, tell.progress, self._told,
        )  # fmt: skip

    @property
    def folds(self) -> int:
        """How many folds there are."""
        return folds_of(self.material.request, self.shown.labels, self.shown.groups)

    def fold(self, number: int) -> Validated:
        """Judge the cells of one fold, unless that was done; a killed fold goes on at its last epoch."""
        request = self.material.request
        config = {
            "task": request.task, "data": self.material.about.name, "set": request.set, "cells": self.shown.shown.key,
            "classes": list(self.material.classes), "aliases_known": True, "preset": request.preset,
            "start_version": self.plan.start_version,
        }  # fmt: skip
        self.tell.step(f"cross-validation, fold {number + 1} of {self.folds}")
        folds = Folds(Protocol(request.protocol), self.folds, request.seed, only=number)
        return cross_validate(self.workshop, folds, run_folder(self.folder), config)

    def cross_validate(self) -> Validated:
        """Judge each cell by a network that saw neither it nor its person; a killed fold goes on at its last epoch."""
        return [self.fold(number) for number in range(self.folds)][-1]

    def store(self, folder: Path, facts: dict[str, Any]) -> None:
        """Train on all cells that are learnt from, for as many epochs as the folds took, and write the version."""
        self.tell.step("training on all cells")
        workshop = self.workshop
        workshop.schedule, words = settled(workshop.schedule, run_folder(self.folder))
        if words:
            self.tell.log(words.strip())
        everything = np.arange(len(self.shown.labels))
        with ready(workshop.schedule.mixed_precision) as machine:
            trainee = workshop.trainee()
            history = train(
                trainee, workshop.learnt(everything), workshop.schedule, self.folder / "fit",
                progress=self.tell.progress, told=lambda found: self._told(FIT, found),
            )  # fmt: skip
        start = workshop.started | (
            {"source": self.plan.start_version, "licence": ""} if self.plan.start_version else {}
        )
        card = network_card(
            workshop.name, self.plan.recipe, self.material.classes, workshop.parameters, workshop.schedule, start,
            epochs_taken(history), history,
        )  # fmt: skip
        card["training"] |= {"machine": machine, "microns_per_pixel": self.material.scale}
        if self.plan.start_version:
            card["start_version"] = self.plan.start_version
        self.tell.checkpoint()
        some = np.random.default_rng(0).permutation(everything)[:_COMPARED]
        store_network(folder, trainee.whole, self.plan.recipe, {**card, **facts}, workshop.seen_whole(some))

    def _told(self, fold: int, history: dict[str, list[Any]]) -> None:
        values = {name: row[-1] for name, row in history.items() if row and isinstance(row[-1], int | float)}
        self.tell.curve(fold, len(history["loss"]), values)


class _Plan:
    """Recipe, parameters and start weights that a request leads to."""

    def __init__(self, recipe: Recipe, parameters: dict[str, Any], start: StartFrom, start_version: str | None) -> None:
        self.recipe, self.parameters, self.start, self.start_version = recipe, parameters, start, start_version


def plan_of(request: Request) -> _Plan:
    """Return recipe, parameters and start weights; those of a version that it starts from are that version's.

    Raises
    ------
    InvalidParameter
        If the version that it should start from is not there.
    """
    version, asked = request.start_version(), request.settings
    size, parameters = size_and_parameters(request.model, request.schedule, asked.get("size"))
    recipe = recipe_of(request.model, size, logmh=asked.get("logmh", True), stain=asked.get("stain", True))
    if version is None:
        return _Plan(recipe, parameters, StartFrom(request.start), None)
    card = version.card
    before = version.recipe
    recipe = before if asked.get("size") in (None, before.size) else replace(recipe, stain=before.stain)
    file = StartFrom("file", version.folder / WEIGHTS, card["files"][WEIGHTS])
    return _Plan(recipe, {**card["parameters"], **parameters}, file, version.ref)
