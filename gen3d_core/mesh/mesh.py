"""A coloured triangle mesh."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gen3d_core.codes.by_value import ByValue


@dataclass(frozen=True, eq=False)
class Mesh(ByValue):
    """Triangles that wind outward, with a colour at each vertex.

    `vertices` (V, 3) float32, Z up, front +X; `faces` (F, 3) int32, counter-clockwise seen from outside; `colours`
    (V, 3) float32, sRGB-encoded in [0, 1]. A model's meshes are closed, have the longest side 1 and the centre of
    their base at the origin.

    >>> import gen3d_core
    >>> mesh = gen3d_core.load("chairs").sample(seed=7, resolution=32)
    >>> mesh.vertices.shape == mesh.colours.shape and mesh.faces.max() < len(mesh.vertices)
    True
    >>> mesh.save("chair.glb")
    """

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray

    def save(self, path: str | Path) -> None:
        """Write a .glb, .ply, .obj or .stl file: see `gen3d_core.mesh.files.save`."""
        from gen3d_core.mesh.files import save

        save(path, self.vertices, self.faces, self.colours)

    def scaled(self, factor: float) -> Mesh:
        """The same mesh, so many times as large around the origin: 900 makes a model's mesh 900 units long."""
        return replace(self, vertices=(self.vertices * np.float64(factor)).astype(np.float32))

    def normalised(self) -> Mesh:
        """The same mesh with its longest side 1 and the centre of its base at the origin."""
        base, side = self.base(), self.longest_side()
        return replace(self, vertices=((self.vertices - base) / side).astype(np.float32))

    def base(self) -> np.ndarray:
        """The centre (3,) of its base."""
        low, high = self.vertices.min(axis=0).astype(np.float64), self.vertices.max(axis=0).astype(np.float64)
        return np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])

    def longest_side(self) -> float:
        """That of its box."""
        return float(np.ptp(self.vertices.astype(np.float64), axis=0).max())
