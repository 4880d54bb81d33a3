"""One file because all is one function."""

from collections import Counter

import numpy as np
import pytest
import trimesh
from scipy.ndimage import binary_dilation

from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.extract import MeshError, components, extract, largest_part
from gen3d_core.mesh.geometry import vertex_normals
from gen3d_core.mesh.lattice import FieldError, sample_lattice, sample_object
from gen3d_core.mesh.mesh import Mesh
from tests.analytic import Box, Hollow, SolidField, Sphere, Torus, Union


class NoiseField:
    """Smooth random noise in a ball: many parts, tunnels and cavities, hence every case of marching cubes."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.waves, self.phases = random.normal(0, 6, (24, 3)), random.uniform(0, 2 * np.pi, 24)

    def lattice(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        points = np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1)
        noise = np.sin(points @ self.waves.T + self.phases).sum(axis=-1)
        return (noise - 60 * np.maximum(np.linalg.norm(points, axis=-1) - 0.9, 0)).astype(np.float32)

    def colour(self, points: np.ndarray) -> np.ndarray:
        return np.full(points.shape, 0.5, np.float32)


def as_trimesh(mesh: Mesh) -> trimesh.Trimesh:
    """As other programs see it: vertices at equal places are one."""
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=True)


def check_closed(mesh: Mesh) -> None:
    """Every edge has two triangles that run along it in opposite directions."""
    edges = mesh.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    directed = Counter(map(tuple, edges.tolist()))
    assert all(count == 1 and directed[b, a] == 1 for (a, b), count in directed.items())
    assert np.array_equal(np.unique(mesh.faces), np.arange(len(mesh.vertices)))


@pytest.mark.parametrize(
    ("solid", "euler", "tolerance"),
    [
        (Sphere(0.6), 2, 0.004),
        (Sphere(0.3, (0.4, -0.3, 0.2)), 2, 0.01),
        (Torus(0.55, 0.2), 0, 0.01),
        (Box((0.5, 0.35, 0.62)), 2, 0.015),  # marching cubes bevels the edges
    ],
)
def test_volume_area_and_euler_number(solid: Sphere | Torus | Box, euler: int, tolerance: float):
    mesh = extract(SolidField(solid), 64)
    check_closed(mesh)
    seen = as_trimesh(mesh)
    assert seen.is_watertight and seen.is_winding_consistent
    assert seen.euler_number == euler
    assert seen.volume == pytest.approx(solid.volume, rel=tolerance)
    assert seen.area == pytest.approx(solid.area, rel=2 * tolerance)
    assert mesh.vertices.dtype == mesh.colours.dtype == np.float32 and mesh.faces.dtype == np.int32


def test_the_error_of_the_volume_falls_with_the_square_of_the_spacing():
    errors = [abs(as_trimesh(extract(SolidField(Sphere(0.6)), n)).volume - Sphere(0.6).volume) for n in (33, 65)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


def test_vertices_lie_on_the_surface_and_normals_point_outward():
    for solid in (Sphere(0.6), Torus(0.55, 0.2)):
        mesh = extract(SolidField(solid), 48)
        assert np.abs(solid.logit(mesh.vertices.astype(np.float64)) / solid.sharpness).max() < 2e-3
        cosines = (vertex_normals(mesh.vertices, mesh.faces) * solid.normal(mesh.vertices)).sum(axis=1)
        assert cosines.min() > 0.97
    sphere = Sphere(0.3, (0.4, -0.3, 0.2))
    assert np.allclose(extract(SolidField(sphere), 48).vertices.mean(axis=0), sphere.centre, atol=2e-3)


def test_colours_are_those_of_the_field_at_the_vertices_before_placing():
    field = SolidField(Sphere(0.5, (0.2, 0.0, 0.1)))
    mesh = extract(field, 32)
    assert np.array_equal(mesh.colours, field.colour(mesh.vertices))
    assert np.array_equal(mesh.normalised().colours, mesh.colours)


def test_placing():
    placed = extract(SolidField(Box((0.2, 0.3, 0.5), (0.3, -0.2, 0.1))), 64).normalised()
    low, high = placed.vertices.min(axis=0), placed.vertices.max(axis=0)
    assert (high - low).max() == pytest.approx(1, abs=1e-6)
    assert np.allclose((high - low), [0.4, 0.6, 1.0], atol=0.02)
    assert np.allclose([low[0] + high[0], low[1] + high[1], low[2]], 0, atol=1e-6)


def test_a_surface_through_lattice_nodes_has_no_coincident_vertices():
    """With 17 samples the spacing is 1/8: every face of this box lies on nodes, where the logit is exactly zero."""
    box = Box((0.5, 0.375, 0.625))
    lattice = sample_lattice(SolidField(box).lattice, 17)
    assert np.abs(lattice.values).min() > 0
    mesh = extract(SolidField(box), 17)
    check_closed(mesh)
    seen = as_trimesh(mesh)
    assert len(seen.vertices) == len(mesh.vertices) and seen.is_watertight and seen.euler_number == 2
    assert seen.volume == pytest.approx(box.volume, rel=0.03)


def test_an_object_that_leaves_the_cube_is_closed_at_its_sides():
    mesh = extract(SolidField(Box((2.0, 2.0, 2.0))), 24)
    check_closed(mesh)
    seen = as_trimesh(mesh)
    assert seen.is_watertight and seen.euler_number == 2
    assert 8 < seen.volume < (2 + 2 * 2 / 23) ** 3


@pytest.mark.parametrize("seed", range(4))
def test_noise_gives_closed_surfaces_too(seed: int):
    mesh = extract(NoiseField(seed), 40, floaters=0.0)
    check_closed(mesh)
    assert as_trimesh(mesh).is_watertight
    largest = extract(NoiseField(seed), 40)
    check_closed(largest)
    assert as_trimesh(largest).body_count == 1


def test_loose_parts_are_kept_from_their_share_of_the_area():
    """Radii 0.4, 0.2, 0.1: areas 1, 1/4, 1/16 of the largest."""
    parts = Union([Sphere(0.2, (0.7, 0, 0)), Sphere(0.4, (-0.2, 0, 0)), Sphere(0.1, (0, 0.7, 0.3))])
    for floaters, count in ((1.0, 1), (0.3, 1), (0.2, 2), (0.05, 3), (0.0, 3)):
        mesh = extract(SolidField(parts), 64, floaters=floaters)
        check_closed(mesh)
        assert as_trimesh(mesh).body_count == count
    assert as_trimesh(extract(SolidField(parts), 64)).volume == pytest.approx(Sphere(0.4).volume, rel=0.01)


def test_the_largest_part_is_what_extraction_keeps():
    for seed in range(3):
        field = NoiseField(seed)
        part, only = largest_part(extract(field, 40, floaters=0.0)), extract(field, 40)
        assert np.array_equal(part.vertices, only.vertices) and np.array_equal(part.faces, only.faces)
        assert np.array_equal(part.colours, only.colours)


def test_cavities_are_filled():
    shell = Hollow(Sphere(0.7), Sphere(0.5))
    for floaters in (0.0, 1.0):
        mesh = extract(SolidField(shell), 48, floaters=floaters)
        assert as_trimesh(mesh).body_count == 1
        assert as_trimesh(mesh).volume == pytest.approx(Sphere(0.7).volume, rel=0.01)


def test_components_against_one_by_one_merging():
    random = np.random.default_rng(0)
    for count, triangles in ((50, 10), (300, 120), (1000, 200)):
        faces = random.integers(0, count, (triangles, 3))
        groups = {i: {i} for i in range(count)}
        for a, b, c in faces.tolist():
            merged = groups[a] | groups[b] | groups[c]
            for member in merged:
                groups[member] = merged
        assert components(faces, count).tolist() == [min(groups[i]) for i in range(count)]
    chain = np.stack([np.arange(5000), np.arange(5000) + 1, np.arange(5000) + 2], axis=1)
    assert (components(chain[random.permutation(5000)], 5002) == 0).all()


def test_boxes_are_what_one_call_would_give():
    field = SolidField(Torus())
    axis = np.linspace(-1, 1, 50, dtype=np.float32)
    lattice = sample_lattice(field.lattice, 50)
    assert lattice.values.shape == (52, 52, 52)
    assert lattice.origin + lattice.spacing == pytest.approx(-1)
    inner, expected = lattice.values[1:-1, 1:-1, 1:-1], field.lattice(axis, axis, axis)
    assert np.abs(inner - np.clip(expected, -30, 30)).max() <= 2e-3
    assert np.array_equal(inner > 0, expected > 0)
    border = lattice.values.copy()
    border[1:-1, 1:-1, 1:-1] = -1
    assert (border < 0).all()


LEG = Box((0.011, 0.011, 0.4), (0.238, 0.238, -0.3))  # between the nodes of the sparse grid, which does not see it


@pytest.mark.parametrize(
    ("solid", "resolution", "most"),
    [
        (Sphere(0.5), 128, 0.25),
        (Union([Box((0.3, 0.3, 0.1), (0, 0, 0.2)), LEG]), 128, 0.25),
        (LEG, 128, 1.1),  # nothing tells of it: asked for everywhere
        (Torus(0.75, 0.2), 48, 0.6),
        (Box((2.0, 2.0, 2.0)), 40, 1.2),
        (Sphere(-1.0), 64, 1.2),
    ],
)
def test_around_the_object_the_lattice_is_that_of_the_whole_cube(
    solid: Sphere | Union | Box | Torus, resolution: int, most: float
):
    field, asked = SolidField(solid), 0

    def counted(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(x) * len(y) * len(z)
        return field.lattice(x, y, z)

    found, whole = sample_object(counted, resolution), sample_lattice(field.lattice, resolution)
    assert (found.origin, found.spacing) == (whole.origin, whole.spacing)
    near = np.asarray(binary_dilation(whole.values > 0, np.ones((3, 3, 3))), bool)
    assert np.array_equal(found.values[near], whole.values[near])
    assert (found.values[~near] < 0).all()
    assert asked <= most * resolution**3


def test_boxes_stay_small():
    largest = 0

    def count(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        nonlocal largest
        largest = max(largest, len(x) * len(y) * len(z))
        return np.full((len(x), len(y), len(z)), -1, np.float32)

    sample_lattice(count, 128)
    sample_lattice(count, 256)
    sample_object(count, 256)
    assert largest * 64 * 4 <= 128 << 20


def test_progress_rises_to_the_end_and_can_stop_the_work():
    seen: list[float] = []
    extract(SolidField(Sphere()), 32, progress=lambda fraction, stage: seen.append(fraction))
    assert len(seen) > 10 and seen == sorted(seen) and 0 <= seen[0] and seen[-1] <= 1

    class Stop(Exception):
        pass

    def stop(fraction: float, stage: str) -> None:
        if fraction > 0.3:
            raise Stop

    with pytest.raises(Stop):
        extract(SolidField(Sphere()), 32, progress=stop)


@pytest.mark.parametrize("resolution", [0, 15, 513, -1, 10**30, 64.0, True, "64", None])
def test_bad_resolutions(resolution: object):
    with pytest.raises(Gen3DError, match="resolution is .*: expected .*16 to 512") as caught:
        extract(SolidField(Sphere()), resolution)  # pyright: ignore[reportArgumentType]
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("floaters", [-0.1, 1.5, float("nan"), "1", None])
def test_bad_floaters(floaters: object):
    with pytest.raises(Gen3DError, match="floaters is"):
        extract(SolidField(Sphere()), 16, floaters=floaters)  # pyright: ignore[reportArgumentType]


def test_fields_without_a_surface():
    with pytest.raises(MeshError, match="try another seed"):
        extract(SolidField(Sphere(-1.0)), 16)

    class Broken(SolidField):
        def lattice(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
            return np.full((len(x), len(y), len(z)), np.nan, np.float32)

    with pytest.raises(FieldError, match="not finite"):
        extract(Broken(Sphere()), 16)

    class Colourless(SolidField):
        def colour(self, points: np.ndarray) -> np.ndarray:
            return np.full(points.shape, np.nan, np.float32)

    with pytest.raises(MeshError, match="colours"):
        extract(Colourless(Sphere()), 16)
