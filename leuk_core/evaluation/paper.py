"""What the authors report (Haque et al. 2024, BioMedInformatics 4(2), doi 10.3390/biomedinformatics4020054, CC BY 4.0).

Numbers as printed in Tables 1, 2 and 3. They were split by image, and some rows of Tables 1 and 2 can't be (see
`leuk_core.evaluation.plausibility`): they stand beside our figures as reported, never as a target.
"""

from __future__ import annotations

from dataclasses import dataclass

from leuk_core.evaluation.plausibility import impossible_rows

REPORTED = "reported by the authors, by image"
SOURCE = "Haque et al. 2024, doi 10.3390/biomedinformatics4020054"
DIGITS = 2


@dataclass(frozen=True, slots=True)
class ReportedRow:
    """One row of Table 1 or 2, in percent as printed.

    Parameters
    ----------
    table : int
        Number of the table: 1 is ALL against normal (C-NMC), 2 the five classes (Leukemia Dataset 0.2).
    task, model : str
        Our names, so that `<task>/<model>` refers to the same kind of model.
    name : str
        The authors' name of the model.
    technique : {"ML", "TL"}
        Classifier on features, or network.
    accuracy, precision, recall, f1 : float
        Percent.
    """

    table: int
    task: str
    model: str
    name: str
    technique: str
    accuracy: float
    precision: float
    recall: float
    f1: float

    @property
    def impossible(self) -> bool:
        """Whether F1 exceeds the mean of precision and recall by more than rounding allows."""
        return bool(impossible_rows([self.precision], [self.recall], [self.f1], DIGITS))


@dataclass(frozen=True, slots=True)
class ComparedWork:
    """One row of Table 3: another work's accuracy as the authors cite it.

    Parameters
    ----------
    reference : str
        Number in the paper's list, "Ours" for the authors' own.
    model : str
        The model.
    classes : int
        Number of classes.
    accuracy : float
        Percent.
    """

    reference: str
    model: str
    classes: int
    accuracy: float


def _table(number: int, task: str, text: str) -> tuple[ReportedRow, ...]:
    rows = []
    for line in text.strip().splitlines():
        technique, model, name, *figures = line.split()
        rows.append(ReportedRow(number, task, model, name, technique, *map(float, figures)))
    return tuple(rows)


TABLE_1 = _table(
    1,
    "all-vs-normal",
    """
    ML mlp              MLP              92.26 92.59 92.38 92.81
    ML rf               RF               91.71 91.23 91.66 91.27
    ML svm              SVM              88.37 88.11 88.44 88.79
    ML knn              KNN              87.51 87.66 87.51 87.46
    ML sgd              SGD              85.36 85.59 85.74 85.65
    TL inception-resnet Inception-ResNet 96.89 96.43 96.61 96.07
    TL xception         XceptionNet      95.41 95.24 95.93 95.21
    TL alexnet          AlexNet          94.01 94.17 94.21 94.11
    TL retinanet        RetinaNet        94.55 94.61 94.31 94.76
    TL centernet        CenterNet        93.35 93.68 93.29 93.45
    """,
)
"""Table 1, "Performance of binary classifiers": accuracy, precision, recall, F1."""

TABLE_2 = _table(
    2,
    "leukemia-subtypes",
    """
    ML rf               RF              88.11 88.34 88.11 88.23
    ML mlp              MLP             87.78 87.86 87.36 87.62
    ML knn              KNN             86.35 86.35 86.64 86.91
    ML svm              SVM             84.21 84.32 84.59 84.88
    ML sgd              SGD             85.44 85.87 85.49 85.94
    TL inception-resnet InceptionResNet 95.79 95.33 95.41 95.89
    TL alexnet          AlexNet         94.29 94.49 94.92 94.29
    TL xception         XceptionNet     93.56 93.32 93.93 93.66
    TL centernet        CenterNet       93.98 93.93 93.91 93.96
    TL retinanet        RetinaNet       91.91 91.93 91.76 91.66
    """,
)
"""Table 2, "Performance of multi-class classifiers": accuracy, precision, recall, F1."""

TABLE_3 = (
    ComparedWork("[25]", "FSVM", 3, 96.92),
    ComparedWork("[30]", "ResNet50", 4, 99.84),
    ComparedWork("[34]", "VGG16", 4, 94.0),
    ComparedWork("[31]", "CNN", 5, 88.25),
    ComparedWork("[29]", "CNN", 6, 81.09),
    ComparedWork("Ours", "InceptionResNet", 5, 95.79),
)
"""Table 3, "Comparison of Leukemia Classification Models and Their Accuracy"."""


def reported(task: str, model: str) -> ReportedRow | None:
    """Return what the authors report for a task and model of ours; None where they don't.

    Examples
    --------
    >>> reported("all-vs-normal", "xception").f1
    95.21
    """
    return next((row for row in TABLE_1 + TABLE_2 if (row.task, row.model) == (task, model)), None)


def impossible() -> tuple[ReportedRow, ...]:
    """Return the rows of Tables 1 and 2 that can't be.

    Examples
    --------
    >>> f"{len(impossible())} of {len(TABLE_1 + TABLE_2)}"
    '10 of 20'
    """
    return tuple(row for row in TABLE_1 + TABLE_2 if row.impossible)
