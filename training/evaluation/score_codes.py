"""Whether shape and appearance codes keep to their own: appearance must not move geometry, shape should not choose
colours. Measured on a grid in which every shape code meets every appearance code, seen by one camera."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from training.evaluation.results import Estimate, Row
from training.metrics.intervals import bootstrap

GROUP = "Disentanglement"
SHAPES, APPEARANCES = 16, 6
VIEW_DEG = (35.0, 22.0)
"""Azimuth and elevation of the camera."""

Render = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Shape codes (n, D), appearance codes (n * k, A) and poses (n * k, 2) to premultiplied pictures (n * k, 4, s, s)."""


def code_rows(
    render: Render, shape: Float[Tensor, "shapes d"], appearance: Float[Tensor, "looks a"], seed: int
) -> Iterator[Row]:
    """Rows for the grid of the given codes, which are those of the first seeds."""
    shapes, looks = len(shape), len(appearance)
    pose = torch.tensor([[math.radians(angle) for angle in VIEW_DEG]]).expand(shapes * looks, 2)
    pictures = render(shape, appearance.repeat(shapes, 1), pose)
    grid = pictures.view(shapes, looks, *pictures.shape[1:]).numpy()
    alpha = grid[:, :, 3]
    between_shapes = float(np.mean([np.abs(alpha[i, 0] - alpha[j, 0]).mean() for i in range(shapes) for j in range(i)]))
    yield Row(
        "codes.geometry",
        GROUP,
        "geometry moved by appearance codes",
        Estimate.of_mean(silhouette_change(alpha), [seed, 40]),
        note=f"Mean absolute difference of alpha between two appearances of one shape: 0 when the silhouette never "
        f"moves, 1 when every pixel flips; two shapes differ by {between_shapes:.3f}. {shapes} shapes, {looks} "
        "appearances.",
    )
    colours = mean_colours(grid)

    def ratio(which: np.ndarray) -> float:
        return colour_leak(colours[which])

    leak = ratio(np.arange(shapes))
    if not math.isfinite(leak):
        yield Row("codes.colour", GROUP, "colours moved by shape codes", None, note="Not measured: nothing is visible.")
        return
    low, high = bootstrap(ratio, shapes, np.random.default_rng([seed, 41]))
    yield Row(
        "codes.colour",
        GROUP,
        "colours moved by shape codes",
        Estimate(leak, float(low), float(high)) if math.isfinite(low) and math.isfinite(high) else Estimate(leak),
        note="Spread of the mean foreground colour when only the shape varies, relative to the spread when only the "
        "appearance varies: 0 when shape codes never move colours, 1 when they move them as much as appearance codes "
        "do. Never quite 0, because a shape decides how much of each part is seen.",
    )


def silhouette_change(alpha: np.ndarray) -> np.ndarray:
    """Alpha (S, A, h, w) of S shapes in A appearances to the mean absolute difference over the pixels and over all
    pairs of appearances of each shape: (S,), 0 when no appearance moves the silhouette, 1 when every pixel flips."""
    looks = alpha.shape[1]
    pairs = [np.abs(alpha[:, i] - alpha[:, j]).mean((1, 2)) for i in range(looks) for j in range(i)]
    return np.mean(np.asarray(pairs, np.float64), 0)


def mean_colours(grid: np.ndarray) -> np.ndarray:
    """Premultiplied pictures (S, A, 4, h, w) to the mean colour of the foreground, weighted by alpha: (S, A, 3), NaN
    where nothing is visible."""
    total = grid.sum((3, 4), dtype=np.float64)
    seen = total[:, :, 3:]
    return np.where(seen > 1e-6, total[:, :, :3] / np.maximum(seen, 1e-6), np.nan)


def colour_leak(colours: np.ndarray) -> float:
    """Mean colours (S, A, 3) to the root of V_shape / V_appearance.

    V_shape is the variance over the shapes, summed over the channels, in the mean over the appearances; V_appearance
    the other way round. 0: the shape never moves the colour; 1: it moves it as much as the appearance does. Shapes of
    which nothing is visible are left out; NaN when fewer than two are left or the appearance never moves the colour.
    """
    colours = colours[np.isfinite(colours).all((1, 2))]
    if len(colours) < 2:
        return math.nan
    over_shapes = colours.var(0, ddof=1).sum(-1).mean()
    over_looks = colours.var(1, ddof=1).sum(-1).mean()
    return float(np.sqrt(over_shapes / over_looks)) if over_looks > 1e-12 else math.nan
