"""The view of a framed picture: where its camera stands and what it sees, from the worker to whoever adds a camera."""

import numpy as np
import pytest

from gen3d_core.pictures.pinhole import FILL, View, camera_axes, camera_to_world, framed_places, framed_view

VERTICES = np.random.default_rng(0).normal(size=(200, 3)) * (0.2, 0.1, 0.15)
AWAY = pytest.mark.parametrize("distance", [1.6, 4.0, 12.0])


def places(vertices: np.ndarray, view: View) -> np.ndarray:
    """Through the view's own matrix, angle and shift: [-1, 1], x right and y up."""
    seen = np.c_[vertices, np.ones(len(vertices))] @ np.linalg.inv(view.matrix).T
    return seen[:, :2] / (-seen[:, 2:3] * view.half) - 2 * view.shift


@AWAY
def test_the_object_fills_its_share_of_the_view_around_the_middle(distance: float):
    for azimuth, elevation in ((0.0, 0.0), (2.0, 0.5), (-1.0, -0.3)):
        seen = places(VERTICES, framed_view(VERTICES, azimuth, elevation, distance))
        low, high = seen.min(axis=0), seen.max(axis=0)
        assert np.abs(low + high).max() < 1e-9 and abs((high - low).max() - 2 * FILL) < 1e-9


@AWAY
def test_it_is_the_camera_itself_narrowed_to_the_picture(distance: float):
    view = framed_view(VERTICES, 0.7, 0.3, distance)
    assert np.allclose(view.matrix, camera_to_world(0.7, 0.3, distance))
    assert np.allclose(places(VERTICES, view), framed_places(VERTICES, camera_axes(0.7, 0.3), distance)[0])


def test_it_follows_an_object_that_is_placed():
    view, base = framed_view(VERTICES, 1.0, 0.4, 2.0), np.array([0.1, -0.2, -0.4])
    assert np.allclose(places((VERTICES - base) / 0.3, view.placed(base, 0.3)), places(VERTICES, view))
