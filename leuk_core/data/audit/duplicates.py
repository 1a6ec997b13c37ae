"""Duplicates: the same cell on two pictures, however turned, mirrored, shifted, zoomed, brightened or re-encoded.

Hashes for copies (pHash and its kin, as in imagededup) miss turned copies and take one cell on black for every other.
So candidates come from angular spectra of the cell's texture, which turning and mirroring leave alone, and each
candidate is confirmed by laying one texture upon the other.

Thresholds lie in the gaps of measured scores. Cut-out cells (C-NMC, 6,150 cells): other cells score up to 0.62; the
same cell, photographed again at another focus, from 0.68 with 644 of 647 pairs above 0.72; all pairs between subjects
and all pairs from 0.56 to 0.81 were looked at. Raw crops (PBC, 3,800 pictures and 600 altered copies): other cells have
surroundings alike as far as 0.69, copies from 0.84.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from joblib import Parallel, delayed

from leuk_core.data.audit.look import ANGLES, SIDE, WIDE, Look, Texture
from leuk_core.data.cells import Progress

CUT_OUT_ALIKE = 0.66
"""Texture of two cut-out cells must correlate this much to be the same cell."""

RAW_ALIKE, SURROUNDINGS_ALIKE = 0.62, 0.82
"""Texture around the nuclei of two raw crops must correlate this much, and their surroundings that much."""

ENOUGH_STRUCTURE, RAW_ALONE = 0.15, 0.70
"""Surroundings with less structure than this (share of the map) prove little: texture must then correlate this much."""

ACROSS_SUBJECTS_ALIKE = 0.75
"""Texture of cut-out cells under two subject ids must correlate this much: what follows from it, joining two persons,
weighs more."""

NEIGHBOURS = 20
LIKELY = 0.55
MOST_PAIRS = 30_000
"""Neighbours asked for each picture, turned correlation of a candidate, and candidates laid upon each other at most."""

_PATCH = 17  # side of the window in which correlation is measured, in pixels of a texture map
_FLOOR = 0.05  # variance that is added to each, so that even windows count as unlike
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
_MIDDLE = (SIDE - 1) / 2


@dataclass(frozen=True, slots=True)
class Match:
    """Two pictures of the same cell.

    Parameters
    ----------
    first, second : int
        Positions of the pictures, `first < second`.
    score : float
        Correlation of texture, 1 for identical pixels.
    turned : float
        Degrees, clockwise, by which the second is turned, -180 to 180.
    mirrored : bool
        Whether the second is mirrored (top to bottom, before it is turned).
    zoomed, brighter : float
        How many times the second is as large and as bright.
    """

    first: int
    second: int
    score: float
    turned: float = 0.0
    mirrored: bool = False
    zoomed: float = 1.0
    brighter: float = 1.0

    @property
    def altered(self) -> bool:
        """Whether the second was turned, mirrored or zoomed, as augmentation does and a second photograph does not."""
        return self.mirrored or abs(self.turned) > 8 or not 0.92 < self.zoomed < 1.09


def exact_matches(looks: Sequence[Look]) -> list[Match]:
    """Return pairs with the same pixels; of many equal pictures, the first with each other one."""
    first_of: dict[str, int] = {}
    found = []
    for position, look in enumerate(looks):
        first = first_of.setdefault(look.pixels_sha256, position)
        if first != position:
            found.append(Match(first, position, 1.0))
    return found


def near_matches(looks: Sequence[Look], progress: Progress, jobs: int) -> tuple[list[Match], int]:
    """Return pairs that show the same cell on different pixels, and how many candidates were left unexamined.

    Parameters
    ----------
    looks : sequence of Look
        One a picture. Of pictures with equal pixels only the first is compared.
    progress : callable
        Called as `progress(done, total, what)`.
    jobs : int
        Processes that lay textures upon each other.
    """
    first_of: dict[str, int] = {}
    for position, look in enumerate(looks):
        first_of.setdefault(look.pixels_sha256, position)
    single = list(first_of.values())
    cut_out = [position for position in single if looks[position].on_black]
    raw = [position for position in single if not looks[position].on_black]
    candidates = [
        *_candidates(looks, cut_out, 0, progress, "comparing cut-out cells"),
        *_candidates(looks, raw, 0, progress, "comparing nuclei"),
        *_candidates(looks, raw, 1, progress, "comparing whole pictures"),
    ]
    candidates.sort(key=lambda candidate: -candidate[3])
    examined = candidates[:MOST_PAIRS]
    best: dict[tuple[int, int], Match] = {}
    for match in _confirmed(looks, examined, progress, jobs):
        pair = (match.first, match.second)
        if pair not in best or best[pair].score < match.score:
            best[pair] = match
    return sorted(best.values(), key=lambda match: (match.first, match.second)), len(candidates) - len(examined)


Candidate = tuple[int, int, int, float]
"""Positions of two pictures, which texture they resemble each other in, and how much."""


def _candidates(
    looks: Sequence[Look], positions: Sequence[int], texture: int, progress: Progress, what: str
) -> list[Candidate]:
    """Return pairs whose textures resemble each other in some turned or mirrored position."""
    if len(positions) < 2:
        return []
    spectra = np.stack([looks[position].spectra[texture] for position in positions])
    pairs = _neighbours(spectra, progress, what)
    likeness = np.concatenate([turned_correlation(spectra[part[:, 0]], spectra[part[:, 1]]) for part in _parts(pairs)])
    return [
        (positions[a], positions[b], texture, float(alike))
        for (a, b), alike in zip(pairs.tolist(), likeness, strict=True)
        if alike > LIKELY
    ]


def _neighbours(spectra: np.ndarray, progress: Progress, what: str) -> np.ndarray:
    """Return pairs (m, 2) of pictures that are among each other's nearest by magnitudes, which turning leaves alone."""
    n = len(spectra)
    magnitudes = np.abs(spectra[:, :23]).reshape(n, -1)
    magnitudes /= np.maximum(np.linalg.norm(magnitudes, axis=1, keepdims=True), 1e-9)
    asked = min(NEIGHBOURS, n - 1)
    found = []
    for start in range(0, n, 1000):
        some = np.arange(start, min(start + 1000, n))
        alike = magnitudes[some] @ magnitudes.T
        alike[np.arange(len(some)), some] = -1
        nearest = np.argpartition(-alike, asked - 1, axis=1)[:, :asked]
        found.append(np.stack([np.repeat(some, asked), nearest.ravel()], axis=1))
        progress(int(some[-1]) + 1, n, what)
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _parts(pairs: np.ndarray) -> list[np.ndarray]:
    return [pairs[start : start + 2000] for start in range(0, len(pairs), 2000)]


