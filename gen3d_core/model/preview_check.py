"""The picture in a model file, checked before any program is shown it. Standard library only: what runs inside Blender
has no library of pictures."""

from __future__ import annotations

import struct
import zlib

from gen3d_core.errors import Gen3DError

LARGEST_SIDE = 2048
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel by PNG's colour type (PNG specification, section 11.2.2)."""


def check_preview(picture: bytes) -> None:
    """Raises `Gen3DError`, which does not name the file, unless it is a whole PNG of a sensible size, 8 bits a sample
    and not interlaced."""
    try:
        width, height, row, packed = _parts(picture)
    except (struct.error, IndexError, KeyError) as error:
        raise Gen3DError("its preview cannot be read: it is no whole PNG") from error
    if not 0 < max(width, height) <= LARGEST_SIDE or min(width, height) < 1:
        raise Gen3DError(f"its preview has {width} x {height} pixels: at most {LARGEST_SIDE} a side")
    size = height * (1 + row)
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, size + 1)
    except zlib.error as error:
        raise Gen3DError(f"its preview cannot be read: {error}") from error
    if len(data) != size or any(data[start] > 4 for start in range(0, size, 1 + row)):
        raise Gen3DError("its preview cannot be read: its pixels are incomplete")


def _parts(picture: bytes) -> tuple[int, int, int, bytes]:
    """Width, height, bytes of a row and the packed pixels. Raises KeyError for what is not PNG."""
    if not picture.startswith(_SIGNATURE):
        raise KeyError("signature")
    place, header, packed = len(_SIGNATURE), b"", []
    while True:
        length, kind = struct.unpack_from(">I4s", picture, place)
        content = picture[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", picture, place + 8 + length)
        if len(content) != length or zlib.crc32(kind + content) != checksum:
            raise KeyError("checksum")
        place += 12 + length
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            packed.append(content)
        elif kind == b"IEND":
            break
    width, height, depth, colour, method, filtering, interlaced = struct.unpack(">IIBBBBB", header)
    if (depth, method, filtering, interlaced) != (8, 0, 0, 0):
        raise KeyError("kind")
    return width, height, width * _CHANNELS[colour], b"".join(packed)
