"""Optional: a run folder's settings and curves into MLflow, where that is installed. Nothing else needs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from leuk_core.errors import InvalidData


def export_run(folder: Path) -> list[str]:
    """Log each finished fold of a network's run as an MLflow run, under the tracking address that MLflow knows.

    Parameters
    ----------
    folder : Path
        A run folder of `python -m train cross-validate`.

    Returns
    -------
    list of str
        Names of the logged runs. A fold that was logged before is logged anew.

    Raises
    ------
    InvalidData
        If MLflow isn't installed or the folder holds no finished fold.
    """
    try:
        import mlflow  # noqa: PLC0415 - optional
    except ImportError as error:
        raise InvalidData(
            f"MLflow must be installed for `--mlflow`: pip install mlflow-skinny. Received: {error}"
        ) from error
    config = json.loads((folder / "config.json").read_text("utf-8"))
    histories = sorted(folder.glob("history_fold_*.json"))
    if not histories:
        raise InvalidData(f"`folder` must hold a finished fold of a network. Received: {folder.name}")
    mlflow.set_experiment(f"{config['task']}/{config['model']}")
    names = []
    for path in histories:
        number = path.stem.removeprefix("history_fold_")
        history = json.loads(path.read_text("utf-8"))
        names.append(f"{folder.name}, fold {number}")
        with mlflow.start_run(run_name=names[-1]):
            mlflow.log_params({**_flat(config), "fold": number})
            for name, values in history.items():
                for epoch, value in enumerate(values, start=1):
                    if isinstance(value, int | float):
                        mlflow.log_metric(name, float(value), step=epoch)
    return names


def _flat(facts: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Return nested facts in one level, names joined by dots."""
    found: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found
