"""Soft shadows on a light backdrop: the backdrop's own colour, darker, fading into it."""

from __future__ import annotations

import numpy as np

from gen3d_core.colour import to_linear
from gen3d_core.connected import label_regions
from gen3d_core.pictures.components import grow

_LIGHT = 0.2
"""Linear light that a backdrop has at least in each channel: on darker ones shadows cannot be told."""
_DARKEST = 0.15
"""Share of the backdrop's light that a shadow leaves at least."""
_HUE = 0.08
"""By how much the shares of the three channels may differ from their mean, relative to it."""
_STEEP = 2.0
"""CIE lightness per pixel, over three pixels, from which an edge is an object's."""
_ALIKE = 3.0
"""Difference of CIE lightness between neighbours within a shadow."""
_OBJECT = 0.6
"""Area of the object as a share of its shadow's, at least: else a grey object was taken for its own shadow."""
_LEAST = 0.002
"""Of a picture's area: less is no shadow, and the picture stays as it is."""


def soft_shadow(
    colours: np.ndarray, lightness: np.ndarray, backdrop: np.ndarray, background: np.ndarray
) -> np.ndarray | None:
    """Mask (H, W) of the soft shadow beside a `background` (H, W) bool; None where there is none.

    `colours` (H, W, 3) encoded sRGB in [0, 1], `lightness` (H, W) of CIE Lab, `backdrop` (3,) its colour. What fades
    into the backdrop along most of its outline is a shadow, an object has edges there.
    """
    light = to_linear(backdrop)
    if light.min() < _LIGHT:
        return None
    shares = to_linear(colours) / light
    share = shares.mean(axis=-1)
    tinted = np.abs(shares - share[..., None]).max(axis=-1) > _HUE * share
    possible = (share > _DARKEST) & ~tinted & (_steepness(lightness) < _STEEP)
    parts = label_regions(possible | background)
    joined = np.unique(parts[background])
    shadow = np.isin(parts, joined[joined > 0]) & ~background
    for _ in range(2):  # up to the object's edge, which is steep
        shadow |= _alike_beside(shadow, lightness) & ~tinted & (share > _DARKEST) & ~background
    if shadow.mean() < _LEAST:
        return None
    object_ = ~(shadow | background)
    near = grow(shadow, 3)
    edges = (object_ & near & grow(background, 3)).sum()
    fading = (shadow & grow(background, 1)).sum()
    return shadow if fading > 2 * edges and object_.sum() >= _OBJECT * shadow.sum() else None


def _alike_beside(mask: np.ndarray, lightness: np.ndarray) -> np.ndarray:
    """Pixels (H, W) beside the mask along an axis whose lightness is nearly that of their neighbour in it."""
    found = np.zeros_like(mask)
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        alike = np.abs(np.roll(lightness, step, axis) - lightness) < _ALIKE
        beside = np.roll(mask, step, axis) & alike
        np.moveaxis(beside, axis, 0)[0 if step > 0 else -1] = False  # no neighbour across the picture's edge
        found |= beside
    return found


def _steepness(lightness: np.ndarray) -> np.ndarray:
    """Slope of the lightness averaged over 3x3 pixels, per pixel: (H, W)."""
    padded = np.pad(lightness, 2, mode="edge")
    rows = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    mean = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 3
    down, across = mean[2:, 1:-1] - mean[:-2, 1:-1], mean[1:-1, 2:] - mean[1:-1, :-2]
    return np.hypot(down, across) / 2
