"""Where cameras stand and which pixels are compared."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError
from PIL import Image

from gen3d_core.adversarial.patches import draw_patch
from gen3d_core.config import Config, GeneratorConfig, PatchConfig, PosePrior, RendererConfig
from gen3d_core.pictures.pinhole import camera_to_world
from gen3d_core.rendering import patch
from gen3d_core.rendering.camera import Rays, camera_bases, draw_poses, pixel_rays
from gen3d_core.rendering.generator import Generator, as_pictures
from gen3d_core.rendering.stage import Stage
from training.data.dataset import load_dataset

PRIOR = PosePrior()
CENTRE = torch.zeros(1, 1, 2)


def rays_of(azimuth_deg: float, elevation_deg: float, pixels: torch.Tensor) -> Rays:
    pose = torch.deg2rad(torch.tensor([[azimuth_deg, elevation_deg]]))
    return pixel_rays(pose, pixels, PRIOR)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "position"),
    [(0, 0, (4, 0, 0)), (90, 0, (0, 4, 0)), (180, 0, (-4, 0, 0)), (0, 90, (0, 0, 4))],
)
def test_cameras_stand_where_their_angles_say_and_look_at_the_origin(
    azimuth: float, elevation: float, position: tuple[float, float, float]
) -> None:
    rays = rays_of(azimuth, elevation, CENTRE)
    assert torch.allclose(rays.origins[0, 0], torch.tensor(position, dtype=torch.float32), atol=1e-5)
    assert torch.allclose(rays.origins[0, 0] + 4 * rays.directions[0, 0], torch.zeros(3), atol=1e-5)


def test_right_and_up_in_the_picture_seen_from_the_front() -> None:
    """From +X the object's +Y is on the right, +Z up."""
    edges = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    right, up = rays_of(0, 0, edges).directions[0]
    half = math.tan(math.radians(15))
    assert torch.allclose(right, torch.nn.functional.normalize(torch.tensor([-1, half, 0]), dim=0), atol=1e-6)
    assert torch.allclose(up, torch.nn.functional.normalize(torch.tensor([-1, 0, half]), dim=0), atol=1e-6)


def test_axes_agree_with_the_matrices_of_data_sets() -> None:
    pose = draw_poses(PRIOR, 16, torch.Generator().manual_seed(0))
    for angles, axes in zip(pose, camera_bases(pose), strict=True):
        matrix = camera_to_world(float(angles[0]), float(angles[1]), 4.0)
        assert np.allclose(axes.numpy(), matrix[:3, :3].T, atol=1e-6)
        assert np.allclose(4 * axes[2].numpy(), matrix[:3, 3], atol=1e-5)
        assert np.linalg.det(axes.numpy()) == pytest.approx(1, abs=1e-5)


def test_rays_go_through_the_pixels_of_a_picture_taken_with_transforms_json(tmp_path: Path) -> None:
    """A point projected by the file's matrix and field of view falls on the pixel whose ray meets the point."""
    matrix = camera_to_world(math.radians(200), math.radians(25), 4.0)
    (tmp_path / "images").mkdir()
    picture = Image.new("RGBA", (16, 16))
    picture.paste((200, 40, 0, 255), (4, 4, 12, 12))
    picture.save(tmp_path / "images" / "000000.png")
    frames = [{"file_path": "images/000000.png", "transform_matrix": matrix.tolist()}]
    (tmp_path / "transforms.json").write_text(json.dumps({"camera_angle_x": math.radians(30), "frames": frames}))
    data = load_dataset(tmp_path)
    assert data.azimuth is not None and data.elevation is not None
    point = np.array([0.3, -0.4, 0.2])
    seen = np.linalg.inv(matrix) @ [*point, 1.0]
    x, y = seen[:2] / -seen[2] / math.tan(math.radians(15))
    pose = torch.tensor([[data.azimuth[0], data.elevation[0]]])
    ray = pixel_rays(pose, torch.tensor([[[x, y]]], dtype=torch.float32), data.prior)
    offset = torch.tensor(point, dtype=torch.float32) - ray.origins[0, 0]
    assert torch.linalg.cross(offset, ray.directions[0, 0]).norm() < 1e-5


def test_poses_follow_the_prior() -> None:
    prior = PosePrior(azimuth_deg=(-30, 90), elevation_deg=(10, 20))
    degrees = torch.rad2deg(draw_poses(prior, 4000, torch.Generator().manual_seed(1)))
    assert degrees[:, 0].min() >= -30 and degrees[:, 0].max() <= 90 and degrees[:, 0].mean() == pytest.approx(30, abs=2)
    assert (
        degrees[:, 1].min() >= 10 and degrees[:, 1].max() <= 20 and degrees[:, 1].mean() == pytest.approx(15, abs=0.3)
    )


def test_pixel_centres_lie_half_a_pixel_inside_the_edges() -> None:
    pixels = patch.whole_picture(4).pixels()[0].view(4, 4, 2)
    assert torch.allclose(pixels[0, :, 0], torch.tensor([-0.75, -0.25, 0.25, 0.75]))
    assert torch.allclose(pixels[:, 0, 1], torch.tensor([0.75, 0.25, -0.25, -0.75])), "row 0 is the top"


def drawn(count: int, size: int, picture: int, kimg: float = 0.0, seed: int = 0) -> patch.Patch:
    config = PatchConfig(size=size, full_until_kimg=10.0)
    found = draw_patch(count, picture, kimg, config, torch.Generator().manual_seed(seed))
    assert isinstance(found, patch.Patch)
    return found


