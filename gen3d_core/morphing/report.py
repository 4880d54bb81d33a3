"""What a morph is: meshes of keys, grouped by topology, and how well each follows its surface."""

from __future__ import annotations

from dataclasses import dataclass

from gen3d_core.mesh.mesh import Mesh
from gen3d_core.mesh.sequence import Segment

_LOST = 0.01
"""A mesh has lost the surface when this share of either is apart from the other ..."""
_FOLDED = 0.005
"""... or when this share of its triangles is flipped: it is crammed where a part of the surface vanished."""


@dataclass(frozen=True)
class KeyReport:
    """How well a key's mesh follows the surface. Lengths are shares of the longest side.

    `residual_logit` mean |f| at vertices; `residual` and `worst_residual` mean and greatest |f| / |grad f|; `distance`
    mean distance to a mesh extracted anew, both ways; `apart` the share of either surface that is more than two lattice
    spacings away from the other; `flipped` and `degenerate` shares of the triangles; `euler` of the mesh and
    `fresh_euler` of the one extracted anew, which differ where the topology changed.
    """

    residual_logit: float
    residual: float
    worst_residual: float
    distance: float
    apart: float
    flipped: float
    degenerate: float
    euler: int
    fresh_euler: int

    @property
    def changed(self) -> bool:
        """Whether the surface has another topology than the mesh."""
        return self.euler != self.fresh_euler or self.lost

    @property
    def lost(self) -> bool:
        """Whether the mesh no longer shows the surface, or folds."""
        return self.apart > _LOST or self.flipped > _FOLDED


@dataclass(frozen=True)
class MorphMeshes:
    """`segments` in the order of keys, without overlap; `reports` of the keys they cover, in order. The first covered
    key is `segments[0].first`."""

    segments: tuple[Segment, ...]
    reports: tuple[KeyReport, ...]

    @property
    def changes(self) -> tuple[int, ...]:
        """Keys at which small holes or handles came or went that the mesh does not have; where a segment but the first
        begins, or the last ends early, the topology changed as well."""
        return tuple(self.segments[0].first + n for n, report in enumerate(self.reports) if report.changed)

    def mesh(self, key: int) -> Mesh:
        """The mesh of a covered key."""
        return next(each for each in self.segments if key in each.keys).mesh(key)
