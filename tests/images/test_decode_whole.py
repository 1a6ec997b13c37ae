"""Half a file, a changed byte, a bomb, many threads: a picture or one sentence, and nothing else."""

import contextlib
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leuk_core import PROJECT_ROOT
from leuk_core.errors import RejectedPicture
from leuk_core.images import decode
from tests.images.picture_makers import every_form

FORMS = every_form()
# What the decoder silences for good, pytest switches on again around each test.
quiet = pytest.mark.filterwarnings("ignore::UserWarning")


@quiet
@pytest.mark.parametrize("form", FORMS)
def test_a_cut_file_is_refused_wherever_it_is_cut(form: str) -> None:
    data = FORMS[form]
    decode(data, form)
    wanting = {1, 2, 3, 5, 8, 13, *(len(data) * percent // 100 for percent in (1, 2, 3, 5, 10, 25, 50, 90))}
    if form.startswith("dicom-") and form.endswith(("jpeg", "lengths")):
        wanting -= {1, 2, 3, 5, 8}  # the closing delimiter, after the last byte of the picture
    for missing in sorted(wanting):
        with pytest.raises(RejectedPicture, match=r"damaged or cut off|not a picture|variant"):
            decode(data[:-missing], form)


@quiet
@pytest.mark.parametrize("form", FORMS)
def test_damaged_bytes_lead_to_a_picture_or_to_a_sentence(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    draw = random.Random(form)  # noqa: S311 (no secret)
    for _ in range(60):
        data = bytearray(FORMS[form])
        reach = len(data) if draw.random() < 0.5 else min(len(data), 300)
        for _ in range(draw.choice((1, 2, 8))):
            data[draw.randrange(reach)] = draw.choice((0, 1, 127, 255, draw.randrange(256)))
        if draw.random() < 0.2:
            del data[draw.randrange(len(data)) :]
        with contextlib.suppress(RejectedPicture):
            assert decode(bytes(data), form).pixels.shape[2] == 3
    printed = capfd.readouterr()
    assert not printed.out
    if not form.startswith("tiff"):  # libtiff names what it stumbled over on standard error
        assert not printed.err


BOMBS = """
import resource, struct, sys
from PIL import Image
sys.path.append(sys.argv[1])
import picture_makers
from leuk_core.errors import RejectedPicture
from leuk_core.images import decode

def patched(data, *changes):
    data = bytearray(data)
    for place, form, *values in changes:
        struct.pack_into(form, data, place, *values)
    return bytes(data)

forms = picture_makers.every_form()
jpeg, jp2 = forms["jpeg"], forms["jpeg2000-codestream"]
gif = forms["gif"]
bombs = {
    "PNG": picture_makers.saved(Image.new("1", (30000, 30000)), "PNG"),
    "WebP": picture_makers.saved(Image.new("RGB", (16000, 16000)), "WEBP", lossless=True, method=0),
    "JPEG": patched(jpeg, (jpeg.index(b"\\xff\\xc0") + 5, ">HH", 65000, 65000)),
    "JPEG 2000": patched(jp2, (8, ">II", 60000, 60000), (24, ">II", 60000, 60000)),
    "GIF screen": patched(gif, (6, "<HH", 65000, 65000)),
    "GIF frame": patched(gif, (gif.index(b"\\x2c\\0\\0\\0\\0") + 5, "<HH", 65000, 65000)),
    "BMP": patched(forms["bmp"], (18, "<ii", 60000, 60000)),
    "DICOM": picture_makers.dicom(picture_makers.cell(), Rows=65000, Columns=65000),
    "DICOM, JPEG inside": picture_makers.dicom(
        picture_makers.cell(), syntax="1.2.840.10008.1.2.4.50", PhotometricInterpretation="YBR_FULL_422",
        encoded=[patched(jpeg, (jpeg.index(b"\\xff\\xc0") + 5, ">HH", 65000, 65000))]),
    "TIFF": patched(forms["tiff"], *((forms["tiff"].index(struct.pack("<HHI", tag, kind, 1)) + 8, "<I", 65000)
                                     for tag, kind in ((256, 4), (257, 4)))),
}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name, bomb in bombs.items():
    try:
        decode(bomb, name)
        print("accepted", name)
    except RejectedPicture as refusal:
        if "megapixels" not in str(refusal) and name != "DICOM, JPEG inside":
            print(name, refusal)
print("grown by", (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024 > 64)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads its memory as Linux counts it")
def test_bombs_are_refused_before_they_take_memory() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", BOMBS, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT_ROOT,
    )
    assert (ran.stdout, ran.stderr) == ("grown by False\n", "")


def test_many_threads_see_the_same_pictures() -> None:
    expected = {form: decode(data, form).pixels_sha256 for form, data in FORMS.items()}
    with ThreadPoolExecutor(8) as pool:
        work = [(form, pool.submit(decode, FORMS[form], form)) for form in list(FORMS) * 6]
        assert all(job.result().pixels_sha256 == expected[form] for form, job in work)
