"""Signs that pictures were multiplied before they were published: in their names and in their pixels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from leuk_core.data.audit.duplicates import Match
from leuk_core.data.audit.look import Look
from leuk_core.data.audit.verdict import Grade, Verdict

NAME_SIGNS = {
    "words of augmentation": re.compile(
        r"(?:^|[^a-z])(?:aug(?:mented|mentation)?|flip(?:ped)?|[hv]flip|rot(?:ate|ated|ation)?[-_ ]?\d*|mirror(?:ed)?|"
        r"shear(?:ed)?|zoom(?:ed)?|bright(?:ness)?|noisy?|blur(?:red)?)(?:[^a-z]|$)",
        re.IGNORECASE,
    ),
    "Keras ImageDataGenerator": re.compile(r"_\d+_\d{3,7}$"),
    "Augmentor": re.compile(r"_original_.+_[0-9a-f]{8}-[0-9a-f]{4}-", re.IGNORECASE),
    "Roboflow": re.compile(r"[._]rf[._][0-9a-f]{16,}", re.IGNORECASE),
    "numbered copies": re.compile(r"(?:\(\d+\)| - copy|[-_ ]copy[-_ ]?\d*)$", re.IGNORECASE),
}
"""Patterns that augmentation programs and copying leave in file names (without the suffix)."""

_TELLING = 0.02  # share of names from which a pattern says something about the set


@dataclass(frozen=True)
class Augmentation:
    """Signs of earlier augmentation.

    Parameters
    ----------
    names : dict of str to (int, str)
        How many names show each sign, and one of them.
    altered_pairs : int
        Pairs in which one picture is a turned, mirrored or zoomed form of the other.
    altered_pictures : int
        Pictures in such pairs.
    smeared, wedges : int
        Pictures whose border rows merely repeat, and whose corners are filled with black.
    n : int
        Number of pictures.
    """

    names: dict[str, tuple[int, str]]
    altered_pairs: int
    altered_pictures: int
    smeared: int
    wedges: int
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON wants it."""
        return {
            "names": {sign: {"count": count, "example": example} for sign, (count, example) in self.names.items()},
            "altered_pairs": self.altered_pairs,
            "altered_pictures": self.altered_pictures,
            "smeared_borders": self.smeared,
            "black_corners": self.wedges,
        }

    def verdict(self) -> Verdict:
        """Grade it."""
        signs = [f"{count} names look like {sign} ({example})" for sign, (count, example) in self.names.items()]
        if self.altered_pairs:
            signs.append(
                f"{self.altered_pictures} pictures are turned, mirrored or zoomed forms of others "
                f"({self.altered_pairs} pairs)"
            )
        if self.smeared > _TELLING * self.n:
            signs.append(f"{self.smeared} pictures have borders that merely repeat their outermost rows")
        if self.wedges > _TELLING * self.n:
            signs.append(f"{self.wedges} pictures have corners filled with black, as after turning")
        if not signs:
            return Verdict(Grade.GREEN, "No sign of earlier augmentation, in names or in pixels.")
        red = self.altered_pictures > _TELLING * self.n
        end = "count originals, not pictures, and split by duplicates" if red else "ask how the set was made"
        return Verdict(Grade.RED if red else Grade.AMBER, f"{'; '.join(signs)}: {end}.")


def signs_of_augmentation(names: Sequence[str], looks: Sequence[Look], matches: Sequence[Match]) -> Augmentation:
    """Look for signs of earlier augmentation.

    Parameters
    ----------
    names : sequence of str
        Name of each picture within its set.
    looks : sequence of Look
        What was seen of each.
    matches : sequence of Match
        Pairs that show the same cell.
    """
    stems = [PurePosixPath(name).stem for name in names]
    found = {}
    for sign, pattern in NAME_SIGNS.items():
        showing = [name for name, stem in zip(names, stems, strict=True) if pattern.search(stem)]
        if len(showing) > _TELLING * len(names):
            found[sign] = (len(showing), showing[0])
    altered = [match for match in matches if match.altered]
    return Augmentation(
        names=found,
        altered_pairs=len(altered),
        altered_pictures=len({position for match in altered for position in (match.first, match.second)}),
        smeared=sum(look.smeared >= 0.25 for look in looks),
        wedges=sum(look.wedges for look in looks),
        n=len(looks),
    )
