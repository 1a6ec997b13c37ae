"""Bytes to pictures: the one decoder and the picture type."""

from leuk_core.images.decoder import decode
from leuk_core.images.picture import Note, SmearImage

__all__ = ["Note", "SmearImage", "decode"]
