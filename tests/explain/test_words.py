"""What the deletion test found stands beside a map, with its interval; untested maps claim nothing."""

import json

from leuk_core.explain.words import deletion_words
from leuk_core.registry.versions import ModelVersion


def version_with(tmp_path, low):
    place = tmp_path / "svm" / "evaluations"
    place.mkdir(parents=True, exist_ok=True)
    rows = [
        {"method": "occlusion", "difference": {"value": 0.15, "low": low, "high": 0.2}},
        {"method": "saliency", "difference": None},
    ]
    facts = {"kind": "maps", "version": "1", "n": 36, "protocol": "one cell a person", "maps": rows}
    (place / f"{low}-maps.json").write_text(json.dumps(facts))
    return ModelVersion("all-vs-normal", "svm", "1", tmp_path / "svm" / "1", {})


def test_a_map_tells_what_was_measured_of_its_kind(tmp_path):
    found = deletion_words(version_with(tmp_path, 0.1), "occlusion")
    assert "Tested on 36 cells, one cell a person" in found
    assert "0.15 (0.10 to 0.20)" in found
    assert "none at all" not in found


def test_a_fall_that_may_be_none_is_said_and_an_untested_kind_says_nothing(tmp_path):
    version = version_with(tmp_path, -0.01)
    assert "which may be none at all" in deletion_words(version, "occlusion")
    assert deletion_words(version, "saliency") == deletion_words(version, "grad-cam") == ""
