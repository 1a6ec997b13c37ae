"""Small sets on disk, in the layouts as they are published."""

from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def picture():
    """Write a different small picture at each call."""
    rng = np.random.default_rng(0)

    def write(path, pixels=None):
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if pixels is None:
            pixels = rng.integers(0, 255, (24, 24, 3), np.uint8)
        assert cv2.imwrite(str(path), pixels[:, :, ::-1])
        return path

    return write


@pytest.fixture
def cnmc(tmp_path, picture):
    """Two folds in the layout of C-NMC."""
    root = tmp_path / "C-NMC_training_data"
    for fold, subjects in (("fold_0", ("1", "H3")), ("fold_1", ("2", "H10"))):
        for subject in subjects:
            label = "hem" if subject[0] == "H" else "all"
            for cell in (1, 2, 10):
                picture(root / fold / label / f"UID_{subject}_4_{cell}_{label}.bmp")
    return root
