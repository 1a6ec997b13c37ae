"""Micrometres a pixel, from what a file says about itself, and only where that can be believed.

Cell size decides much of the answer, so a wrong scale is worse than none. The 72, 96 or 300 dots an inch that every
image program writes say how large a print would be, not how large the cell was.
"""

import re
from collections.abc import Sequence

from leuk_core.images.picture import Note

SMALLEST, LARGEST = 0.02, 2.0
"""Micrometres a pixel between which a light microscope can show a blood cell (2.0: a lymphocyte five pixels wide)."""

_MICRONS = {
    "nm": 1e-3, "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "\\u00b5m": 1.0,
    "mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0,
}  # fmt: skip


def believable(x: float, y: float, said_by: str) -> tuple[float | None, tuple[Note, ...]]:
    """Return one scale for both directions, or None and a note that says why the given one is not used.

    Parameters
    ----------
    x, y : float
        Micrometres a pixel across and down.
    said_by : str
        Where in the file they stand, such as "OME PhysicalSizeX".
    """
    if not (SMALLEST <= x <= LARGEST and SMALLEST <= y <= LARGEST):
        why = f"lie outside {SMALLEST} to {LARGEST}"
    elif abs(x - y) > 0.01 * x:
        why = "differ across and down"
    else:
        return x, ()
    return None, (Note("scale", f"{said_by} gives {x:.3g} and {y:.3g} micrometres a pixel, which {why}: not used"),)


def from_description(text: str, resolution: tuple[float, float] | None) -> tuple[float | None, tuple[Note, ...]] | None:
    """Return the scale that OME-XML, ImageJ or an Aperio scanner wrote into a TIFF's description; None where none did.

    Parameters
    ----------
    text : str
        The description (TIFF tag 270).
    resolution : tuple of two floats or None
        Pixels a unit across and down (TIFF tags 282 and 283), which ImageJ uses for its own unit.
    """
    pixels = re.search(r"<(?:\w+:)?Pixels\b[^<>]*>", text)  # each try ends at the next tag: hostile text costs no more
    if pixels:
        sizes = [_ome_size(pixels.group(), axis) for axis in "XY"]
        known = [size for size in sizes if size is not None]
        return believable(known[0], known[-1], "OME PhysicalSizeX") if known else None
    if text.startswith("Aperio"):
        scanned = re.search(r"\|MPP = ([0-9]+(?:\.[0-9]+)?)", text)
        return believable(float(scanned.group(1)), float(scanned.group(1)), "Aperio MPP") if scanned else None
    if text.startswith("ImageJ=") and resolution:
        unit = re.search(r"^unit=(.+)$", text, re.MULTILINE)
        factor = _MICRONS.get(unit.group(1).strip().lower()) if unit else None
        if factor and min(resolution) > 0:
            return believable(factor / resolution[0], factor / resolution[1], "ImageJ")
    return None


def from_resolution(resolution: tuple[float, float] | None, unit: int) -> float | None:
    """Return the scale of a TIFF's resolution tags where only a microscope can have written it, else None.

    Parameters
    ----------
    resolution : tuple of two floats or None
        Pixels a unit across and down.
    unit : int
        2 for inch, 3 for centimetre; with any other the tags say nothing.
    """
    factor = {2: 25400.0, 3: 10000.0}.get(unit)
    if factor is None or resolution is None or min(resolution) <= 0:
        return None
    return believable(factor / resolution[0], factor / resolution[1], "the resolution tag")[0]


def from_millimetres(spacing: Sequence[float], said_by: str) -> tuple[float | None, tuple[Note, ...]]:
    """Return the scale of a DICOM spacing: millimetres between rows, then between columns."""
    return believable(float(spacing[1]) * 1e3, float(spacing[0]) * 1e3, said_by)


def _ome_size(element: str, axis: str) -> float | None:
    """Return PhysicalSizeX or Y of an OME `Pixels` element in micrometres (its unit unless another is given)."""
    value = re.search(rf'\bPhysicalSize{axis}="([0-9.eE+-]+)"', element)
    unit = re.search(rf'\bPhysicalSize{axis}Unit="([^"]+)"', element)
    factor = _MICRONS.get(unit.group(1).strip().lower()) if unit else 1.0
    if value is None or factor is None:
        return None
    try:
        return float(value.group(1)) * factor
    except ValueError:
        return None
