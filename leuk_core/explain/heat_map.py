"""A heat map: which parts of one picture one model's answer rests on."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from leuk_core.explain.lattice import Lattice, onto_original

NOT_PROOF = "Shows influence on the answer, not proof."


@dataclass(frozen=True)
class HeatMap:
    """What a method found for one model, one picture and one class.

    Parameters
    ----------
    raw : ndarray of shape (rows, columns), float32, at least 0
        As the method gave it, in the layer's own places. All 0 where nothing is positive.
    lattice : Lattice
        Where these places lie on the final picture.
    mask : ndarray of shape (size, size), bool
        Where the map holds: the cell for occlusion and saliency, everything for other methods.
    window : tuple of float
        (left, top, right, bottom) of the final picture on the original, in pixels.
    original : tuple of int
        Height and width of the original.
    model : str
        Full reference of the model.
    method : str
        One of `leuk_core.explain.METHODS`.
    title : str
        The method's name for people.
    where : str
        "layer block11_expand_relu", or the grid, for people.
    label : str or None
        Class id that is explained; None where no cell was found.
    words : str
        The class in words.
    probability : float or None
        Calibrated, of this class.
    milliseconds : float
        From decoded picture to map.
    problem : str
        Why there is no map at all, such as a picture without a cell; "" otherwise.
    """

    raw: np.ndarray
    lattice: Lattice
    mask: np.ndarray
    window: tuple[float, float, float, float]
    original: tuple[int, int]
    model: str
    method: str
    title: str
    where: str
    label: str | None
    words: str
    probability: float | None
    milliseconds: float
    problem: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing on the picture speaks for the class, so that there is nothing to draw."""
        return not self.raw.any()

    @property
    def note(self) -> str:
        """What to say in place of an empty map; "" where there is one."""
        if not self.empty:
            return ""
        if self.problem:
            return self.problem
        if self.method == "occlusion":
            return f"No positive evidence: covering no single part of the cell makes “{self.words}” less probable."
        return f"No positive evidence: {self.title} finds no part that speaks for “{self.words}”."

    @property
    def caption(self) -> str:
        """One line to stand under the map, wherever it is shown or stored."""
        if self.problem:
            return f"{self.title}: {self.problem}"
        found = " No positive evidence." if self.empty else ""
        return f"{self.title}, {self.where}, for “{self.words}”.{found} {NOT_PROOF}"

    @cached_property
    def on_seen(self) -> np.ndarray:
        """The map on the final picture, (size, size), float32 in [0, 1]: 1 at its hottest, 0 where nothing speaks."""
        spread = self.lattice.spread(self.raw, len(self.mask)) * self.mask
        hottest = spread.max(initial=0.0)
        found = spread / hottest if hottest > 0 else np.zeros_like(spread)
        found.setflags(write=False)
        return np.asarray(found)

    def on_original(self, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """Return the map on the original picture, float32 in [0, 1].

        Parameters
        ----------
        shape : tuple of int or None
            Height and width (and whatever follows) of the copy of the original to lay it over; None for its own size.

        Returns
        -------
        ndarray of shape (height, width)
            0 where the model saw nothing.
        """
        height, width = (shape or self.original)[:2]
        return onto_original(self.on_seen, self.window, self.original, (height, width))

    def npy(self) -> bytes:
        """Return the raw map as the bytes of a NumPy file, float32."""
        buffer = io.BytesIO()
        np.save(buffer, self.raw, allow_pickle=False)
        return buffer.getvalue()

    def csv(self) -> bytes:
        """Return the raw map as CSV, UTF-8: a line for each place with its middle on the original, in pixels."""
        rows, columns = self.raw.shape
        left, top, right, bottom = self.window
        size = len(self.mask)
        x = left + (self.lattice.left + np.arange(columns) * self.lattice.step_x + 0.5) * (right - left) / size
        y = top + (self.lattice.top + np.arange(rows) * self.lattice.step_y + 0.5) * (bottom - top) / size
        lines = ["row,column,x,y,value"]
        for row in range(rows):
            lines += [
                f"{row},{column},{x[column]:.1f},{y[row]:.1f},{self.raw[row, column]:.6g}" for column in range(columns)
            ]
        return ("\n".join(lines) + "\n").encode()
