# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of a picture as it is meant to be seen: in sRGB, upright, no larger than is needed."""

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Color

from gen3d_core import protocol

from .picture_files import advice, is_picture, orientation_of, turned_upright

SENT_SIDE = 512
"""Pixels to which the longer side of a larger picture is reduced before it goes to the worker."""


class PictureError(RuntimeError):
    """A picture cannot be used. The message is one line for the user."""


def pixels_of_file(path: Path) -> np.ndarray:
    """A picture file's pixels as those of `pixels_of`. Raises PictureError."""
    data = _read(path)
    if not is_picture(data, path.name):
        raise PictureError(f"{path.name} cannot be read as a picture: {advice(data)}")
    try:
        image = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise PictureError(f"{path.name} cannot be read as a picture: Blender does not read it") from error
    try:
        if image.source != "FILE":
            raise PictureError(f"{path.name} cannot be read as a picture: Blender takes it for a film")
        return _upright_pixels(image, orientation_of(data))
    finally:
        bpy.data.images.remove(image)


def pixels_of(image: bpy.types.Image) -> np.ndarray:
    """An image's pixels (H, W, 4) uint8, sRGB with straight alpha, top row first, at most SENT_SIDE a side. Raises
    PictureError."""
    if not may_have_pixels(image):
        raise PictureError(f"{image.name} cannot be read: save it (Image > Save As) and open that file")
    return _upright_pixels(image, _orientation(image))


def may_have_pixels(image: bpy.types.Image) -> bool:
    """Whether Blender tells an image's pixels: it shows those of a render to nobody."""
    return image.type != "RENDER_RESULT"


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        most = protocol.limits.PICTURE_BYTES
        if size > most:
            raise PictureError(f"{path.name} has {size >> 20} MB: too large, at most {most >> 20}")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path.name or 'The picture'} cannot be read: {error.strerror}") from error


def _orientation(image: bpy.types.Image) -> int:
    """As the file says that an image of Blender was read from; 1 for pixels that were made or changed here."""
    if image.source != "FILE" or image.is_dirty:
        return 1
    if image.packed_file is not None:
        data: Any = image.packed_file.data
        return orientation_of(bytes(data))
    try:
        return orientation_of(_read(Path(bpy.path.abspath(image.filepath, library=image.library))))
    except PictureError:  # gone or grown since: Blender shows what it has read
        return 1


def _upright_pixels(image: bpy.types.Image, orientation: int) -> np.ndarray:
    size: Any = image.size
    width, height = size
    if not width or not height:
        raise PictureError(f"{image.name} cannot be read as a picture: it has no pixels")
    most = protocol.limits.PICTURE_PIXELS
    if width * height > most:
        raise PictureError(f"{image.name} has {width}x{height} pixels: too large, at most {most // 10**6} million")
    flat = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(flat)  # pyright: ignore[reportAttributeAccessIssue]  # the stubs say it is a list
    pixels = flat.reshape(height, width, 4)[::-1]
    linear = image.is_float and not image.colorspace_settings.is_data
    pixels = _shrink(_straight_rec709(pixels, image.alpha_mode) if linear else pixels.clip(0.0, 1.0))
    if min(pixels.shape[:2]) < protocol.limits.ENCODED_SIDE[0]:
        raise PictureError(f"{image.name} has {width}x{height} pixels: too small, or too narrow")
    if linear:
        pixels = np.concatenate([_to_srgb(pixels[..., :3]), pixels[..., 3:]], axis=2)
    return turned_upright(np.rint(255 * pixels).astype(np.uint8), orientation)


def _straight_rec709(pixels: np.ndarray, alpha_mode: str) -> np.ndarray:
    """Linear colours of Rec. 709 with straight alpha in 0..1. Blender keeps pictures of more than 8 bits in the linear
    space that its scenes are in, and their colours multiplied by alpha."""
    alpha, colours = pixels[..., 3:].clip(0.0, 1.0), pixels[..., :3]
    if alpha_mode in ("STRAIGHT", "PREMUL"):
        colours = colours / np.where(alpha > 0, alpha, 1.0)
    rows: Any = [Color(row).from_scene_linear_to_rec709_linear() for row in np.eye(3).tolist()]
    primaries = np.array([list(row) for row in rows], np.float32)
    if np.abs(primaries - np.eye(3)).max() > 1e-4:
        colours = colours @ primaries
    return np.concatenate([np.nan_to_num(colours).clip(0.0, 1.0), alpha], axis=2)


def _to_srgb(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _shrink(pixels: np.ndarray) -> np.ndarray:
    """Means of equal blocks, as large as needed, weighted by alpha."""
    height, width = pixels.shape[:2]
    down, across = (min(-(-max(height, width) // SENT_SIDE), side) for side in (height, width))
    if down == across == 1:
        return pixels
    kept = pixels[: height // down * down, : width // across * across]
    blocks = kept.reshape(height // down, down, width // across, across, 4)
    alpha = blocks[..., 3:].mean(axis=(1, 3))
    colours = (blocks[..., :3] * blocks[..., 3:]).mean(axis=(1, 3)) / np.maximum(alpha, 1e-6)
    return np.concatenate([colours, alpha], axis=2)
