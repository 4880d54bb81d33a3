"""Soft shadows on a light backdrop: the backdrop's own colour, darker, fading into it."""

from __future__ import annotations

import numpy as np

from gen3d_core.colour import to_linear
from gen3d_core.connected import label_regions
from gen3d_core.pictures.components import grow

_LIGHT = 0.2
"""Linear light that a backdrop has at least in each channel: on darker ones shadows cannot be told."""
_DARKEST = 0.05
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
_NECKS = (0.0, 0.005, 0.01, 0.02, 0.04)
"""Of the shorter side, one after the other: through necks up to twice as wide a shadow does not spread. Where a grey
object is as light as its shadow they have no edge between them, and one would run out into the other."""


def soft_shadow(
    colours: np.ndarray, lightness: np.ndarray, backdrop: np.ndarray, background: np.ndarray
) -> np.ndarray | None:
    """Mask (H, W) of the soft shadow beside a `background` (H, W) bool; None where there is none.

    `colours` (H, W, 3) encoded sRGB in [0, 1], `lightness` (H, W) of CIE Lab, `backdrop` (3,) its colour. What fades
    into the backdrop along most of its outline is a shadow, an object has edges there. The mask may leave nothing of
    what is there: then either all of it is a shadow, or a blurred object was taken for one.
    """
    light = to_linear(backdrop)
    if light.min() < _LIGHT:
        return None
    shares = to_linear(colours) / light
    share = shares.mean(axis=-1)
    tinted = np.abs(shares - share[..., None]).max(axis=-1) > _HUE * share
    possible = (share > _DARKEST) & ~tinted & (_steepness(lightness) < _STEEP)
    grey = ~tinted & (share > _DARKEST) & ~background
    everything = None
    for neck in dict.fromkeys(round(share * min(background.shape)) for share in _NECKS):
        shadow = _spread(possible | background, background, neck)
        for _ in range(2):  # up to the object's edge, which is steep
            shadow |= _alike_beside(shadow, lightness) & grey
        if shadow.mean() < _LEAST:
            break
        object_ = ~(shadow | background)
        edges = (object_ & grow(shadow, 3) & grow(background, 3)).sum()
        fading = (shadow & grow(background, 1)).sum()
        if fading > 2 * edges and object_.sum() >= _OBJECT * shadow.sum():
            return shadow
        if object_.mean() < _LEAST:
            everything = shadow
    return everything


def _spread(region: np.ndarray, background: np.ndarray, neck: int) -> np.ndarray:
    """What of a region (H, W) outside the background hangs together with it by more than necks of twice so many
    pixels."""
    wide = region & ~grow(~region, neck)
    parts = label_regions(wide | background)
    joined = np.unique(parts[background])
    core = np.isin(parts, joined[joined > 0])
    return grow(core & ~background, neck) & region & ~background


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
