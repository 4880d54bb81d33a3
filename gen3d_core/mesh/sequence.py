"""Meshes in a row that share their triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gen3d_core.codes.by_value import ByValue
from gen3d_core.mesh.mesh import Mesh


@dataclass(frozen=True, eq=False)
class Segment(ByValue):
    """Consecutive keys of one topology: `first` key, `faces` (F, 3) int32, `vertices` (K, V, 3) float32 placed like
    single objects (longest side 1, base at the origin), `colours` (K, V, 3) float32 sRGB."""

    first: int
    faces: np.ndarray
    vertices: np.ndarray
    colours: np.ndarray

    @property
    def keys(self) -> range:
        """Indices of the keys it covers."""
        return range(self.first, self.first + len(self.vertices))

    def mesh(self, key: int) -> Mesh:
        """The mesh of one of its keys."""
        return Mesh(self.vertices[key - self.first], self.faces, self.colours[key - self.first])
