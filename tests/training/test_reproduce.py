"""`train reproduce` says which figure lies outside the shipped interval, and does so in its exit code."""

import json

import pytest

from train import reproduce
from train.__main__ import main


def _result(protocol, value, half=0.05):
    overall = {name: {"value": value, "low": value - half, "high": value + half} for name in reproduce.FIGURES}
    return {"kind": "results", "version": "1", "protocol": protocol, "figures": {"overall": overall}}


@pytest.fixture
def steps(monkeypatch, tmp_path):
    """The steps that would be run; the last one leaves figures of 0.80 by subject."""
    taken = []

    def verb(arguments):
        taken.append(arguments)
        if arguments[0] == "evaluate":
            path = tmp_path / "models" / "all-vs-normal" / "knn" / "evaluations" / "1-by-subject.json"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps(_result("by-subject", 0.80)), "utf-8")

    monkeypatch.setattr(reproduce, "_verb", verb)
    return taken


@pytest.mark.parametrize(("shipped", "code"), [(0.78, 0), (0.70, 1)])
def test_a_figure_outside_the_shipped_interval_is_told(steps, monkeypatch, tmp_path, capsys, shipped, code):
    version = type("Version", (), {"evaluations": lambda _: [_result("by-subject", shipped)]})()
    monkeypatch.setattr(reproduce, "find_version", lambda ref: version)
    arguments = ["--data", "cells", "--others", "others", "--others-microns-per-pixel", "0.25", "--model", "knn"]
    assert main(["reproduce", *arguments, "--out", str(tmp_path)]) == code
    assert [step[0] for step in steps] == ["audit", "cross-validate", "novelty", "fit", "evaluate"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["figure"] for line in lines] == list(reproduce.FIGURES)
    assert all(line["within"] == (code == 0) for line in lines)
