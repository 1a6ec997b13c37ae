"""Balance: images and subjects by class, how many folds are possible, which subjects dominate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leuk_core.data.audit.verdict import Grade, Verdict
from leuk_core.data.groups import natural_key
from leuk_core.data.splits import possible_folds

DOMINATES = 0.25
"""Share of a class's images from which one subject is said to dominate it."""

FEW_SUBJECTS = 20


@dataclass(frozen=True)
class Balance:
    """Images and groups by class.

    Parameters
    ----------
    images, subjects : dict of str to int
        By class; subjects after aliases were joined, cells of unknown subject each counted for one.
    possible_folds : int
        Most folds by group in which training and test can hold every class.
    dominating : list of dict
        Subjects with more than a quarter of a class's images: subject, class, images, share.
    subjects_known : bool
        Whether every cell names its subject.
    """

    images: dict[str, int]
    subjects: dict[str, int]
    possible_folds: int
    dominating: list[dict[str, Any]]
    subjects_known: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON wants it."""
        return {
            "images": self.images,
            "subjects": self.subjects if self.subjects_known else None,
            "possible_folds": self.possible_folds,
            "dominating": self.dominating,
            "subjects_known": self.subjects_known,
        }

    def verdict(self) -> Verdict:
        """Grade it."""
        counts = ", ".join(
            f"{name}: {n} images" + (f" of {self.subjects[name]} subjects" if self.subjects_known else "")
            for name, n in self.images.items()
        )
        if self.possible_folds < 2:
            return Verdict(
                Grade.RED,
                f"No split by subject is possible, because a class has a single one: a model could learn that person "
                f"({counts}).",
            )
        faults = []
        if not self.subjects_known:
            faults.append("subjects are not known, so that no split can keep a person's cells together")
        elif min(self.subjects.values()) < FEW_SUBJECTS:
            fewest = min(self.subjects, key=lambda name: self.subjects[name])
            faults.append(f"class {fewest} has only {self.subjects[fewest]} subjects, so intervals are wide")
        if self.dominating and self.subjects_known:
            most = max(self.dominating, key=lambda one: one["share"])
            faults.append(f"subject {most['subject']} holds {most['share']:.0%} of class {most['class']}")
        ratio = max(self.images.values()) / min(self.images.values())
        if ratio > 3:
            faults.append(f"the largest class has {ratio:.1f} times as many images as the smallest")
        folds = f"at most {self.possible_folds} folds by subject" if self.subjects_known else "folds by image only"
        if faults:
            return Verdict(Grade.AMBER, f"{counts}; {folds}. To know: {'; '.join(faults)}.")
        return Verdict(Grade.GREEN, f"{counts}; {folds}.")


def weigh(labels: Sequence[str], groups: np.ndarray, *, subjects_known: bool) -> Balance:
    """Count images and groups by class.

    Parameters
    ----------
    labels, groups : sequences of length n
        Class and group (see `leuk_core.data.groups.join`) of each cell.
    subjects_known : bool
        Whether every cell names its subject.
    """
    y = np.asarray(labels)
    images, subjects, dominating = {}, {}, []
    for name in sorted(set(y.tolist()), key=natural_key):
        inside = Counter(groups[y == name].tolist())
        images[name], subjects[name] = int((y == name).sum()), len(inside)
        dominating += [
            {"subject": group, "class": name, "images": n, "share": round(n / images[name], 3)}
            for group, n in inside.most_common()
            if n > DOMINATES * images[name]
        ]
    return Balance(images, subjects, possible_folds(y, groups), dominating, subjects_known)
