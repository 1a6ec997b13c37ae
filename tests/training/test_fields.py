"""Sets of fields with boxes, read as their folders hold them."""

import numpy as np
import pytest
from PIL import Image

from leuk_core.errors import InvalidData
from train import fields

XML = """<annotation><object><name>WBC</name><bndbox><xmin>4</xmin><ymin>5</ymin><xmax>20</xmax><ymax>25</ymax></bndbox>
</object><object><name>RBC</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>
</annotation>"""


def test_bccd_gives_white_cells_of_its_own_lists(tmp_path):
    for name in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "ImageSets/Main/val.txt").write_text("a\n")
    (tmp_path / "Annotations/a.xml").write_text(XML)
    Image.new("RGB", (32, 32), (220, 200, 210)).save(tmp_path / "JPEGImages/a.jpg")
    (field,) = fields.bccd(tmp_path, "val")
    assert field.boxes.tolist() == [[4, 5, 20, 25]]
    assert field.cells == ("WBC",)
    assert field.picture().width == 32
    with pytest.raises(InvalidData, match=r"test\.txt"):
        fields.bccd(tmp_path, "test")


def test_txl_gives_one_source_and_part_and_fields_without_white_cells_too(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "path,label,source,split,x0,y0,x1,y1\na.jpg,WBC,raabin,test,1,2,3,4\na.jpg,RBC,raabin,test,5,5,6,6\n"
        "b.jpg,RBC,raabin,test,5,5,6,6\nc.jpg,WBC,raabin,train,1,2,3,4\nd.jpg,WBC,bcd,test,1,2,3,4\n"
    )
    found = fields.txl(tmp_path, "raabin", "test")
    assert [field.path.name for field in found] == ["a.jpg", "b.jpg"]
    assert [field.boxes.shape for field in found] == [(1, 4), (0, 4)]


def test_leukemia_fields_carry_their_subject_and_what_each_cell_is_called(tmp_path):
    (tmp_path / "manifest.csv").write_text("path,cell,subject,x0,y0,x1,y1\na.jpg,lymphoblast,s1,1,2,3,4\n")
    (field,) = fields.leukemia(tmp_path)
    assert (field.subject, field.cells) == ("s1", ("lymphoblast",))
    assert np.array_equal(field.boxes, [[1, 2, 3, 4]])
    with pytest.raises(InvalidData, match=r"manifest\.csv"):
        fields.leukemia(tmp_path / "none")
