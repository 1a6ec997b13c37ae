"""Pictures of cases: PNG files below data/pictures, each named by the hash of its pixels, kept once."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

import cv2
from sqlalchemy import select

from leuk_core.cases import trail
from leuk_core.cases.schema import FIELDS, transaction
from leuk_core.errors import InvalidData, InvalidParameter
from leuk_core.images import SmearImage, decode
from leuk_core.private import make_private
from leuk_core.settings import settings


def pictures_dir() -> Path:
    """Return the folder of all pictures."""
    return settings().data_dir / "pictures"


def picture_file(pixels_sha256: str) -> Path:
    """Return where the picture of a hash lies.

    Raises
    ------
    InvalidParameter
        If it is no such hash.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", pixels_sha256):
        raise InvalidParameter(f"`pixels_sha256` must be 64 hexadecimal digits. Received: {pixels_sha256[:80]!r}")
    return pictures_dir() / pixels_sha256[:2] / f"{pixels_sha256}.png"


def as_png(image: SmearImage) -> bytes:
    """Return the pixels as a PNG file, without anything else that the picture's file carried."""
    written, data = cv2.imencode(".png", image.pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not written:
        raise InvalidData(f"The picture can't be written as PNG. Received: {image.height} x {image.width} pixels")
    return bytes(data)


def store_picture(pixels_sha256: str, png: bytes) -> None:
    """Keep a picture so that it outlives a power cut; called while `trail.hold` keeps sweepers off."""
    path = picture_file(pixels_sha256)
    if path.exists():
        return
    make_private(pictures_dir())
    path.parent.mkdir(exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(png)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)  # noqa: PTH105 - the atomic one
    finally:
        unfinished.unlink(missing_ok=True)
    if os.name == "posix":
        _sync(path.parent)


def load_picture(pixels_sha256: str, name: str = "") -> SmearImage:
    """Return a kept picture.

    Raises
    ------
    InvalidData
        If its file is gone, or its pixels are others.
    """
    path = picture_file(pixels_sha256)
    try:
        image = decode(path.read_bytes(), name or path.name)
    except OSError as error:
        raise InvalidData(
            f"The picture of this field can't be read: restore data/pictures from a backup. Received: {error.strerror} "
            f"for {path.name}"
        ) from error
    if image.pixels_sha256 != pixels_sha256:
        raise InvalidData(
            "The picture of this field was changed after it was kept: restore data/pictures from a backup. "
            f"Received: pixels {image.pixels_sha256[:12]}, kept were {pixels_sha256[:12]}"
        )
    return image


def sweep_pictures() -> int:
    """Delete the files that no field needs, such as those of deleted cases; return how many there were."""
    with transaction() as connection:
        trail.hold(connection)
        needed = set(connection.execute(select(FIELDS.c.pixels_sha256).distinct()).scalars())
        spare = [path for path in pictures_dir().glob("??/*") if path.name.removesuffix(".png") not in needed]
        for path in spare:
            path.unlink(missing_ok=True)
    return len(spare)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
