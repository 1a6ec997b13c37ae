"""Own versions answer once somebody promotes them, without a restart; every step stays on record and can be undone."""

import json
import shutil

import pytest

from leuk_core.cases import trail
from leuk_core.errors import InvalidData, InvalidParameter, LeukError, ModelUnavailable
from leuk_core.registry import current_version, find_version, list_candidates, list_versions, load_task, task_of
from leuk_core.registry.promotion_log import promotions_file
from leuk_core.registry.promotions import history, promote, rollback, rolls_back_to
from leuk_core.registry.versions import sha256_of
from leuk_core.settings import settings
from train.__main__ import main

TASK = "all-vs-normal"
WHO = {"by": "Dr. Lin", "reason": "fewer blasts missed"}


@pytest.fixture
def svm(tmp_path, monkeypatch):
    """Shipped svm "2" (default) and "1", own "3" and "10"; return a function that adds own versions."""
    models, data = tmp_path / "models", tmp_path / "data"
    shipped = settings().models_dir / TASK / "task.json"
    (models / TASK).mkdir(parents=True)
    shutil.copy(shipped, models / TASK)
    monkeypatch.setenv("LEUK_MODELS_DIR", str(models))
    monkeypatch.setenv("LEUK_DATA_DIR", str(data))
    settings.cache_clear()

    def add(root, version, **card):
        folder = root / TASK / "svm" / version
        folder.mkdir(parents=True)
        (folder / "recipe.json").write_text("{}")
        files = {"recipe.json": sha256_of(folder / "recipe.json")}
        (folder / "card.json").write_text(json.dumps({"version": version, "files": files, **card}))
        return folder

    add(models, "1")
    add(models, "2", default=True)
    own = data / "models"
    add(own, "2026-01-01.9")
    add(own, "2026-01-01.10")
    yield lambda version: add(own, version)
    monkeypatch.undo()
    settings.cache_clear()


def versions(found):
    return [entry.version for entry in found]


def test_an_own_version_answers_only_by_name_until_it_is_promoted(svm):
    assert versions(list_versions()) == ["2", "1"]
    assert versions(list_candidates(TASK, "svm")) == ["2026-01-01.10", "2026-01-01.9"]
    assert find_version(f"{TASK}/svm").version == "2"
    assert find_version(f"{TASK}/svm@2026-01-01.9").own
    step = promote(f"{TASK}/svm@2026-01-01.9", **WHO)
    assert (step.version, step.before) == ("2026-01-01.9", "2")
    assert find_version().version == find_version(f"{TASK}/svm").version == "2026-01-01.9"
    assert versions(list_versions()) == ["2026-01-01.9", "2", "1"]
    assert [entry.version for entry in list_versions() if entry.card.get("default")] == ["2026-01-01.9"]
    assert versions(list_candidates()) == ["2026-01-01.10"]


def test_each_rollback_takes_one_promotion_back_and_all_steps_stay_on_record(svm):
    promote(f"{TASK}/svm@2026-01-01.9", **WHO)
    promote(f"{TASK}/svm@2026-01-01.10", **WHO)
    assert rolls_back_to(TASK, "svm") == "2026-01-01.9"
    assert rollback(TASK, "svm", **WHO).version == "2026-01-01.9"
    assert current_version(TASK, "svm").version == "2026-01-01.9"
    rollback(TASK, "svm", **WHO)
    assert current_version(TASK, "svm").version == "2"
    with pytest.raises(InvalidData, match="No promotion of this model is left"):
        rollback(TASK, "svm", **WHO)
    assert [(step.what, step.version, step.before) for step in history(TASK, "svm")] == [
        ("promote", "2026-01-01.9", "2"),
        ("promote", "2026-01-01.10", "2026-01-01.9"),
        ("rollback", "2026-01-01.9", "2026-01-01.10"),
        ("rollback", "2", "2026-01-01.9"),
    ]
    assert {step.by for step in history()} == {"Dr. Lin"}
    assert trail.check().n == 4
    assert trail.check().whole


def test_a_step_that_cannot_be_told_in_the_trail_is_not_taken_and_the_other_way_round(svm, monkeypatch):
    def full(step):
        raise InvalidData("No space left. Received: a full disk")

    with monkeypatch.context() as patch:
        patch.setattr("leuk_core.registry.promotions.add", full)
        with pytest.raises(InvalidData, match="No space"):
            promote(f"{TASK}/svm@2026-01-01.9", **WHO)
    assert trail.check().n == 0
    monkeypatch.setenv("LEUK_DATABASE_URL", "postgresql://127.0.0.1:9/nowhere")
    settings.cache_clear()
    with pytest.raises(LeukError, match="database"):
        promote(f"{TASK}/svm@2026-01-01.9", **WHO)
    assert history() == []


def test_a_promotion_needs_a_name_a_reason_and_a_whole_version(svm):
    ref = f"{TASK}/svm@2026-01-01.9"
    with pytest.raises(InvalidParameter, match="`by` must be given"):
        promote(ref, by=" ", reason="better")
    with pytest.raises(InvalidParameter, match="`reason` must be given"):
        promote(ref, by="Dr. Lin", reason="")
    with pytest.raises(ModelUnavailable, match="names the version"):
        promote(f"{TASK}/svm", **WHO)
    with pytest.raises(InvalidData, match="answers already"):
        promote(f"{TASK}/svm@2", **WHO)
    (find_version(ref).folder / "recipe.json").write_text("[]")
    with pytest.raises(ModelUnavailable, match="not the file that the card names"):
        promote(ref, **WHO)
    assert history() == []


def test_a_step_that_was_cut_off_and_a_version_that_is_gone_do_no_harm(svm):
    promote(f"{TASK}/svm@2026-01-01.9", **WHO)
    with promotions_file().open("ab") as file:
        file.write(b'{"at": "2026-')
    promote(f"{TASK}/svm@2026-01-01.10", **WHO)
    assert len(history()) == 2
    shutil.rmtree(find_version(f"{TASK}/svm@2026-01-01.10").folder)
    assert current_version(TASK, "svm").version == "2026-01-01.9"


def test_the_commands_promote_and_roll_back(svm, capsys):
    who = ["--by", "Dr. Lin", "--reason", "fewer blasts missed"]
    assert main(["promote", f"{TASK}/svm@2026-01-01.9", *who]) == 0
    assert json.loads(capsys.readouterr().out)["before"] == "2"
    assert main(["rollback", f"{TASK}/svm", *who]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == "2"
    assert main(["rollback", f"{TASK}/svm", *who]) == 2


def test_an_own_version_speaks_of_the_set_that_it_learnt_from(svm, tmp_path):
    shipped = find_version(f"{TASK}/svm@2")
    assert task_of(shipped) == load_task(TASK)
    folder = tmp_path / "data" / "models" / TASK / "svm" / "2026-01-01.10"
    card = json.loads((folder / "card.json").read_text())
    card["data"] = [{"name": "Ward 7", "cells": {"all": 30, "hem": 10}}]
    (folder / "card.json").write_text(json.dumps(card))
    own = task_of(find_version(f"{TASK}/svm@2026-01-01.10"))
    assert own.words("all") == "resembles the ALL cells of Ward 7"
    assert own.words("hem") == "resembles the normal lymphocytes of Ward 7"
    assert own.training_share == {"all": 0.75, "hem": 0.25}
