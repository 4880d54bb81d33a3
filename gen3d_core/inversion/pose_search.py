"""Where a camera stood that took a framed picture of a mesh: the angles under which both cover the same pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.prediction import AzimuthPeak
from gen3d_core.pictures.pinhole import camera_axes, framed_places
from gen3d_core.pictures.rasterise import rasterise

_STEPS_DEG = (8.0, 4.0, 2.0, 1.0)
_PER_DEGREE = 0.004
"""Overlap that a turn by one degree has to bring: shapes that are not quite right fit better from wrong places."""
_TINT = 0.3
"""Overlap that outweighs a mean difference of colours of one, when directions are compared."""
_TRUST = 0.05
"""Overlap that outweighs a factor of e in an encoder's probability: from behind, silhouettes cover as well, and by them
alone twice as many directions were wrong."""


@dataclass(frozen=True)
class CameraPose:
    """Camera angles in radians. `overlap` is the intersection over the union of the picture's silhouette and the
    mesh's, both framed: 1 where they are the same."""

    azimuth: float
    elevation: float
    overlap: float


def search_pose(
    mesh: Mesh, picture: np.ndarray, azimuths: Sequence[AzimuthPeak], elevation: float, distance: float
) -> CameraPose:
    """The best of these cameras, improved by small turns; they stay at `distance`, that of the model's own.

    `mesh` stands in the canonical frame; `picture` (S, S, 4) is framed, premultiplied RGBA in [0, 1].
    """

    def look_from(azimuth: float, elevation: float) -> _Look:
        return _Look.of(mesh, picture, azimuth, elevation, distance)

    def likely(azimuth: AzimuthPeak) -> float:
        look = look_from(azimuth.angle, elevation)
        return look.overlap - _TINT * look.difference + _TRUST * float(np.log(azimuth.share))

    start = best = look_from(max(azimuths, key=likely).angle, elevation)

    def worth(look: _Look) -> float:
        away = abs(look.azimuth - start.azimuth) + abs(look.elevation - start.elevation)
        return look.overlap - _PER_DEGREE * float(np.rad2deg(away))

    for step in np.deg2rad(_STEPS_DEG):
        improved = True
        while improved:
            improved = False
            for turn, rise in ((step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)):
                look = look_from(best.azimuth + turn, min(max(best.elevation + rise, -1.5), 1.5))
                if worth(look) > worth(best):
                    best, improved = look, True
    return CameraPose(best.azimuth % (2 * np.pi), best.elevation, best.overlap)


@dataclass(frozen=True)
class _Look:
    azimuth: float
    elevation: float
    overlap: float
    difference: float
    """Of colours where both show something, mean and absolute; the mesh's are unlit."""

    @classmethod
    def of(cls, mesh: Mesh, picture: np.ndarray, azimuth: float, elevation: float, distance: float) -> _Look:
        size = len(picture)
        places, depth = framed_places(mesh.vertices, camera_axes(azimuth, elevation), distance)
        hits = rasterise((places * [1, -1] + 1) * size / 2, depth, mesh.faces, size)
        there, wanted = hits.face >= 0, picture[..., 3].ravel() >= 0.5
        both = there & wanted
        corners = mesh.faces[hits.face[both]]
        colours = np.einsum("nc,nck->nk", hits.weights[both], mesh.colours[corners])
        target = picture.reshape(-1, 4)[both]
        difference = np.abs(colours - target[:, :3] / target[:, 3:]).mean() if both.any() else 1.0
        return cls(azimuth, elevation, float(both.sum() / max((there | wanted).sum(), 1)), float(difference))