def test_take_is_indexing() -> None:
    pictures = torch.rand(3, 4, 20, 20)
    chosen = drawn(3, 8, 20, kimg=99, seed=3)
    taken = chosen.take(pictures)
    for n in range(3):
        r, c, s = int(chosen.rows[n, 0]), int(chosen.columns[n, 0]), chosen.stride
        assert torch.equal(taken[n], pictures[n, :, r : r + 8 * s : s, c : c + 8 * s : s])


def test_taken_pixels_are_where_the_patch_says_they_are() -> None:
    """Pictures that hold their own pixels' coordinates give back `pixels()`."""
    coordinates = patch.whole_picture(20, 2).pixels().view(2, 20, 20, 2).permute(0, 3, 1, 2)
    chosen = drawn(2, 8, 20, kimg=99, seed=5)
    assert torch.equal(chosen.take(coordinates).flatten(2).transpose(1, 2), chosen.pixels())


@pytest.mark.parametrize(("size", "picture", "stride"), [(8, 16, 2), (8, 8, 1), (8, 30, 3)])
def test_early_patches_span_the_picture_and_together_cover_it(size: int, picture: int, stride: int) -> None:
    chosen = drawn(200, size, picture)
    assert chosen.stride == stride
    assert set(chosen.rows.flatten().tolist()) == set(chosen.columns.flatten().tolist()) == set(range(picture))
    assert (chosen.rows[:, -1] - chosen.rows[:, 0] == stride * (size - 1)).all()


def test_late_patches_have_every_stride_equally_often() -> None:
    strides = [drawn(1, 8, 40, kimg=10, seed=seed).stride for seed in range(300)]
    assert set(strides) == {1, 2, 4}
    assert all(70 < strides.count(stride) < 130 for stride in (1, 2, 4))


def test_a_patch_like_another_differs_only_in_place() -> None:
    first = drawn(50, 8, 40, kimg=10, seed=2)
    second = first.draw_another(torch.Generator().manual_seed(9))
    assert (second.stride, second.picture_size, second.rows.shape) == (first.stride, 40, first.rows.shape)
    assert not torch.equal(first.rows, second.rows)
    assert (second.rows.diff(dim=1) == first.stride).all() and second.rows.min() >= 0 and second.rows.max() < 40


def test_pictures_smaller_than_the_patch_are_refused() -> None:
    with pytest.raises(ValueError, match="7 pixels are smaller than the patch of 8"):
        drawn(1, 8, 7)


def test_the_description_is_the_patch_s_extent_and_centre() -> None:
    assert torch.allclose(patch.whole_picture(16).description(), torch.tensor([[1.0, 0.0, 0.0]]))
    quarter = patch.Patch(torch.arange(8)[None], torch.arange(8)[None], 1, 16)
    assert torch.allclose(quarter.description(), torch.tensor([[0.5, -0.5, 0.5]]))
    chosen = drawn(10, 8, 40, kimg=10, seed=4)
    assert torch.allclose(chosen.description()[:, 1:], chosen.pixels().mean(1), atol=1e-6)


def test_shapes_in_signatures_are_checked_while_tests_run() -> None:
    """`tests/conftest.py` sees to it; pictures without a channel axis are refused at the door."""
    with pytest.raises(TypeCheckError, match="pictures"):
        patch.whole_picture(4).take(torch.zeros(1, 4, 4))


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    small = GeneratorConfig(
        shape_dim=8, appearance_dim=4, mapping_width=16, synthesis_channels=(16, 8), plane_channels=8
    )
    return Generator(Config(small, RendererConfig(lattice=24)), PRIOR)


@pytest.mark.parametrize("half_width", [0.5, 0.05])
def test_a_rendered_patch_is_the_same_crop_of_the_whole_rendering(generator: Generator, half_width: float) -> None:
    rng = torch.Generator().manual_seed(0)
    pose = draw_poses(PRIOR, 4, rng)
    chosen = drawn(4, 8, 20, kimg=99, seed=3)
    with torch.no_grad():
        field = generator.condition(torch.randn(2, 8, generator=rng), torch.randn(4, 4, generator=rng))
        crop = as_pictures(generator.render(field, pose, chosen, Stage(half_width)), 4)
        full = as_pictures(generator.render(field, pose, patch.whole_picture(20, 4), Stage(half_width)), 4)
    assert full[:, 3].mean() > 0.05
    assert torch.allclose(crop, chosen.take(full), atol=1e-5)


def test_each_picture_shows_its_own_shape_in_its_own_colours(generator: Generator) -> None:
    """Pictures 0 and 1 show shape 0, pictures 2 and 3 shape 1: as when each is rendered alone."""
    rng = torch.Generator().manual_seed(7)
    pose = draw_poses(PRIOR, 4, rng)
    shape, appearance = torch.randn(2, 8, generator=rng), torch.randn(4, 4, generator=rng)
    view = patch.whole_picture(12, 1)
    with torch.no_grad():
        field = generator.condition(shape, appearance)
        together = as_pictures(generator.render(field, pose, patch.whole_picture(12, 4), Stage(0.1)), 4)
        for n in range(4):
            own = generator.condition(shape[n // 2 : n // 2 + 1], appearance[n : n + 1])
            alone = as_pictures(generator.render(own, pose[n : n + 1], view, Stage(0.1)), 1)
            assert torch.allclose(together[n], alone[0], atol=1e-5)
