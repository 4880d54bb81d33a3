"""Distances between clouds, scores of sets and their intervals, against closed forms."""

import numpy as np
import pytest

from training.metrics.intervals import bootstrap, bootstrap_mean
from training.metrics.points import chamfer_matrix
from training.metrics.sets import SetScores, compare_sets


def spheres(radii: list[float], count: int, rng: np.random.Generator) -> np.ndarray:
    """Clouds (N, count, 3) uniform on concentric spheres."""
    directions = rng.normal(size=(len(radii), count, 3))
    return np.array(radii)[:, None, None] * directions / np.linalg.norm(directions, axis=2, keepdims=True)


def ellipsoids(count: int, rng: np.random.Generator) -> np.ndarray:
    """Clouds (count, 256, 3) on ellipsoids of random half axes: a varied set of shapes."""
    return spheres([1.0] * count, 256, rng) * rng.uniform(0.3, 1.0, (count, 1, 3))


def scores_of(samples: np.ndarray, references: np.ndarray) -> SetScores:
    between = chamfer_matrix(samples, references)
    return compare_sets(between, chamfer_matrix(samples, samples), chamfer_matrix(references, references))


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a[:, None] - b[None], axis=2)


# ---- chamfer distance


def test_chamfer_distance_of_clouds_that_are_counted_by_hand():
    a = np.array([[[0, 0, 0], [1, 0, 0]]], np.float32)
    b = np.array([[[0, 0, 2], [0, 0, 0], [0, 0, 1]], [[0, 3, 0]] * 3], np.float32)
    assert np.allclose(chamfer_matrix(a, b), [[(0 + 1) / 2 + (4 + 0 + 1) / 3, (9 + 10) / 2 + 9]])


def test_chamfer_distance_of_concentric_spheres():
    """From a point on one sphere the squared distance to y on the other is (r - s)^2 + 4 r s u, where u is uniform in
    0..1 for uniform y; the least of P such u is 1 / (P + 1) on average. Hence CD = 2 (r - s)^2 + 8 r s / (P + 1), which
    tends to 2 (r - s)^2. The last term is the sampling error; its own scatter is within 10 %."""
    count, radii = 4000, [1.0, 0.9, 0.5]
    clouds = spheres(radii, count, np.random.default_rng(0))
    others = spheres(radii, count, np.random.default_rng(1))
    r, s = np.array(radii)[:, None], np.array(radii)[None]
    sampling = 8 * r * s / (count + 1)
    assert np.all(np.abs(chamfer_matrix(clouds, others) - 2 * (r - s) ** 2 - sampling) < 0.1 * sampling)


def test_a_set_with_itself_costs_half_and_gives_the_same():
    clouds = ellipsoids(7, np.random.default_rng(0))
    told: list[float] = []
    itself = chamfer_matrix(clouds, clouds, told.append)
    assert np.array_equal(itself, chamfer_matrix(clouds, clouds.copy()))
    assert np.array_equal(itself, itself.T) and np.all(np.diag(itself) == 0)
    assert told == sorted(told) and told[-1] == 1.0 and len(told) == 7
    between: list[float] = []
    chamfer_matrix(clouds, clouds[:3], between.append)
    assert between == sorted(between) and between[-1] == 1.0 and len(between) == 10


# ---- sets


def test_identical_sets():
    clouds = ellipsoids(12, np.random.default_rng(0))
    scores = scores_of(clouds, clouds.copy())
    assert (scores.mmd, scores.cov, scores.one_nna) == (0.0, 1.0, 0.0)
    twice = np.concatenate([clouds, clouds])  # equal members within a set change nothing
    scores = scores_of(twice, twice.copy())
    assert (scores.mmd, scores.cov, scores.one_nna) == (0.0, 1.0, 0.0)


def test_scores_counted_by_hand():
    """On a line: samples at 0, 1 and 10, references at 2 and 4."""
    samples, references = np.array([[0.0], [1.0], [10.0]]), np.array([[2.0], [4.0]])
    scores = compare_sets(
        distances(samples, references), distances(samples, samples), distances(references, references)
    )
    assert scores.nearest.tolist() == [1.0, 3.0]
    assert scores.covered.tolist() == [True, True]
    # 1 is as near to 0 as to the reference 2, so that it cannot be told; 10 and 2 are nearer to the other set.
    assert scores.correct.tolist() == [True, False, False, False, True]


def test_mode_collapse_lowers_coverage_and_noise_raises_matching_distance():
    rng = np.random.default_rng(0)
    references, draw = ellipsoids(40, rng), ellipsoids(40, rng)
    varied = scores_of(draw, references)
    collapsed = scores_of(references[:1] + rng.normal(0, 0.01, (40, 256, 3)), references)
    noisy = scores_of(draw + rng.normal(0, 0.1, draw.shape), references)
    assert varied.cov > 0.4
    assert collapsed.cov == 1 / 40
    assert collapsed.mmd > varied.mmd
    assert noisy.mmd > 1.2 * varied.mmd


def test_nearest_neighbours_tell_sets_apart_as_far_as_they_differ():
    """1-NNA of 800 members; neighbours depend on each other, so that its scatter is some 0.02. Allowed are 0.08."""
    rng = np.random.default_rng(0)
    references = rng.normal(size=(400, 3))
    for shift, expected, tolerance in ((0.0, 0.5, 0.08), (10.0, 1.0, 0.001)):
        samples = rng.normal(size=(400, 3)) + shift
        within = distances(samples, samples), distances(references, references)
        scores = compare_sets(distances(samples, references), *within)
        assert scores.one_nna == pytest.approx(expected, abs=tolerance)


def test_matrices_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="other sizes"):
        compare_sets(np.ones((2, 3)), np.ones((3, 3)), np.ones((3, 3)))
    with pytest.raises(ValueError, match="NaN"):
        compare_sets(np.full((2, 2), np.nan), np.ones((2, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="not empty"):
        compare_sets(np.ones((0, 2)), np.ones((0, 0)), np.ones((2, 2)))


# ---- intervals


def test_interval_of_a_normal_mean():
    """The closed form: mean +- 1.96 s / sqrt(n). The ends of 4000 repeats scatter by 0.04 standard errors each."""
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    error = values.std() / np.sqrt(len(values))
    low, high = bootstrap_mean(values, np.random.default_rng(1), repeats=4000)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)
    narrow = bootstrap_mean(values, np.random.default_rng(1), repeats=4000, level=0.5)
    assert narrow[1] - narrow[0] == pytest.approx(2 * 0.674 * error, rel=0.1)


def test_intervals_are_repeatable_and_take_any_statistic():
    values = np.random.default_rng(0).normal(size=60)
    first, again = (bootstrap_mean(values, np.random.default_rng(5)) for _ in range(2))
    assert first == again
    assert bootstrap_mean(np.full(9, 2.5), np.random.default_rng(0)) == (2.5, 2.5)
    low, high = bootstrap(lambda index: float(np.median(values[index])), 60, np.random.default_rng(0), 500)
    assert low < np.median(values) < high
    with pytest.raises(ValueError):
        bootstrap_mean(np.empty(0), np.random.default_rng(0))
