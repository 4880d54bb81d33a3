"""The one place where a picture's file is opened: formats that Pillow reads by itself, in 8 bits of sRGB with alpha.

Pillow tells formats by content and hands some of them to outside programs (PostScript to Ghostscript), whatever the
file is called: only the formats of an allow-list are tried.
"""

from __future__ import annotations

import importlib
import io
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from gen3d_core.errors import Gen3DError, first_line
from gen3d_core.pictures.foreign import describe_foreign
from gen3d_core.pictures.profile import to_srgb

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "TGA", "PPM", "AVIF")
"""Decoded by Pillow and its own libraries, in this process. JPEG includes MPO, two pictures of one camera."""
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_DAMAGED = (
    OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError,
    MemoryError, struct.error, zlib.error,
)  # fmt: skip
"""What Pillow's readers of damaged files raise."""


class UnreadablePicture(Exception):
    """One picture cannot be used; the message says why."""


@contextmanager
def open_picture(data: bytes, formats: Sequence[str] = FORMATS) -> Iterator[Image]:
    """A file's picture, its header read, its pixels not yet. Errors of decoding inside the block count as its own.

    Raises UnreadablePicture for what is none of the `formats`, with the name of what it is where that is known, and for
    damaged files.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_known(formats, data)) as image:
                yield image
    except Gen3DError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePicture(_what_it_is(data)) from error
    except (*_DAMAGED, Image.DecompressionBombError) as error:
        raise UnreadablePicture(first_line(error)) from error


def to_rgba(image: Image) -> Image:
    """Turned as its EXIF data says, its colours in sRGB, 8 bits for each channel, with straight alpha."""
    from PIL import ImageOps

    ImageOps.exif_transpose(image, in_place=True)
    return to_srgb(_eight_bits(image), image.info.get("icc_profile")).convert("RGBA")


def _eight_bits(image: Image) -> Image:
    """Pictures of one wide channel as grey ones; Pillow itself reduces 16 bits of several channels."""
    from PIL import Image as pillow

    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image)
    if image.mode == "F":
        reach = 65535.0 if values.max() > 255 else 255.0 if values.max() > 1 else 1.0
        return pillow.fromarray(np.clip(np.nan_to_num(values) / reach * 255, 0, 255).astype(np.uint8))
    if image.mode == "I" and image.format != "PNG" and not 255 < values.max() < 1 << 16:
        reach = (1 << 31) - 1 if values.max() >= 1 << 16 else 255  # 32 bits, of which few files use all
        return pillow.fromarray(np.rint(values.clip(0, reach) * (255.0 / reach)).astype(np.uint8))
    table = np.rint(np.arange(1 << 16) / 257).astype(np.uint8)
    return pillow.fromarray(table[values.clip(0, (1 << 16) - 1)])


def _known(formats: Sequence[str], data: bytes) -> tuple[str, ...]:
    """Those of the formats that this Pillow reads, and HEIF where all are welcome and its plug-in is installed."""
    from PIL import Image

    Image.init()
    if formats == FORMATS and _is_heif(data) and _reads_heif():
        formats = (*formats, "HEIF")
    return tuple(name for name in formats if name in Image.OPEN)


def _is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


def _reads_heif() -> bool:
    try:
        importlib.import_module("pillow_heif").register_heif_opener()
    except (ImportError, AttributeError):
        return False
    return True


def _what_it_is(data: bytes) -> str:
    if _is_heif(data):
        return "a HEIC picture: install pillow-heif, or save it as JPEG or PNG"
    if data.startswith((b"%!PS", b"\xc5\xd0\xd3\xc6", b"\x04%!PS")):
        return "PostScript, not a picture: save it as PNG"
    if data.startswith(b"%PDF"):
        return "a PDF, not a picture: save it as PNG"
    return describe_foreign(data) or "not a picture"
