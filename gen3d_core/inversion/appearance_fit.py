"""The appearance code that paints a shape most like its pictures, by least squares on what cameras see of it.

An encoder's colours are means of what might be; the colours themselves are in the pictures. Levenberg-Marquardt steps
(Marquardt 1963) with derivatives by differences, which cost most of the time: between, they follow Broyden (1965).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gen3d_core.inversion.pose_search import CameraPose
from gen3d_core.mesh.geometry import vertex_normals
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.onnx_model import OnnxField
from gen3d_core.pictures.pinhole import camera_axes, framed_places
from gen3d_core.pictures.rasterise import rasterise

POINTS = 256
DRAWN = 24
"""Codes that are tried beside the encoder's before the first step."""
STEPS = 8
MEASURED_AT = (0, 4)
"""Steps before which derivatives are measured, not updated by what the last step did."""
DIFFERENCE = 0.15
"""Step of the derivatives in units of a code's numbers."""
CODE_PULL = 0.02
"""Weight of a code's squared distance from where it started, beside the mean squared difference of colours."""
LIGHT_SPREAD = 0.2
"""Spread of the light's slope with the normal that is expected."""


@dataclasses.dataclass(frozen=True)
class ColourSamples:
    """Points (N, 3) of a surface in the canonical frame, its normals (N, 3) there, and the sRGB colours (N, 3) that
    pictures show of them."""

    points: np.ndarray
    normals: np.ndarray
    colours: np.ndarray


def sample_colours(
    mesh: Mesh, pictures: np.ndarray, cameras: Sequence[CameraPose], distance: float
) -> ColourSamples | None:
    """What framed pictures (N, S, S, 4), premultiplied in [0, 1], show of a mesh in the canonical frame from cameras at
    this distance; None where they show nothing of it."""
    normals = vertex_normals(mesh.vertices, mesh.faces)
    found = []
    for picture, camera in zip(pictures, cameras, strict=True):
        size = len(picture)
        places, depth = framed_places(mesh.vertices, camera_axes(camera.azimuth, camera.elevation), distance)
        hits = rasterise((places * [1, -1] + 1) * size / 2, depth, mesh.faces, size)
        target = picture.reshape(-1, 4)
        both = (hits.face >= 0) & (target[:, 3] > 0.9)
        corners, weights = mesh.faces[hits.face[both]], hits.weights[both]
        found.append(
            [np.einsum("nc,nck->nk", weights, values[corners]) for values in (mesh.vertices, normals)]
            + [target[both, :3] / target[both, 3:]]
        )
    points, directions, colours = (np.concatenate(parts).astype(np.float32) for parts in zip(*found, strict=True))
    if len(points) == 0:
        return None
    chosen = np.random.default_rng(0).permutation(len(points))[:POINTS]
    return ColourSamples(points[chosen], directions[chosen], colours[chosen])


def fit_appearance(field: OnnxField, code: np.ndarray, seen: ColourSamples) -> np.ndarray:
    """An appearance code (A,), as long as draws are, with which the field shows more of the colours seen.

    How light falls off with the normal is estimated beside it, so that shade is not taken for paint.
    """
    length = len(code) ** 0.5

    def residual(values: np.ndarray) -> np.ndarray:
        trial = _with_length(values[3:], length)
        base = dataclasses.replace(field, appearance_code=trial[None].astype(np.float32)).colour(seen.points)
        lit = base * (1 + seen.normals @ values[:3])[:, None]
        spread = 1 / (3 * len(lit)) ** 0.5
        return np.concatenate(
            [
                spread * (lit - seen.colours).ravel(),
                CODE_PULL / length * (trial - start[3:]),
                CODE_PULL / LIGHT_SPREAD * values[:3],
            ]
        )

    rng = np.random.default_rng(0)
    codes = [code, *rng.standard_normal((DRAWN, len(code)))]
    starts = [np.concatenate([np.zeros(3), _with_length(each.astype(np.float64), length)]) for each in codes]
    start = starts[0]
    best = min(starts, key=lambda values: float(np.square(residual(values)).sum()))
    start, damping = best, 1e-3
    here = residual(best)
    identity = np.eye(len(best))
    slope = np.zeros((len(here), len(best)))
    for step in range(STEPS):
        if step in MEASURED_AT:
            slope = np.stack([residual(best + DIFFERENCE * unit) - here for unit in identity], axis=1) / DIFFERENCE
        move = np.linalg.solve(slope.T @ slope + damping * identity, -slope.T @ here)
        trial = best + move
        there = residual(trial)
        slope += np.outer(there - here - slope @ move, move) / max(float(move @ move), 1e-12)
        if np.square(there).sum() < np.square(here).sum():
            best, here, damping = trial, there, damping / 4
            best[3:] = _with_length(best[3:], length)
        else:
            damping *= 8
    return best[3:].astype(np.float32)


def _with_length(values: np.ndarray, length: float) -> np.ndarray:
    return values * (length / max(float(np.linalg.norm(values)), 1e-9))
