"""What was measured on other sets is told as it is."""

from train.limits import DRAWN, sentences


def test_few_labels_on_other_sets_lead_to_a_plain_sentence_and_many_do_not():
    drawn = {DRAWN: {"blank": (0, 4)}}
    few = sentences({"PBC": {"lymphocyte": (1, 50), "monocyte": (0, 50)}, **drawn}, {"lymphocyte"})
    assert few[0].startswith("1 of 100 cells of other sets (PBC) got a label")
    assert "training cells only" in few[0]
    assert few[1].startswith("0 of 50 cells other than lymphocyte of PBC")
    assert few[2].startswith("1 of 50 cells of the class lymphocyte of PBC")
    assert few[3].startswith("0 of 4 drawn pictures without a cell")
    many = sentences({"PBC": {"monocyte": (40, 50)}}, set())
    assert many[0].startswith("40 of 50")
    assert "training cells only" not in many[0]
