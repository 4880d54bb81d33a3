"""Random material colours (sRGB, 0..1). Bounded away from black and white so that shading stays visible."""

import colorsys

import numpy as np

from training.procedural.solids import Colour

_WOODS = ((0.075, 0.55, 0.62), (0.06, 0.62, 0.42), (0.05, 0.62, 0.36), (0.09, 0.42, 0.76), (0.035, 0.70, 0.45))


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    return colorsys.hsv_to_rgb(hue % 1.0, min(max(saturation, 0.0), 0.9), min(max(value, 0.2), 0.92))


def wood(rng: np.random.Generator) -> Colour:
    """Pine to walnut."""
    hue, saturation, value = _WOODS[rng.integers(len(_WOODS))]
    return _hsv(hue + rng.normal(0, 0.008), saturation + rng.normal(0, 0.05), value + rng.normal(0, 0.05))


def metal(rng: np.random.Generator) -> Colour:
    """Black steel, grey, chrome."""
    value = rng.choice([0.24, 0.38, 0.56, 0.76]) + rng.uniform(-0.04, 0.06)
    return _hsv(rng.uniform(0.55, 0.65), rng.uniform(0.0, 0.08), value)


def fabric(rng: np.random.Generator) -> Colour:
    """Any hue, from muted to strong."""
    return _hsv(rng.uniform(), rng.uniform(0.15, 0.8), rng.uniform(0.3, 0.85))


def paint(rng: np.random.Generator) -> Colour:
    """Bright colours, and every fourth time white, grey or black."""
    if rng.uniform() < 0.25:
        return _hsv(rng.uniform(), rng.uniform(0.0, 0.06), rng.choice([0.2, 0.5, 0.72, 0.88]))
    return _hsv(rng.uniform(), rng.uniform(0.55, 0.9), rng.uniform(0.5, 0.9))
