"""Verdicts: what a check found, in three grades and one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """How bad it is. "green": nothing found; "amber": to know before believing a number; "red": mend it first."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"

    @property
    def words(self) -> str:
        """Return the grade as people read it, so that colour is never the only sign."""
        return {"green": "nothing found", "amber": "take note", "red": "mend first"}[self.value]

    @property
    def icon(self) -> str:
        """Return a sign that says the same as the colour and the words."""
        return {"green": "✓", "amber": "!", "red": "✕"}[self.value]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check's grade, and what it means in a sentence."""

    grade: Grade
    text: str

    def to_dict(self) -> dict[str, str]:
        """Return it as JSON wants it."""
        return {"grade": self.grade.value, "words": self.grade.words, "text": self.text}


def worst(grades: Iterable[Grade]) -> Grade:
    """Return the worst of the grades; green for none.

    Examples
    --------
    >>> worst([Grade.GREEN, Grade.AMBER]).value
    'amber'
    """
    return max(grades, key=list(Grade).index, default=Grade.GREEN)
