"""The walls of the house: who may import whom, who may open image bytes, and what the first page must not load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OPENERS = {
    "cv2.imread",
    "cv2.imreadmulti",
    "cv2.imdecode",
    "cv2.imdecodemulti",
    "cv2.VideoCapture",
    "PIL.Image.open",
    "Image.open",
    "imageio.imread",
    "tifffile.imread",
    "tifffile.TiffFile",
    "pydicom.dcmread",
    "dcmread",
    "matplotlib.image.imread",
    "tensorflow.io.decode_image",
    "tf.io.decode_image",
    "keras.utils.load_img",
}


def sources(*folders: str) -> list[Path]:
    """Return the Python files below these folders of the project."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    """Return the absolute names of the modules that a syntax tree imports, at whatever depth."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def calls(tree: ast.AST) -> set[str]:
    """Return the dotted names that a syntax tree uses, written with the full names of what it imported."""
    full: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full |= {alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
                     for alias in node.names}  # fmt: skip
        elif isinstance(node, ast.ImportFrom) and node.module:
            full |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, _, rest = ast.unparse(node).partition(".")
            used.add(full.get(first, first) + ("." + rest if rest else ""))
    return used


def test_openers_are_found_under_any_name():
    source = (
        "import cv2 as c\nfrom PIL import Image as Picture\nfrom pydicom import dcmread as read\n"
        "c.imdecode(b'', 1)\nPicture.open('x')\nread('y')\n"
    )
    assert calls(ast.parse(source)) & OPENERS == {"cv2.imdecode", "PIL.Image.open", "pydicom.dcmread"}


@pytest.mark.parametrize(
    "path", sources("leuk_core", "train", "pages", "components"), ids=lambda p: str(p.relative_to(ROOT))
)
def test_only_the_decoder_opens_image_bytes(path):
    if (ROOT / "leuk_core" / "images") in path.parents:
        return
    opened = calls(ast.parse(path.read_text(encoding="utf-8"))) & OPENERS
    assert not opened, f"{path.relative_to(ROOT)} opens image bytes itself ({opened}); call leuk_core.images.decode"


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("leuk_core", {"streamlit", "pages", "components", "train", "app", "start"}),
        ("train", {"streamlit", "pages", "components", "app", "start"}),
        ("components", {"pages", "app", "start"}),
        ("pages", {"train", "app", "start"}),
    ],
)
def test_walls_hold_inside_functions_too(folder, forbidden):
    for path in sources(folder):
        crossed = {name.split(".")[0] for name in imported(ast.parse(path.read_text(encoding="utf-8")))} & forbidden
        assert not crossed, f"{path.relative_to(ROOT)} imports {crossed}"


def test_import_contracts_hold():
    check = "from importlinter.cli import lint_imports_command as check; check()"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def loaded_after(statements: str) -> set[str]:
    """Run statements in a fresh Python and return the top-level modules that it then holds."""
    report = "\nimport sys\nprint('\\nMODULES', *sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", statements + report], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rsplit("MODULES", 1)[1].split())


def test_the_library_loads_without_tensorflow_and_streamlit():
    assert not loaded_after("import leuk_core") & {"tensorflow", "keras", "streamlit", "cv2", "sklearn"}


def test_the_decoder_and_logmh_load_without_tensorflow():
    assert not loaded_after("import leuk_core.images, leuk_core.preprocessing") & {"tensorflow", "keras", "streamlit"}


def test_the_first_page_loads_without_what_only_answers_need():
    statements = (
        "from components import models\n"
        "models.WarmUp.start = lambda self, ref: None  # it begins once the page stands\n"
        "from streamlit.testing.v1 import AppTest\n"
        "page = AppTest.from_file('app.py', default_timeout=60).run()\n"
        "assert not page.exception, page.exception\n"
        "assert page.main.children, 'an empty page'"
    )
    assert not loaded_after(statements) & {"tensorflow", "keras", "sklearn", "sqlalchemy"}
