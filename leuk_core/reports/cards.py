"""Model card and data card: the fields of TRIPOD+AI (2024) and CLAIM (2024), filled as far as they are known.

A field whose value is None is unknown, and is shown as such: what nobody wrote down is part of the evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from leuk_core.data.splits import Protocol
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.registry import ModelVersion, Task
from leuk_core.reports.evidence import results_of

GUIDELINES = "Fields of TRIPOD+AI (2024; its item numbers in brackets) and CLAIM (2024), as far as known."


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a card.

    Parameters
    ----------
    words : str
        What it is about.
    value : str or None
        What is known; None where nothing is.
    item : str
        Item of TRIPOD+AI; empty where CLAIM alone asks for it.
    """

    words: str
    value: str | None
    item: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Some lines of a card under a heading."""

    title: str
    fields: tuple[Field, ...]

    @property
    def unknown(self) -> int:
        """How many of its fields are unknown."""
        return sum(field.value is None for field in self.fields)


def model_card(version: ModelVersion, task: Task) -> list[Section]:
    """Return the sections of the model card.

    Parameters
    ----------
    version : ModelVersion
        The model.
    task : Task
        What it tells apart.
    """
    card = version.card
    training = card.get("training", {})
    results = results_of(version)
    judged = next((results[protocol] for protocol in Protocol if protocol in results), None)
    decision = version.decision()
    return [
        Section(
            "Model",
            (
                Field("Name", f"{card.get('title') or version.model}, version {version.version}", "1"),
                Field("Reference", version.ref),
                Field("Tells apart", ", ".join(entry.short for entry in task.classes), "8a"),
                Field("Meant for", _text(card, "intended_use") or "research on single stained cells", "3b"),
                Field("Made", _text(card, "created")),
                Field("Kind of model", _kind(card), "12c"),
                Field("Looks at", "the picture of one cell; nothing else about the patient", "9a"),
                Field("Preprocessing", _recipe(version), "7"),
                Field("Training", _plain(training), "12c"),
                Field("Class imbalance", _text(card, "class_imbalance"), "13"),
                Field("Sample size", _text(card, "sample_size"), "10"),
                Field("Missing data", "pictures on which no cell is found are left out", "11"),
                Field("Program", _plain(card.get("environment", {})), "18f"),
            ),
        ),
        Section(
            "Answers and evaluation",
            (
                Field("Output", _output(decision, task), "15"),
                Field("Undecided", _threshold(decision), "15"),
                Field("Cells kept apart", None if judged is None else _split(judged.facts), "12a"),
                Field("Measures", _measures(judged.figures) if judged else None, "12e"),
                Field("Other hospitals", _text(card, "external_evaluation"), "16"),
                Field("Compared with people", _text(card, "compared_with_people")),
                Field("Fairness by age, sex, origin", _text(card, "fairness"), "14"),
            ),
        ),
        Section(
            "Conduct",
            (
                Field("Ethical approval", _text(card, "ethics"), "17"),
                Field("Funding", _text(card, "funding"), "18a"),
                Field("Conflicts of interest", _text(card, "conflicts"), "18b"),
                Field("Protocol", _text(card, "protocol"), "18c"),
                Field("Registration", _text(card, "registration"), "18d"),
                Field("Code", _text(card, "code") or "this program, Apache-2.0", "18f"),
                Field("Patients involved", _text(card, "patient_involvement"), "19"),
            ),
        ),
    ]


def data_cards(version: ModelVersion, task: Task) -> list[Section]:
    """Return a section for each set that the model was trained on."""
    return [_data_card(entry, task, version.card) for entry in version.card.get("data", ())]


def card_html(sections: Iterable[Section]) -> str:
    """Return sections of a card; what is not known is said to be unknown."""
    return "".join(_section_html(section) for section in sections)


def _section_html(section: Section) -> str:
    known = "".join(
        f"<dt>{_words(field)}</dt><dd>{escape(field.value)}</dd>" for field in section.fields if field.value is not None
    )
    unknown = ", ".join(_words(field) for field in section.fields if field.value is None)
    rest = f'<p class="ev-unknown"><b>Unknown:</b> {unknown}.</p>' if unknown else ""
    return f"<h4>{escape(section.title)}</h4><dl>{known}</dl>{rest}"


def _words(field: Field) -> str:
    return escape(field.words) + (f" <small>[{escape(field.item)}]</small>" if field.item else "")


def _data_card(data: Mapping[str, Any], task: Task, card: Mapping[str, Any]) -> Section:
    joined = card.get("aliases_joined")
    return Section(
        str(data.get("name", "Training data")),
        (
            Field("Source", _text(data, "source"), "5a"),
            Field("Licence", _text(data, "licence"), "18e"),
            Field("Cells and persons", _counts(data, task), "20a"),
            Field(
                "Ids of one person joined",
                None if joined is None else ("yes, as an audit of the pictures found them" if joined else "no"),
            ),
            Field("Age and sex", _text(data, "age_and_sex"), "20b"),
            Field("Dates", _text(data, "dates"), "5b"),
            Field("Centres and countries", _text(data, "centres"), "6a"),
            Field("Who was included", _text(data, "eligibility"), "6b"),
            Field("Treatment before the smear", _text(data, "treatment"), "6c"),
            Field("Specimen", _text(data, "specimen")),
            Field("Stain", _text(data, "stain")),
            Field("Microscope and camera", _text(data, "microscope")),
            Field("Pictures", _text(data, "pictures")),
            Field("Micrometres a pixel", _text(data, "microns_per_pixel")),
            Field("What its classes mean", _text(data, "class_meanings"), "8a"),
            Field("Who named the cells, and how", _text(data, "reference_standard"), "8b"),
            Field("Agreement between them", _text(data, "agreement")),
            Field("Named blind to the rest", _text(data, "blinding"), "8c"),
            Field("Left out", _text(data, "left_out")),
            Field("De-identified", _text(data, "de_identified")),
        ),
    )


def _text(facts: Mapping[str, Any], key: str) -> str | None:
    value = facts.get(key)
    return None if value in (None, "") else str(value)


def _plain(facts: Mapping[str, Any]) -> str | None:
    known = [f"{key.replace('_', ' ')} {_value(value)}" for key, value in facts.items() if value is not None]
    return "; ".join(known) or None


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"({_plain(value) or ''})"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _kind(card: Mapping[str, Any]) -> str:
    kind = str(card.get("kind") or card.get("title") or card.get("model"))
    return f"{kind}, features by {card['extractor']}" if card.get("extractor") else kind


def _recipe(version: ModelVersion) -> str:
    recipe: Recipe = version.recipe
    window = "the whole picture"
    if recipe.microns_per_pixel is not None:
        micrometres = recipe.size * recipe.microns_per_pixel
        window = f"a window of {micrometres:.1f} µm around the cell at {recipe.microns_per_pixel:g} µm a pixel"
    stain = "colours brought to one reference" if recipe.stain != "none" else "colours as they are"
    sharpened = "no LoGMH" if recipe.logmh is None else f"LoGMH (sigma {recipe.logmh.sigma:g})"
    return f"{window}, {stain}, {sharpened}; {recipe.size} x {recipe.size} pixels; recipe {recipe.hash}"


def _output(decision: Mapping[str, Any], task: Task) -> str:
    calibration = decision.get("calibration")
    if not calibration:
        return "a score a class, not calibrated"
    shares = ", ".join(
        f"{task.training_share[entry.id]:.0%} {entry.short}"
        for entry in task.classes
        if entry.id in task.training_share
    )
    return f"a probability a class, calibrated ({calibration['method']}) for a set like the training set ({shares})"


def _threshold(decision: Mapping[str, Any]) -> str | None:
    if "threshold" not in decision:
        return None
    rule = decision.get("threshold_rule")
    return f"below a probability of {decision['threshold']:.2f}" + (f" (it {rule})" if rule else "")


def _split(facts: Mapping[str, Any]) -> str:
    run, figures = facts.get("run", {}), facts["figures"]
    folds = f"{run['folds']} folds, " if run.get("folds") else ""
    seed = f", seed {run['seed']}" if run.get("seed") is not None else ""
    return f"{folds}{figures['protocol_words']}{seed}"


def _measures(figures: Mapping[str, Any]) -> str:
    level, n = figures["level"], figures["n_bootstrap"]
    return f"with {level:.0%} intervals by bootstrap over {figures['resampled']} ({n:,} resamples)"


def _counts(data: Mapping[str, Any], task: Task) -> str | None:
    cells, persons = data.get("cells", {}), data.get("subjects") or {}
    known = [entry for entry in task.classes if entry.id in cells]
    parts = [
        f"{entry.short} {cells[entry.id]:,} cells"
        + (f" of {persons[entry.id]:,} persons" if entry.id in persons else "")
        for entry in known
    ]
    if not parts:
        return None
    return "; ".join(parts) + ("" if persons else "; persons unknown")
