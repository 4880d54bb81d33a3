"""The principal directions of a generator: along which codes change a property that has a name, or simply most.

What an object is made of (occupancy on a grid; colour at points of some surfaces) and its properties (width, lightness)
are regressed on the codes that made it. Properties that codes govern well give the first directions. The singular
vectors of the remaining linear map give the others: perpendicular in the space of codes, and changing perpendicular
things, as principal components do (compare Härkönen et al., "GANSpace", NeurIPS 2020, who take the components of
activations and regress codes on them).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from tqdm import tqdm

from gen3d_core.codes.codes import Codes, codes
from gen3d_core.model.onnx_model import OnnxField, OnnxModel, SeparableOnnxField

SHAPES, LOOKS = 512, 256
"""Codes drawn."""
GRID = 24
PAINTED, POINTS = 4, 128
"""Objects, and points on each, whose colours are watched."""
MOST_SHAPE, MOST_APPEARANCE = 8, 6
REACH = 2.0
"""Standard deviations to both sides: 95 % of what is drawn."""
NAMED_FROM = 0.3
"""Least share of a property's variance that a direction must explain to carry its name."""


def principal_directions(model: OnnxModel, truncation: float) -> list[dict[str, Any]]:
    """The `directions` of a model file (`gen3d_core.codes.directions`), at the truncation it is used with; none where
    the generator makes nothing."""
    sizes = model.manifest["shape_dim"], model.manifest["appearance_dim"]
    axis = np.linspace(-1, 1, GRID, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    drawn = [codes(seed, *sizes, priors=model.priors) for seed in range(SHAPES)]
    with tqdm(total=SHAPES + LOOKS, desc="directions", unit="code", leave=False) as bar:
        shapes = np.empty((SHAPES, len(grid)), np.float32)
        for row, each in zip(shapes, drawn, strict=True):
            row[:] = _occupancy(model.field(each, truncation), axis, grid)
            bar.update()
        if not (shapes > 0.5).any():
            return []
        colours = _colours(model, drawn[:LOOKS], truncation, grid, shapes, bar)
    return [
        *_directions("shape", np.stack([each.shape for each in drawn]), shapes, _proportions(shapes, grid), MOST_SHAPE),
        *_directions(
            "appearance",
            np.stack([each.appearance for each in drawn[:LOOKS]]),
            colours,
            _impressions(colours),
            MOST_APPEARANCE,
        ),
    ]


def _occupancy(field: OnnxField, axis: np.ndarray, grid: np.ndarray) -> np.ndarray:
    if isinstance(field, SeparableOnnxField):
        logit = field.lattice(axis, axis, axis).reshape(-1)
    else:
        logit = np.full(len(grid), -np.inf, np.float32)
        ball = np.linalg.norm(grid, axis=1) < 1
        logit[ball] = field.logit(grid[ball])
    return 1 / (1 + np.exp(-np.clip(logit, -30, 30)))


def _colours(
    model: OnnxModel, drawn: list[Codes], truncation: float, grid: np.ndarray, shapes: np.ndarray, bar: tqdm
) -> np.ndarray:
    """Colours in every appearance of points near some objects' surfaces: (looks, points, 3)."""
    random = np.random.default_rng(0)
    watched = []
    for one in np.nonzero((shapes > 0.5).any(axis=1))[0][:PAINTED]:
        # Where occupancy is least decided: nearest to the surface.
        nearest = np.argsort(np.abs(shapes[one] - 0.5))[: 4 * POINTS]
        points = grid[random.choice(nearest, POINTS, replace=False)]
        watched.append((model.field(drawn[one], truncation), points))
    colours = np.empty((len(drawn), len(watched) * POINTS, 3), np.float32)
    for row, each in zip(colours, drawn, strict=True):
        row[:] = np.concatenate(
            [
                dataclasses.replace(field, appearance_code=each.appearance[None]).colour(points)
                for field, points in watched
            ]
        )
        bar.update()
    return colours


def _directions(
    code: str, drawn: np.ndarray, made: np.ndarray, properties: Mapping[str, np.ndarray], most: int
) -> list[dict[str, Any]]:
    """Directions of codes (n, d) that made things (n, ...) of these properties (n,): first those that move a property,
    then the principal ones of what they leave."""
    design = drawn.astype(np.float64)
    design -= design.mean(axis=0)
    made = made.reshape(len(made), -1)
    made = made - made.mean(axis=0)
    # In fewer numbers without loss: no more components than there are codes.
    left, sizes, _ = np.linalg.svd(made @ made.T)
    scores = (left * np.sqrt(sizes)).astype(np.float64)
    effect, *_ = np.linalg.lstsq(design, scores, rcond=None)
    total = max(float(np.square(scores).sum() / len(scores)), 1e-12)

    basis = _named_directions(design, properties)
    rest = effect.copy()
    for vector in basis.values():
        rest -= np.outer(vector, vector @ rest)
    for vector in np.linalg.svd(rest, full_matrices=False)[0].T[: min(most, len(rest)) - len(basis)]:
        basis[f"{code} {len(basis) + 1}"] = vector
    return [
        {
            "name": name,
            "code": code,
            "vector": [round(float(value), 6) for value in vector],
            "low": -REACH,
            "high": REACH,
            "share": round(min(float(np.square(vector @ effect).sum()) / total, 1.0), 4),
        }
        for name, vector in basis.items()
    ]


def _named_directions(design: np.ndarray, properties: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By property, the direction of codes (n, d) along which it rises most; each is perpendicular to those before it,
    the best explained property first."""
    slopes = {}
    for name, values in properties.items():
        if values.std() > 1e-9:
            slopes[name], *_ = np.linalg.lstsq(design, (values - values.mean()) / values.std(), rcond=None)
    basis: dict[str, np.ndarray] = {}
    while slopes:
        # Codes and properties have unit variance, so a slope's square is the share of variance that it explains.
        best = max(slopes, key=lambda name: float(slopes[name] @ slopes[name]))
        slope = slopes.pop(best)
        if slope @ slope < NAMED_FROM:
            break
        basis[best] = vector = slope / np.linalg.norm(slope)
        slopes = {name: other - vector * (vector @ other) for name, other in slopes.items()}
    return basis


def _proportions(shapes: np.ndarray, grid: np.ndarray) -> dict[str, np.ndarray]:
    """Properties of geometry by occupancies (n, points): spreads relative to each other, as objects are scaled alike
    in the end, and how the matter lies."""
    mass = shapes.sum(axis=1, dtype=np.float64).clip(1e-6)
    centre = shapes @ grid / mass[:, None]
    spread = 0.5 * np.log((shapes @ grid**2 / mass[:, None] - centre**2).clip(1e-6))
    mean = spread.mean(axis=1)
    return {
        "depth": spread[:, 0] - mean,
        "width": spread[:, 1] - mean,
        "height": spread[:, 2] - mean,
        "size": mean,
        "bulk": np.log(mass) - 3 * mean,
        "top-heaviness": centre[:, 2] / np.exp(spread[:, 2]),
    }


def _impressions(colours: np.ndarray) -> dict[str, np.ndarray]:
    """Properties of colours (n, points, 3)."""
    luma = colours @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return {
        "lightness": luma.mean(axis=1),
        "contrast": luma.std(axis=1),
        "saturation": np.ptp(colours, axis=2).mean(axis=1),
        "warmth": (colours[..., 0] - colours[..., 2]).mean(axis=1),
    }
