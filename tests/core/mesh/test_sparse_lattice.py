"""Coarse to fine gives the surface that dense sampling gives, for a few hundredths of the questions."""

from collections.abc import Callable

import numpy as np
import pytest

import gen3d_core
from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.extract import MeshError, SeparableField, extract
from gen3d_core.mesh.lattice import FieldError, Lattice, sample_lattice
from gen3d_core.mesh.sparse_lattice import refine_lattice
from tests.analytic import Box, Hollow, SolidField, Sphere, Torus, Union

Logit = Callable[[np.ndarray], np.ndarray]


class PointsOnly:
    """A field that answers at points and counts them."""

    def __init__(self, logit: Logit) -> None:
        self._logit, self.points, self.largest = logit, 0, 0

    def logit(self, points: np.ndarray) -> np.ndarray:
        assert points.dtype == np.float32 and points.shape[1:] == (3,) and np.abs(points).max() <= 1
        self.points += len(points)
        self.largest = max(self.largest, len(points))
        return self._logit(points).astype(np.float32)

    def colour(self, points: np.ndarray) -> np.ndarray:
        return ((points + 1) / 2).astype(np.float32)


class Everywhere(PointsOnly):
    """The same field, sampled densely."""

    def lattice(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        points = np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1)
        return self.logit(points.reshape(-1, 3)).reshape(points.shape[:3])


def crossed(lattice: Lattice) -> np.ndarray:
    """The nodes of all cells that the surface crosses, a mask of the lattice's shape."""
    size = len(lattice.values)
    corners = [tuple(slice(i, size - 1 + i) for i in corner) for corner in np.ndindex(2, 2, 2)]
    count = sum((lattice.values[corner] > 0).astype(int) for corner in corners)
    nodes = np.zeros(lattice.values.shape, bool)
    for corner in corners:
        nodes[corner] |= (count > 0) & (count < 8)
    return nodes


def share_if_equal(logit: Logit, resolution: int, tolerance: float = 0.0) -> float:
    """Checks the lattice against dense sampling and returns which share of the dense samples was asked for."""
    field = PointsOnly(logit)
    found, dense = refine_lattice(field.logit, resolution), sample_lattice(Everywhere(logit).lattice, resolution)
    assert (found.origin, found.spacing, found.values.dtype) == (dense.origin, dense.spacing, np.float32)
    assert np.array_equal(found.values > 0, dense.values > 0)
    near = crossed(dense)
    assert np.abs(found.values - dense.values)[near].max(initial=0) <= tolerance
    assert np.abs(found.values).min() >= 0.999e-3 * max(1.0, resolution / 64)
    border = found.values.copy()
    border[1:-1, 1:-1, 1:-1] = -1
    assert (border < 0).all()
    return field.points / resolution**3


def scattered(seed: int) -> Union:
    """Sheets, rods and balls about as thin as the spacing at 128, far from the nodes of the first grid or near them."""
    random = np.random.default_rng(seed)
    parts: list[Sphere | Box | Torus] = []
    for kind in (0, 0, 1, 1, 2, 2):
        x, y, z = random.uniform(-0.6, 0.6, 3)
        thin = random.uniform(0.006, 0.02)
        half = np.array([[thin, 0.2, 0.3], [thin, thin, 0.3]][kind % 2])[random.permutation(3)]
        parts.append(Sphere(2 * thin, (x, y, z)) if kind == 2 else Box((half[0], half[1], half[2]), (x, y, z)))
    return Union(parts)


SOLIDS = [
    Sphere(0.5),
    Sphere(0.3, (0.4, -0.3, 0.2)),
    Torus(0.55, 0.2),
    Box((0.5, 0.35, 0.62)),
    Union([Sphere(0.3, (0.3, 0, 0)), Box((0.6, 0.01, 0.01), (0, 0.22, 0.28)), Torus(0.6, 0.02)]),
    Hollow(Sphere(0.7), Sphere(0.5)),
    Box((2.0, 2.0, 2.0)),  # leaves the cube
    Sphere(-1.0),  # nowhere
]


@pytest.mark.parametrize("solid", SOLIDS, ids=lambda solid: type(solid).__name__)
@pytest.mark.parametrize("resolution", [16, 47, 67, 98])
def test_the_same_surface_as_by_dense_sampling(solid: Sphere | Box | Torus | Union | Hollow, resolution: int):
    share_if_equal(solid.logit, resolution)


