"""Points on what is seen, and how clean a surface is, on solids with known answers."""

from dataclasses import replace

import numpy as np
import pytest

from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.extract import extract
from gen3d_core.mesh.mesh import Mesh
from tests.analytic import Box, SolidField, Sphere, Torus, Union
from training.metrics.points import visible_points
from training.metrics.surface import measure, self_intersections
from training.procedural.solids import Solid, box


def mesh_of(*solids: Solid) -> Mesh:
    starts = np.cumsum([0] + [len(solid.vertices) for solid in solids])
    vertices = np.concatenate([solid.vertices for solid in solids]).astype(np.float32)
    faces = np.concatenate([solid.faces + start for solid, start in zip(solids, starts, strict=False)])
    return Mesh(vertices, faces.astype(np.int32), np.full_like(vertices, 0.5))


def joined(*meshes: Mesh) -> Mesh:
    return mesh_of(*(Solid(mesh.vertices.astype(np.float64), mesh.faces) for mesh in meshes))


def sheet(*corners: tuple[float, float, float]) -> Solid:
    """An open quadrilateral that shares no vertex with anything."""
    return Solid(np.array(corners, float), np.array([[0, 1, 2], [0, 2, 3]], np.int32))


def flipped(solid: Solid) -> Solid:
    return Solid(solid.vertices, solid.faces[:, ::-1])


# ---- points


def test_points_lie_on_the_surface_in_the_unit_box():
    mesh = mesh_of(box((3.0, 1.0, -2.0), (7.0, 3.0, 1.0)))
    points = visible_points(mesh, 4096, np.random.default_rng(0))
    assert points.shape == (4096, 3) and points.dtype == np.float32
    half = np.array([4.0, 2.0, 3.0]) / 8
    assert np.allclose((np.abs(points) / half).max(axis=1), 1, atol=1e-5)
    assert np.array_equal(points, visible_points(mesh, 4096, np.random.default_rng(0)))
    assert visible_points(mesh, 0, np.random.default_rng(0)).shape == (0, 3)


def test_density_is_uniform_over_the_faces_of_a_box():
    """Pearson's statistic over 96 patches of known area, against the 99.9 % quantile of chi squared with 95 degrees of
    freedom."""
    half = np.array([0.5, 0.4, 0.25])
    points = visible_points(mesh_of(box(-half, half)), 20_000, np.random.default_rng(1))
    scaled = points / half
    axis = np.abs(scaled).argmax(axis=1)
    across = np.array([[1, 2], [0, 2], [0, 1]])[axis]
    row, column = np.clip((np.take_along_axis(scaled, across, axis=1) + 1) * 2, 0, 3).astype(int).T
    side = np.take_along_axis(scaled, axis[:, None], axis=1)[:, 0] > 0
    counts = np.bincount(((axis * 2 + side) * 4 + row) * 4 + column, minlength=96)
    area = np.repeat(half.prod() / half, 32)
    expected = len(points) * area / area.sum()
    assert ((counts - expected) ** 2 / expected).sum() < 143.3


def test_nothing_inside_is_seen():
    outer, inner = extract(SolidField(Sphere(0.8)), 48), extract(SolidField(Sphere(0.7)), 48)
    points = visible_points(joined(outer, inner), 8192, np.random.default_rng(0))
    # Scaled to diameter 1, the spheres have radii 0.5 and 0.4375; the facets dip 0.001 below.
    assert np.linalg.norm(points, axis=1).min() > 0.495


def test_both_sides_of_open_soups_are_sampled():
    """A chair of unconnected sheets; the seat faces downward, so that no light from above meets its front."""
    seat = flipped(sheet((-0.5, -0.5, 0.0), (0.5, -0.5, 0.0), (0.5, 0.5, 0.0), (-0.5, 0.5, 0.0)))
    back = sheet((-0.5, -0.5, 0.0), (-0.5, 0.5, 0.0), (-0.5, 0.5, 1.0), (-0.5, -0.5, 1.0))
    legs = [
        sheet((x, y, -1.0), (x + 0.1, y, -1.0), (x + 0.1, y, 0.0), (x, y, 0.0))
        for x in (-0.5, 0.4)
        for y in (-0.5, 0.5)
    ]
    points = visible_points(mesh_of(seat, back, *legs), 10_000, np.random.default_rng(0))
    on_seat = np.abs(points[:, 2]) < 1e-5
    # Areas 1 for the seat, 1 for the back, 0.1 for each leg; four standard deviations of a share of 10 000 are 0.02.
    assert on_seat.mean() == pytest.approx(1 / 2.4, abs=0.02)
    assert (points[:, 2] < -1e-5).mean() == pytest.approx(0.4 / 2.4, abs=0.02)


def test_the_hidden_ends_of_overlapping_parts_are_left_out():
    """A bar through a block: what it has inside the block, more than two pixels (0.027 of the longest side) deep."""
    points = visible_points(
        mesh_of(box((-0.3, -0.3, -0.3), (0.3, 0.3, 0.3)), box((-1.0, -0.1, -0.1), (1.0, 0.1, 0.1))),
        20_000,
        np.random.default_rng(0),
    )
    bar = (np.abs(points[:, 1:]) < 0.0501).all(axis=1)
    assert not (bar & (np.abs(points[:, 0]) < 0.15 - 0.0271)).any()
    # One end and the sides of the bar outside the block: 2 * (0.04 + 0.8 * 0.7); block: 6 * 0.36 - 2 * 0.04.
    assert bar.mean() == pytest.approx(2 * (0.04 + 0.56) / (2 * 0.6 + 2.08), abs=0.03)


