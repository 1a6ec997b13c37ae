"""The paper's seven augmentations (section 3.3): brightness, padding, flips, translation, rotation, zoom, crop.

They work on the finished picture, after LoGMH: its normalisation would undo a change of brightness made before it.
Cell size is evidence, so whatever changes it (padding, zoom, crop) stays within a few percent by default.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from leuk_core.errors import InvalidParameter

NAMES = ("brightness", "padding", "flips", "translation", "rotation", "zoom", "crop")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawn set of changes; the neutral values are the defaults.

    Parameters
    ----------
    brightness : float
        Factor on the values, within the cell's range.
    padding : float
        Share of the side added as ground on each side before the picture is brought back to its size.
    flip_horizontal, flip_vertical : bool
        Mirrored left to right, top to bottom.
    shift_x, shift_y : float
        Translation as a share of the side.
    angle : float
        Rotation in degrees, counter-clockwise.
    zoom : float
        Factor on the size of the cell.
    crop : float
        Share of the side cut away before the picture is brought back to its size.
    crop_x, crop_y : float
        Where the crop lies, from -1 (left, top) to 1 (right, bottom).
    """

    brightness: float = 1.0
    padding: float = 0.0
    flip_horizontal: bool = False
    flip_vertical: bool = False
    shift_x: float = 0.0
    shift_y: float = 0.0
    angle: float = 0.0
    zoom: float = 1.0
    crop: float = 0.0
    crop_x: float = 0.0
    crop_y: float = 0.0

    def matrix(self, size: int) -> np.ndarray:
        """Return the 2x3 matrix that takes pixel positions of the original to those of the result."""
        scale = self.zoom / (1.0 + 2.0 * self.padding) / (1.0 - self.crop)
        radians = np.deg2rad(self.angle)
        turn = scale * np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]])
        turn = turn @ np.diag([-1.0 if self.flip_horizontal else 1.0, -1.0 if self.flip_vertical else 1.0])
        middle = (size - 1) / 2
        shift = np.array([self.shift_x, self.shift_y]) - 0.5 * self.crop * np.array([self.crop_x, self.crop_y])
        offset = middle - turn @ [middle, middle] + shift * size
        return np.column_stack([turn, offset])

    def apply(self, picture: np.ndarray, ground: float | None = None) -> np.ndarray:
        """Return the changed picture.

        Parameters
        ----------
        picture : ndarray of shape (size, size, 3), float32 in [0, 1]
            After LoGMH.
        ground : float or None
            Value of new ground; None takes the median of the picture's border.
        """
        size = picture.shape[0]
        border = ground_of(picture) if ground is None else (ground,) * 3
        moved = cv2.warpAffine(
            picture, self.matrix(size), (size, size), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT, borderValue=border,
        )  # fmt: skip
        if self.brightness != 1.0:
            np.multiply(moved, np.float32(self.brightness), out=moved)
            np.clip(moved, 0.0, 1.0, out=moved)
        return moved


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Ranges to draw from; 0 (or False) switches a change off.

    Parameters
    ----------
    brightness : float
        Largest relative change, 0 to 0.9.
    padding, translation, zoom, crop : float
        Largest change as a share of the side or of the size, 0 to 0.5.
    flips : bool
        Both mirror images, each in half of the draws.
    rotation : float
        Largest angle in degrees, 0 to 180.

    Examples
    --------
    >>> bool(Augmentation().draw(np.random.default_rng(7)) == Augmentation().draw(np.random.default_rng(7)))
    True
    """

    brightness: float = 0.15
    padding: float = 0.01
    flips: bool = True
    translation: float = 0.04
    rotation: float = 180.0
    zoom: float = 0.03
    crop: float = 0.02

    def __post_init__(self) -> None:
        limits = {"brightness": 0.9, "padding": 0.5, "translation": 0.5, "zoom": 0.5, "crop": 0.5, "rotation": 180.0}
        for name, highest in limits.items():
            value = getattr(self, name)
            if not 0 <= value <= highest:
                raise InvalidParameter(f"`{name}` must be from 0 to {highest}. Received: {name}={value}")

    def draw(self, rng: np.random.Generator) -> Drawn:
        """Draw one set of changes."""
        low_high = rng.uniform(-1.0, 1.0, 8)
        mirrored = rng.random(2) < 0.5
        return Drawn(
            brightness=1.0 + self.brightness * low_high[0],
            padding=self.padding * abs(low_high[1]),
            flip_horizontal=bool(self.flips and mirrored[0]),
            flip_vertical=bool(self.flips and mirrored[1]),
            shift_x=self.translation * low_high[2],
            shift_y=self.translation * low_high[3],
            angle=self.rotation * low_high[4],
            zoom=1.0 + self.zoom * low_high[5],
            crop=self.crop * abs(low_high[6]),
            crop_x=low_high[7],
            crop_y=low_high[6],
        )

    def only(self, name: str) -> Augmentation:
        """Return the same ranges with every change but `name` switched off."""
        if name not in NAMES:
            raise InvalidParameter(f"`name` must be one of {', '.join(NAMES)}. Received: name={name!r}")
        off = {entry: (False if entry == "flips" else 0.0) for entry in NAMES if entry != name}
        return Augmentation(**{**{entry: getattr(self, entry) for entry in NAMES}, **off})


def drawn_copies(count: int, seed: int, first: int = 0, ranges: Augmentation | None = None) -> list[Drawn]:
    """Return draws number `first` to `first + count` of a seed: each is the same however many are asked for.

    Parameters
    ----------
    count, first : int
        How many, and from which on.
    seed : int
        At least 0.
    ranges : Augmentation or None
        What to draw from; None takes the paper's seven changes in their default ranges.

    Examples
    --------
    >>> drawn_copies(3, seed=7)[2] == drawn_copies(1, seed=7, first=2)[0]
    True
    """
    drawn_from = Augmentation() if ranges is None else ranges
    return [drawn_from.draw(np.random.default_rng([seed, number])) for number in range(first, first + count)]


def ground_of(picture: np.ndarray) -> tuple[float, float, float]:
    """Return the median colour of the outermost ring of a picture (height, width, 3)."""
    ring = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    red, green, blue = np.median(ring, axis=0)
    return float(red), float(green), float(blue)
