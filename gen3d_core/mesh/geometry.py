"""What triangles measure: corners, areas, volumes, normals, points spread over them.

Vertices are (V, 3), faces (F, 3) indices of corners that run counter-clockwise seen from outside.
"""

from __future__ import annotations

import numpy as np

from gen3d_core.errors import Gen3DError


def corners(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First, second and third corner of each triangle: three of (F, 3) float64."""
    a, b, c = (vertices[faces[:, corner]].astype(np.float64) for corner in range(3))
    return a, b, c


def area_vectors(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Outward normals (F, 3) float64, as long as twice the triangles' areas."""
    a, b, c = corners(vertices, faces)
    return np.cross(b - a, c - a)


def areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area of each triangle: (F,) float64."""
    return np.linalg.norm(area_vectors(vertices, faces), axis=1) / 2


def signed_volumes(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Signed volume of each triangle's tetrahedron with the origin: (F,) float64; the sum over a closed mesh is its
    volume."""
    a, b, c = corners(vertices, faces)
    return np.einsum("ij,ij->i", a, np.cross(b, c)) / 6.0


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals (F, 3) float64; zero where a face has no area."""
    normals = area_vectors(vertices, faces)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals at vertices: (V, 3) float32."""
    normals = area_vectors(vertices, faces)
    total = np.stack(
        [np.bincount(faces.ravel(), np.repeat(normals[:, axis], 3), minlength=len(vertices)) for axis in range(3)],
        axis=1,
    )
    lengths = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(lengths > 0, total / np.maximum(lengths, 1e-30), [0.0, 0.0, 1.0]).astype(np.float32)


def points_in(
    vertices: np.ndarray, faces: np.ndarray, face: np.ndarray, root: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """A point (N, 3) float64 in each of the triangles `face` (N,), uniform for the roots of uniform numbers `root`
    (N, 1) and for uniform `second` (N, 1), all in [0, 1] (Osada et al., *Shape Distributions*, 2002, equation 1)."""
    a, b, c = corners(vertices, faces[face])
    return (1 - root) * a + root * (1 - second) * b + root * second * c


def area_samples(
    vertices: np.ndarray, faces: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Points (count, 3) float64 uniform by area, and the face (count,) that each lies on. Raises `Gen3DError` for a
    mesh without area."""
    total = np.cumsum(areas(vertices, faces))
    if not len(total) or not total[-1] > 0:
        raise Gen3DError("the mesh has no surface: its faces have no area")
    face = np.searchsorted(total, rng.random(count) * total[-1], side="right")
    root, second = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    return points_in(vertices, faces, face, root, second), face
