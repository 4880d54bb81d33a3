"""A field of points sampled on a regular grid from coarse to fine, asking only where the surface may be.

Multiresolution isosurface extraction (Mescheder et al., "Occupancy Networks", CVPR 2019, section 3.3): for fields that
cost too much to be asked everywhere, such as deep MLPs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gen3d_core import limits
from gen3d_core.mesh.lattice import CERTAIN, Lattice, check_logits, close_lattice
from gen3d_core.progress import OnProgress, ignore_progress

LogitFunction = Callable[[np.ndarray], np.ndarray]
"""Points (N, 3) float32 -> logit (N,), positive inside."""

_COARSEST = 16
"""Samples along a side to begin with: this to twice as many. A part that fits between them is found if the logit rises
towards it or if it touches a part that is found; one that no sample around it tells of is not."""
_POINTS_AT_ONCE = 1 << 14
"""Points between two reports of progress, so that work on a slow field can be stopped."""
_REFINED = 0.97
"""Progress before the surface is followed, which takes few questions but no one knows how many."""
_CORNERS = np.indices((2, 2, 2)).reshape(3, 8).T
_NODES = np.indices((3, 3, 3)).reshape(3, 27).T
"""A cell's nodes in half cells: the corners and what halving the spacing adds."""
_WAYS = np.linalg.norm(_NODES[:, None] / 2 - _CORNERS, axis=-1).astype(np.float32)
"""Distance of each node from each corner in sides of the cell: (27, 8)."""


