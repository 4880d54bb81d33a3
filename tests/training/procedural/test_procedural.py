"""The procedural families: closed, connected, symmetric, normalised, varied, and always the same for a seed."""

import numpy as np
import pytest

from tests.training.procedural.solid_checks import inside, pieces
from training.procedural.family import FAMILIES, RADIUS, make_shape, shape_parts
from training.procedural.solids import box, column, disc, rod, signed_volume

families = pytest.mark.parametrize("family", list(FAMILIES))
SEEDS = range(40)


@families
def test_shapes_lie_in_the_canonical_frame(family: str) -> None:
    for seed in SEEDS:
        mesh = make_shape(family, seed)
        assert np.abs(mesh.vertices.max(0) + mesh.vertices.min(0)).max() < 1e-5
        assert np.linalg.norm(mesh.vertices, axis=1).max() == pytest.approx(RADIUS, abs=1e-5)
        assert mesh.vertices.dtype == np.float32 and mesh.faces.dtype == np.int32
        assert 0 <= mesh.colours.min() and mesh.colours.max() <= 1
        assert mesh.faces.min() == 0 and mesh.faces.max() == len(mesh.vertices) - 1


@families
def test_every_part_is_closed_and_wound_outward(family: str) -> None:
    for seed in SEEDS:
        for part in shape_parts(family, seed):
            faces = part.solid.faces
            edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
            assert len(np.unique(edges, axis=0)) == len(edges), "an edge is used twice in one direction"
            assert {tuple(e) for e in edges} == {tuple(e[::-1]) for e in edges}, "an edge has one face only"
            assert signed_volume(part.solid.vertices, faces) > 0


@families
def test_no_part_floats(family: str) -> None:
    for seed in range(25):
        assert pieces(shape_parts(family, seed)) == 1, f"{family} {seed} falls apart"


@families
def test_shapes_are_left_right_symmetric(family: str) -> None:
    for seed in SEEDS:
        mesh = make_shape(family, seed)
        rows = np.hstack([mesh.vertices, mesh.colours]).round(4) + 0.0
        flipped = rows * np.array([1, -1, 1, 1, 1, 1]) + 0.0
        assert np.array_equal(np.unique(rows, axis=0), np.unique(flipped, axis=0))


def test_chair_parts_are_thick_enough_to_be_seen() -> None:
    for seed in SEEDS:
        parts = shape_parts("chairs", seed)
        points = np.concatenate([part.solid.vertices for part in parts])
        scale = RADIUS / np.linalg.norm(points - (points.min(0) + points.max(0)) / 2, axis=1).max()
        for part in parts:
            centred = part.solid.vertices - part.solid.vertices.mean(0)
            axes = np.linalg.svd(centred, full_matrices=False)[2]
            assert np.ptp(centred @ axes.T, axis=0).min() * scale > 0.04


def test_chairs_have_their_back_at_the_rear() -> None:
    """The front is +X: above the seat, most of a chair lies behind its middle."""
    behind = []
    for seed in SEEDS:
        points = make_shape("chairs", seed).vertices
        behind.append(points[points[:, 2] > 0.5 * points[:, 2].max()][:, 0].mean() < 0)
    assert np.mean(behind) == 1.0


def test_cars_stand_on_their_wheels_and_are_longest_along_x() -> None:
    for seed in SEEDS:
        extent = np.ptp(make_shape("cars", seed).vertices, axis=0)
        assert extent[0] > extent[1] and extent[0] > extent[2]


@families
def test_a_seed_is_one_shape_and_seeds_differ(family: str) -> None:
    first, again, other = make_shape(family, 3), make_shape(family, 3), make_shape(family, 4)
    assert np.array_equal(first.vertices, again.vertices) and np.array_equal(first.colours, again.colours)
    assert first.vertices.shape != other.vertices.shape or not np.allclose(first.vertices, other.vertices)
    layouts = {(len(mesh.vertices), len(mesh.faces)) for mesh in (make_shape(family, seed) for seed in SEEDS)}
    assert len(layouts) > len(SEEDS) / 4


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(ValueError, match="'boats'.*chairs, cars"):
        make_shape("boats", 0)


def test_solids_enclose_what_geometry_says() -> None:
    assert signed_volume(*_of(box((0, 0, 0), (1, 2, 3)))) == pytest.approx(6)
    assert signed_volume(*_of(rod((0, 0, 0), (3, 4, 0), (0.5, 0.2)))) == pytest.approx(5 * 0.1)
    frustum = column([((0, 0, 0), (1, 1)), ((0, 0, 3), (0.5, 0.5))])
    assert signed_volume(*_of(frustum)) == pytest.approx(3 / 3 * (4 + 1 + 2))
    wheel = disc((0, 0, 0), 1.0, 0.5, sides=64)
    assert signed_volume(*_of(wheel)) == pytest.approx(np.pi * 0.5, rel=2e-3)
    assert inside(np.array([[0, 0, 0], [0, 0.3, 0], [0.9, 0, 0], [1.1, 0, 0.0]]), wheel).tolist() == [
        True, False, True, False,
    ]  # fmt: skip


def _of(solid):  # noqa: ANN001, ANN202
    return solid.vertices, solid.faces