def test_the_same_mesh_to_the_bit():
    solid = SOLIDS[4]
    found, dense = extract(PointsOnly(solid.logit), 96), extract(SolidField(solid), 96)
    assert np.array_equal(found.vertices, dense.vertices) and np.array_equal(found.faces, dense.faces)
    assert np.array_equal(found.colours, dense.colours)


def test_a_sphere_takes_less_than_a_thirtieth_of_the_samples():
    """The first grid of 17 a side is 0.2 %, the corners of the cells that the surface crosses are 1.8 %."""
    assert share_if_equal(Sphere(0.5).logit, 128) < 0.033


def test_the_share_falls_with_the_resolution():
    fields = {resolution: PointsOnly(Torus(0.5, 0.2).logit) for resolution in (64, 128, 256)}
    for resolution, field in fields.items():
        refine_lattice(field.logit, resolution)
    shares = [field.points / resolution**3 for resolution, field in fields.items()]
    assert shares[2] < 0.5 * shares[1] < 0.25 * shares[0]
    assert shares[0] < 0.08 and shares[1] < 0.035 and shares[2] < 0.016


@pytest.mark.parametrize("seed", range(3))
def test_thin_parts_between_the_first_nodes_are_found(seed: int):
    share_if_equal(scattered(seed).logit, 128)


@pytest.mark.parametrize("seed", range(3))
def test_smooth_noise(seed: int):
    random = np.random.default_rng(seed)
    waves, phases = random.normal(0, 6, (24, 3)), random.uniform(0, 2 * np.pi, 24)

    def logit(points: np.ndarray) -> np.ndarray:
        noise = np.sin(points @ waves.T + phases).sum(axis=-1)
        return noise - 60 * np.maximum(np.linalg.norm(points, axis=-1) - 0.9, 0)

    # A product of matrices may round differently when it has fewer rows.
    assert share_if_equal(logit, 96, tolerance=1e-4) < 0.5


def test_the_surface_is_followed_where_nothing_foretold_it():
    """The logit is flat but for a skin of 0.005, so that no sample of the first grid tells of the rod between them."""
    solid = Union([Sphere(0.3), Box((0.02, 0.02, 0.4), (0.031, 0.031, 0.5))])
    share = share_if_equal(lambda points: np.clip(10 * solid.logit(points), -1, 1), 128)
    assert share < 0.05


@pytest.mark.parametrize("seed", [0, 5, 11])
def test_the_shipped_chairs(seed: int):
    """A trained field: the same signs everywhere, hence the same triangles; values differ by rounding at most."""
    model = gen3d_core.load("chairs", threads=1)
    field = model.runtime.field(model.codes(seed), 1.0)
    asked, dense = PointsOnly(field.logit), Everywhere(field.logit)
    assert isinstance(field, SeparableField) and isinstance(dense, SeparableField)
    assert not isinstance(asked, SeparableField)
    one, other = extract(asked, 96, floaters=0.0), extract(dense, 96, floaters=0.0)
    assert np.array_equal(one.faces, other.faces)
    assert np.abs(one.vertices - other.vertices).max() < 1e-5
    assert asked.points < 0.15 * 96**3 and asked.largest <= 1 << 16


def test_progress_rises_to_the_end_and_can_stop_the_work():
    seen: list[float] = []
    refine_lattice(PointsOnly(Torus().logit).logit, 128, lambda fraction, stage: seen.append(fraction))
    assert len(seen) > 6 and seen == sorted(seen) and seen[0] == 0 and seen[-1] == 1

    class Stop(Exception):
        pass

    def stop(fraction: float, stage: str) -> None:
        if fraction > 0.3:
            raise Stop

    with pytest.raises(Stop):
        extract(PointsOnly(Torus().logit), 128, progress=stop)


@pytest.mark.parametrize("resolution", [0, 15, 513, 64.0, True, None])
def test_bad_resolutions(resolution: object):
    with pytest.raises(Gen3DError, match="resolution is .*: expected .*16 to 512"):
        extract(PointsOnly(Sphere().logit), resolution)  # pyright: ignore[reportArgumentType]


def test_fields_without_a_surface():
    with pytest.raises(MeshError, match="try another seed"):
        extract(PointsOnly(Sphere(-1.0).logit), 32)
    with pytest.raises(FieldError, match="not finite"):
        extract(PointsOnly(lambda points: np.full(len(points), np.nan)), 32)
    with pytest.raises(FieldError, match=r"shape \(\d+, 1\): expected \(\d+,\)"):
        extract(PointsOnly(lambda points: np.zeros((len(points), 1))), 32)
