"""What the deletion test (`python -m train maps`) found about one model's maps of one kind, in words."""

from __future__ import annotations

from leuk_core.registry.versions import ModelVersion


def deletion_words(version: ModelVersion, method: str) -> str:
    """Return what covering the hottest tenth of such maps did to the answer; "" where it was not measured.

    Parameters
    ----------
    version : ModelVersion
        The model.
    method : str
        One of `leuk_core.explain.METHODS`.
    """
    for facts in reversed(version.evaluations()):
        rows = facts.get("maps", []) if facts.get("kind") == "maps" else []
        for found in (row["difference"] for row in rows if row["method"] == method and row.get("difference")):
            least = f"{found['value']:.2f} ({found['low']:.2f} to {found['high']:.2f})"
            verdict = "" if found["low"] > 0 else ", which may be none at all"
            return (
                f"Tested on {facts['n']} cells, {facts['protocol']}: without its hottest tenth the probability fell "
                f"by {least} more than without random tenths{verdict}."
            )
    return ""