def test_meshes_without_a_surface_are_named():
    empty = Mesh(np.zeros((3, 3), np.float32), np.array([[0, 1, 2]], np.int32), np.zeros((3, 3), np.float32))
    line = replace(empty, vertices=np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]], np.float32))
    broken = replace(empty, vertices=np.array([[0, 0, 0], [1, 0, 0], [0, np.nan, 0]], np.float32))
    for mesh in (empty, line, broken, replace(empty, faces=np.empty((0, 3), np.int32))):
        with pytest.raises(Gen3DError):
            visible_points(mesh, 16, np.random.default_rng(0))
        with pytest.raises(Gen3DError):
            measure(mesh)


# ---- surfaces


def test_watertight_and_components():
    whole = mesh_of(box((0, 0, 0), (1, 1, 1)))
    two = mesh_of(box((0, 0, 0), (1, 1, 1)), box((2, 0, 0), (3, 1, 1)))
    turned = replace(whole, faces=np.concatenate([whole.faces[:1, ::-1], whole.faces[1:]]))
    one, both = measure(whole), measure(two)
    assert one.watertight and one.components == 1
    assert both.watertight and both.components == 2
    assert not measure(replace(whole, faces=whole.faces[1:])).watertight  # a hole
    assert not measure(turned).watertight
    assert not measure(replace(whole, faces=np.concatenate([whole.faces, whole.faces[:, ::-1]]))).watertight


def test_vertices_at_one_place_are_one():
    """As file formats split them where normals or colours change."""
    whole = mesh_of(box((0, 0, 0), (1, 1, 1)))
    split = Mesh(whole.vertices[whole.faces.ravel()], np.arange(36, dtype=np.int32).reshape(12, 3), np.zeros((36, 3)))
    assert measure(split) == measure(whole)


def test_planes_and_sharp_edges_are_smooth():
    assert measure(mesh_of(sheet((0, 0, 0), (1, 0, 0), (1, 1, 1), (0, 1, 1)))).roughness_deg < 1e-3
    assert measure(mesh_of(box((0, 0, 0), (1, 0.8, 0.02)))).roughness_deg < 1e-3


def test_roughness_is_small_for_spheres_and_grows_with_noise():
    mesh = extract(SolidField(Sphere(0.6)), 64)
    noise = np.random.default_rng(0).normal(size=mesh.vertices.shape)
    values = [
        measure(replace(mesh, vertices=(mesh.vertices + amount * noise).astype(np.float32))).roughness_deg
        for amount in (0.0, 0.001, 0.002, 0.004)
    ]
    assert values[0] < 1.5
    assert all(later > earlier + 1 for earlier, later in zip(values, values[1:], strict=False))


def test_roughness_depends_on_neither_scale_place_nor_triangles():
    coarse, fine = (extract(SolidField(Sphere(0.6)), resolution) for resolution in (64, 128))
    value = measure(coarse).roughness_deg
    moved = replace(coarse, vertices=coarse.vertices * 50 + np.float32(7))
    assert measure(moved).roughness_deg == pytest.approx(value, abs=0.05)
    assert abs(measure(fine).roughness_deg - value) < 0.6


def test_extracted_surfaces_pass_through_themselves_nowhere():
    for solid in (Torus(0.55, 0.2), Union((Box((0.5, 0.4, 0.3)), Box((0.2, 0.1, 0.8))))):
        quality = measure(extract(SolidField(solid), 64))
        assert quality.watertight and quality.components == 1 and quality.self_intersections == 0


def test_boxes_that_penetrate_touch_or_are_apart():
    still = box((0, 0, 0), (1, 1, 1))

    def count(low: tuple[float, float, float], high: tuple[float, float, float]) -> int:
        return measure(mesh_of(still, box(low, high))).self_intersections

    assert count((0.5, 0.4, 0.3), (1.5, 1.6, 1.7)) > 0
    assert count((1.1, 0.0, 0.0), (2.0, 1.0, 1.0)) == 0
    assert count((0.2, 0.3, 1.0), (0.7, 0.6, 2.0)) == 0  # stands on it
    assert count((0.2, 0.3, 0.25), (0.7, 0.6, 0.75)) == 0  # wholly inside
    # A needle upright through one triangle of top and bottom each: all eight triangles of its sides cross both.
    assert count((0.8, 0.05, -1.0), (0.9, 0.1, 2.0)) == 2 * 8


def test_every_crossing_pair_is_found_among_triangles_of_all_sizes():
    """Against all pairs, told by the signs of the volumes that a segment spans with a triangle."""
    rng = np.random.default_rng(3)
    size = 10.0 ** rng.uniform(-2, 0, (150, 1, 1))
    corners = rng.uniform(-0.5, 0.5, (150, 1, 3)) * (0.2 + size) + size * rng.normal(size=(150, 3, 3)) / 2
    t, p, q = corners[:, None, None], corners[None], np.roll(corners, 1, axis=1)[None]  # triangles, segments' ends

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
        edges = np.broadcast_arrays(b - a, c - a, d - a)
        return np.sign(np.linalg.det(np.stack(edges, axis=-2)))

    around = sum(side(p, q, t[..., i, :], t[..., (i + 1) % 3, :]) for i in range(3))
    ends = [side(t[..., 0, :], t[..., 1, :], t[..., 2, :], end) for end in (p, q)]
    pierced = ((ends[0] != ends[1]) & (np.abs(around) == 3)).any(axis=2) & ~np.eye(150, dtype=bool)
    crossing = int(np.triu(pierced | pierced.T).sum())
    assert crossing > 100
    faces = np.arange(450).reshape(150, 3)
    assert self_intersections(corners.reshape(-1, 3), faces) == crossing
    assert self_intersections((corners * 1e3 - 4e4).reshape(-1, 3), faces) == crossing
