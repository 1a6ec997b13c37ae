"""Named recipes on disk."""

import json

import pytest

from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.preprocessing.logmh import LoGMH
from leuk_core.preprocessing.recipe import Recipe
from leuk_core.preprocessing.shelf import Shelf


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "recipes")


def test_what_was_kept_comes_back_with_its_name_and_the_same_hash(shelf):
    recipe = Recipe(logmh=LoGMH(1.7, 1, 4, "luminance", "percentiles", (1, 98), masked=True), stain="none")
    shelf.save(recipe, "strong chromatin")
    again = Shelf(shelf.folder).load("strong chromatin")
    assert again.name == "strong chromatin"
    assert again.hash == recipe.hash


def test_names_are_listed_in_order_and_deleted_ones_are_gone(shelf):
    assert shelf.names() == []
    for name in ("zebra", "Äpfel 2", "Bone (63x)"):
        shelf.save(Recipe(), name)
    assert shelf.names() == ["Bone (63x)", "zebra", "Äpfel 2"]
    shelf.delete("zebra")
    assert shelf.names() == ["Bone (63x)", "Äpfel 2"]


def test_the_same_name_in_another_case_replaces(shelf):
    shelf.save(Recipe(logmh=LoGMH(beta=2)), "Chromatin")
    shelf.save(Recipe(logmh=LoGMH(beta=3)), "chromatin")
    assert shelf.names() == ["chromatin"]
    assert shelf.load("CHROMATIN").logmh.beta == 3


def test_names_that_look_alike_as_file_names_stay_apart(shelf):
    shelf.save(Recipe(logmh=LoGMH(beta=2)), "a b")
    shelf.save(Recipe(logmh=LoGMH(beta=3)), "a-b")
    assert shelf.load("a b").logmh.beta == 2


@pytest.mark.parametrize("name", ["", "   ", "../up", "a/b", "a\\b", "a\nb\x00", "...", "<b>", "x" * 61])
def test_names_that_could_leave_the_folder_or_the_page_are_refused(shelf, name):
    with pytest.raises(InvalidParameter, match="A name must be 1 to 60 letters"):
        shelf.save(Recipe(), name)
    assert not shelf.folder.exists()


def test_reserved_file_names_of_windows_are_no_trouble(shelf):
    shelf.save(Recipe(), "con")
    assert [path.stem.split("-")[0] for path in shelf.folder.iterdir()] == ["con"]
    assert next(shelf.folder.iterdir()).stem != "con"


def test_a_broken_file_is_told_of_and_hides_no_other(shelf):
    shelf.save(Recipe(), "good")
    (shelf.folder / "bad.json").write_text("{", encoding="utf-8")
    (shelf.folder / "older.json").write_text(json.dumps({"format": 99}), encoding="utf-8")
    assert shelf.names() == ["good"]
    first, second = shelf.unreadable()
    assert first.startswith("The kept setting bad.json can't be read")
    assert "format=99" in second


def test_nothing_but_the_recipe_is_left_in_the_folder(shelf):
    shelf.save(Recipe(), "one")
    shelf.save(Recipe(), "one")
    assert len(list(shelf.folder.iterdir())) == 1


def test_an_unknown_name_is_refused(shelf):
    with pytest.raises(InvalidParameter, match=r"Received: name='nothing'"):
        shelf.load("nothing")


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InvalidData, match="The setting can't be kept"):
        Shelf(tmp_path / "file" / "recipes").save(Recipe(), "one")
