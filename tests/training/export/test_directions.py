"""Directions found in generators of known ellipsoids are those they were made with."""

from pathlib import Path

import numpy as np
import pytest

import gen3d_core
from gen3d_core.codes.codes import codes
from gen3d_core.codes.directions import Direction, read_directions
from tests.analytic import colour_at, half_axes, write_ellipsoid_model
from training.export.directions import principal_directions


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Direction, ...]:
    model = gen3d_core.load(write_ellipsoid_model(tmp_path_factory.mktemp("models") / "ellipsoids.gen3d"), 1).runtime
    return read_directions({**model.manifest, "directions": principal_directions(model, 1.0)})


def test_what_moves_nothing_is_no_direction(found: tuple[Direction, ...]):
    """The fourth number of a shape code is not used."""
    shape = [each for each in found if each.code == "shape"]
    assert len(shape) == 4 and len(found) == 7
    assert all(abs(each.vector[3]) < 0.1 for each in shape[:3]) and abs(shape[3].vector[3]) > 0.99
    assert shape[3].share < 0.01 < min(each.share for each in shape[:3])
    assert np.allclose([[a.vector @ b.vector for a in shape] for b in shape], np.eye(4), atol=1e-5)


def test_proportions_have_their_names(found: tuple[Direction, ...]):
    names = {each.name: each for each in found}
    assert np.allclose(names["size"].vector[:3], 3**-0.5, atol=0.1), "all three axes alike"
    axes = {"depth": 0, "width": 1, "height": 2}
    proportions = [name for name in axes if name in names]
    assert len(proportions) == 2, "the third follows from two"
    for name in proportions:
        for seed in range(5):
            low, high = (half_axes(names[name].move(codes(seed, 4, 3), value)) for value in (-2, 2))
            ratio = (high / high.mean()) / (low / low.mean())
            assert ratio[axes[name]] > 1.2 and ratio[axes[name]] == ratio.max()


def test_colours_have_their_names(found: tuple[Direction, ...]):
    names = {each.name: each for each in found if each.code == "appearance"}
    assert names["lightness"].vector[1] > 0.8, "green counts most"
    assert names["warmth"].vector[0] > 0.5 and names["warmth"].vector[2] < -0.5
    points = np.random.default_rng(0).normal(0, 0.3, (50, 3))
    for seed in range(5):
        low, high = (colour_at(points, names["lightness"].move(codes(seed, 4, 3), value)) for value in (-2, 2))
        assert (high @ [0.2126, 0.7152, 0.0722]).mean() - (low @ [0.2126, 0.7152, 0.0722]).mean() > 0.4


def test_a_generator_of_nothing(tmp_path: Path):
    model = gen3d_core.load(write_ellipsoid_model(tmp_path / "none.gen3d", empty=True), 1).runtime
    assert principal_directions(model, 1.0) == []
