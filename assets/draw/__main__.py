"""`python -m assets.draw [FOLDER]`: draw the sample pictures and what they show into a folder (assets/samples)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2

from assets.draw.collection import samples

FOLDER = Path(__file__).resolve().parent.parent / "samples"


def main(folder: Path) -> None:
    """Write every sample as PNG, and `samples.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    told = []
    for sample in samples():
        _, content = cv2.imencode(".png", sample.pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
        (folder / sample.file).write_bytes(content.tobytes())
        told.append(sample.told())
    (folder / "samples.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
