"""Stages of the pictures that were looked at last: several models on one recipe prepare a cell once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from functools import lru_cache

from leuk_core.images import SmearImage
from leuk_core.preprocessing.recipe import Recipe, Stages

MOST_PICTURES = 64
MOST_BYTES = 128_000_000
LAST = ("size", "logmh")

_Key = tuple[str, str, float | None, float | None]


class KeptStages:
    """Stages by picture, recipe and scale; the oldest go first. Safe to call from several threads.

    Parameters
    ----------
    most : int
        Entries that are kept.
    most_bytes : int
        Bytes of their arrays, all together; a picture that alone takes more is prepared anew each time.

    Notes
    -----
    A recipe's scaling comes after its stages, so that recipes which differ in nothing else share them. Of the pictures
    only those are held that a model is shown: a large original does not stay in memory through this.
    """

    def __init__(self, most: int = MOST_PICTURES, most_bytes: int = MOST_BYTES) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self._held: OrderedDict[_Key, Stages] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def of(self, recipe: Recipe, image: SmearImage, microns_per_pixel: float | None = None) -> Stages:
        """Return `recipe.stages(image, microns_per_pixel)` with its last two pictures alone, which are read-only.

        Parameters
        ----------
        recipe : Recipe
            What is done to the picture.
        image : SmearImage
            The decoded picture.
        microns_per_pixel : float or None
            Scale given by a person.
        """
        key = (image.pixels_sha256, replace(recipe, scaling="unit").hash, microns_per_pixel, image.microns_per_pixel)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        found = recipe.stages(image, microns_per_pixel)
        found = replace(found, pictures={name: found.pictures[name] for name in LAST})
        for picture in found.pictures.values():
            picture.setflags(write=False)
        self._keep(key, found)
        return found

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
            self._bytes = 0

    def _keep(self, key: _Key, found: Stages) -> None:
        size = _bytes(found)
        if size > self.most_bytes:
            return
        with self._lock:
            if key in self._held:
                return
            self._held[key] = found
            self._bytes += size
            while len(self._held) > self.most or self._bytes > self.most_bytes:
                _, gone = self._held.popitem(last=False)
                self._bytes -= _bytes(gone)


def _bytes(stages: Stages) -> int:
    own = sum(picture.nbytes for picture in stages.pictures.values())
    return own + stages.cutout.mask.nbytes + stages.mask.nbytes


@lru_cache(maxsize=1)
def kept_stages() -> KeptStages:
    """Return the one memory of this process; `kept_stages().clear()` empties it."""
    return KeptStages()
