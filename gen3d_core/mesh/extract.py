"""From a field to a clean coloured mesh: marching cubes, loose parts removed, colours looked up, placed on the
ground."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from gen3d_core import limits
from gen3d_core.connected import label_components
from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.geometry import areas, signed_volumes
from gen3d_core.mesh.lattice import Lattice, sample_object
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.mesh.sparse_lattice import refine_lattice
from gen3d_core.progress import OnProgress, ignore_progress


class MeshError(Gen3DError):
    """A field without a usable surface."""


class PointField(Protocol):
    """What extraction needs of an object: see `gen3d_core.model.onnx_model.OnnxField`."""

    def logit(self, points: np.ndarray) -> np.ndarray: ...

    def colour(self, points: np.ndarray) -> np.ndarray: ...


@runtime_checkable
class SeparableField(Protocol):
    """An object whose logit on the grid of three axes is cheap, so that there is no need to ask it sparingly."""

    def lattice(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray: ...

    def colour(self, points: np.ndarray) -> np.ndarray: ...


SurfaceField = PointField | SeparableField


def extract(
    field: SurfaceField, resolution: int, *, floaters: float = 1.0, progress: OnProgress = ignore_progress
) -> Mesh:
    """The closed surface where the field's logit is zero, coloured, in the canonical frame (not placed).

    A separable field is sampled in the box that the object fills, another one only around its surface.

    `floaters` is the share of the largest component's area from which loose components are kept; 1 keeps only the
    largest. Inner cavities, which nobody sees, are filled. Raises `MeshError` when there is no surface.
    """
    limits.check_real("floaters", floaters, limits.FLOATERS)
    vertices, faces = _march(_sample(field, resolution, lambda fraction, stage: progress(0.75 * fraction, stage)))
    progress(0.85, "surface")
    kept, faces = _keep_parts(vertices, faces, floaters)
    vertices = vertices[kept]
    progress(0.9, "colours")
    colours = np.clip(np.asarray(field.colour(vertices), np.float32), 0.0, 1.0)
    if colours.shape != vertices.shape or not np.isfinite(colours).all():
        raise MeshError("the model gave no usable colours: the file is damaged or its training diverged")
    return Mesh(vertices, faces, colours)


def count_parts(field: SurfaceField, resolution: int) -> int:
    """How many solid parts the surface has that `extract` would be given, floaters included; inner cavities are none.
    Raises `MeshError` when there is no surface."""
    vertices, faces = _march(_sample(field, resolution, ignore_progress))
    _, part = np.unique(components(faces, len(vertices))[faces[:, 0]], return_inverse=True)
    return int((np.bincount(part, signed_volumes(vertices, faces)) > 0).sum())


def largest_part(mesh: Mesh) -> Mesh:
    """The solid part of the largest area alone, where it stands: what `extract` keeps unless asked for more."""
    kept, faces = _keep_parts(mesh.vertices, mesh.faces, 1.0)
    return Mesh(mesh.vertices[kept], faces, mesh.colours[kept])


def components(faces: np.ndarray, count: int) -> np.ndarray:
    """Label of each of `count` vertices: the smallest vertex index of its connected component (F, 3) -> (V,) int64."""
    return label_components(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]]).astype(np.int64), count)


def _sample(field: SurfaceField, resolution: int, progress: OnProgress) -> Lattice:
    if isinstance(field, SeparableField):
        return sample_object(field.lattice, resolution, progress)
    return refine_lattice(field.logit, resolution, progress)


def _march(lattice: Lattice) -> tuple[np.ndarray, np.ndarray]:
    from skimage.measure import marching_cubes

    if not (lattice.values > 0).any():
        raise MeshError("the field is empty for this seed, so there is no surface: try another seed")
    index, faces, _, _ = marching_cubes(lattice.values, level=0.0, gradient_direction="ascent")
    faces = faces.astype(np.int32)
    vertices = (index.astype(np.float64) * lattice.spacing + lattice.origin).astype(np.float32)
    if signed_volumes(vertices, faces).sum() < 0:  # the border is outside, so the whole must enclose positive volume
        faces = faces[:, ::-1]
    return vertices, np.ascontiguousarray(faces)


def _keep_parts(vertices: np.ndarray, faces: np.ndarray, floaters: float) -> tuple[np.ndarray, np.ndarray]:
    """Which vertices stay, and the faces between them, numbered anew."""
    labels = components(faces, len(vertices))[faces[:, 0]]
    names, part = np.unique(labels, return_inverse=True)
    area = np.bincount(part, areas(vertices, faces), minlength=len(names))
    volume = np.bincount(part, signed_volumes(vertices, faces), minlength=len(names))
    area[volume <= 0] = 0.0  # a closed component that encloses negative volume bounds a cavity
    if not area.any():
        raise MeshError("the field has no solid part for this seed: try another seed")
    keep = area >= max(floaters * area.max(), np.finfo(float).tiny)
    if floaters >= 1.0:
        keep[:] = False
        keep[area.argmax()] = True
    faces = faces[keep[part]]
    used = np.unique(faces)
    renumber = np.zeros(len(vertices), np.int32)
    renumber[used] = np.arange(len(used), dtype=np.int32)
    return used, renumber[faces]
