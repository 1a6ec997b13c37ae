"""The ensemble's answer about one cell: the mean of the calibrated probabilities, judged as a model of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.all_models import Opinions
from components.expected import AlsoCalled
from components.models import model_title
from leuk_core.registry import Task
from leuk_core.settings import settings

if TYPE_CHECKING:  # importing them brings scikit-learn, which a page without answers has no need of
    from leuk_core.evaluation.ensemble import EnsembleEvidence
    from leuk_core.prediction import Doubt, Prediction

ENSEMBLE = "ensemble"
NOT_JUDGED = "not-judged"
OF_ONE_MODEL = "low-probability"  # the doubt that is a model's own and not the cell's


@dataclass(frozen=True)
class Together:
    """What the models say together.

    Parameters
    ----------
    members : dict of str to str
        The models that it holds: full reference to title.
    prediction : Prediction or None
        The mean as an answer, told for the set that is looked at; None while models are waited for or none gives
        probabilities. Its label follows the ensemble's own threshold; a set of models that was never judged has none.
    evidence : EnsembleEvidence or None
        What exactly these models reached together; None where they were not judged.
    waiting : str
        What it waits for; empty once it is there.
    left_out : tuple of str
        Titles of models that were never judged together with these, and so do not count.
    """

    members: dict[str, str]
    prediction: Prediction | None
    evidence: EnsembleEvidence | None
    waiting: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Its name for people."""
        return f"Mean of {len(self.members)} models"

    @property
    def words(self) -> str:
        """What it reached, or why that is not known."""
        if self.waiting:
            return ""
        if self.evidence is None:
            return (
                "How often this mean is right is not known: exactly these models, in these versions, were not judged "
                "together. So it gives no label."
            )
        words = self.evidence.words[0].upper() + self.evidence.words[1:] + "."
        if self.left_out:
            words += f" Left out, since not judged together with these: {', '.join(self.left_out)}."
        return words

    @property
    def beats(self) -> str:
        """Which of its models it is shown to beat by weighted F1 on the same cells."""
        if self.evidence is None:
            return ""
        beaten = self.evidence.beaten()
        better = [title for ref, title in self.members.items() if ref in beaten]
        rest = [title for ref, title in self.members.items() if ref not in beaten]
        parts = [f"better than {', '.join(better)}"] if better else []
        parts += [f"no difference shown from {', '.join(rest)}"] if rest else []
        over = self.evidence.facts["figures"].get("resampled", "subjects")
        return f"Weighted F1 on the same cells, paired over {over}: {'; '.join(parts)}."

    @property
    def by_subject(self) -> bool:
        """Whether it was judged on persons whom no model had seen."""
        return self.evidence is not None and self.evidence.facts.get("protocol") == "by-subject"

    def also_called(self, task: Task) -> AlsoCalled | None:
        """Return how many cells of the other class get the label that this cell got; None where that is not known."""
        label = self.prediction.label if self.prediction else None
        if self.evidence is None or label is None or len(task.classes) != 2:
            return None
        own, other = sorted(task.classes, key=lambda item: item.id != label)
        facts = self.evidence.facts
        share, figures = facts["at_threshold"]["shares"][other.id][own.id], facts["figures"]
        if share.get("value") is None or share.get("low") is None or share.get("high") is None:
            return None
        return AlsoCalled(
            own,
            other,
            *(float(share[name]) for name in ("value", "low", "high")),
            int(figures["cells_by_class"][other.id]),
            int(figures["subjects_by_class"][other.id]),
        )


def together(said: Opinions, raw: Mapping[str, Prediction | None]) -> Together | None:
    """Return the mean of what the counted models say.

    Parameters
    ----------
    said : Opinions
        What all models say about a cell.
    raw : mapping of str to Prediction or None
        Their answers by reference as they were given, with probabilities calibrated for a set like the training set.

    Returns
    -------
    Together or None
        None where fewer than two models count: those that are under-trained don't, nor do those beyond the largest
        set that was judged together.
    """
    counted = [entry for entry in said.said if not entry.under_trained]
    if len(counted) < 2:
        return None
    judged = _judged_within([entry.version.ref for entry in counted], said.share.task)
    left_out = tuple(model_title(entry.version) for entry in counted if judged and entry.version.ref not in judged)
    counted = [entry for entry in counted if not judged or entry.version.ref in judged]
    everyone = {entry.version.ref: model_title(entry.version) for entry in counted}
    waiting = sum(entry.answer is None for entry in counted)
    if waiting:
        return Together(everyone, None, None, f"waits for {waiting} of {len(counted)} models")
    given = {ref: found for ref in everyone if (found := raw.get(ref)) and found.probabilities}
    if len(given) < 2:
        return Together(everyone, None, None, "no mean: fewer than two models give probabilities")
    evidence = _evidence(list(given), said.share.task)
    members = {ref: everyone[ref] for ref in given}
    return Together(members, _mean(said, list(given.values()), evidence), evidence, left_out=left_out)


def _mean(said: Opinions, given: list[Prediction], evidence: EnsembleEvidence | None) -> Prediction:
    from leuk_core.evaluation.ensemble import mean_of  # noqa: PLC0415 brings scikit-learn
    from leuk_core.prediction import Prediction  # noqa: PLC0415

    ids = [item.id for item in said.share.task.classes]
    mean = mean_of([[[prediction.probabilities[label] for label in ids]] for prediction in given])[0]
    probabilities = dict(zip(ids, map(float, mean), strict=True))
    label = max(probabilities, key=probabilities.__getitem__)
    doubts = (*_of_the_cell(given), *_own_doubts(probabilities[label], evidence))
    first = given[0]
    answer = Prediction(
        model=f"{said.share.task.id}/{ENSEMBLE}",
        recipe_hash="",
        pixels_sha256=first.pixels_sha256,
        probabilities=probabilities,
        label=None if doubts else label,
        doubts=doubts,
        microns_per_pixel=first.microns_per_pixel,
        scale_source=first.scale_source,
    )
    return said.share.tell(answer)


def _of_the_cell(given: list[Prediction]) -> tuple[Doubt, ...]:
    """Return the doubts that are about the cell, of any model, each once."""
    found = {
        doubt.code: doubt for prediction in given for doubt in prediction.doubts if doubt.code != OF_ONE_MODEL
    }  # fmt: skip
    return tuple(found.values())


def _own_doubts(highest: float, evidence: EnsembleEvidence | None) -> tuple[Doubt, ...]:
    from leuk_core.prediction import Doubt  # noqa: PLC0415 brings scikit-learn

    if evidence is None:
        return (Doubt(NOT_JUDGED, "This set of models was not judged together."),)
    if highest < evidence.threshold:
        text = f"The highest probability, {highest:.2f}, is under the threshold of {evidence.threshold:.2f}."
        return (Doubt(OF_ONE_MODEL, text),)
    return ()


def _evidence(refs: list[str], task: Task) -> EnsembleEvidence | None:
    from leuk_core.evaluation.ensemble import evidence_for  # noqa: PLC0415 brings scikit-learn

    return evidence_for(refs, task.id, settings().models_dir)


def _judged_within(refs: list[str], task: Task) -> tuple[str, ...]:
    from leuk_core.evaluation.ensemble import judged_within  # noqa: PLC0415 brings scikit-learn

    return judged_within(refs, task.id, settings().models_dir)