def refine_lattice(
    logit: LogitFunction, resolution: int, progress: OnProgress = ignore_progress, *, bounds: float = 1.0
) -> Lattice:
    """What `sample_lattice` gives for the same logit, but with exact values only at the corners of the cells that the
    surface crosses; elsewhere only the sign is meant. A part that the first grid does not tell of is missed (see
    `_COARSEST`). Raises `Gen3DError` for a bad resolution or field."""
    limits.check_whole("resolution", resolution, limits.RESOLUTION)
    halvings = 0
    while -(-(resolution - 1) // (2 << halvings)) >= _COARSEST - 1:
        halvings += 1
    probe = _Probe(logit, np.linspace(-bounds, bounds, resolution, dtype=np.float32), progress)
    # A surface has four times the nodes at half the spacing; the first halving asks about as many as the coarse grid.
    shares = np.cumsum([0.0, *(4.0 ** max(level - 1, 0) for level in range(halvings + 1))])
    shares *= _REFINED / shares[-1]
    step = 1 << halvings
    # Nodes must nest, so the grid may end beyond the last sample: there it repeats it.
    side = -(-(resolution - 1) // step) + 1
    values = probe.ask(step * np.indices((side,) * 3).reshape(3, -1).T, shares[0], shares[1]).reshape((side,) * 3)
    known = np.ones(values.shape, bool)
    for level in range(1, halvings + 1):
        step //= 2
        wanted = _cells_to_ask(values, last=step == 1)
        values = _halve(values)
        wanted[::2, ::2, ::2] &= ~known
        nodes = np.argwhere(wanted)
        values[tuple(nodes.T)] = probe.ask(step * nodes, shares[level], shares[level + 1])
        wanted[::2, ::2, ::2] |= known
        known = wanted
    bordered = np.full((resolution + 2,) * 3, -CERTAIN, np.float32)
    bordered[1:-1, 1:-1, 1:-1] = values[(slice(resolution),) * 3]
    del values
    seen = np.ones(bordered.shape, bool)
    seen[1:-1, 1:-1, 1:-1] = known[(slice(resolution),) * 3]
    del known
    _follow(bordered, seen, probe)
    progress(1.0, "shape")
    return close_lattice(bordered, bounds)


@dataclass(frozen=True)
class _Probe:
    """Asks the field at nodes of the finest grid."""

    logit: LogitFunction
    axis: np.ndarray
    progress: OnProgress

    def ask(self, nodes: np.ndarray, begin: float, end: float) -> np.ndarray:
        """Logits (N,) at indices (N, 3), reporting progress from `begin` to `end`."""
        values = np.empty(len(nodes), np.float32)
        for start in range(0, len(nodes), _POINTS_AT_ONCE):
            self.progress(float(begin + (end - begin) * start / len(nodes)), "shape")
            part = np.minimum(nodes[start : start + _POINTS_AT_ONCE], len(self.axis) - 1)
            values[start : start + len(part)] = check_logits(self.logit(self.axis[part]), (len(part),))
        return values


def _cells_to_ask(values: np.ndarray, *, last: bool) -> np.ndarray:
    """Which nodes of the grid of half the spacing to ask for: (n, n, n) -> (2n-1, 2n-1, 2n-1) bool.

    A corner vouches for the sign of all nodes that are nearer than the logit can reach zero on the way. The `last` grid
    is asked where no corner vouches; before that whole cells are, because their nodes have to vouch in turn.
    """
    size = np.abs(values)
    loss = _steepest(values)
    changing = _changing(values < 0)
    cells = np.nonzero(changing | (_over_corners(size, np.minimum) < loss * _WAYS.min(axis=1).max()))
    loss, changing = loss[cells], changing[cells]
    cells = np.stack(cells, axis=1)
    corners = np.stack([size[tuple((cells + corner).T)] for corner in _CORNERS], axis=1)
    doubtful = np.stack([(corners <= loss[:, None] * way).all(axis=1) for way in _WAYS], axis=1)
    if not last:
        doubtful[:] = (doubtful.any(axis=1) | changing)[:, None]
    wanted = np.zeros([2 * n - 1 for n in values.shape], bool)
    for node, where in zip(_NODES, doubtful.T, strict=True):
        wanted[tuple((2 * cells[where] + node).T)] = True
    return wanted


def _steepest(values: np.ndarray) -> np.ndarray:
    """How much the logit may change over the side of a cell, seen in the cell and its neighbours: (n-1, n-1, n-1).

    The neighbours matter: on both sides of a thin sheet midway between nodes the values are equal.
    """
    squares = np.zeros([n - 1 for n in values.shape], np.float32)
    for axis in range(3):
        change = np.abs(np.diff(values, axis=axis))
        for other in {0, 1, 2} - {axis}:
            change = _over_pairs(change, np.maximum, other)
        squares += change**2
    for axis in range(3):
        low, high = _pairs(squares, axis)
        larger = np.maximum(low, high)
        np.maximum(low, larger, out=low)
        np.maximum(high, larger, out=high)
    return np.sqrt(squares)


def _halve(values: np.ndarray) -> np.ndarray:
    """The grid of half the spacing by linear interpolation, whose sign is that of the corner that vouches."""
    for axis in range(3):
        shape = list(values.shape)
        shape[axis] = 2 * shape[axis] - 1
        finer = np.empty(shape, np.float32)
        even, odd = np.moveaxis(finer, axis, 0)[::2], np.moveaxis(finer, axis, 0)[1::2]
        even[:] = np.moveaxis(values, axis, 0)
        np.add(even[:-1], even[1:], out=odd)
        odd *= 0.5
        values = finer
    return values


def _follow(values: np.ndarray, known: np.ndarray, probe: _Probe) -> None:
    """Ask for every unknown corner of the cells that the surface crosses, and follow it where that moves it, so that
    it never ends at the edge of what is known. In place; both are (R+2, R+2, R+2) with a known border."""
    step = np.array([values.shape[1] * values.shape[2], values.shape[2], 1])
    corners = _CORNERS @ step
    flat, asked = values.reshape(-1), known.reshape(-1)
    cells = np.stack(np.nonzero(_changing(values < 0)), axis=1) @ step
    done = _REFINED
    while True:
        nodes = (cells[:, None] + corners).ravel()
        nodes = np.unique(nodes[~asked[nodes]])
        if not len(nodes):
            return
        found = probe.ask(np.stack(np.unravel_index(nodes, values.shape), axis=1) - 1, done, (1 + done) / 2)
        done = (1 + done) / 2
        turned = nodes[(found < 0) != (flat[nodes] < 0)]
        flat[nodes], asked[nodes] = found, True
        cells = np.unique(turned[:, None] - corners)
        outside = flat[cells[:, None] + corners] < 0
        cells = cells[outside.any(axis=1) & ~outside.all(axis=1)]


def _changing(outside: np.ndarray) -> np.ndarray:
    """Cells with corners on both sides."""
    return _over_corners(outside, np.logical_or) & ~_over_corners(outside, np.logical_and)


def _over_corners(nodes: np.ndarray, combine: np.ufunc) -> np.ndarray:
    """Of each cell: (X, Y, Z) -> (X-1, Y-1, Z-1)."""
    for axis in range(3):
        nodes = _over_pairs(nodes, combine, axis)
    return nodes


def _over_pairs(nodes: np.ndarray, combine: np.ufunc, axis: int) -> np.ndarray:
    return combine(*_pairs(nodes, axis))


def _pairs(nodes: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Views of all but the last and all but the first along an axis."""
    first = np.moveaxis(nodes, axis, 0)
    return np.moveaxis(first[:-1], 0, axis), np.moveaxis(first[1:], 0, axis)
