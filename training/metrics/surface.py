"""How clean a mesh is: closed, in one piece, smooth, free of triangles that pass through each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from gen3d_core.mesh.extract import components
from gen3d_core.mesh.geometry import area_samples, areas, face_normals
from gen3d_core.mesh.mesh import Mesh
from training.metrics.points import in_unit_box

_SPACING = 0.0125
_RADIUS = 0.04
_NEIGHBOURS = 40
_MOST_SAMPLES = 100_000
_SMOOTH = np.cos(np.deg2rad(45.0))
_MARGIN = 1e-6
"""Share of an edge or a triangle: what lies nearer to their ends only touches."""
_LEVELS = 20
_PAIRS_AT_ONCE = 1 << 19


@dataclass(frozen=True)
class Quality:
    """`watertight`: every edge has exactly two faces, which run along it in opposite directions. `components`: pieces
    that share no vertex. `roughness_deg`: see `roughness`. `self_intersections`: see `self_intersections`."""

    watertight: bool
    components: int
    roughness_deg: float
    self_intersections: int


def measure(mesh: Mesh) -> Quality:
    """Measure a mesh of any size and place. Vertices at exactly equal places count as one, as other programs see them;
    faces with fewer than three places are left out. Raises `Gen3DError` for a mesh without area."""
    vertices, faces = _weld(mesh)
    rough = roughness(vertices, faces)
    return Quality(
        watertight=_is_watertight(faces),
        components=len(np.unique(components(faces, len(vertices))[faces[:, 0]])),
        roughness_deg=rough,
        self_intersections=self_intersections(vertices, faces),
    )


def roughness(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Mean angle in degrees, over the surface's area, between its normal and the mean normal around.

    Around means within 0.04 of the longest side, where the normal is less than 45 degrees away: the other side of an
    edge or of a thin part is another surface. Both are taken at points drawn from the surface, 0.0125 apart on average,
    so that the same surface gets the same value however it is cut into triangles. Planes and boxes have 0. A sphere
    from marching cubes has 0.7 at resolution 128, part of it because points are finite, and 1.2 at 64; what has more
    than about 12 is crumpled, and the value grows no more.
    """
    unit = in_unit_box(vertices, faces)
    normals = face_normals(unit, faces)
    count = int(min(max(areas(unit, faces).sum() / _SPACING**2, 1000), _MOST_SAMPLES))
    points, face = area_samples(unit, faces, count, np.random.default_rng(0))
    normals = normals[face]
    _, near = KDTree(points).query(points, k=_NEIGHBOURS, distance_upper_bound=_RADIUS, workers=-1)
    around = np.concatenate([normals, np.zeros((1, 3))])[near]  # a neighbour that is not there is numbered `count`
    alike = np.einsum("nkd,nd->nk", around, normals) > _SMOOTH
    mean = np.einsum("nkd,nk->nd", around, alike)
    sine = np.linalg.norm(np.cross(normals, mean), axis=1)
    return float(np.rad2deg(np.arctan2(sine, np.einsum("nd,nd->n", normals, mean))).mean())


def self_intersections(vertices: np.ndarray, faces: np.ndarray) -> int:
    """Number of pairs of triangles that share no vertex and of which one has an edge that passes through the other.
    Triangles that only touch, or overlap within one plane, do not count."""
    corners = vertices.astype(np.float64)[faces]
    found = 0
    for one, two in _close_pairs(corners.min(axis=1), corners.max(axis=1)):
        apart = (faces[one][:, :, None] != faces[two][:, None, :]).all(axis=(1, 2))
        one, two = corners[one[apart]], corners[two[apart]]
        crossing = np.zeros(len(one), bool)
        for corner in range(3):
            crossing |= _pierces(one[:, corner], one[:, corner - 1], two)
            crossing |= _pierces(two[:, corner], two[:, corner - 1], one)
        found += int(crossing.sum())
    return found


