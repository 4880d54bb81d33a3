"""The picture in a model file, checked before any program is shown it."""

from __future__ import annotations

from gen3d_core.errors import Gen3DError
from gen3d_core.pictures.opening import UnreadablePicture, open_picture

LARGEST_SIDE = 2048


def check_preview(picture: bytes) -> None:
    """Raises `Gen3DError`, which does not name the file, unless it is a whole PNG of a sensible size."""
    try:
        with open_picture(picture, ("PNG",)) as opened:
            if max(opened.size) > LARGEST_SIDE:
                raise Gen3DError(
                    f"its preview has {opened.width} x {opened.height} pixels: at most {LARGEST_SIDE} a side"
                )
            opened.load()
    except UnreadablePicture as error:
        raise Gen3DError(f"its preview cannot be read: {error}") from error
