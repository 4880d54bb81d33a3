"""Pictures as people have them, cut out and framed: by their alpha, by a mask, or by their plain background."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from gen3d_core import limits
from gen3d_core.errors import Gen3DError
from gen3d_core.files import DAMAGED_ZIP, read_regular
from gen3d_core.pictures.cutout import UnreadablePicture, decode, frame_object, has_alpha, remove_background, resize

LOOKED_AT, TIMES_LARGER = 512, 4
"""Pixels to which the longer side of a larger picture is reduced before it is cut out, or so many times the framed
one's."""
MAX_HEADER = 1 << 16


def read_framed(path: Path, size: int, mask: Path | None = None) -> np.ndarray:
    """A picture file's object in a square: (size, size, 4) uint8, RGBA with straight alpha.

    What shows the object is the file `mask` where it is given, else the picture's own alpha, else what differs from a
    plain background. Raises `Gen3DError` for files that cannot be used and for pictures of which none of these tells.
    """
    side = looked_at(size)
    pixels = _decode_file(path, side)
    if mask is not None:
        pixels = apply_mask(pixels, _decode_file(mask, side), mask)
    try:
        return frame_object(cut_out(pixels), size)
    except UnreadablePicture as error:
        raise Gen3DError(f"{path}: {error}") from error


def read_framed_array(path: Path, size: int) -> np.ndarray:
    """As `read_framed`, of the array `pixels` (H, W, 4) uint8 in an .npz file, each side within `ENCODED_SIDE`."""
    low, high = limits.ENCODED_SIDE
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > 4 * high * high + MAX_HEADER:
                raise Gen3DError(f"{path.name}: more than {high}x{high} pixels")
        with np.load(path, allow_pickle=False) as arrays:
            pixels = arrays["pixels"]
    except OSError as error:
        raise Gen3DError(f"{path.name}: cannot be read: {error.strerror or error}") from error
    except DAMAGED_ZIP as error:
        raise Gen3DError(f"{path.name}: not an .npz file of pixels: {error}") from error
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 4:
        raise Gen3DError(f"{path.name}: pixels are {pixels.dtype} {pixels.shape}: expected uint8 (H, W, 4)")
    for side in pixels.shape[:2]:
        limits.check_whole(f"{path.name}: a side", side, (low, high))
    try:
        return frame_object(cut_out(pixels), size)
    except UnreadablePicture as error:
        raise Gen3DError(f"the picture cannot be used: {error}") from error


def looked_at(size: int) -> int:
    """The longer side, in pixels, of pictures in which an object is looked for that is framed `size` wide."""
    return max(LOOKED_AT, TIMES_LARGER * size)


def without_background(pixels: np.ndarray) -> np.ndarray | None:
    """A picture (H, W, 4) uint8 with what is around its object transparent, as its own alpha or a plain background
    tells; None where neither does. Raises `UnreadablePicture` where nothing stands out."""
    return pixels if has_alpha(pixels) else remove_background(pixels)


def cut_out(pixels: np.ndarray) -> np.ndarray:
    """As `without_background`. Raises `UnreadablePicture` where there is no telling, too."""
    cut = without_background(pixels)
    if cut is None:
        raise UnreadablePicture(
            "its background is neither transparent nor of one colour: cut the object out, or give a mask"
        )
    return cut


def apply_mask(pixels: np.ndarray, mask: np.ndarray, where: Path) -> np.ndarray:
    """The picture with another's alpha, or brightness where that is opaque, as its alpha. Raises `Gen3DError` unless
    both have the same proportions."""
    (height, width), (mask_height, mask_width) = pixels.shape[:2], mask.shape[:2]
    if abs(height * mask_width - width * mask_height) > 0.01 * height * mask_width:
        raise Gen3DError(
            f"{where}: this mask has other proportions than its picture ({mask_width}x{mask_height} after reading, "
            f"expected those of {width}x{height})"
        )
    mask = resize(mask, height, width)
    opacity = mask[..., 3] if has_alpha(mask) else mask[..., :3].mean(axis=-1)
    return np.dstack([pixels[..., :3], opacity.astype(np.uint8)])


def network_input(pictures: list[np.ndarray], side: int) -> np.ndarray:
    """Framed pictures (S, S, 4) uint8 as an encoder takes them: (N, 4, side, side) float32, premultiplied, [0, 1]."""
    small = np.stack([resize(picture, side, side) for picture in pictures]).astype(np.float32) / 255
    small[..., :3] *= small[..., 3:]
    return np.moveaxis(small, -1, 1)


def _decode_file(path: Path, side: int) -> np.ndarray:
    try:
        data = read_regular(path, limits.PICTURE_BYTES)
        if len(data) > limits.PICTURE_BYTES:
            raise Gen3DError(f"{path}: larger than {limits.PICTURE_BYTES >> 20} MB")
        return decode(data, side)
    except UnreadablePicture as error:
        raise Gen3DError(f"{path}: {error}") from error
    except OSError as error:
        raise Gen3DError(f"{path}: cannot be read: {error.strerror or error}") from error
