"""Paths pass through their keys, arcs keep lengths, and even times are even."""

import numpy as np
import pytest

import gen3d_core
from gen3d_core import limits
from gen3d_core.codes.codes import Codes, codes, lerp, slerp
from gen3d_core.codes.path import Path, even_times, uniform_times
from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.distance import surface_distances
from gen3d_core.mesh.extract import extract
from gen3d_core.morphing.interpolate import interpolate

KEYS = tuple(codes(seed, 64, 32) for seed in (3, 8, 12, 1))


def equal(a: Codes, b: Codes) -> bool:
    return np.array_equal(a.shape, b.shape) and np.array_equal(a.appearance, b.appearance)


@pytest.mark.parametrize("kind", limits.MORPH_PATHS)
@pytest.mark.parametrize("closed", [False, True])
def test_a_path_passes_through_its_keys_and_has_no_leaps(kind: str, closed: bool):
    path = Path(KEYS, kind, closed)
    assert path.spans == (4 if closed else 3)
    for t in range(path.spans + 1):
        assert equal(path.at(t), KEYS[t % 4])
    points = np.stack([path.at(t).shape for t in np.linspace(0, path.spans, 400)])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps.max() < 3 * steps.mean()


def test_two_keys_are_mixed_as_codes_are():
    a, b = KEYS[:2]
    assert equal(Path((a, b), "lerp").at(0.3), lerp(a, b, 0.3))
    assert equal(Path((a, b), "slerp").at(0.3), slerp(a, b, 0.3))


def test_shape_and_appearance_are_separate_tracks():
    path = Path(KEYS)
    mixed = path.at(0.7, 2.2)
    assert np.array_equal(mixed.shape, path.at(0.7).shape)
    assert np.array_equal(mixed.appearance, path.at(2.2).appearance)


def test_a_spline_turns_smoothly_where_an_arc_has_a_corner():
    def corner(kind: str) -> float:
        path, e = Path(KEYS, kind), 1e-3
        before = path.at(1).shape - path.at(1 - e).shape
        after = path.at(1 + e).shape - path.at(1).shape
        return float(before @ after / (np.linalg.norm(before) * np.linalg.norm(after)))

    assert corner("catmull-rom") > 0.98 > 0.7 > corner("slerp")


def test_a_spline_is_about_as_long_as_its_codes():
    path = Path(KEYS, "catmull-rom")
    ends = [np.linalg.norm(key.shape) for key in KEYS]
    between = [np.linalg.norm(path.at(t).shape) for t in np.linspace(0, 3, 50)]
    assert 0.9 * min(ends) < min(between) and max(between) < 1.1 * max(ends)
    assert np.linalg.norm(Path(KEYS, "lerp").at(0.5).shape) < min(between)


def test_uniform_times_hold_every_key():
    times = uniform_times(Path(KEYS[:3]), 24)
    assert len(times) == 24 and {0.0, 1.0, 2.0} <= set(times) and (np.diff(times) > 0).all()
    around = uniform_times(Path(KEYS[:3], closed=True), 24)
    assert np.allclose(around, np.arange(24) / 8)  # the step after the last is the first again


def test_even_times_are_even():
    """Of a position t³ on the line."""
    path = Path(KEYS[:3])
    times = even_times(path, 20, lambda a, b: abs(b**3 - a**3))
    assert (times[0], times[-1]) == (0.0, pytest.approx(2.0))
    assert np.allclose(np.diff(times**3), 8 / 19, rtol=0.1)
    assert np.array_equal(even_times(path, 20, lambda a, b: 0.0), uniform_times(path, 20))


def test_even_timing_of_a_model_makes_its_meshes_change_equally(ellipsoids):
    model = gen3d_core.load(ellipsoids, threads=1)
    still = model.codes(0).appearance
    path = Path(
        tuple(Codes(np.array([x, x, 0.5, 0], np.float32), still) for x in (-3.0, 3.0)), "lerp"
    )  # tanh: slow at both ends

    def spread(timing: str) -> float:
        made = interpolate(model, path, 7, 16, kind="flipbook", timing=timing)
        meshes = [extract(model.field(each), 32) for each in made.codes]
        moved = [surface_distances(a.vertices, a.faces, b.vertices, b.faces).mean
                 for a, b in zip(meshes[:-1], meshes[1:], strict=True)]  # fmt: skip
        return float(np.std(moved) / np.mean(moved))

    assert spread("even") < 0.1 < 0.5 < spread("uniform")


def test_bad_paths():
    with pytest.raises(Gen3DError, match="two or more"):
        Path(KEYS[:1])
    with pytest.raises(Gen3DError, match="path is 'curve': known are lerp"):
        Path(KEYS, "curve")
    with pytest.raises(Gen3DError, match="3 steps through 4 objects"):
        uniform_times(Path(KEYS), 3)
