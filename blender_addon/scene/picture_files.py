# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a picture's file says before Blender reads it: its kind, by its content, and which way up it is. No ``bpy``
here."""

import struct

import numpy as np

READABLE = "PNG, JPEG, WebP, TIFF, BMP, TGA, OpenEXR or Radiance HDR"
_BEGINNINGS = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"BM"),
    *(b"v/1\x01", b"#?RADIANCE", b"#?RGBE"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_ORIENTATION, _SHORT = 0x0112, 3


def is_picture(data: bytes, name: str) -> bool:
    """Whether a file is of a kind that is read here; Blender would try all that it knows, films among them."""
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return webp or data.startswith(_BEGINNINGS) or (name.lower().endswith(".tga") and _is_targa(data))


def advice(data: bytes) -> str:
    """What to do about a file that is none."""
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "it is a HEIC picture: save it as JPEG or PNG"
    return f"it is none of {READABLE}"


def orientation_of(data: bytes) -> int:
    """The EXIF orientation of a picture's file, 1 to 8; 1, upright, where it names none."""
    try:
        found = _orientation(_exif(data))
    except (struct.error, IndexError):  # cut or damaged
        return 1
    return found if 1 <= found <= 8 else 1


def turned_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels (H, W, C), the top row first, as they are meant to be seen."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _is_targa(data: bytes) -> bool:
    """TGA files have no beginning of their own: the fields of their header are what they can be."""
    return len(data) > 18 and data[1] < 2 and data[2] in (1, 2, 3, 9, 10, 11) and data[16] in (8, 15, 16, 24, 32)


def _exif(data: bytes) -> bytes:
    """The TIFF structure that holds a file's EXIF data; empty where there is none."""
    if data.startswith((b"II*\0", b"MM\0*")):
        return data
    if data.startswith(b"\xff\xd8"):
        return _in_jpeg(data)
    if data.startswith(b"\x89PNG"):
        return _in_chunks(data, 8, ">I4s", b"eXIf", trailing=4, even=False)
    if data.startswith(b"RIFF"):
        return _in_chunks(data, 12, "<4sI", b"EXIF", trailing=0, even=True).removeprefix(b"Exif\0\0")
    return b""


def _in_jpeg(data: bytes) -> bytes:
    at = 2
    while data[at] == 0xFF and data[at + 1] not in (0xD9, 0xDA):
        (length,) = struct.unpack_from(">H", data, at + 2)
        if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            return data[at + 10 : at + 2 + length]
        at += 2 + length
    return b""


def _in_chunks(data: bytes, at: int, header: str, wanted: bytes, *, trailing: int, even: bool) -> bytes:
    """Of the wanted name, among chunks that begin with their name and length, in the order that `header` says."""
    while at + 8 <= len(data):
        fields = struct.unpack_from(header, data, at)
        name, length = fields if isinstance(fields[0], bytes) else fields[::-1]
        if name == wanted:
            return data[at + 8 : at + 8 + length]
        at += 8 + length + trailing + (length % 2 if even else 0)
    return b""


def _orientation(tiff: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    (at,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
        if tag == _ORIENTATION and kind == _SHORT:
            return struct.unpack_from(f"{order}H", tiff, entry + 8)[0]
    return 1