def _pierces(start: np.ndarray, end: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Whether segments (N, 3) pass through triangles (N, 3, 3): Moeller and Trumbore, *Fast, Minimum Storage
    Ray/Triangle Intersection*, 1997."""
    along, origin = end - start, triangles[:, 0]
    first, second = triangles[:, 1] - origin, triangles[:, 2] - origin
    p = np.cross(along, second)
    determinant = np.einsum("nk,nk->n", first, p)
    # Zero, up to rounding, for a segment within the plane.
    extent = np.linalg.norm(np.cross(first, second), axis=1) * np.linalg.norm(along, axis=1)
    crosses = np.abs(determinant) > 1e-9 * extent
    scale = 1.0 / np.where(crosses, determinant, 1.0)
    offset = start - origin
    q = np.cross(offset, first)
    u = np.einsum("nk,nk->n", offset, p) * scale
    v = np.einsum("nk,nk->n", along, q) * scale
    t = np.einsum("nk,nk->n", second, q) * scale
    # Within both, not at their ends: what stands on a surface with an edge or a corner does not pass through it.
    return crosses & (np.minimum.reduce([u, v, 1 - u - v, t, 1 - t]) > _MARGIN)


def _close_pairs(low: np.ndarray, high: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every pair of boxes (N, 3) that overlap, once, in groups of indices.

    A grid for every power of two: each box lies in the one whose cells are just larger, so that it touches at most two
    cells along an axis there, and is looked up with every box that is smaller. Sizes may thus differ at will.
    """
    extent = np.maximum((high - low).max(axis=1), 1e-12)
    level = np.clip(np.ceil(np.log2(extent / extent.max())).astype(int) + _LEVELS, 0, _LEVELS)
    origin = low.min(axis=0)
    for here in np.unique(level):
        cell = extent.max() * 2.0 ** (here - _LEVELS) * (1 + 1e-9)
        first, last = (np.floor((end - origin) / cell).astype(np.int64) for end in (low, high))
        large, small = np.flatnonzero(level == here), np.flatnonzero(level <= here)
        large, large_key = _cells(large, first, last)
        order = np.argsort(large_key, kind="stable")
        large, large_key = large[order], large_key[order]
        small, small_key = _cells(small, first, last)
        begin = np.searchsorted(large_key, small_key, side="left")
        number = np.searchsorted(large_key, small_key, side="right") - begin
        ends = np.cumsum(number)
        start = 0
        while start < len(small):
            done = ends[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, done + _PAIRS_AT_ONCE, side="right")))
            one = np.repeat(np.arange(start, stop), number[start:stop])
            two = large[begin[one] + np.arange(len(one)) - (ends[one] - number[one] - done)]
            key, one = small_key[one], small[one]
            overlap = ((low[one] <= high[two]) & (low[two] <= high[one])).all(axis=1)
            overlap &= (level[one] < here) | (one < two)
            one, two, key = one[overlap], two[overlap], key[overlap]
            once = _key(np.maximum(first[one], first[two])) == key  # they may share several cells
            yield one[once], two[once]
            start = stop


def _cells(index: np.ndarray, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The boxes `index` repeated for every cell that each lies in, and those cells' keys."""
    boxes, keys = [], []
    for step in np.ndindex(2, 2, 2):
        cell = first[index] + step
        there = (cell <= last[index]).all(axis=1)
        boxes.append(index[there])
        keys.append(_key(cell[there]))
    return np.concatenate(boxes), np.concatenate(keys)


def _key(cell: np.ndarray) -> np.ndarray:
    return (cell[:, 0] << 42) | (cell[:, 1] << 21) | cell[:, 2]


def _is_watertight(faces: np.ndarray) -> bool:
    start, end = faces.ravel().astype(np.int64), np.roll(faces, -1, axis=1).ravel().astype(np.int64)
    count = int(faces.max()) + 1
    there, back = np.sort(start * count + end), np.sort(end * count + start)
    return bool((there[1:] != there[:-1]).all() and np.array_equal(there, back))


def _weld(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    vertices = mesh.vertices + np.float32(0.0)  # -0 becomes 0
    order = np.lexsort(vertices.T)
    fresh = np.concatenate([[True], (vertices[order[1:]] != vertices[order[:-1]]).any(axis=1)])
    number = np.empty(len(vertices), np.int64)
    number[order] = np.cumsum(fresh) - 1
    faces = number[mesh.faces]
    whole = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    return vertices[order[fresh]], faces[whole]
