"""How far two triangle meshes are from each other, measured between points of one surface and the other. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gen3d_core.mesh.geometry import areas, points_in

POINTS = 2000
"""Points drawn on a surface: the mean distance is known to a few hundredths of itself."""
_POINTS_AT_ONCE = 64


@dataclass(frozen=True)
class Distances:
    """From points of each of two surfaces to the nearest of the other: `forth` and `back`, (N,) float64 each, in the
    meshes' units."""

    forth: np.ndarray
    back: np.ndarray

    @property
    def mean(self) -> float:
        """Over both ways."""
        return float((self.forth.mean() + self.back.mean()) / 2)

    def share_beyond(self, limit: float) -> float:
        """The share of either surface, whichever is larger, that is farther than `limit` from the other."""
        return float(max((self.forth > limit).mean(), (self.back > limit).mean()))


def surface_distances(
    vertices: np.ndarray, faces: np.ndarray, others: np.ndarray, other_faces: np.ndarray, count: int = POINTS
) -> Distances:
    """Between meshes of vertices (V, 3) and faces (F, 3). The points are the same in every call."""
    return Distances(
        _distances(_points_on(vertices, faces, count), others, other_faces),
        _distances(_points_on(others, other_faces, count), vertices, faces),
    )


def _points_on(vertices: np.ndarray, faces: np.ndarray, count: int) -> np.ndarray:
    """Points (count, 3), uniform over the area."""
    area = areas(vertices, faces)
    rng = np.random.default_rng(0)
    # Stratified along the area, so that few points suffice and no part of the surface is left out.
    place = (np.arange(count) + rng.random(count)) / count * area.sum()
    face = np.minimum(np.searchsorted(np.cumsum(area), place), len(faces) - 1)
    root, second = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    return points_in(vertices, faces, face, root, second)


def _distances(points: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """From each point (N, 3) to the triangles around the vertex nearest to it: (N,). Where another triangle is nearer,
    this is too large, never too small."""
    vertices32 = np.ascontiguousarray(vertices, np.float32)
    squares = np.einsum("ij,ij->i", vertices32, vertices32)
    nearest = np.concatenate(
        [
            (squares - 2 * (part.astype(np.float32) @ vertices32.T)).argmin(axis=1)
            for part in np.split(points, range(_POINTS_AT_ONCE, len(points), _POINTS_AT_ONCE))
        ]
    )
    around = np.argsort(faces, axis=None, kind="stable") // 3
    count = np.bincount(faces.ravel(), minlength=len(vertices))
    first = np.cumsum(count) - count
    many = count[nearest]
    begin = np.cumsum(many) - many
    which = around[np.arange(many.sum()) + np.repeat(first[nearest] - begin, many)]
    corners = vertices[faces[which]].astype(np.float64)
    return np.minimum.reduceat(_to_triangles(np.repeat(points, many, axis=0), corners), begin)


def _to_triangles(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """From points (N, 3) to one triangle each, corners (N, 3, 3): the plane's distance where the foot lies inside,
    otherwise the nearest edge's."""
    ends = np.roll(corners, -1, axis=1)
    sides, offsets = ends - corners, points[:, None] - corners
    along = np.einsum("nij,nij->ni", offsets, sides) / np.maximum(np.einsum("nij,nij->ni", sides, sides), 1e-30)
    to_edges = np.linalg.norm(offsets - np.clip(along, 0, 1)[..., None] * sides, axis=2).min(axis=1)
    normals = np.cross(sides[:, 0], sides[:, 1])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    inside = (np.einsum("nij,nj->ni", np.cross(sides, offsets), normals) > 0).all(axis=1)
    return np.where(inside, np.abs(np.einsum("nj,nj->n", offsets[:, 0], normals)), to_edges)
