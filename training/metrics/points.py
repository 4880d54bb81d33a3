"""Point clouds of what can be seen of a mesh, and the chamfer distance between them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import KDTree

from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.geometry import area_samples, face_normals
from gen3d_core.mesh.mesh import Mesh
from training.metrics.orthographic import View, look_around

_VIEWS = 24
_SIZE = 128
_TOLERANCE = 1 / 8
"""How many pixels behind the plane of what a pixel sees a point may lie: curved surfaces bend away from it."""
_FACING = 0.4
"""A view judges no surface that it sees more nearly edge-on than this cosine: there a pixel spans too much of it."""
_ROUNDS = 64
_SHAPES_AT_ONCE = 256


def visible_points(mesh: Mesh, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points (count, 3) float32, uniform by area on what can be seen of a mesh from outside, in GET3D's frame: the
    bounding box centred at the origin, its longest side 1.

    Meshes from the wild are soups of open, overlapping parts around an interior that no picture shows. Points are drawn
    by area and kept where at least one of 24 orthographic views around the object sees them, faces from either side.
    The views have 128 pixels, 0.0135 wide, so that up to two pixels beyond a hidden part's rim count as seen. Raises
    `Gen3DError` for a mesh without area or of which almost nothing is seen.
    """
    vertices = in_unit_box(mesh.vertices, mesh.faces)
    normals = face_normals(vertices, mesh.faces)
    views = look_around(vertices, mesh.faces, normals, _VIEWS, _SIZE)
    kept: list[np.ndarray] = []
    missing, draw = count, count
    for _ in range(_ROUNDS):
        if missing <= 0:
            break
        points, face = area_samples(vertices, mesh.faces, draw, rng)
        seen = _visibility(points, normals[face], views)
        kept.append(points[seen][:missing])
        missing -= len(kept[-1])
        # As many as the share seen so far asks for, and a few more; a little share is not to ask for much memory.
        draw = int(min(1.1 * missing * draw / max(seen.sum(), 1) + 64, 4 * count + 64))
    if missing > 0:
        raise Gen3DError("almost nothing of the mesh can be seen from outside: remove far or enclosing parts")
    return np.concatenate([np.empty((0, 3)), *kept]).astype(np.float32)


def chamfer_matrix(a: np.ndarray, b: np.ndarray, progress: Callable[[float], None] | None = None) -> np.ndarray:
    """Chamfer distances between all clouds (N, P, 3) and (M, Q, 3): (N, M) float64, in squared units of length.

    CD(X, Y) = mean over x of min over y |x - y|^2 + mean over y of min over x |x - y|^2 (Yang et al., *PointFlow*, ICCV
    2019, section 5, there as sums). Exact and deterministic. `progress` is told a fraction in [0, 1]; `a is b` halves
    the work.

    Search trees, because they were faster than the products |x|^2 - 2 x.y + |y|^2 of whole clouds in torch: 2.5
    against 3.4 ms for a pair of 2048 points on one core, and free of the cancellation in float32.
    """
    same = a is b
    share = 1.0 if same else 0.5

    def part(start: float) -> Callable[[float], None]:
        return lambda fraction: progress(start + share * fraction) if progress else None

    there = _nearest_distances(a, b, part(0.0))
    back = there if same else _nearest_distances(b, a, part(share))
    return there + back.T


def in_unit_box(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Vertices (V, 3) float64 moved and scaled until the bounding box of the faces is centred at the origin and its
    longest side is 1. Raises `Gen3DError` where that cannot be."""
    points = vertices.astype(np.float64)
    used = points[faces.ravel()]
    if not len(used) or not np.isfinite(used).all():
        raise Gen3DError("the mesh has no faces or coordinates that are no numbers: export it again")
    low, high = used.min(axis=0), used.max(axis=0)
    if not (high - low).max() > 0:
        raise Gen3DError("the mesh is a single point: export it again")
    return (points - (low + high) / 2) / (high - low).max()


def _visibility(points: np.ndarray, normals: np.ndarray, views: list[View]) -> np.ndarray:
    """Whether any view sees points (N, 3) on surfaces with unit normals (N, 3), so that nothing is in front: (N,) bool.

    Where a pixel hits nothing, because it misses a thin part altogether, nothing is in front.
    """
    seen = np.zeros(len(points), bool)
    for view in views:
        unseen = np.flatnonzero(~seen)
        hit, above = view.heights(points[unseen])
        facing = np.abs(normals[unseen] @ view.back) > _FACING
        seen[unseen] = facing & (~hit | (above > -_TOLERANCE * view.pixel))
    return seen


def _nearest_distances(targets: np.ndarray, queries: np.ndarray, progress: Callable[[float], None]) -> np.ndarray:
    """Mean squared distance from the points of each query (M, Q, 3) to the nearest of each target (N, P, 3): (N, M)."""
    means = np.empty((len(targets), len(queries)))
    for row, target in enumerate(targets):
        tree = KDTree(target)
        for start in range(0, len(queries), _SHAPES_AT_ONCE):
            part = queries[start : start + _SHAPES_AT_ONCE]
            distance, _ = tree.query(part, workers=-1)
            means[row, start : start + len(part)] = np.mean(np.square(distance), axis=1)
        progress((row + 1) / len(targets))
    return means
