"""Training of networks: one source of batches, killed and gone on, judged as stored, answering as judged."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from unittest.mock import MagicMock

import cv2
import numpy as np
import pytest
from safetensors import safe_open

from leuk_core.errors import InvalidData, InvalidParameter, OutOfMemory
from leuk_core.images import decode
from leuk_core.jobs.faults import sentence
from leuk_core.preprocessing.augment import Augmentation
from leuk_core.settings import settings
from leuk_core.training.networks.changes import Changes, stained
from leuk_core.training.networks.pipeline import PictureBatches
from leuk_core.training.networks.recipes import recipe_of
from leuk_core.training.networks.schedule import Schedule, cell_weights, preset
from leuk_core.training.shown import ShownCells
from leuk_core.zoo import catalogue
from train.__main__ import main

ROOT = settings().models_dir.parent
SIZE = 96
KILLED_AFTER_AN_EPOCH = """
import os, signal, sys
from leuk_core.training.networks import backup
from train.__main__ import main

keep = backup.save

def save_and_die(path, lists, facts):
    keep(path, lists, facts)
    if facts["epoch"] == 1:
        os.kill(os.getpid(), signal.SIGKILL)

backup.save = save_and_die
main(sys.argv[1:])
"""


def draw_cell(rng, large):
    """Return a cell on black: a disc with a darker nucleus and some texture."""
    picture = np.zeros((140, 140, 3), np.float32)
    radius = (46 if large else 34) + int(rng.integers(-3, 4))
    cv2.circle(picture, (70, 70), radius, (150, 110, 170), -1)
    cv2.circle(picture, (70, 70), radius - 9, (95, 50, 120), -1)
    grain = cv2.GaussianBlur(rng.normal(0, 60, picture.shape).astype(np.float32), (0, 0), 2)
    return np.where(picture > 0, np.clip(picture + grain, 20, 255), 0).astype(np.uint8)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A manifest of 20 drawn cells of ten persons."""
    folder = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(5)
    rows = []
    for person in range(10):
        label = "all" if person % 2 else "hem"
        for number in range(2):
            name = f"{label}-{person}-{number}.png"
            cv2.imwrite(str(folder / name), draw_cell(rng, label == "all")[..., ::-1])
            rows.append((name, label, f"p{person}"))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "subject"), *rows])
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, drawn):
    """Folders of our own for runs, caches and models; gives the arguments that all commands share."""
    base = tmp_path_factory.mktemp("networks")
    (base / "models" / "all-vs-normal").mkdir(parents=True)
    task = (ROOT / "models" / "all-vs-normal" / "task.json").read_bytes()
    (base / "models" / "all-vs-normal" / "task.json").write_bytes(task)
    names = {"LEUK_DATA_DIR": "data", "LEUK_CACHE_DIR": "cache", "LEUK_MODELS_DIR": "models"}
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in names.items():
            patch.setenv(name, str(base / folder))
        settings.cache_clear()
        yield base, ["--task", "all-vs-normal", "--data", str(drawn), "--microns-per-pixel", "0.14", "--jobs", "1"]
    settings.cache_clear()


@pytest.fixture(scope="module")
def finished(workplace):
    """A fold of AlexNet that was killed after its first epoch and went on; gives run folder and what was left then."""
    base, shared = workplace
    command = ["cross-validate", *shared, "--model", "alexnet", "--only-fold", "0", "--size", str(SIZE)]
    command += ["--free", "all", "--epochs", "2", "--batch", "8", "--averaging", "0.5"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AFTER_AN_EPOCH, *command],
        check=False,
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        timeout=300,
    )
    assert killed.returncode == -9, killed.stderr.decode()
    run = base / "data" / "runs" / "all-vs-normal-alexnet-by-subject-seed0"
    with safe_open(run / "fold_0" / "backup.safetensors", "numpy") as file:
        left = json.loads(file.metadata()["facts"])
        left["steps"] = int(file.get_tensor("optimizer/00000"))
    assert main(command) == 0
    return run, left, command


def read(path):
    return json.loads(path.read_text("utf-8"))


def test_a_killed_training_goes_on_with_the_next_epoch_and_the_optimizers_state(finished):
    run, left, _ = finished
    history = read(run / "history_fold_0.json")
    assert (left["part"], left["epoch"], left["steps"]) == (0, 1, 2)
    assert history["part"] == ["head", "all", "all"]
    assert history["loss"][0] == left["history"]["loss"][0]
    assert np.isfinite(history["held_out_loss"]).all()
    assert not (run / "fold_0").exists()


