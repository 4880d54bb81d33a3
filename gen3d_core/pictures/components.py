"""Which parts of a picture's foreground are the object: the largest, and whatever is not small beside it."""

from __future__ import annotations

import numpy as np

from gen3d_core.connected import label_regions

_SMALL = 0.03
"""Share of the largest part's area below which a part is a speck, a watermark, a remnant of compression."""
_GAPS = 128
"""Parts that are nearer to each other than about two of so many steps across the picture are one: thin legs break."""


def meaningful(visible: np.ndarray) -> np.ndarray:
    """The mask (H, W) bool without its small parts; all of it where there is but one part."""
    if not visible.any():
        return visible
    step = max(1, max(visible.shape) // _GAPS)
    rows, columns = -(-visible.shape[0] // step), -(-visible.shape[1] // step)
    padded = np.zeros((rows * step, columns * step), bool)
    padded[: visible.shape[0], : visible.shape[1]] = visible
    blocks = padded.reshape(rows, step, columns, step)
    area = blocks.sum(axis=(1, 3))
    parts = label_regions(grow(area > 0, 1))
    areas = np.bincount(parts.ravel(), area.ravel())
    large = areas >= _SMALL * areas.max()
    if large[1:].all():
        return visible
    kept = large[parts].repeat(step, axis=0).repeat(step, axis=1)
    return visible & kept[: visible.shape[0], : visible.shape[1]]


def grow(mask: np.ndarray, radius: int) -> np.ndarray:
    """The mask (H, W) and all within `radius` of it along each axis, diagonals too."""
    wide = mask.copy()
    for _ in range(radius):
        across = wide.copy()
        across[:, 1:] |= wide[:, :-1]
        across[:, :-1] |= wide[:, 1:]
        wide = across.copy()
        wide[1:] |= across[:-1]
        wide[:-1] |= across[1:]
    return wide
