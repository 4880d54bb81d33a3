"""What silhouettes of known cameras say of points: against the closed form of a sphere, and of bodies on a lattice."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gen3d_core.rendering.camera import camera_bases, project
from tests.training.reconstruction.known_objects import PRIOR, semi_axes, silhouette, write_ellipsoids
from training.data.dataset import load_dataset
from training.reconstruction.hulls import CELL, REACH, SIDE, Hulls, carve, classify, loose_pieces, place
from training.reconstruction.silhouettes import least_opacity
from training.reconstruction.solids import labelled_points
from training.reconstruction.views import ObjectViews, group_views

RADIUS = 0.6


@pytest.fixture(scope="module")
def ellipsoids(tmp_path_factory: pytest.TempPathFactory) -> ObjectViews:
    folder = write_ellipsoids(tmp_path_factory.mktemp("data") / "ellipsoids", views=8, size=64)
    views = group_views(load_dataset(folder))
    assert views is not None
    return views


@pytest.fixture(scope="module")
def hulls(ellipsoids: ObjectViews) -> Hulls:
    return carve(ellipsoids)


def test_a_point_on_the_axis_is_seen_in_the_middle_and_one_to_the_right_on_the_right() -> None:
    pose = torch.tensor([[[0.7, 0.3]]])
    right, up, back = camera_bases(pose[0])[0]
    points = torch.stack([0.5 * back, 0.5 * right, 0.5 * up])[None]
    half = PRIOR.distance * math.tan(math.radians(PRIOR.fov_deg / 2))
    expected = torch.tensor([[0.0, 0.0], [0.5 / half, 0.0], [0.0, 0.5 / half]])
    assert torch.allclose(project(points, pose, PRIOR)[0, 0], expected, atol=1e-6)


def test_points_of_a_sphere_get_the_labels_of_the_cones_that_its_cameras_see() -> None:
    """A camera sees a sphere under an angle whose sine is radius by distance: its silhouette is that cone."""
    size, rng = 96, torch.Generator().manual_seed(0)
    pose = torch.tensor([[0.1, 0.2], [1.4, 0.5], [2.9, 0.1], [4.4, 0.6]])
    alpha = np.stack([silhouette(np.full(3, RADIUS), azimuth, elevation, size) for azimuth, elevation in pose.tolist()])
    points = 0.97 * (2 * torch.rand(4000, 3, generator=rng) - 1)
    found = least_opacity(torch.from_numpy(alpha).float()[None], pose[None], points[None], PRIOR, mirror=True)[0]
    cameras = PRIOR.distance * camera_bases(pose)[:, 2]
    cameras = torch.cat([cameras, cameras * torch.tensor([1.0, -1.0, 1.0])])
    towards = points[:, None] - cameras
    cosine = -(towards * cameras).sum(-1) / (towards.norm(dim=-1) * PRIOR.distance)
    beside = torch.arccos(cosine.clamp(-1, 1)).amax(1) - math.asin(RADIUS / PRIOR.distance)
    pixel = math.radians(PRIOR.fov_deg) / size
    assert (found[beside < -1.5 * pixel] > 0.999).all(), "inside every cone is inside"
    assert (found[beside > 1.5 * pixel] < 0.001).all(), "outside some cone is outside"
    assert ((beside < -1.5 * pixel).sum() > 200) and ((beside > 1.5 * pixel).sum() > 1000)
    assert found[points.norm(dim=1) < RADIUS - 0.04].min() > 0.999, "nothing of the sphere itself is carved away"


def test_the_hull_holds_the_object_and_little_more(ellipsoids: ObjectViews, hulls: Hulls) -> None:
    for index, axes in enumerate(semi_axes(ellipsoids.objects)[:3]):
        radius = (place(torch.arange(SIDE**3)) / torch.from_numpy(axes)).norm(dim=1)
        border = torch.zeros(SIDE**3, dtype=torch.bool)
        border[hulls.border.nodes[hulls.border.start[index] : hulls.border.start[index + 1]].long()] = True
        assert not border[radius < 0.8].any(), "no surface inside the ellipsoid"
        full = hulls.coarse[index].mean().item() * SIDE**3 * CELL**3
        volume = 4 / 3 * math.pi * float(np.prod(axes))
        assert 0.93 * volume < full < 1.5 * volume


def test_labels_agree_with_the_ellipsoids(ellipsoids: ObjectViews, hulls: Hulls) -> None:
    objects = torch.arange(ellipsoids.objects)
    points = labelled_points(ellipsoids, hulls, objects, 600, torch.Generator().manual_seed(0))
    radius = (points.places / torch.from_numpy(semi_axes(ellipsoids.objects)).float()[:, None]).norm(dim=-1)
    assert (points.inside[radius < 0.93] > 0.9).all(), "what the object fills is never called empty"
    called_inside = points.inside > 0.5
    assert (radius[called_inside] < 1.05).float().mean() > 0.9
    share = called_inside.float().mean().item()
    assert 0.25 < share < 0.6, "neither kind drowns the other"
    again = labelled_points(ellipsoids, hulls, objects, 600, torch.Generator().manual_seed(0))
    assert torch.equal(points.places, again.places) and torch.equal(points.inside, again.inside)


def test_a_post_is_thin_and_a_block_is_thick() -> None:
    body = torch.zeros(SIDE, SIDE, SIDE, dtype=torch.bool)
    body[20:40, 20:40, 30:40] = True  # a block of ten nodes and more a side
    body[24:26, 24:26, 5:30] = True  # a post of two by two under it
    found = classify(body)
    assert found.thin[24:26, 24:26, 5:29].all() and not found.thin[28:36, 28:36, 32:38].any()
    assert found.thick[19:41, 19:41, 29:41].all() and not found.thick[24:26, 24:26, 5:27].any()
    assert found.border[24, 24, 10] and found.border[23, 24, 10], "both sides of a surface are its border"
    assert not found.border[30, 30, 35]


def test_what_hangs_in_the_air_is_no_part_of_the_object() -> None:
    body = torch.zeros(SIDE, SIDE, SIDE, dtype=torch.bool)
    body[20:40, 20:40, 30:40] = True
    body[40:43, 40:43, 40:43] = True  # touches at a corner
    assert not loose_pieces(body).any()
    body[25, 25, 10] = True
    found = loose_pieces(body)
    assert found[24:27, 24:27, 9:12].all() and found.sum() == 27


def test_points_in_the_air_are_outside_even_where_no_camera_sees_past(ellipsoids: ObjectViews, hulls: Hulls) -> None:
    """The same hulls with all of one marked loose: labels there turn, all others stay."""
    objects = torch.arange(ellipsoids.objects)
    marked = hulls.loose.clone()
    marked[2] = 255
    turned = dataclasses.replace(hulls, loose=marked)
    plain = labelled_points(ellipsoids, hulls, objects, 200, torch.Generator().manual_seed(0))
    other = labelled_points(ellipsoids, turned, objects, 200, torch.Generator().manual_seed(0))
    assert (other.inside[2] < 0.01).all() and (plain.inside[2] > 0.9).any()
    assert torch.equal(plain.inside[3], other.inside[3])


def test_nodes_are_where_they_are_counted() -> None:
    assert torch.allclose(place(torch.tensor([0, SIDE**3 - 1])), torch.tensor([[-REACH] * 3, [REACH] * 3]))
    assert torch.allclose(place(torch.tensor(1))[2], torch.tensor(CELL - REACH)), "z is the fastest"


def test_thick_parts_are_remembered_node_by_node(ellipsoids: ObjectViews, hulls: Hulls) -> None:
    axes = torch.from_numpy(semi_axes(ellipsoids.objects)).float()
    objects = torch.arange(ellipsoids.objects)
    assert hulls.is_thick(objects, torch.zeros(len(objects), 1, 3)).all(), "the middle of each"
    assert not hulls.is_thick(objects, 1.2 * torch.eye(3) * axes[:, :1, None]).all()
    assert not hulls.is_thick(objects, torch.full((len(objects), 1, 3), 0.94)).any(), "the corner of the cube"


def test_only_objects_with_several_pictures_from_known_cameras_are_grouped(tmp_path: Path) -> None:
    from tests.tiny_run import write_pictures

    assert group_views(load_dataset(write_pictures(tmp_path / "single"))) is None
    views = group_views(load_dataset(write_ellipsoids(tmp_path / "many", views=12)))
    assert views is not None and (views.objects, views.taught, views.held) == (8, 11, 1)
    assert group_views(load_dataset(write_ellipsoids(tmp_path / "pairs", views=2))) is None
