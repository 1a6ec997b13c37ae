"""The ensemble: out of fold like its models, judged on cells that none had seen, and shown for no other set."""

import json
from dataclasses import replace

import numpy as np
import pytest

from leuk_core.data.splits import Protocol
from leuk_core.errors import InvalidData
from leuk_core.evaluation.ensemble import (
    evaluated_version,
    evidence_for,
    join,
    judge_ensemble,
    judged_within,
    mean_of,
    store,
)
from leuk_core.evaluation.out_of_fold import judge_run
from leuk_core.evaluation.results import compact

CLASSES = ("all", "hem")
TASK = "all-vs-normal"
A, B, C = (f"{TASK}/{model}@1" for model in ("mlp", "svm", "knn"))


def run_of(seed, *, skip=(), protocol=Protocol.BY_SUBJECT, relabel=False):
    """A model that is right more often than not on 24 subjects with 6 cells each, in three folds."""
    subject = np.repeat(np.arange(24), 6)
    truth = subject % 2
    rng = np.random.default_rng(seed)
    signal = np.where(truth == 0, 1.0, -1.0) + 1.5 * rng.normal(size=len(truth))
    scores = np.column_stack([signal, -signal])
    fold = subject // 2 % 3
    scores[np.isin(fold, skip)] = np.nan
    labels = np.array(CLASSES)[1 - truth if relabel else truth]
    groups = np.array([f"s{number}" for number in subject])
    return judge_run(scores, fold, labels, groups, CLASSES, protocol=protocol, positive="all", folds=3)


def test_each_cell_gets_the_mean_of_what_models_said_that_had_not_seen_its_person():
    first, second = run_of(1), run_of(2)
    whole = join([first, second])
    assert np.allclose(whole.probabilities, (first.probabilities + second.probabilities) / 2)
    assert whole.complete
    assert not whole.notes()


def test_only_cells_that_every_model_judged_count_and_that_is_said():
    whole = join([run_of(1), run_of(2, skip=(2,))])
    assert sorted(whole.judged_folds) == [0, 1]
    assert len(whole) == 96
    assert any("Judged on folds 1, 2 of 3 only: 96 of 144 cells." in note for note in whole.notes())


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([run_of(1)], "two runs or more"),
        ([run_of(1), run_of(2, relabel=True)], "other labels"),
        ([run_of(1, skip=(0, 1)), run_of(2, skip=(2,))], "cells that every run has judged"),
        ([run_of(1, protocol=Protocol.BY_IMAGE), run_of(2, protocol=Protocol.BY_IMAGE)], "judged by subject"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(runs, message):
    with pytest.raises(InvalidData, match=message):
        join(runs)


def test_probabilities_of_other_cells_have_no_mean():
    with pytest.raises(InvalidData, match="same cells and classes"):
        mean_of([[[0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]]])


def test_the_evidence_has_protocol_interval_and_n_and_holds_for_these_models_alone(tmp_path):
    facts = judge_ensemble({A: run_of(1), B: run_of(2)}, coverage=0.85)
    store({"kind": "ensemble", "date": "2026-01-01", "protocol": "by-subject", **facts}, TASK, tmp_path)
    found = evidence_for([B, A], TASK, tmp_path)
    assert found is not None
    assert found.figures["weighted F1"].has_interval
    assert found.figures["AUROC"].value > 0.8
    assert "144 cells of 24 subjects" in found.words
    assert "by given id" in found.words  # these runs had no aliases joined
    assert 0.5 < found.threshold < 1
    assert set(found.facts["against"]) == {A, B}
    assert evidence_for([A], TASK, tmp_path) is None
    assert evidence_for([A, B, C], TASK, tmp_path) is None
    assert evidence_for([A, B.replace("@1", "@2")], TASK, tmp_path) is None


def test_another_set_of_the_same_day_is_stored_beside_the_first(tmp_path):
    facts = judge_ensemble({A: run_of(1), B: run_of(2)}, coverage=0.85)
    facts |= {"kind": "ensemble", "date": "2026-01-01", "protocol": "by-subject"}
    store(facts, TASK, tmp_path)
    store(facts | {"members": [A, B, C]}, TASK, tmp_path)
    store(facts | {"members": [A, B.replace("@1", "@2")]}, TASK, tmp_path)  # a new version replaces the old
    assert len(list((tmp_path / TASK / "ensemble" / "evaluations").iterdir())) == 2
    assert evidence_for([A, B, C], TASK, tmp_path) is not None
    assert evidence_for([A, B], TASK, tmp_path) is None
    assert judged_within([C, B, A, "d"], TASK, tmp_path) == (A, B, C)
    assert judged_within([A, B], TASK, tmp_path) == ()


def test_a_run_stands_for_the_version_beside_which_its_results_are(tmp_path):
    config = {"task": TASK, "model": "mlp", "seed": 0, "share": 1 / 3}
    place = tmp_path / TASK / "mlp"
    (place / "evaluations").mkdir(parents=True)
    (place / "7").mkdir()
    (place / "7" / "card.json").write_text(json.dumps({}), "utf-8")
    stored = compact({"kind": "results", "version": "7", "run": config})
    (place / "evaluations" / "2026-01-01-by-subject.json").write_text(stored, "utf-8")
    assert evaluated_version(config, tmp_path) == f"{TASK}/mlp@7"
    with pytest.raises(InvalidData, match="run `evaluate` with `--version`"):
        evaluated_version(config | {"seed": 1}, tmp_path)


def test_without_calibration_in_one_of_them_the_mean_says_so():
    first = run_of(1)
    assert any("not calibrated" in note for note in join([first, replace(run_of(2), method="")]).notes())


def test_a_cell_only_learnt_from_may_share_its_group_with_judged_ones_where_the_folds_kept_it_out():
    scores, labels = np.log([[0.8, 0.2], [0.3, 0.7]] * 6), list(CLASSES) * 6
    fold = np.array([0, 0, 0, 0, 1, 1, 1, 1, -1, -1, -1, -1])
    groups = [f"s{number // 2}" for number in range(8)] + ["s0", "s8", "s9", "s9"]
    given = {"protocol": Protocol.SUBJECTS_UNKNOWN, "positive": "all"}
    assert len(judge_run(scores, fold, labels, groups, CLASSES, **given, rest_kept_apart=True)) == 8
    with pytest.raises(InvalidData, match="s0"):
        judge_run(scores, fold, labels, groups, CLASSES, **given)
    with pytest.raises(InvalidData, match="s1"):
        judge_run(scores, fold, labels, [*groups[:6], "s1", *groups[7:]], CLASSES, **given, rest_kept_apart=True)
