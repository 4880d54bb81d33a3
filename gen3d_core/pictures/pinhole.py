"""The pinhole camera of all pictures, in numpy: it looks at the origin, upright, from the distance that data sets have.

Frame: right-handed, Z up, the object's front along +X. A camera at azimuth 0 stands on +X; azimuth grows towards +Y.
Angles in radians. Axes are rows right, up and backward, from the origin to the camera: (3, 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gen3d_core.config import PosePrior

FILL = 0.85
"""Share of a framed picture's side that the object's longer side takes."""
_HALF_FIELD = np.deg2rad(PosePrior.fov_deg / 2)


def camera_axes(azimuth: float, elevation: float) -> np.ndarray:
    """Axes (3, 3) of a camera at these angles."""
    back = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    return _axes(np.array([-np.sin(azimuth), np.cos(azimuth), 0.0]), back)


def axes_towards(back: np.ndarray) -> np.ndarray:
    """Axes (3, 3) of a camera in the direction of a unit vector (3,) that is not vertical."""
    return _axes(np.array([-back[1], back[0], 0.0]) / np.hypot(back[0], back[1]), back)


def camera_to_world(azimuth: float, elevation: float, distance: float = PosePrior.distance) -> np.ndarray:
    """The matrix (4, 4) of a camera, OpenGL axes: x right, y up, looking along -z."""
    axes = camera_axes(azimuth, elevation)
    matrix = np.eye(4)
    matrix[:3, :3] = axes.T
    matrix[:3, 3] = distance * axes[2]
    return matrix


def project(points: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (V, 2) in the picture, [-1, 1], x right and y up, and depths (V,) of points (V, 3)."""
    seen = points @ axes.T
    depth = PosePrior.distance - seen[:, 2]
    return seen[:, :2] / (depth * np.tan(_HALF_FIELD))[:, None], depth


def framed_places(vertices: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a camera with these axes (3, 3), rows right, up and backward, sees vertices (V, 3) of the canonical frame:
    places (V, 2) in [-1, 1], x right and y up, as many as `FILL` of them along the longer side, and depths (V,)."""
    places, depth = project(vertices.astype(np.float64), axes)
    low, high = places.min(axis=0), places.max(axis=0)
    return (places - (low + high) / 2) * (2 * FILL / max(float((high - low).max()), 1e-9)), depth


@dataclass(frozen=True)
class View:
    """matrix (4, 4): a camera's place and axes in the object's frame, as of `camera_to_world`; half: tangent of half
    its angle of view; shift (2,): of its view to the right and upwards, in shares of the view."""

    matrix: np.ndarray
    half: float
    shift: np.ndarray


def framed_view(vertices: np.ndarray, azimuth: float, elevation: float) -> View:
    """The view in which vertices (V, 3) are framed as a picture of them was, from these angles: from the distance that
    data sets have, in radii of the sphere around the object, as much of it as `FILL` along the longer side. For objects
    of any size and place whose axes are those of the canonical frame."""
    vertices = vertices.astype(np.float64)
    axes = camera_axes(azimuth, elevation)
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    distance = PosePrior.distance * max(float(np.linalg.norm(vertices - middle, axis=1).max()), 1e-9)
    seen = (vertices - middle) @ axes.T
    plane = seen[:, :2] / (distance - seen[:, 2:])
    low, high = plane.min(axis=0), plane.max(axis=0)
    half = max(float((high - low).max()), 1e-9) / (2 * FILL)
    matrix = np.eye(4)
    matrix[:3, :3] = axes.T
    matrix[:3, 3] = middle + distance * axes[2]
    return View(matrix, half, (low + high) / (4 * half))


def _axes(right: np.ndarray, back: np.ndarray) -> np.ndarray:
    return np.stack([right, np.cross(back, right), back])
