"""Small pictures in every form that the decoder reads, written by Pillow, tifffile and pydicom."""

import io
from typing import Any

import numpy as np
import pydicom
import tifffile
from PIL import Image, ImageOps
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

GROUND, CELL = (232, 205, 210), (96, 48, 140)


def cell(width: int = 96, height: int = 64, *, noise: int = 0) -> np.ndarray:
    """A purple disc left of the middle on a pink ground: turning or mirroring it shows."""
    down, across = np.mgrid[:height, :width]
    picture = np.full((height, width, 3), GROUND, np.uint8)
    picture[(across - width // 3) ** 2 + (down - height // 2) ** 2 < (height // 3) ** 2] = CELL
    shaken = picture + np.random.default_rng(7).integers(-noise, noise + 1, picture.shape)
    return np.clip(shaken, 0, 255).astype(np.uint8)


def saved(picture: Image.Image | np.ndarray, form: str, **options: Any) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def tiff(array: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, array, **options)
    return out.getvalue()


def dicom(
    frames: np.ndarray, *, syntax: str = "1.2.840.10008.1.2.1", encoded: list[bytes] | None = None, **tags: Any
) -> bytes:
    """A DICOM of a person named DOE^JOHN; `frames` is (height, width[, 3]) or, with NumberOfFrames, one axis more."""
    first = frames[0] if "NumberOfFrames" in tags and encoded is None else frames
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.2"
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    data.PatientName, data.PatientID = "DOE^JOHN", "MRN-4711"
    data.Rows, data.Columns = first.shape[:2]
    data.SamplesPerPixel = 3 if first.ndim == 3 else 1
    data.PhotometricInterpretation = "RGB" if first.ndim == 3 else "MONOCHROME2"
    if first.ndim == 3:
        data.PlanarConfiguration = 0
    data.BitsAllocated = data.BitsStored = first.dtype.itemsize * 8
    data.PixelRepresentation = int(first.dtype.kind == "i")
    data.PixelData = frames.tobytes() if encoded is None else encapsulate(encoded)
    data["PixelData"].VR = "OW" if encoded is None else "OB"
    for name, value in tags.items():
        setattr(data, name, value)
    data.HighBit = data.BitsStored - 1
    out = io.BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


def run_lengths(plain: bytes) -> bytes:
    """The same DICOM, compressed by run lengths."""
    data = pydicom.dcmread(io.BytesIO(plain))
    data.compress("1.2.840.10008.1.2.5")
    out = io.BytesIO()
    data.save_as(out)
    return out.getvalue()


def every_form() -> dict[str, bytes]:
    """One small noisy picture in each form, some of them with two frames."""
    noisy = cell(48, 32, noise=12)
    image = Image.fromarray(noisy)
    second = {"save_all": True, "append_images": [ImageOps.invert(image)]}
    deep = noisy.astype(np.uint16) * 257
    return {
        "png": saved(image, "PNG"),
        "png-16": saved(Image.fromarray(deep[..., 0]), "PNG"),
        "png-animated": saved(image, "PNG", **second),
        "jpeg": saved(image, "JPEG", quality=90),
        "jpeg-progressive": saved(image, "JPEG", quality=90, progressive=True),
        "jpeg-multi-picture": saved(image, "MPO", **second),
        "bmp": saved(image, "BMP"),
        "bmp-palette": saved(image.quantize(16), "BMP"),
        "webp": saved(image, "WEBP"),
        "webp-lossless": saved(image, "WEBP", lossless=True),
        "webp-animated": saved(image, "WEBP", **second),
        "gif": saved(image, "GIF"),
        "gif-animated": saved(image, "GIF", **second),
        "jpeg2000": saved(image, "JPEG2000"),
        "jpeg2000-codestream": saved(image, "JPEG2000", no_jp2=True),
        "tiff": tiff(noisy, photometric="rgb"),
        "tiff-deflate": tiff(noisy, photometric="rgb", compression="zlib"),
        "tiff-lzw": saved(image, "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": saved(image, "TIFF", compression="jpeg"),
        "tiff-16": tiff(deep, photometric="rgb"),
        "tiff-16-tiled": tiff(deep, photometric="rgb", compression="zlib", predictor=True, tile=(16, 16)),
        "tiff-float": tiff(noisy.astype(np.float32) / 255, photometric="rgb", bigtiff=True),
        "dicom": dicom(noisy),
        "dicom-frames": dicom(np.stack([noisy, noisy]), NumberOfFrames=2),
        "dicom-12": dicom(deep[..., 0] // 16, BitsStored=12),
        "dicom-run-lengths": run_lengths(dicom(noisy)),
        "dicom-jpeg": dicom(
            noisy,
            syntax="1.2.840.10008.1.2.4.50",
            encoded=[saved(image, "JPEG")],
            PhotometricInterpretation="YBR_FULL_422",
        ),
    }
