"""Captures around a point that is not the origin, or at another scale, brought to where Gen3D's objects stand."""

import logging
import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gen3d_core.config import PosePrior
from training.data.staging import DatasetError
from training.data.transforms import Transforms

TOLERANCE = 0.01
"""Sine of the angle by which an optical axis may miss its point, as in `angles_from_matrix`."""
_SEEN = (0.7, 2.5)
"""Radius around the origin that a camera sees whole and that is taken for the unit sphere on purpose."""
_PARALLEL = 1e-4
_log = logging.getLogger(__name__)


def recentre(transforms: Transforms, distance: float | None = None) -> Transforms:
    """The same cameras around the origin: unchanged where most look at it from a likely distance.

    Otherwise the origin is the point closest to all optical axes (least squares), and the median camera stands at
    `distance`, by default where it sees just the unit sphere whole; that is said in one line.

    Raises:
        DatasetError: there is no such point, or a camera that does not look at it; the first is named.
    """
    matrices = np.stack([frame.matrix for frame in transforms.frames])
    if not np.isfinite(matrices).all():
        return transforms  # named where angles are made of them
    centre = np.zeros(3)
    if np.median(_misses(matrices, centre)) > TOLERANCE:
        found = _meeting_point(matrices)
        if found is None:
            return transforms  # one camera, or parallel ones: named where angles are made of them
        centre = found
        misses = _misses(matrices, centre)
        worst = int(misses.argmax())
        if misses[worst] > TOLERANCE:
            raise DatasetError(
                f"{transforms.frames[worst].path}: its camera misses {_told(centre)}, the point closest to all optical "
                f"axes, by {math.degrees(math.asin(min(misses[worst], 1.0))):.1f} degrees: Gen3D learns from cameras "
                "that look at one object"
            )
    away = float(np.median(np.linalg.norm(matrices[:, :3, 3] - centre, axis=1)))
    if away < 1e-9:
        return transforms  # likewise
    fitting = PosePrior.distance * math.sin(math.radians(PosePrior.fov_deg / 2)) / math.sin(transforms.fov / 2)
    if not centre.any() and (distance is not None or _SEEN[0] <= away * math.sin(transforms.fov / 2) <= _SEEN[1]):
        return transforms
    scale = (distance or fitting) / away
    moved = matrices.copy()
    moved[:, :3, 3] = (matrices[:, :3, 3] - centre) * scale
    _log.info("cameras look at %s: moved to the origin, distances scaled by %.4g", _told(centre), scale)
    frames = (replace(frame, matrix=matrix) for frame, matrix in zip(transforms.frames, moved, strict=True))
    return replace(transforms, frames=tuple(frames))


def _misses(matrices: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sine of the angle (N,) between each camera's axis and the way to the point; more than 1 where it lies behind."""
    way = point - matrices[:, :3, 3]
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-12)
    axes = -matrices[:, :3, 2]
    return np.linalg.norm(np.cross(axes, way), axis=1) + 2.0 * ((axes * way).sum(axis=1) < 0)


def _meeting_point(matrices: NDArray[np.float64]) -> NDArray[np.float64] | None:
    axes = matrices[:, :3, 2] / np.maximum(np.linalg.norm(matrices[:, :3, 2], axis=1, keepdims=True), 1e-12)
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    total = across.mean(axis=0)
    if np.linalg.eigvalsh(total)[0] < _PARALLEL:
        return None
    return np.linalg.solve(total, (across @ matrices[:, :3, 3:]).mean(axis=0))[:, 0]


def _told(point: NDArray[np.float64]) -> str:
    return f"({', '.join(f'{value:.3g}' for value in point)})"
