"""A field sampled on a regular grid, in boxes that keep memory modest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gen3d_core import limits
from gen3d_core.errors import Gen3DError
from gen3d_core.progress import OnProgress, ignore_progress

LatticeFunction = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Axes x (X,), y (Y,), z (Z,) -> logit (X, Y, Z), positive inside."""
Box = tuple[slice, ...]
"""Ranges of indices along the three axes."""

_POINTS_AT_ONCE = (128 << 20) // (64 * 4)
"""Points of a box, if a model holds 64 hidden floats per point within 128 MB."""
_LEAST_BOXES = 8
"""Between two of them the work can be stopped."""
_SPARSE = 32
"""Nodes along a side, at most, of the grid that tells where an object is: half as many as samples, if those are few."""
_FILLED = 0.95
"""Progress when the first box is filled."""
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


def sample_lattice(
    lattice: LatticeFunction, resolution: int, progress: OnProgress = ignore_progress, *, bounds: float = 1.0
) -> Lattice:
    """Sample the cube [-bounds, bounds]^3 with `resolution` samples a side. Raises `Gen3DError` for a bad resolution
    or field."""
    grid = _Grid.empty(lattice, resolution, bounds)
    grid.fill((slice(0, resolution),) * 3, lambda fraction: progress(fraction, "shape"))
    progress(1.0, "shape")
    return close_lattice(grid.values, bounds)


def sample_object(
    lattice: LatticeFunction, resolution: int, progress: OnProgress = ignore_progress, *, bounds: float = 1.0
) -> Lattice:
    """What `sample_lattice` gives, but asked for only where the object is; elsewhere values are negative and no more.

    That is the box around what a sparse grid finds, and from there on as far as it reaches. A loose part is missed
    where it lies outside that box and between the nodes of the sparse grid.
    """
    grid = _Grid.empty(lattice, resolution, bounds)
    progress(0.0, "shape")
    box = grid.found(max(2, -(-resolution // _SPARSE)))
    grid.fill(box, lambda fraction: progress(_FILLED * fraction, "shape"))
    while beyond := grid.beyond(box):
        slab, box = beyond
        grid.fill(slab, lambda fraction: progress(_FILLED, "shape"))
    progress(1.0, "shape")
    return close_lattice(grid.values, bounds)


@dataclass(frozen=True)
class _Grid:
    """A grid that is being filled, `values` (R+2, R+2, R+2) with its border, and outside wherever nobody asked."""

    lattice: LatticeFunction
    axis: np.ndarray
    values: np.ndarray

    @classmethod
    def empty(cls, lattice: LatticeFunction, resolution: int, bounds: float) -> _Grid:
        limits.check_whole("resolution", resolution, limits.RESOLUTION)
        axis = np.linspace(-bounds, bounds, resolution, dtype=np.float32)
        return cls(lattice, axis, np.full((resolution + 2,) * 3, -CERTAIN, np.float32))

    @property
    def inside(self) -> np.ndarray:
        return self.values[1:-1, 1:-1, 1:-1]

    def ask(self, box: Box) -> np.ndarray:
        axes = [self.axis[part] for part in box]
        return check_logits(self.lattice(*axes), tuple(map(len, axes)))

    def fill(self, box: Box, progress: Callable[[float], None]) -> None:
        parts = _parts(box)
        for done, part in enumerate(parts):
            progress(done / len(parts))
            self.inside[part] = self.ask(part)

    def found(self, step: int) -> Box:
        """The box around what every `step`-th node tells of, as much wider on each side; all where they tell of
        nothing."""
        there = np.argwhere(self.ask((slice(None, None, step),) * 3) >= 0) * step
        if not len(there):
            return (slice(0, len(self.axis)),) * 3
        low, high = there.min(axis=0) - step, there.max(axis=0) + step + 1
        return tuple(slice(*part) for part in np.clip([low, high], 0, len(self.axis)).T.tolist())

    def beyond(self, box: Box) -> tuple[Box, Box] | None:
        """Where the object reaches a side of the box: a slab next to it, and the box with the slab."""
        count = len(self.axis)
        thick = -(-count // 8)
        for axis, part in enumerate(box):
            below = slice(max(part.start - thick, 0), part.start)
            above = slice(part.stop, min(part.stop + thick, count))
            for last, slab in ((part.start, below), (part.stop - 1, above)):
                side = self.inside[(*box[:axis], last, *box[axis + 1 :])]
                if slab.start < slab.stop and (side >= 0).any():
                    wider = slice(min(part.start, slab.start), max(part.stop, slab.stop))
                    return (*box[:axis], slab, *box[axis + 1 :]), (*box[:axis], wider, *box[axis + 1 :])
        return None


def _parts(box: Box) -> list[Box]:
    """A box cut into boxes near cubes: what a separable field computes anew for each grows with its faces."""
    sides = [part.stop - part.start for part in box]
    most = max(1, min(_POINTS_AT_ONCE, math.prod(sides) // _LEAST_BOXES))
    while math.prod(sides) > most:
        longest = sides.index(max(sides))
        sides[longest] = -(-sides[longest] // 2)
    starts = itertools.product(*(range(part.start, part.stop, side) for part, side in zip(box, sides, strict=True)))
    return [
        tuple(slice(start, min(start + side, part.stop)) for start, side, part in zip(corner, sides, box, strict=True))
        for corner in starts
    ]


def check_logits(logits: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What a field answered, if it has the shape that was asked for and is finite. Raises `FieldError`."""
    if logits.shape != shape:
        raise FieldError(f"the model's logits have shape {logits.shape}: expected {shape}")
    if not np.isfinite(logits).all():
        raise FieldError("the model gave values that are not finite: the file is damaged or its training diverged")
    return logits


def close_lattice(values: np.ndarray, bounds: float) -> Lattice:
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
