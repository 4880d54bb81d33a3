"""What rendering takes from how far training is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """What rendering takes from how far training is: the interval's half-width in scene units, samples before it, and
    the standard deviation of the noise on raw densities."""

    half_width: float
    free_samples: int = 0
    noise: float = 0.0
