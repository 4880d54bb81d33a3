"""Fréchet and kernel distances with intervals, against torchmetrics' and what is known of samples."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tests.training.metrics.test_inception import DIMENSION, distances
from training.metrics.frechet import Distance, Products


def gaussian(count: int, seed: int, width: int = DIMENSION) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width))


def frechet(real: np.ndarray, fake: np.ndarray) -> Distance:
    return Products.of(real, fake).frechet(np.random.default_rng(0))


def kernel(real: np.ndarray, fake: np.ndarray) -> Distance:
    return Products.of(real, fake).kernel(np.random.default_rng(0))


def test_both_are_what_torchmetrics_computes() -> None:
    """Its kernel distance is a mean over random subsets, of the whole here."""
    real, fake = gaussian(150, 0), gaussian(130, 1) * [1.5, 1.0, 0.7] + [0.5, 0.0, 0.2]
    known = distances(torch.from_numpy(real).float(), torch.from_numpy(fake).float())
    assert frechet(real, fake).value == pytest.approx(known.fid, rel=1e-3)
    assert kernel(real, fake).value == pytest.approx(known.kid_mean, abs=4 * known.kid_std / 10)


def test_more_features_than_pictures() -> None:
    real, fake = gaussian(40, 0, 200), gaussian(40, 1, 200) + 0.3
    covariances = [np.cov(features.T) for features in (real, fake)]
    values = np.linalg.eigvals(covariances[0] @ covariances[1]).real.clip(0)
    mean = ((real.mean(0) - fake.mean(0)) ** 2).sum()
    expected = mean + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * np.sqrt(values).sum()
    assert frechet(real, fake).value == pytest.approx(expected, rel=1e-6)


def test_equal_sets_are_at_distance_zero_and_the_interval_knows() -> None:
    features = gaussian(60, 0, 100)
    found = frechet(features, features)
    assert found.value == pytest.approx(0, abs=1e-6) and found.low == 0


@pytest.mark.parametrize("measure", [frechet, kernel])
def test_intervals_hold_what_samples_score_on_average(measure: Callable[[np.ndarray, np.ndarray], Distance]) -> None:
    """Of 20 samples' intervals nearly all hold the mean of what the samples score; equal Gaussians lie below others."""
    found = [measure(gaussian(60, 2 * i), gaussian(60, 2 * i + 1) + 0.6) for i in range(20)]
    mean = np.mean([each.value for each in found])
    assert np.mean([each.low <= mean <= each.high for each in found]) >= 0.8
    same, far = measure(gaussian(60, 0), gaussian(60, 1)), measure(gaussian(60, 0), gaussian(60, 1) + 2)
    assert same.low <= same.value <= same.high < far.low


def test_the_same_numbers_give_the_same_interval() -> None:
    real, fake = gaussian(30, 0), gaussian(30, 1)
    assert frechet(real, fake) == frechet(real, fake) and kernel(real, fake) == kernel(real, fake)


def test_one_picture_has_no_distance() -> None:
    with pytest.raises(ValueError, match="two of each"):
        Products.of(gaussian(1, 0), gaussian(5, 1))
