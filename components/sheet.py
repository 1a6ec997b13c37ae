"""All that the page Diagnose shows: the open files, their answers in the set that is looked at, what all models say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.all_models import Opinions, is_asked_for, opinions
from components.answers import Row, rows, summary
from components.cards import Aside
from components.expected import AlsoCalled, also_called, closing_sentence, row_sentence
from components.model_table import aside
from components.models import newest_models
from components.scale import chosen_scale
from components.share import Share
from components.table import records
from leuk_core.registry import ModelVersion

BY_DOUBT, BY_DISAGREEMENT, AS_GIVEN = "doubt first", "disagreement first", "order given"
FEW = 10


class Sheet:
    """The open files of this session with everything that was said about them.

    Parameters
    ----------
    version : ModelVersion or None
        The model that is asked; None where none is installed.
    share : Share or None
        The set that its answers are told for.

    Attributes
    ----------
    rows : list of Row
        In the order given.
    models : list of ModelVersion
        All models of the task.
    said : dict of int to Opinions
        What they said, by picture number, for the cells about which they are asked.
    """

    def __init__(self, version: ModelVersion | None, share: Share | None) -> None:
        self.version = version
        self.share = share
        self.scale = chosen_scale()
        self.rows = rows(version.ref if version else None, self.scale, share)
        self.models = newest_models(version) if version else []
        self.said: dict[int, Opinions] = {}
        self._also: dict[str, AlsoCalled] = also_called(version, share.task) if version and share else {}
        for row in self.rows:
            self.look_up(row)

    @property
    def summary(self) -> str:
        """The line over the rows."""
        return summary(self.rows, self.share.task if self.share else None)

    @property
    def many(self) -> bool:
        """Whether there are more than `FEW` pictures: what is to be read with a label is then said once for all."""
        return sum(row.arrival.picture is not None for row in self.rows) > FEW

    @property
    def closing(self) -> str:
        """The line for many pictures; empty for few and where the figure was not measured."""
        positive = self.share.task.positive if self.share else None
        if not self.many or self.share is None or positive not in self._also:
            return ""
        answers = [row for row in self.rows if row.answer and row.answer.prediction]
        asked = [row for row in answers if row.answer.prediction.probabilities]
        labelled = sum(row.label == positive for row in asked)
        return closing_sentence(self._also[positive], labelled, len(asked), moved=self.share.moved)

    def put(self, place: int, row: Row) -> None:
        """Take a row that was answered in the place of the one that waited."""
        self.rows[place] = row
        self.look_up(row)

    def look_up(self, row: Row) -> None:
        """Note what all models said about a row so far, where they are asked about it."""
        if self.share is not None and len(self.models) > 1 and is_asked_for(row):
            self.said[row.arrival.number] = opinions(row, self.models, self.scale, self.share)

    def wanted(self, first: Sequence[Row]) -> list[Row]:
        """Return the rows about which all models are to be asked: `first`, then the others."""
        numbers = [row.arrival.number for row in first]
        after = [row for row in self.rows if row.arrival.number not in numbers]
        return [row for row in (*first, *after) if row.arrival.number in self.said]

    def ordered(self, sort: str) -> list[Row]:
        """Return the rows as one of `BY_DOUBT`, `BY_DISAGREEMENT` and `AS_GIVEN` wants them."""
        if sort == BY_DISAGREEMENT:
            others = {number: said.other for number, said in self.said.items()}
            return sorted(self.rows, key=lambda row: (-others.get(row.arrival.number, 0), row.doubt))
        return sorted(self.rows, key=lambda row: row.doubt) if sort == BY_DOUBT else list(self.rows)

    def records(self, sort: str, *, with_names: bool) -> list[dict[str, Any]]:
        """Return the rows as a flat table, see `components.table.records`."""
        return records(self.ordered(sort), self.share, with_names=with_names, said=self.said)

    def asides(self, row: Row) -> list[Aside]:
        """Return what is to be read beside the doubts of a row."""
        number = row.arrival.number
        found = [aside(self.said[number])] if number in self.said and row.answer else []
        warning = row.answer.prediction.warning if row.answer and row.answer.prediction else ""
        if warning:
            found.insert(0, Aside(warning, "Holds for every answer of this model.", strong=True))
        also = self._also.get(row.label or "")
        if also and self.share and not self.many:
            found.append(Aside(row_sentence(also, moved=self.share.moved), f"95 % interval; {also.source}"))
        return found
