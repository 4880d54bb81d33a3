"""The picture in a model file, checked before any program is shown it."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from gen3d_core.errors import first_line
from gen3d_core.model.archive import ModelFileError

LARGEST_SIDE = 2048


def check_preview(path: Path, picture: bytes) -> None:
    """Raises `ModelFileError`, which names the model file, unless it is a whole PNG of a sensible size."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(picture), formats=["PNG"]) as opened:
            if max(opened.size) > LARGEST_SIDE:
                raise ModelFileError(
                    f"{path}: its preview has {opened.width} x {opened.height} pixels: at most {LARGEST_SIDE} a side"
                )
            opened.load()
    except ModelFileError:
        raise
    # Pillow's own errors for a damaged picture are of many kinds.
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, EOFError, struct.error) as error:
        raise ModelFileError(f"{path}: its preview cannot be read: {first_line(error)}") from error
    except Image.DecompressionBombError as error:
        raise ModelFileError(f"{path}: its preview is too large") from error
