"""Real cells and fields decode to their own size without a remark."""

from pathlib import Path

import pytest

from leuk_core.images import decode

SIZES = {"cnmc": (450, 450), "aml_lmu": (400, 400), "pbc_small": (144, 144), "bccd": (640, 480)}


@pytest.mark.real
@pytest.mark.parametrize("source", SIZES)
def test_real_pictures(source: str, test_data: Path) -> None:
    endings = {".jpg", ".jpeg", ".png", ".bmp", ".tiff"}
    found = sorted(path for path in (test_data / source).rglob("*") if path.suffix.lower() in endings)
    for path in found[:3]:
        image = decode(path.read_bytes(), path.name)
        assert ((image.width, image.height), image.notes) == (SIZES[source], ())
    assert found
