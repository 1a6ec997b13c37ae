"""Bytes to pictures: the one decoder and the picture type."""

from leuk_core.images.decoder import decode
from leuk_core.images.picture import Note, SmearImage
from leuk_core.images.tiled import TiledImage, open_tiled

__all__ = ["Note", "SmearImage", "TiledImage", "decode", "open_tiled"]
