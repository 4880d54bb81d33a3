"""Colour profiles: what a picture's numbers mean, turned to sRGB."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

_SPACES = {"RGB": ("RGB", "RGBA", "P", "PA", "L", "LA", "1"), "GRAY": ("L", "LA", "1"), "CMYK": ("CMYK",)}
"""Modes of pictures that a profile of each colour space fits."""
_FLAT = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_NEGLIGIBLE = 2
"""Of 255: a profile that moves no colour further is one of the many sRGB profiles."""


def to_srgb(image: Image, profile: bytes | None) -> Image:
    """The picture with its colours in sRGB, alpha as it was; untouched where that is what they are already, and where
    the profile is damaged or does not fit."""
    from PIL import ImageCms

    if not profile:
        return image
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = given.profile.xcolor_space.strip()  # pyright: ignore[reportAttributeAccessIssue]
        if image.mode not in _SPACES.get(space, ()):
            return image
        mode = _FLAT[space]
        target = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(given, target, mode, "RGB")
        if mode == "RGB" and _moves_little(transform):
            return image
        if "transparency" in image.info or image.mode in ("PA", "LA"):
            image = image.convert("RGBA")
        turned = ImageCms.applyTransform(image.convert(mode), transform)
    except (ImageCms.PyCMSError, ImportError, OSError, ValueError, TypeError, AttributeError):
        return image
    if turned is None:
        return image
    if "A" in image.getbands():
        turned.putalpha(image.getchannel("A"))
    return turned


def _moves_little(transform: object) -> bool:
    from PIL import Image, ImageCms

    steps = np.rint(np.linspace(0, 255, 9)).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    turned = ImageCms.applyTransform(Image.fromarray(colours), transform)  # pyright: ignore[reportArgumentType]
    return turned is not None and int(np.abs(np.asarray(turned).astype(int) - colours).max()) <= _NEGLIGIBLE
