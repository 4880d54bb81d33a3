"""The pinhole camera of all pictures, in numpy: it looks at the origin, upright, from a distance that a model knows.

Frame: right-handed, Z up, the object's front along +X. A camera at azimuth 0 stands on +X; azimuth grows towards +Y.
Angles in radians. Axes are rows right, up and backward, from the origin to the camera: (3, 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FILL = 0.85
"""Share of a framed picture's side that the object's longer side takes."""
_NEAREST = 1e-6
"""Depth of what a camera touches, or has behind it."""


def camera_axes(azimuth: float, elevation: float) -> np.ndarray:
    """Axes (3, 3) of a camera at these angles."""
    back = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    return _axes(np.array([-np.sin(azimuth), np.cos(azimuth), 0.0]), back)


def axes_towards(back: np.ndarray) -> np.ndarray:
    """Axes (3, 3) of a camera in the direction of a unit vector (3,) that is not vertical."""
    return _axes(np.array([-back[1], back[0], 0.0]) / np.hypot(back[0], back[1]), back)


def camera_to_world(azimuth: float, elevation: float, distance: float) -> np.ndarray:
    """The matrix (4, 4) of a camera, OpenGL axes: x right, y up, looking along -z."""
    axes = camera_axes(azimuth, elevation)
    matrix = np.eye(4)
    matrix[:3, :3] = axes.T
    matrix[:3, 3] = distance * axes[2]
    return matrix


def project(points: np.ndarray, axes: np.ndarray, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Tangents (V, 2) of the angles, to the right and up, under which a camera with these axes (3, 3) at this distance
    from the origin sees points (V, 3), and their depths (V,)."""
    seen = points.astype(np.float64) @ axes.T
    depth = np.maximum(distance - seen[:, 2], _NEAREST)
    return seen[:, :2] / depth[:, None], depth


def framed_places(vertices: np.ndarray, axes: np.ndarray, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Where in a framed picture a camera with these axes (3, 3) at this distance sees vertices (V, 3) of the canonical
    frame: places (V, 2) in [-1, 1], x right and y up, as many as `FILL` of them along the longer side, and depths
    (V,). Its angle of view is none of their business: the picture is cut out of its view, whatever that is."""
    tangents, depth = project(vertices, axes, distance)
    half, middle = _framed(tangents)
    return (tangents - middle) / half, depth


@dataclass(frozen=True)
class View:
    """matrix (4, 4): a camera's place and axes in the object's frame, as of `camera_to_world`; half: tangent of half
    its angle of view; shift (2,): of its view to the right and upwards, in shares of the view."""

    matrix: np.ndarray
    half: float
    shift: np.ndarray

    def placed(self, base: np.ndarray, side: float) -> View:
        """The same view of an object that was moved, `base` (3,) to the origin, and then made smaller, `side` to 1."""
        matrix = self.matrix.copy()
        matrix[:3, 3] = (matrix[:3, 3] - base) / side
        return View(matrix, self.half, self.shift)


def framed_view(vertices: np.ndarray, azimuth: float, elevation: float, distance: float) -> View:
    """The view in which vertices (V, 3) of the canonical frame are framed as in `framed_places`: that of the camera
    itself, at this distance from the origin, narrowed and shifted to the picture."""
    tangents, _ = project(vertices, camera_axes(azimuth, elevation), distance)
    half, middle = _framed(tangents)
    return View(camera_to_world(azimuth, elevation, distance), half, middle / (2 * half))


def _framed(tangents: np.ndarray) -> tuple[float, np.ndarray]:
    """Half the side of the square that frames tangents (V, 2), and its middle (2,)."""
    low, high = tangents.min(axis=0), tangents.max(axis=0)
    return max(float((high - low).max()), 1e-9) / (2 * FILL), (low + high) / 2


def _axes(right: np.ndarray, back: np.ndarray) -> np.ndarray:
    return np.stack([right, np.cross(back, right), back])
