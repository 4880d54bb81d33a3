"""Where the camera stands: the pose prior, and angles to and from camera-to-world matrices.

Canonical frame: Z up, front +X. The camera looks at the origin; azimuth 0 is on +X and grows towards +Y. Matrices
follow OpenGL axes (x right, y up, looking along -z), as transforms.json files do.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.pictures.pinhole import camera_to_world

_SIDE_DEG, _NEAR_DEG = 60.0, 5.0
"""A sector as wide that no camera stands in is a side that is not shown; elevations as near to those stated are."""


def draw_angles(
    prior: PosePrior, rng: np.random.Generator, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`count` azimuths and elevations in radians, drawn from the prior."""
    return np.radians(rng.uniform(*prior.azimuth_deg, count)), np.radians(rng.uniform(*prior.elevation_deg, count))


def covered_azimuths(azimuth: NDArray[np.floating]) -> tuple[float, float]:
    """In degrees, the shortest arc around the object that holds cameras at these azimuths (N,), in radians; all around
    where it leaves no side out."""
    around = np.sort(np.degrees(azimuth.astype(np.float64)) % 360)
    gaps = np.diff(around, append=around[0] + 360)
    widest = int(gaps.argmax())
    if gaps[widest] < _SIDE_DEG:
        return 0.0, 360.0
    low = float(around[(widest + 1) % len(around)])
    low = low - 360 if low > 180 else low
    return low, low + 360 - float(gaps[widest])


def covered(azimuth: NDArray[np.floating], elevation: NDArray[np.floating], prior: PosePrior) -> PosePrior:
    """The prior within what cameras at these angles (N,), in radians, show; unchanged where they show all of it."""
    arc, heights = covered_azimuths(azimuth), np.degrees(elevation.astype(np.float64))
    range_ = float(heights.min()), float(heights.max())
    off = max(abs(one - other) for one, other in zip(range_, prior.elevation_deg, strict=True))
    return replace(
        prior,
        azimuth_deg=prior.azimuth_deg if arc == (0.0, 360.0) else arc,
        elevation_deg=prior.elevation_deg if off < _NEAR_DEG else range_,
    )


@dataclass(frozen=True)
class CameraAngles:
    """A camera that looks at the origin: angles in radians, distance in units of the object frame."""

    azimuth: float
    elevation: float
    distance: float


def angles_from_matrix(matrix: NDArray[np.float64], tolerance: float = 0.01) -> CameraAngles:
    """The inverse of `camera_to_world`.

    Raises ValueError when the camera misses the origin, or is rolled, by more than `tolerance` (sine of the angle).
    """
    position = matrix[:3, 3]
    distance = float(np.linalg.norm(position))
    if not np.isfinite(matrix).all() or distance < 1e-6:
        raise ValueError("its transform_matrix is not a camera away from the origin")
    azimuth = float(np.arctan2(position[1], position[0]))
    elevation = float(np.arcsin(np.clip(position[2] / distance, -1, 1)))
    expected = camera_to_world(azimuth, elevation, distance)
    if np.abs(matrix[:3, 2] - expected[:3, 2]).max() > tolerance:
        raise ValueError("its camera does not look at the origin")
    if np.abs(matrix[:3, :2] - expected[:3, :2]).max() > tolerance:
        raise ValueError("its camera is not upright (Z up, no roll)")
    return CameraAngles(azimuth, elevation, distance)


def check_cameras_agree(model: PosePrior, data: PosePrior, folder: Path) -> None:
    """See that the data set in a folder shows objects from as far, and as large, as a model's cameras. Raises
    `Gen3DError`: pictures of both could not be compared."""
    if abs(model.distance - data.distance) > 0.01 * model.distance or abs(model.fov_deg - data.fov_deg) > 0.1:
        raise Gen3DError(
            f"{folder} has cameras at distance {data.distance:g} with a field of view of {data.fov_deg:g} degrees, "
            f"but the model was trained with {model.distance:g} and {model.fov_deg:g}: give data like those it knows"
        )
