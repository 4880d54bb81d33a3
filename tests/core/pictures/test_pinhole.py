"""The view of a framed picture: where its camera stands and what it sees, from the worker to whoever adds a camera."""

import numpy as np

from gen3d_core.config import PosePrior
from gen3d_core.pictures.pinhole import FILL, camera_axes, camera_to_world, framed_places, framed_view

VERTICES = np.random.default_rng(0).normal(size=(200, 3)) * (0.2, 0.1, 0.15)


def places(vertices: np.ndarray, azimuth: float, elevation: float) -> np.ndarray:
    """Through the view's own matrix, angle and shift: [-1, 1], x right and y up."""
    view = framed_view(vertices, azimuth, elevation)
    seen = np.c_[vertices, np.ones(len(vertices))] @ np.linalg.inv(view.matrix).T
    return seen[:, :2] / (-seen[:, 2:3] * view.half) - 2 * view.shift


def test_the_object_fills_its_share_of_the_view_around_the_middle():
    for azimuth, elevation in ((0.0, 0.0), (2.0, 0.5), (-1.0, -0.3)):
        seen = places(VERTICES, azimuth, elevation)
        low, high = seen.min(axis=0), seen.max(axis=0)
        assert np.abs(low + high).max() < 1e-9 and abs((high - low).max() - 2 * FILL) < 1e-9


def test_place_and_size_of_the_object_change_nothing_in_its_picture():
    assert np.abs(places(5.0 * VERTICES + (3.0, -2.0, 1.0), 1.0, 0.4) - places(VERTICES, 1.0, 0.4)).max() < 1e-9


def test_for_an_object_in_the_unit_sphere_it_is_the_camera_of_all_pictures():
    ends = np.concatenate([np.eye(3), -np.eye(3)])  # its sphere is the canonical one
    assert np.allclose(framed_view(ends, 0.7, 0.3).matrix, camera_to_world(0.7, 0.3, PosePrior.distance))
    assert np.allclose(places(ends, 0.7, 0.3), framed_places(ends, camera_axes(0.7, 0.3))[0])
