"""The body that a mesh bounds, as far as anybody can see: how full it is, and how unlike that of another mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import ConvexHull, QhullError

from gen3d_core.mesh.geometry import face_normals
from gen3d_core.mesh.mesh import Mesh
from training.metrics.orthographic import look_around
from training.metrics.points import in_unit_box

SIDE = 40
"""Cells along the longest side."""
VIEWS, SIZE = 12, 96
"""With 24 views of 128 pixels and 48 cells `fill` differs by .05 at most and by .01 on average, at four times the
cost."""
REACH = 6
"""Cells up to which distances from the surface count: of 1.5, 3, 6 and 12 this tells kinds of chairs best."""
SOLID = 0.7
"""The share of the convex hull from which a body counts as a solid. Procedural chairs fill .06 to .41, armchairs on
blocks .50 to .68; what a generator fills in between seat and floor has .74 and more."""


@dataclass(frozen=True, eq=False)
class Body:
    """`inside` (SIDE, SIDE, SIDE) bool: cells whose centre no view looks at or past, the bounding box centred, its
    longest side the lattice's; `fill`: their volume as a share of the convex hull's, 0 to about 1."""

    inside: np.ndarray
    fill: float

    def distances(self) -> np.ndarray:
        """(SIDE / 2) ** 3 float32: signed distance from the surface in cells, positive outside, cut off at `REACH`.

        Its Euclidean distance compares bodies; thin parts count as much as their reach, not as their volume.
        """
        if not self.inside.any():
            return np.full((SIDE // 2) ** 3, REACH, np.float32)
        within = np.asarray(distance_transform_edt(np.pad(self.inside, 1)))[1:-1, 1:-1, 1:-1]
        signed = np.asarray(distance_transform_edt(~self.inside)) - within
        half = SIDE // 2
        blocks = np.clip(signed, -REACH, REACH).reshape(half, 2, half, 2, half, 2)
        return blocks.mean(axis=(1, 3, 5)).ravel().astype(np.float32)


def carve(mesh: Mesh) -> Body:
    """Carve the body out of its bounding box by what orthographic views from all around see.

    A cell is outside where a view sees past it or something behind it. So it needs no closed surface: meshes from the
    wild are soups of open, overlapping parts. Single sheets have no volume, and what no view sees counts as inside.
    Raises `Gen3DError` for a mesh without faces or extent.
    """
    vertices = in_unit_box(mesh.vertices, mesh.faces)
    used = vertices[np.unique(mesh.faces)]
    centres = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    points = np.stack(np.meshgrid(centres, centres, centres, indexing="ij"), axis=-1).reshape(-1, 3)
    left = np.flatnonzero((np.abs(points) <= used.max(axis=0)).all(axis=1))
    for view in look_around(vertices, mesh.faces, face_normals(vertices, mesh.faces), VIEWS, SIZE):
        hit, above = view.heights(points[left])
        left = left[hit & (above <= 0)]
    inside = np.zeros(SIDE**3, bool)
    inside[left] = True
    try:
        hull = float(ConvexHull(used).volume)
    except QhullError:  # flat: there is nothing to be filled
        return Body(np.zeros((SIDE, SIDE, SIDE), bool), 0.0)
    return Body(inside.reshape(SIDE, SIDE, SIDE), len(left) / SIDE**3 / hull)


def nearest(queries: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Index (N,) of the row of `known` (M, D) nearest to each row of `queries` (N, D). Where both are one array, of
    the nearest other row."""
    square = (known**2).sum(axis=1)[None] - 2 * queries @ known.T
    if queries is known:
        np.fill_diagonal(square, np.inf)
    return square.argmin(axis=1)
