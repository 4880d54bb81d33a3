import numpy as np
import pytest

from gen3d_core.mesh.extract import extract
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.pictures.preview import flatten_on_white, render_mesh, sheet, views
from gen3d_core.pictures.rasterise import rasterise
from tests.analytic import Box, SolidField, Sphere


class Painted(SolidField):
    """Red in front, green behind, blue on top."""

    def colour(self, points: np.ndarray) -> np.ndarray:
        side = np.where(points[:, :1] > 0, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
        return np.where(points[:, 2:] > 0.3, [[0.0, 0.0, 1.0]], side).astype(np.float32)


@pytest.fixture(scope="module")
def ball() -> Mesh:
    return extract(Painted(Sphere(0.6)), 48).normalised()


def test_the_silhouette_of_a_sphere(ball: Mesh):
    """Radius 0.95 at distance 4: the outline's tangent is 0.95 / sqrt(4^2 - 0.95^2), the picture's edge is tan 15."""
    alpha = render_mesh(ball, 20, 10, 128)[..., 3] / 255
    radius = 0.95 / np.sqrt(16 - 0.95**2) / np.tan(np.deg2rad(15)) * 64
    assert alpha.sum() == pytest.approx(np.pi * radius**2, rel=0.01)
    rows, columns = np.nonzero(alpha > 0.5)
    assert rows.mean() == pytest.approx(63.5, abs=0.5) and columns.mean() == pytest.approx(63.5, abs=0.5)
    assert ((alpha > 0.05) & (alpha < 0.95)).sum() > 50  # smooth edges


def test_views_show_the_right_sides(ball: Mesh):
    front, back = render_mesh(ball, 0, 0, 64), render_mesh(ball, 180, 0, 64)
    assert front[40, 32, :3].argmax() == 0 and back[40, 32, :3].argmax() == 1
    assert front[10, 32, :3].argmax() == back[10, 32, :3].argmax() == 2
    bare = render_mesh(ball, 0, 0, 64, bare=True)
    assert np.ptp(bare[..., :3].astype(int), axis=-1).max() == 0
    assert np.array_equal(bare[..., 3], front[..., 3])


def test_azimuth_grows_towards_plus_y():
    """Seen from the front, +Y is on the right (the camera's right at azimuth 0 is +Y)."""
    mesh = extract(SolidField(Box((0.3, 0.6, 0.2), (0, 0.2, 0))), 32).normalised()
    picture = render_mesh(mesh, 0, 0, 64)
    _, columns = np.nonzero(picture[..., 3] > 128)
    red, green = picture[32, columns.min() + 4, 1], picture[32, columns.max() - 4, 1]
    assert green > red  # the green channel is y


def test_the_nearer_triangle_wins_whatever_the_order():
    corners = np.array([[0, 0], [0, 64], [64, 0]], float)
    pixels, faces = np.concatenate([corners, corners]), np.array([[0, 1, 2], [3, 4, 5]])
    for near, far in ((0, 1), (1, 0)):
        depth = np.repeat([1.0 + near, 1.0 + far], 3)
        hits = rasterise(pixels, depth, faces, 64)
        assert set(hits.face.tolist()) == {-1, near}
        inside = hits.face >= 0
        assert inside.sum() == pytest.approx(64 * 64 / 2, rel=0.02)
        centres = np.stack([np.arange(64 * 64) % 64 + 0.5, np.arange(64 * 64) // 64 + 0.5], axis=1)
        assert np.allclose(hits.weights[inside] @ corners, centres[inside])
    assert (rasterise(pixels, np.ones(6), faces[:, ::-1], 64).face == -1).all()


def test_big_and_off_screen_triangles():
    pixels = np.array([[-500, -500], [-500, 5000], [5000, -500], [100, 100], [100, 110], [110, 100]], float)
    hits = rasterise(pixels, np.ones(6), np.array([[0, 1, 2], [3, 4, 5]]), 32)
    assert (hits.face == 0).all()


def test_a_contact_sheet(ball: Mesh):
    picture = sheet([views(ball, 48)] * 5, [f"seed {i}" for i in range(5)])
    pixels = np.asarray(picture)
    assert picture.mode == "RGB" and picture.width > 2 * 3 * 48 and picture.height > 3 * 48
    assert (pixels[0] == 255).all() and (pixels < 60).any()
    assert (flatten_on_white(np.zeros((2, 2, 4), np.uint8)) == 255).all()
