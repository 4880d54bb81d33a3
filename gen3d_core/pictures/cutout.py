"""One picture: decoding it safely, separating the object from a plain background, framing it in a square.

Pictures are (H, W, 4) uint8, RGBA with straight alpha. Pillow decodes; the rest is numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gen3d_core import limits
from gen3d_core.colour import to_lab
from gen3d_core.connected import label_regions
from gen3d_core.pictures.components import meaningful
from gen3d_core.pictures.opening import UnreadablePicture, open_picture, to_rgba
from gen3d_core.pictures.pinhole import FILL
from gen3d_core.pictures.shadow import soft_shadow

MIN_SIDE = 8
VISIBLE = 16
"""Opacity, of 255, from which a pixel belongs to the object when it is framed."""
_PLAIN_SHARE = 0.9  # of the border must agree on one colour
_NEAR = 12.0  # CIE Lab distance within which a pixel counts as background
_FLAWLESS, _NEARER = 1.0, 4.0  # where the border is even to within the one, the other tells white from white
_NOTHING = 0.002  # of a picture that is all background
_SAME = 2.5  # distance within which an enclosed region is a hole that shows the background


def decode(data: bytes, limit: int) -> np.ndarray:
    """A file's picture, turned as its EXIF data says and at most `limit` wide and high.

    Raises UnreadablePicture for anything that is not a whole picture of at least 8x8 and at most 100 million pixels.
    """
    from PIL.Image import Resampling

    with open_picture(data) as opened:
        if min(opened.size) < MIN_SIDE:
            raise UnreadablePicture(f"{opened.width}x{opened.height} pixels: too small, at least {MIN_SIDE}x{MIN_SIDE}")
        if opened.width * opened.height > limits.PICTURE_PIXELS:
            raise UnreadablePicture(
                f"{opened.width}x{opened.height} pixels: too large, at most {limits.PICTURE_PIXELS // 10**6} million"
            )
        opened.draft("RGB", (limit, limit))  # a JPEG is decoded no larger than it needs to be
        image = to_rgba(opened)
    if max(image.size) > limit:
        scale = limit / max(image.size)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.convert("RGBa").resize(size, Resampling.HAMMING).convert("RGBA")
    return np.array(image)


def has_alpha(pixels: np.ndarray) -> bool:
    """Whether a picture's alpha is meant: at least 0.5 % of it is clear."""
    return bool((pixels[..., 3] < 128).mean() >= 0.005)


def remove_background(pixels: np.ndarray) -> np.ndarray | None:
    """The picture with a plain background made transparent, or None where the border has no one colour.

    Background is what is near the border's median colour (CIE Lab) and connected to the border, a soft shadow on it,
    enclosed regions that match it closely, and small things apart from the object: specks, a watermark. Where the
    border is even, and nothing else is there, more of it counts as different. Raises UnreadablePicture when nothing
    else is there.
    """
    colours = pixels[..., :3] / 255
    lab = to_lab(colours)
    smaller = min(pixels.shape[:2])
    rim = max(1, round(0.02 * smaller))
    border = np.ones(lab.shape[:2], bool)
    border[rim:-rim, rim:-rim] = False
    distance = np.linalg.norm(lab - np.median(lab[border], axis=0), axis=-1)
    if (distance[border] < _NEAR).mean() < _PLAIN_SHARE:
        return None
    backdrop = np.median(colours[border], axis=0)
    flawless = (distance[border] < _FLAWLESS).mean() > _PLAIN_SHARE
    background = unshadowed = None
    for near in (_NEAR, _NEARER) if flawless else (_NEAR,):
        plain = _plain_background(distance, near)
        if 1 - plain.mean() < _NOTHING:
            continue
        unshadowed = plain if unshadowed is None else unshadowed
        shadow = soft_shadow(colours, lab[..., 0], backdrop, plain)
        background = plain if shadow is None else plain | shadow
        if 1 - background.mean() >= _NOTHING:
            break
    else:  # nothing but a shadow, or a blurred object that is like one
        background = unshadowed
    if background is None:
        raise UnreadablePicture("nothing stands out from its background")
    if smaller >= 256:
        background = _grow(background)
    share = 1 - background.mean()
    if share < _NOTHING:
        raise UnreadablePicture("nothing stands out from its background")
    if share > 0.98:
        return None
    cut = pixels.copy()
    cut[..., 3] = np.where(meaningful(~background), 255, 0)
    return cut


@dataclass(frozen=True)
class Box:
    """Rows from `top` to below `bottom`, columns from `left` to before `right`."""

    top: int
    left: int
    bottom: int
    right: int

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.top, other.top), min(self.left, other.left),
            max(self.bottom, other.bottom), max(self.right, other.right),
        )  # fmt: skip


def visible_box(pixels: np.ndarray) -> Box:
    """Where the visible object is, but for small things apart from it.

    Raises UnreadablePicture when nothing is visible.
    """
    visible = meaningful(pixels[..., 3] >= VISIBLE)
    rows, columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
    if not len(rows):
        raise UnreadablePicture("fully transparent")
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def frame_object(pixels: np.ndarray, size: int, box: Box | None = None) -> np.ndarray:
    """A box of the picture, by default that of the visible object, centred in a `size` square, its longer side `FILL`
    of it. Raises UnreadablePicture when nothing is visible.
    """
    box = box or visible_box(pixels)
    crop = pixels[box.top : box.bottom, box.left : box.right]
    height, width = crop.shape[:2]
    side = round(max(width, height) / FILL)
    square = np.zeros((side, side, 4), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = crop
    return resize(square, size, size)


def centre_square(pixels: np.ndarray, size: int) -> np.ndarray:
    """The largest central square, `size` wide."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resize(pixels[top : top + side, left : left + side], size, size)


def resize(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Area-like resampling on premultiplied colour, so that what lies under transparent pixels cannot bleed in."""
    colours = pixels.astype(np.float32)
    colours[..., :3] *= colours[..., 3:] / 255
    down, across = _weights(pixels.shape[0], height), _weights(pixels.shape[1], width)
    small = np.moveaxis(down @ np.moveaxis(colours, -1, 0) @ across.T, 0, -1)
    small[..., :3] /= np.maximum(small[..., 3:] / 255, 1e-6)
    return np.rint(small.clip(0, 255)).astype(np.uint8)


def _weights(inputs: int, outputs: int) -> np.ndarray:
    """Hamming-windowed sinc, as wide as an output pixel: (outputs, inputs) float32, rows of sum 1."""
    scale = max(inputs / outputs, 1.0)
    centre = (np.arange(outputs)[:, None] + 0.5) * inputs / outputs
    x = (np.arange(inputs) + 0.5 - centre) / scale
    weights = np.where(np.abs(x) < 1, np.sinc(x) * (0.54 + 0.46 * np.cos(np.pi * x)), 0.0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _plain_background(distance: np.ndarray, near: float) -> np.ndarray:
    parts = label_regions(distance < near)
    outer = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return np.isin(parts, outer[outer > 0]) | _holes(parts, distance, outer)


def _holes(parts: np.ndarray, distance: np.ndarray, outer: np.ndarray) -> np.ndarray:
    count = int(parts.max()) + 1
    area = np.bincount(parts.ravel(), minlength=count)
    mean = np.bincount(parts.ravel(), distance.ravel(), count) / np.maximum(area, 1)
    enclosed = (mean < _SAME) & (area >= 0.0003 * parts.size)
    enclosed[0] = False
    enclosed[outer] = False
    return enclosed[parts]


def _grow(mask: np.ndarray) -> np.ndarray:
    """One pixel wider: the rim of a photographed object is mixed with its background."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    return wide