def test_a_finished_fold_is_not_trained_again(finished, capsys):
    run, _, command = finished
    before = {path.name: path.stat().st_mtime_ns for path in run.glob("fold_0*")}
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["folds"] == [0]
    assert {path.name: path.stat().st_mtime_ns for path in run.glob("fold_0*")} == before


def test_a_run_of_one_fold_says_which_cells_it_judged(finished):
    run, _, _ = finished
    scores, fold, groups = (np.load(run / f"{name}.npy") for name in ("scores", "fold", "groups"))
    assert np.isfinite(scores[fold == 0]).all()
    assert np.isnan(scores[fold == -1]).all()
    assert not set(groups[fold == 0]) & set(read(run / "fold_0.json")["persons"])
    assert len(np.load(run / "area.npy")) == len(np.load(run / "colour.npy")) == len(scores)


def test_matrices_count_every_judged_cell_once(finished):
    run, _, _ = finished
    matrices, fold = read(run / "matrices.json"), np.load(run / "fold.npy")
    assert np.sum(matrices["all_judged"]) == np.sum(matrices["by_fold"]["0"]) == (fold == 0).sum()


def test_curves_go_to_mlflow_where_it_is_installed(finished, monkeypatch):
    from leuk_core.training.mlflow_export import export_run

    run, _, _ = finished
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(InvalidData, match="MLflow must be installed"):
        export_run(run)
    stub = MagicMock()
    monkeypatch.setitem(sys.modules, "mlflow", stub)
    assert export_run(run) == [f"{run.name}, fold 0"]
    assert stub.log_params.call_args.args[0]["schedule.changes.augmentation.zoom"] == 0.03
    losses = [call for call in stub.log_metric.call_args_list if call.args[0] == "loss"]
    assert [call.kwargs["step"] for call in losses] == [1, 2, 3]


def test_another_schedule_never_mixes_into_a_run_folder(finished, capsys):
    _, _, command = finished
    assert main([*command, "--rate", "0.5"]) == 2
    assert "holds a run that was asked for otherwise" in capsys.readouterr().err


def test_a_version_from_a_fold_answers_what_the_fold_was_judged_by(finished, workplace, drawn, capsys):
    from leuk_core.prediction import load_predictor

    run, _, _ = finished
    base, shared = workplace
    store = ["fit", *shared, "--model", "alexnet", "--from-run", str(run), "--from-fold", "0", "--version", "1"]
    assert main(store) == 0
    card = read(base / "models" / "all-vs-normal" / "alexnet" / "1" / "card.json")
    assert card["warning"] == "Under-trained, 3 epochs."
    assert card["under_trained"]
    groups = np.load(run / "groups.npy")
    assert card["fold"]["persons_not_seen"] == sorted(set(groups[np.load(run / "fold.npy") == 0]))
    predictor = load_predictor("all-vs-normal/alexnet@1")
    scores, fold = np.load(run / "scores.npy"), np.load(run / "fold.npy")
    names = [row["path"] for row in csv.DictReader(drawn.open(newline=""))]
    for place in np.flatnonzero(fold == 0):
        image = decode((drawn.parent / names[place]).read_bytes(), names[place])
        answer = predictor.predict(image, microns_per_pixel=0.14)
        expected = np.exp(scores[place]) / np.exp(scores[place]).sum()
        assert list(answer.probabilities.values()) == pytest.approx(expected, abs=1e-3)
        assert answer.warning == card["warning"]
    capsys.readouterr()
    assert main(store) == 2
    assert "A version is never changed" in capsys.readouterr().err