def turned_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the highest correlation over all angles, mirrored or not, of pairs of spectra (m, HARMONICS, RADII)."""
    return np.maximum(_over_angles(first * np.conj(second)).max(axis=1), _over_angles(first * second).max(axis=1))


def _over_angles(product: np.ndarray) -> np.ndarray:
    """Return correlation by angle (m, ANGLES) from products of spectra (m, HARMONICS, RADII)."""
    summed = product.sum(axis=2)
    return np.fft.irfft(np.pad(summed, ((0, 0), (1, 0))), n=ANGLES, axis=1)


def _confirmed(
    looks: Sequence[Look], candidates: Sequence[Candidate], progress: Progress, jobs: int
) -> Iterator[Match]:
    """Lay the textures of each candidate upon each other and keep those that agree."""
    what = "laying likely pairs upon each other"
    batches = [candidates[start : start + 100] for start in range(0, len(candidates), 100)]
    if len(batches) <= 5:  # not worth starting processes
        jobs = 1
    run = Parallel(n_jobs=jobs, return_as="generator")
    # Each batch carries only the looks that it needs.
    work = (
        delayed(_confirm_batch)({p: looks[p] for a, b, *_ in batch for p in (a, b)}, batch, alone=jobs > 1)
        for batch in batches
    )
    for done, matches in enumerate(run(work), start=1):
        yield from matches
        progress(min(done * 100, len(candidates)), len(candidates), what)


def _confirm_batch(looks: dict[int, Look], batch: Sequence[Candidate], *, alone: bool) -> list[Match]:
    if alone:  # a process of its own among others: one thread is its share
        cv2.setNumThreads(1)
    found = (confirm(looks[a], looks[b], texture) for a, b, texture, _ in batch)
    return [
        Match(min(a, b), max(a, b), *facts) for (a, b, *_), facts in zip(batch, found, strict=True) if facts is not None
    ]


Facts = tuple[float, float, bool, float, float]
"""Score, turned, mirrored, zoomed, brighter: the fields of a `Match`."""


def confirm(first: Look, second: Look, texture: int = 0) -> Facts | None:
    """Lay the second picture's texture upon the first's; None where they do not show the same cell.

    Parameters
    ----------
    first, second : Look
        Both on black, or both raw.
    texture : int
        Which of their textures is used to find the position: 0 the cell or nucleus, 1 the whole raw picture.

    Notes
    -----
    The angle comes from the spectra; shift, zoom and the rest of the angle from ECC (Evangelidis and Psarakis 2008), as
    an affine map. The score is the mean of correlations in small windows, so that a bright speck or a dark rim in
    common counts no more than any other place.
    """
    angle, mirrored = _angle(first.spectra[texture], second.spectra[texture])
    mine, other = first.textures[texture], _flipped(second.textures[texture], mirrored=mirrored)
    place = _refined(mine, other, cv2.getRotationMatrix2D((_MIDDLE, _MIDDLE), angle, 1).astype(np.float32))
    alike, structured, _ = _agreement(mine, other, place)
    if first.on_black:
        same = alike >= CUT_OUT_ALIKE
    elif texture == 1:
        same = alike >= RAW_ALIKE and structured >= SURROUNDINGS_ALIKE
    else:
        same = alike >= RAW_ALIKE and _same_surroundings(first, second, place, alike, mirrored=mirrored)
    if not same:
        return None
    linear = place[:, :2]
    inner = texture == 0
    sizes = second.radius / first.radius if inner else min(second.width, second.height) / min(first.width, first.height)
    zoomed = float(np.sqrt(abs(np.linalg.det(linear)))) * sizes
    turned = float(np.degrees(np.arctan2(linear[1, 0], linear[0, 0])))
    brighter = second.brightness / max(first.brightness, 1.0)
    return round(alike, 3), round(turned, 1), mirrored, round(zoomed, 2), round(brighter, 2)


def _angle(first: np.ndarray, second: np.ndarray) -> tuple[float, bool]:
    """Return the angle in degrees at which the second resembles the first most, and whether mirrored."""
    straight = _over_angles((first * np.conj(second))[None])[0]
    mirror = _over_angles((first * second)[None])[0]
    mirrored = bool(mirror.max() > straight.max())
    return float((mirror if mirrored else straight).argmax() * 360 / ANGLES), mirrored


def _flipped(texture: Texture, *, mirrored: bool) -> Texture:
    return Texture(np.ascontiguousarray(texture.values[::-1])) if mirrored else texture


def _refined(mine: Texture, other: Texture, place: np.ndarray) -> np.ndarray:
    try:
        return cv2.findTransformECC(mine.floats, other.floats, place.copy(), cv2.MOTION_AFFINE, _STOP, other.inside, 3)[
            1
        ]
    except cv2.error:  # no better position found
        return place


def _agreement(mine: Texture, other: Texture, place: np.ndarray) -> tuple[float, float, float]:
    """Return mean local correlation, the same weighed by structure, and the share of the map with structure."""
    flags = cv2.WARP_INVERSE_MAP
    inside = cv2.warpAffine(other.inside, place, (SIDE, SIDE), flags=flags | cv2.INTER_NEAREST) & mine.inside
    laid = cv2.warpAffine(other.floats, place, (SIDE, SIDE), flags=flags | cv2.INTER_LINEAR)
    share = inside.astype(np.float32)
    count = np.maximum(_summed(share), 1)
    a, b = mine.floats * share, laid * share
    mean_a, mean_b = _summed(a) / count, _summed(b) / count
    var_a = np.maximum(_summed(a * a) / count - mean_a**2, 0)
    var_b = np.maximum(_summed(b * b) / count - mean_b**2, 0)
    local = (_summed(a * b) / count - mean_a * mean_b) / np.sqrt((var_a + _FLOOR) * (var_b + _FLOOR))
    judged = (inside > 0) & (count > 0.2 * _PATCH**2)
    if judged.sum() < 50:
        return 0.0, 0.0, 0.0
    weight = np.minimum(1, np.sqrt(var_a * var_b) / 0.25)[judged]
    structured = float((local[judged] * weight).sum() / max(float(weight.sum()), 1e-6))
    return float(local[judged].mean()), structured, float(weight.sum() / inside.size)


def _summed(values: np.ndarray) -> np.ndarray:
    return cv2.boxFilter(values, -1, (_PATCH, _PATCH), normalize=False, borderType=cv2.BORDER_CONSTANT)


def _same_surroundings(first: Look, second: Look, place: np.ndarray, alike: float, *, mirrored: bool) -> bool:
    """Tell whether what lies around two nuclei (red cells, ground) is the same in the position that the nuclei gave."""
    mine, other = first.textures[2], _flipped(second.textures[2], mirrored=mirrored)
    linear = place[:, :2]
    middle = np.array([_MIDDLE, _MIDDLE])
    shift = (linear @ middle + place[:, 2] - middle) / WIDE
    wide = np.concatenate([linear, (middle + shift - linear @ middle)[:, None]], axis=1).astype(np.float32)
    _, structured, share = max(
        (_agreement(mine, other, position) for position in (wide, _refined(mine, other, wide))), key=lambda a: a[1]
    )
    needed = RAW_ALONE if share < ENOUGH_STRUCTURE else RAW_ALIKE
    return structured >= SURROUNDINGS_ALIKE and alike >= needed
