"""A field sampled on a regular grid, in boxes that keep memory modest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gen3d_core import limits
from gen3d_core.errors import Gen3DError

Progress = Callable[[float, str], None]
"""Told a fraction in [0, 1] and a few words; whatever it raises stops the work."""
LatticeFunction = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Axes x (X,), y (Y,), z (Z,) -> logit (X, Y, Z), positive inside."""

_POINTS_AT_ONCE = (128 << 20) // (64 * 4)
"""Points of a box, if a model holds 64 hidden floats per point within 128 MB."""
_LEAST_BOXES = 8
"""Between two of them the work can be stopped."""
CERTAIN = 30.0
"""Beyond this a logit is certain; a bound on it bounds how near a crossing may come to a lattice node."""
_NEAREST = 1e-3


class FieldError(Gen3DError):
    """The field gave values that no surface can be made of."""


@dataclass(frozen=True)
class Lattice:
    """`values` (R+2, R+2, R+2) float32: logits at `origin + index * spacing`, with one layer outside the sampled cube
    that is negative, so that every surface closes. No value is closer to zero than what keeps crossings apart from
    lattice nodes."""

    values: np.ndarray
    origin: float
    spacing: float


def ignore_progress(fraction: float, stage: str) -> None:
    """A progress callback for those who do not watch."""


def sample_lattice(
    lattice: LatticeFunction, resolution: int, progress: Progress = ignore_progress, *, bounds: float = 1.0
) -> Lattice:
    """Sample the cube [-bounds, bounds]^3 with `resolution` samples a side. Raises `Gen3DError` for a bad resolution
    or field."""
    limits.whole("resolution", resolution, limits.RESOLUTION)
    axis = np.linspace(-bounds, bounds, resolution, dtype=np.float32)
    values = np.full((resolution + 2,) * 3, -CERTAIN, np.float32)
    inside = values[1:-1, 1:-1, 1:-1]
    boxes = _boxes(resolution)
    for done, box in enumerate(boxes):
        progress(done / len(boxes), "shape")
        axes = [axis[part] for part in box]
        inside[box] = checked(lattice(*axes), tuple(map(len, axes)))
    progress(1.0, "shape")
    return settled(values, bounds)


def _boxes(resolution: int) -> list[tuple[slice, ...]]:
    """A grid cut into boxes near cubes: what a separable field computes anew for each box grows with its faces."""
    most = min(_POINTS_AT_ONCE, resolution**3 // _LEAST_BOXES)
    sides = [resolution] * 3
    while math.prod(sides) > most:
        longest = sides.index(max(sides))
        sides[longest] = -(-sides[longest] // 2)
    starts = itertools.product(*(range(0, resolution, side) for side in sides))
    return [tuple(slice(start, start + side) for start, side in zip(corner, sides, strict=True)) for corner in starts]


def checked(logits: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What a field answered, if it has the shape that was asked for and is finite. Raises `FieldError`."""
    if logits.shape != shape:
        raise FieldError(f"the model's logits have shape {logits.shape}: expected {shape}")
    if not np.isfinite(logits).all():
        raise FieldError("the model gave values that are not finite: the file is damaged or its training diverged")
    return logits


def settled(values: np.ndarray, bounds: float) -> Lattice:
    """The lattice of bordered logits (R+2, R+2, R+2), which are changed in place to keep what `Lattice` promises."""
    resolution = len(values) - 2
    # A crossing at a node would give coincident vertices; float32 gets coarser with the index, hence the factor.
    nearest = np.float32(_NEAREST * max(1.0, resolution / 64))
    for layer in values:
        np.clip(layer, -CERTAIN, CERTAIN, out=layer)
        small = np.abs(layer) < nearest
        layer[small] = np.where(layer[small] < 0, -nearest, nearest)
    spacing = 2.0 * bounds / (resolution - 1)
    return Lattice(values, -bounds - spacing, spacing)
