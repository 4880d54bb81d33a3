"""How far a score may be off because its sample is finite: bootstrap percentile intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def bootstrap_mean(
    values: np.ndarray, rng: np.random.Generator, repeats: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """Lower and upper end of the interval of the mean of independent `values` (N,)."""
    return bootstrap(lambda index: float(values[index].mean()), len(values), rng, repeats, level)


def bootstrap(
    statistic: Callable[[np.ndarray], float],
    count: int,
    rng: np.random.Generator,
    repeats: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Lower and upper end of the percentile interval that covers `level` of a statistic's values under resampling
    (Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, section 13.3).

    `statistic` gets indices (count,) in 0..count-1, drawn with replacement. The interval says nothing of bias, and it
    is somewhat short for samples of a few dozen.
    """
    if count < 1 or repeats < 1 or not 0 < level < 1:
        raise ValueError(f"no interval of {count} values, {repeats} repeats, level {level}")
    values = [statistic(rng.integers(0, count, count)) for _ in range(repeats)]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
