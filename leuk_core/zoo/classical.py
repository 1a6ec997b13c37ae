"""The five classifiers on DCNN features, with the parameters of section 3.5.1 (Haque et al. 2024).

KNN and SVM keep training cells: 9,216 features of thousands of cells are hundreds of megabytes. They work on the first
128 principal components instead, fitted on the training cells only and stored with the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from leuk_core.errors import InvalidParameter

NAMES = ("mlp", "rf", "svm", "knn", "sgd")
REDUCED = ("svm", "knn")
COMPONENTS = 128
_LEAST_PROBABILITY = 1e-3


def build(name: str, seed: int = 0, components: int = COMPONENTS) -> Pipeline:
    """Return an unfitted classifier.

    Parameters
    ----------
    name : {"mlp", "rf", "svm", "knn", "sgd"}
        Which one.
    seed : int
        Seed of everything random in it.
    components : int
        Principal components for those in `REDUCED`; there can't be more than cells to learn from.
    """
    reduce = PCA(components, svd_solver="randomized", random_state=seed)
    match name:
        case "mlp":
            network = MLPClassifier(learning_rate_init=0.001, solver="adam", max_iter=50, random_state=seed)
            return make_pipeline(StandardScaler(), network)
        case "rf":
            return make_pipeline(
                RandomForestClassifier(n_estimators=100, max_depth=None, criterion="gini", random_state=seed, n_jobs=2)
            )
        case "svm":
            return make_pipeline(reduce, StandardScaler(), SVC(kernel="rbf", C=1.0, gamma="scale", cache_size=1000))
        case "knn":
            return make_pipeline(reduce, StandardScaler(), KNeighborsClassifier(n_neighbors=5, metric="euclidean"))
        case "sgd":
            linear = SGDClassifier(
                loss="log_loss", penalty="l2", learning_rate="constant", eta0=0.01, max_iter=100, random_state=seed
            )
            return make_pipeline(StandardScaler(), linear)
    raise InvalidParameter(f"`name` must be one of {', '.join(NAMES)}. Received: name={name!r}")


def without_optimizer(classifier: Any) -> Any:
    """Drop what only the training of an MLP needs, most of its size; its answers stay the same."""
    last = classifier[-1]
    if isinstance(last, MLPClassifier):
        del last._optimizer  # noqa: SLF001 - scikit-learn has no public way
        for name in ("_best_coefs", "_best_intercepts"):  # of early stopping
            vars(last).pop(name, None)
    return classifier


def scores(classifier: Any, features: np.ndarray) -> np.ndarray:
    """Return one score a class, (n, classes): higher means more like it. Calibration turns them into probabilities.

    An SVM and SGD give their decision function; the others the logarithm of their (uncalibrated) probability.
    """
    if hasattr(classifier, "decision_function"):
        decision = np.asarray(classifier.decision_function(features), dtype=np.float64)
        return np.column_stack([-decision / 2, decision / 2]) if decision.ndim == 1 else decision
    probability = np.asarray(classifier.predict_proba(features), dtype=np.float64)
    return np.log(np.clip(probability, _LEAST_PROBABILITY, 1.0))
