"""Fréchet and kernel distance of two sets of features, with intervals: the formulas of FID and KID for any network.

Heusel et al., NeurIPS 2017, equation 6; Bińkowski et al., ICLR 2018. Everything is had from the products of features
with each other: these are few where pictures are, and resampling them costs little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

REPEATS = 200


@dataclass(frozen=True)
class Distance:
    """A distance between two sets and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Products:
    """Scalar products of the features of two sets: within each, and of one with the other."""

    real: Float[np.ndarray, "n n"]
    fake: Float[np.ndarray, "m m"]
    cross: Float[np.ndarray, "n m"]
    width: int

    @classmethod
    def of(cls, real: Float[np.ndarray, "n d"], fake: Float[np.ndarray, "m d"]) -> Products:
        """Raises ValueError for fewer than two of each."""
        if min(len(real), len(fake)) < 2:
            raise ValueError(f"{len(real)} and {len(fake)} features: distances need two of each")
        real, fake = real.astype(np.float64), fake.astype(np.float64)
        return cls(real @ real.T, fake @ fake.T, real @ fake.T, real.shape[1])

    def frechet(self, rng: np.random.Generator) -> Distance:
        """Squared Fréchet distance of Gaussians fitted to the features: 0 for equal sets.

        It is biased upwards the more, the fewer pictures there are: only sets of one size can be compared. Resampling
        repeats some and so loses others, which adds to the bias; the interval is therefore the spread of the resampled
        values around the value.
        """
        value, resampled = self._resampled(self._frechet, rng)
        low, high = np.quantile(resampled - resampled.mean(), [0.025, 0.975])
        return Distance(value, max(value + float(low), 0.0), value + float(high))

    def kernel(self, rng: np.random.Generator) -> Distance:
        """Squared maximum mean discrepancy under KID's kernel (x . y / d + 1) ** 3, unbiased: it may be negative, and
        sets of any size can be compared."""
        kernels = [(products / self.width + 1) ** 3 for products in (self.real, self.fake, self.cross)]

        def statistic(w: np.ndarray, v: np.ndarray) -> float:
            return _mean_of_others(kernels[0], w) + _mean_of_others(kernels[1], v) - 2 * _mean(kernels[2], w, v)

        value, resampled = self._resampled(statistic, rng)
        low, high = np.quantile(resampled, [0.025, 0.975])
        return Distance(value, float(low), float(high))

    def _frechet(self, w: np.ndarray, v: np.ndarray) -> float:
        means = _mean(self.real, w, w) + _mean(self.fake, v, v) - 2 * _mean(self.cross, w, v)
        spread = _trace(self.real, w) + _trace(self.fake, v)
        # The trace of (S T) ** (1/2) is the sum of the singular values of X Y^T, for S = X^T X and T = Y^T Y.
        rows, columns = np.flatnonzero(w), np.flatnonzero(v)
        w, v = w[rows], v[columns]
        part = self.cross[np.ix_(rows, columns)]
        centred = part - (part @ v / v.sum())[:, None] - (w @ part / w.sum())[None] + _mean(part, w, v)
        centred *= np.sqrt(w)[:, None] * np.sqrt(v)[None]
        common = np.linalg.svd(centred, compute_uv=False).sum() / np.sqrt((w.sum() - 1) * (v.sum() - 1))
        return max(float(means + spread - 2 * common), 0.0)

    def _resampled(
        self, statistic: Callable[[np.ndarray, np.ndarray], float], rng: np.random.Generator
    ) -> tuple[float, np.ndarray]:
        """A statistic of how often each of the two sets' members is there, once each and resampled."""
        count, other = self.cross.shape
        values = [statistic(_times(rng, count), _times(rng, other)) for _ in range(REPEATS)]
        return statistic(np.ones(count), np.ones(other)), np.array(values)


def _times(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.bincount(rng.integers(0, count, count), minlength=count).astype(np.float64)


def _mean(products: np.ndarray, w: np.ndarray, v: np.ndarray) -> float:
    return float(w @ products @ v / (w.sum() * v.sum()))


def _mean_of_others(products: np.ndarray, w: np.ndarray) -> float:
    """Mean over pairs of different members."""
    square = w**2
    return float((w @ products @ w - square @ products.diagonal()) / (w.sum() ** 2 - square.sum()))


def _trace(products: np.ndarray, w: np.ndarray) -> float:
    """Of the covariance."""
    return float((w @ products.diagonal() / w.sum() - _mean(products, w, w)) * w.sum() / (w.sum() - 1))
