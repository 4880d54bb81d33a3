"""The codes that a generator reads: one for the shape, one for the appearance. Numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gen3d_core import limits
from gen3d_core.codes.by_value import ByValue
from gen3d_core.codes.prior import NORMAL, CodePrior, CodePriors
from gen3d_core.errors import Gen3DError


@dataclass(frozen=True, eq=False)
class Codes(ByValue):
    """What an object is made from: `shape` (D,) and `appearance` (A,), float32.

    Where drawn they are standard normal, or as the model's `CodePriors` say. D and A are the model's `shape_dim` and
    `appearance_dim`. Truncation is applied inside the model. The shape of one
    object in the colours of another:

    >>> import gen3d_core
    >>> model = gen3d_core.load("chairs")
    >>> one, other = model.codes(seed=7), model.codes(seed=8)
    >>> mesh = model.build(gen3d_core.Codes(one.shape, other.appearance), resolution=32)
    """

    shape: np.ndarray
    appearance: np.ndarray


def codes(
    seed: int,
    shape_dim: int,
    appearance_dim: int,
    *,
    appearance_seed: int | None = None,
    priors: CodePriors = NORMAL,
) -> Codes:
    """Draw the codes of a seed. Shape and appearance come from separate streams, so each can be varied with the other
    held.

    `appearance_seed` takes the appearance of another seed; `priors` are those of the model.
    """
    paint = seed if appearance_seed is None else appearance_seed
    return Codes(
        _drawn(np.random.default_rng([priors.draw_number(seed), 0]), shape_dim, priors.shape),
        _drawn(np.random.default_rng([paint, 1]), appearance_dim, priors.appearance),
    )


def check_codes(given: Codes, shape_dim: int, appearance_dim: int) -> None:
    """Raises `Gen3DError` for codes that no model of these sizes was ever asked for."""
    low, high = limits.CODE
    for name, code, size in (("shape", given.shape, shape_dim), ("appearance", given.appearance, appearance_dim)):
        numbers = np.asarray(code)
        if numbers.shape != (size,):
            raise Gen3DError(f"the {name} code is an array of shape {numbers.shape}: expected ({size},)")
        if numbers.dtype.kind not in "fiu":
            raise Gen3DError(f"the {name} code holds {numbers.dtype}: expected numbers from {low:g} to {high:g}")
        odd = ~((numbers >= low) & (numbers <= high))  # NaN too
        if odd.any():
            raise Gen3DError(
                f"the {name} code holds {numbers[odd][0]:g}: expected finite numbers from {low:g} to {high:g}"
            )


def lerp(a: Codes, b: Codes, shape: float, appearance: float | None = None) -> Codes:
    """Straight-line mix: 0 is `a`, 1 is `b`; the appearance follows the shape's fraction unless given its own."""
    paint = shape if appearance is None else appearance
    return Codes(_lerp(a.shape, b.shape, shape), _lerp(a.appearance, b.appearance, paint))


def slerp(a: Codes, b: Codes, shape: float, appearance: float | None = None) -> Codes:
    """Mix along the arc between two normal draws, which keeps the typical length of a code on the way (Shoemake
    1985)."""
    paint = shape if appearance is None else appearance
    return Codes(_slerp(a.shape, b.shape, shape), _slerp(a.appearance, b.appearance, paint))


def blend(parents: Sequence[Codes], shape: Sequence[float], appearance: Sequence[float]) -> Codes:
    """Codes between several, one weight each for their shapes and their appearances; each code is as long as its
    parents are in the weighted mean, so that it stays typical of drawn ones."""
    return Codes(
        _blend([each.shape for each in parents], shape), _blend([each.appearance for each in parents], appearance)
    )


def vary(original: Codes, towards: Codes, shape: float, appearance: float) -> Codes:
    """A step from codes in the direction of others: 0 stays, 1 arrives. Where both are standard normal draws, so is
    every variation."""
    return Codes(
        _vary(original.shape, towards.shape, shape), _vary(original.appearance, towards.appearance, appearance)
    )


def _drawn(rng: np.random.Generator, size: int, prior: CodePrior | None) -> np.ndarray:
    return rng.standard_normal(size).astype(np.float32) if prior is None else prior.draw(rng)


def _vary(original: np.ndarray, towards: np.ndarray, strength: float) -> np.ndarray:
    return ((1.0 - strength**2) ** 0.5 * original + strength * towards).astype(np.float32)


def _blend(parents: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    share = np.asarray(weights, np.float64) / sum(weights)
    if np.count_nonzero(share) == 1:  # to the last bit, so that an object can be made again as it was
        return parents[int(share.argmax())]
    mixed = share @ np.stack(parents).astype(np.float64)
    length = share @ np.linalg.norm(parents, axis=1)
    return (mixed * (length / max(float(np.linalg.norm(mixed)), 1e-9))).astype(np.float32)


def _lerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    return ((1.0 - t) * a.astype(np.float64) + t * b.astype(np.float64)).astype(np.float32)


def _slerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    if lengths == 0.0:
        return _lerp(a, b, t)
    angle = float(np.arccos(np.clip(np.dot(a.astype(np.float64), b.astype(np.float64)) / lengths, -1.0, 1.0)))
    if np.sin(angle) < 1e-6:  # parallel or opposite: the arc is undefined
        return _lerp(a, b, t)
    return ((np.sin((1.0 - t) * angle) * a + np.sin(t * angle) * b) / np.sin(angle)).astype(np.float32)
