"""A mixture of Gaussians with full covariances, fitted to codes by expectation maximisation. Numpy only.

Covariances are shrunk towards the one that all components share (the maximum of the posterior under an inverse
Wishart prior; Fraley and Raftery, *Bayesian Regularization for Normal Mixture Estimation*, 2007): a component of a
hundred codes cannot tell the thousands of entries of its own. How many components and how much shrinkage pays is
decided by the likelihood of codes held out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

COMPONENTS = (1, 4, 8, 16)
STRENGTHS = (0.5, 1.5, 4.0)
"""Weight of the shared covariance against a component's own, in codes for each of their dimensions."""
HELD_OUT = 0.15
ROUNDS = 60
ENOUGH = 1e-3
"""Gain of the mean log density in a round at which fitting ends."""
LEAST_VARIANCE = 1e-4


@dataclass(frozen=True)
class Mixture:
    """`weights` (k), `means` (k, d) and `covariances` (k, d, d), float64."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def log_parts(self, codes: np.ndarray) -> np.ndarray:
        """Log of weight times density of each component at codes: (n, d) -> (n, k)."""
        parts = []
        for weight, mean, covariance in zip(self.weights, self.means, self.covariances, strict=True):
            root = np.linalg.cholesky(covariance)
            white = (codes - mean) @ np.linalg.inv(root).T
            parts.append(np.log(weight) - np.log(np.diag(root)).sum() - 0.5 * np.square(white).sum(1))
        return np.stack(parts, 1) - 0.5 * codes.shape[1] * np.log(2 * np.pi)

    def log_likelihood(self, codes: np.ndarray) -> float:
        """Mean log density of codes (n, d)."""
        return float(np.logaddexp.reduce(self.log_parts(codes), axis=1).mean())


@dataclass(frozen=True)
class Choice:
    """How a mixture is to be fitted, and what that was chosen by."""

    components: int
    strength: float
    held_out: float
    """Mean log density of held-out codes, in nats."""
    single: float
    """The same of a single Gaussian."""


def choose(codes: np.ndarray, seed: int = 0, most: int = max(COMPONENTS)) -> Choice:
    """Of at most `most` components, those that explain codes (n, d) best that were held out."""
    rng = np.random.default_rng([seed, 0])
    order = rng.permutation(len(codes))
    held = max(1, round(HELD_OUT * len(codes)))
    tried = {}
    for components in COMPONENTS:
        if components <= min(most, (len(codes) - held) // 2):
            for strength in STRENGTHS:
                fitted = fit(codes[order[held:]], components, strength, seed)
                tried[components, strength] = fitted.log_likelihood(codes[order[:held]])
    best = max(tried, key=lambda choice: tried[choice])
    single = max(value for (components, _), value in tried.items() if components == 1)
    components, strength = best
    return Choice(components, strength, tried[best], single)


def fit(codes: np.ndarray, components: int, strength: float, seed: int = 0) -> Mixture:
    """A mixture of so many components fitted to codes (n, d)."""
    codes = codes.astype(np.float64)
    size = codes.shape[1]
    floor = LEAST_VARIANCE * np.eye(size)
    shares = _nearest(codes, _spread_out(codes, components, np.random.default_rng([seed, 1])))
    mixture, last = None, -np.inf
    for _ in range(ROUNDS):
        count = shares.sum(0) + 1e-9
        means = shares.T @ codes / count[:, None]
        scatters = np.stack(
            [((codes - mean) * share[:, None]).T @ (codes - mean) for mean, share in zip(means, shares.T, strict=True)]
        )
        shared = scatters.sum(0) / len(codes) + floor
        own = strength * size
        covariances = (scatters + own * shared) / (count + own)[:, None, None] + floor
        mixture = Mixture(count / count.sum(), means, covariances)
        parts = mixture.log_parts(codes)
        total = np.logaddexp.reduce(parts, axis=1)
        if total.mean() - last < ENOUGH:
            break
        last = total.mean()
        shares = np.exp(parts - total[:, None])
    if mixture is None:
        raise ValueError("no codes to fit")
    return mixture


def _spread_out(codes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Centres to begin with: far from each other (Arthur and Vassilvitskii, *k-means++*, 2007), then ten rounds of
    Lloyd's algorithm."""
    centres = codes[rng.integers(len(codes))][None]
    while len(centres) < count:
        distance = np.square(codes[:, None] - centres).sum(-1).min(1)
        centres = np.concatenate([centres, codes[rng.choice(len(codes), p=distance / distance.sum())][None]])
    for _ in range(10):
        shares = _nearest(codes, centres)
        filled = shares.sum(0) > 0
        centres[filled] = (shares.T @ codes)[filled] / shares.sum(0)[filled, None]
    return centres


def _nearest(codes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """One for the nearest centre of each code, zero for the others: (n, k)."""
    nearest = np.square(codes[:, None] - centres).sum(-1).argmin(1)
    return np.eye(len(centres))[nearest]