def test_more_views_of_a_finished_fold_give_an_answer_that_turning_does_not_change(finished, workplace, drawn, capsys):
    from leuk_core.network import Network
    from leuk_core.registry.versions import find_version

    run, _, command = finished
    assert main([*command, "--views", "8"]) == 0
    judged = json.loads(capsys.readouterr().out)["run"]
    assert judged == f"{run}-views8"
    scores, fold = (np.load(f"{judged}/{name}.npy") for name in ("scores", "fold"))
    assert not np.array_equal(scores[fold == 0], np.load(run / "scores.npy")[fold == 0])
    store = ["fit", *workplace[1], "--model", "alexnet", "--from-run", judged, "--from-fold", "0", "--version", "v8"]
    assert main(store) == 0
    network = Network(find_version("all-vs-normal/alexnet@v8"))
    picture = np.random.default_rng(0).random((1, SIZE, SIZE, 3)).astype(np.float32)
    turned = np.ascontiguousarray(np.rot90(picture, axes=(1, 2)))
    assert network.answer(picture)[0] == pytest.approx(network.answer(turned)[0], abs=1e-4)


def test_a_fit_on_all_cells_takes_the_settings_of_the_run_and_fits_into_eight_bits(finished, workplace, capsys):
    from leuk_core.training.networks.store import CHANGED_LABELS

    run, _, _ = finished
    base, shared = workplace
    fit = ["fit", *shared, "--model", "alexnet", "--from-run", str(run), "--version", "2", "--bits", "8"]
    assert main(fit) == 0
    card = read(base / "models" / "all-vs-normal" / "alexnet" / "2" / "card.json")
    assert card["epochs"] == {"head": 1, "all": 2}
    assert card["data"][0]["cells"] == {"all": 10, "hem": 10}
    assert "fold" not in card
    assert card["storage"]["labels_changed"] <= max(1, CHANGED_LABELS * card["storage"]["of"])
    eight = base / "models" / "all-vs-normal" / "alexnet" / "2" / "network.safetensors"
    assert eight.stat().st_size < 0.55 * (run / "fold_0.safetensors").stat().st_size
    assert card["start"]["kind"] == "in-domain"


def test_behind_a_cached_trunk_the_whole_network_gives_the_tails_logits(workplace, capsys):
    base, shared = workplace
    command = ["cross-validate", *shared, "--model", "efficientnet-lite", "--only-fold", "1", "--size", "64"]
    assert main([*command, "--copies", "1", "--epochs", "1", "--head-epochs", "0", "--validation", "0.3"]) == 0
    run = base / "data" / "runs" / "all-vs-normal-efficientnet-lite-by-subject-seed0"
    assert read(run / "fold_1.json")["whole_network_differs_by"] < 1e-3
    assert read(run / "history_fold_1.json")["val_loss"]
    assert len(list((base / "cache" / "trunks").glob("*.npy"))) == 2


@pytest.mark.parametrize("name", ["efficientnet-lite", "centernet"])
def test_trunk_and_tail_together_are_the_network(name):
    from leuk_core.training.networks.split import split, tail_start

    model = catalogue.build(name, 2, SIZE)
    trunk, tail = split(model, tail_start(name, model))
    pictures = np.random.default_rng(0).random((2, SIZE, SIZE, 3)).astype(np.float32)
    whole = catalogue.outputs_of(model, pictures)
    parts = catalogue.outputs_of(tail, trunk(pictures))
    assert len(whole) == len(parts)
    for one, other in zip(whole, parts, strict=True):
        assert np.allclose(one, other, atol=1e-4)
    with pytest.raises(InvalidParameter, match="`layer` must be one at which the network can be cut"):
        split(model, "block12_expand_conv")


@pytest.fixture(scope="module")
def shown():
    """Ten drawn cells brought to form, without the way through files."""
    rng = np.random.default_rng(8)
    pictures = np.array([cv2.resize(draw_cell(rng, bool(i % 2)), (SIZE, SIZE)) for i in range(10)])
    masks = pictures.max(axis=-1) > 0
    return ShownCells("drawn", pictures, masks, [""] * 10, np.ones(10), np.ones((10, 3)), [""] * 10)


def batches_of(shown, batch=4):
    recipe = recipe_of("centernet", SIZE)

    def targets(masks, labels):
        return catalogue.targets("centernet", masks, labels, 2, SIZE)

    labels = np.arange(10) % 2
    changes = preset("cpu").changes
    return PictureBatches(shown, recipe, targets, changes, np.arange(10), labels, batch, seed=3, shuffle=True)


