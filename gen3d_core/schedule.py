"""Pure functions from how far training is to the values it uses there."""

from __future__ import annotations

import math

from gen3d_core.config import IntervalConfig, LossConfig, OptimConfig


def interval_half_width(kimg: float, config: IntervalConfig) -> float:
    """Half-width of the sampled interval around the surface (UNISURF, equation 9), in scene units."""
    return max(config.end, config.start * math.exp(-kimg / config.decay_kimg))


def r1_gamma(kimg: float, config: LossConfig) -> float:
    """Weight of the R1 penalty: strong while the distributions are far apart, weaker afterwards."""
    return config.r1_gamma if kimg < config.late_kimg else config.r1_gamma_late


def smoothness_weight(kimg: float, config: LossConfig) -> float:
    """Weight of the normal smoothness term, rising linearly from its early to its late value."""
    share = min(kimg / config.late_kimg, 1.0) if config.late_kimg > 0 else 1.0
    return config.smoothness + share * (config.smoothness_late - config.smoothness)


def learning_rate(progress: float, config: OptimConfig) -> float:
    """Rate at a share `progress` in [0, 1] of the run: constant, then falling geometrically to `final_rate` of it."""
    late = max(0.0, min(1.0, (progress - config.decay_from) / max(1.0 - config.decay_from, 1e-9)))
    return config.rate * config.final_rate**late


def ema_decay(images: int, config: OptimConfig) -> float:
    """Weight of the old average in one step of `batch` pictures after `images` of them (StyleGAN2-ADA, appendix D)."""
    half_life = min(config.ema_half_life_kimg * 1000.0, images * config.ema_rampup)
    return 0.5 ** (config.batch / max(half_life, 1e-8))
