"""The picture as everything behind the decoder sees it."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a person should know about a picture, such as "frame 1 of 3"."""

    code: str
    text: str


@dataclass(frozen=True)
class SmearImage:
    """A decoded picture: upright, 8-bit RGB, without anything else that the file carried.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 3), uint8
        RGB. Made read-only.
    name : str
        File name as received; shown on the screen only, never logged or exported unless asked for.
    file_sha256 : str
        Hash of the bytes received.
    format : str
        What the content is, such as "PNG" or "DICOM".
    notes : tuple of Note
        What was done to the picture that a person should know.
    microns_per_pixel : float or None
        Scale from the file's own metadata; None where it is not known.
    """

    pixels: np.ndarray
    name: str
    file_sha256: str
    format: str = "array"
    notes: tuple[Note, ...] = field(default=())
    microns_per_pixel: float | None = None

    def __post_init__(self) -> None:
        self.pixels.setflags(write=False)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @cached_property
    def pixels_sha256(self) -> str:
        """Identity of the picture: SHA-256 over "height x width" and the RGB bytes."""
        head = f"{self.height}x{self.width}:".encode()
        return hashlib.sha256(head + np.ascontiguousarray(self.pixels).tobytes()).hexdigest()