def test_both_readers_of_the_source_give_the_same_arrays(shown):
    from leuk_core.training.networks import pipeline

    source = batches_of(shown)
    one = [[np.asarray(part) for part in batch[1]] + [np.asarray(batch[0])] for batch in pipeline.stream(source, 2)]
    reader = pipeline._keras(source, 2, workers=1)
    other = [[*reader[index][1], reader[index][0]] for index in range(len(reader))]
    assert [len(batch[0]) for batch in one] == [4, 4, 2]
    for first, second in zip(one, other, strict=True):
        # TensorFlow's threads flush numbers under 1e-38 to zero
        assert all(np.allclose(a, b, rtol=0, atol=1e-30) for a, b in zip(first, second, strict=True))
    again = source.at(3, 0)[0]
    assert not np.array_equal(again, source.at(2, 0)[0])
    assert np.array_equal(again, source.at(3, 0)[0])


def test_stain_jitter_changes_the_cell_and_nothing_else(shown):
    picture, mask = shown.sized[0].astype(np.float32) / 255, shown.masks[0]
    changed = stained(picture, mask, np.array([1.2, 1.0, 0.9]), np.array([0.0, 0.1, 0.0]))
    assert np.array_equal(changed[~mask], picture[~mask])
    assert np.allclose(-np.log(changed[mask][:, 1]), -np.log(picture[mask][:, 1]) + 0.1, atol=1e-4)
    changes = Changes(stain_gain=0.2, stain_offset=0.2)
    _, moved = changes.apply(picture, mask, np.random.default_rng(1))
    assert np.array_equal(moved, changes.outline(mask, np.random.default_rng(1)))
    assert abs(moved.sum() / mask.sum() - 1) < 0.15


def test_a_network_never_sees_cells_at_another_scale():
    with pytest.raises(InvalidParameter, match=r"`zoom` must be at most 0.05 for a network"):
        Changes(Augmentation(zoom=0.2))
    windows = {recipe.size * recipe.microns_per_pixel for recipe in (recipe_of("alexnet", size) for size in (96, 227))}
    assert max(windows) - min(windows) < 1e-3


def test_each_class_and_in_it_each_person_counts_alike():
    target = np.array([0] * 6 + [1] * 4)
    groups = np.array(["a"] * 4 + ["b"] * 2 + ["c"] * 2 + ["d"] * 2)
    weights = cell_weights(target, groups, "subjects")
    assert weights.mean() == pytest.approx(1)
    assert weights[:4].sum() == pytest.approx(weights[4:6].sum(), rel=1e-5)
    assert weights[:6].sum() == pytest.approx(weights[6:].sum(), rel=1e-5)


def test_out_of_memory_halves_the_batch_and_goes_on(shown, tmp_path, monkeypatch, capsys):
    import keras

    from leuk_core.training.networks.fit import Trainee, train
    from leuk_core.training.networks.inference import compiled

    model = catalogue.build("alexnet", 2, SIZE, dense_units=4)
    trainee = Trainee("alexnet", model, model, compiled(catalogue.logits_model(model)), 2)
    source = batches_of(shown, batch=8)
    source.targets = lambda masks, labels: [labels]
    fit, calls = keras.Model.fit, []

    def short_of_memory(self, batches, **options):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate")
        return fit(self, batches, **options)

    monkeypatch.setattr(keras.Model, "fit", short_of_memory)
    how = replace(Schedule(), free="all", head_epochs=0, epochs=3, batch=8)
    history = train(trainee, source, how, tmp_path)
    assert history["batch"] == [8, 4, 4]
    assert "Out of memory with 8 pictures a step: going on with 4." in capsys.readouterr().err

    def without_memory(self, batches, **options):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate")

    monkeypatch.setattr(keras.Model, "fit", without_memory)
    with pytest.raises(OutOfMemory, match="Memory ran out with 8, 4, 2 and 1 pictures a step") as told:
        train(trainee, source, how, tmp_path / "none")
    assert sentence(told.value) == str(told.value)


def test_settings_out_of_their_range_are_refused():
    with pytest.raises(InvalidParameter, match=r"`free` must be one of head, tail, all. Received: free='some'"):
        preset("cpu", free="some")
    with pytest.raises(InvalidParameter, match='must be "tail" or "head" behind a cached trunk'):
        preset("cpu", free="all")


def test_a_fold_that_is_not_finished_can_not_be_stored(tmp_path):
    from leuk_core.training.networks.store import fold_of_run

    with pytest.raises(InvalidData, match="`run` must hold the finished fold 3"):
        fold_of_run(tmp_path, 3)
