"""Pure functions from how far training is to the values it uses there."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gen3d_core.config import BaselineConfig, IntervalConfig, LossConfig, OptimConfig, RendererConfig, ScaledConfig
from gen3d_core.rendering.stage import Stage


def stage(kimg: float, config: RendererConfig, baseline: BaselineConfig) -> Stage:
    """How training renders after `kimg` thousand pictures."""
    return Stage(
        interval_half_width(kimg, config.interval),
        baseline.free_samples if kimg >= baseline.free_from_kimg else 0,
        density_noise(kimg, baseline),
    )


def density_noise(kimg: float, config: BaselineConfig) -> float:
    """Standard deviation of the noise on raw densities: falls linearly to zero (GRAF's published code)."""
    if config.noise == 0 or kimg >= config.noise_kimg:
        return 0.0
    return config.noise * (1 - kimg / config.noise_kimg)


def least_scale(kimg: float, config: ScaledConfig) -> float:
    """The smallest patch extent drawn: max(0.25, exp(-0.0025 k)), at most 0.9, k = 3 floor(iteration / 1000)
    (GRAF's published code; its batch of 8 makes a thousand iterations 8 kimg)."""
    shrunk = math.exp(-0.0025 * 3 * math.floor(kimg / config.step_kimg))
    return min(config.first_least, max(config.least, shrunk))


def interval_half_width(kimg: float, config: IntervalConfig) -> float:
    """Half-width of the sampled interval around the surface (UNISURF, equation 9), in scene units."""
    return max(config.end, config.start * math.exp(-kimg / config.decay_kimg))


def wide_chance(kimg: float, config: IntervalConfig) -> float:
    """How likely a step takes an interval of at least `wide`."""
    return config.wide_share if kimg < config.wide_until_kimg else 0.0


def r1_gamma(kimg: float, config: LossConfig) -> float:
    """Weight of the R1 penalty: strong while the distributions are far apart, weaker afterwards."""
    return config.r1_gamma if kimg < config.late_kimg else config.r1_gamma_late


def smoothness_weight(kimg: float, config: LossConfig) -> float:
    """Weight of the normal smoothness term, rising linearly from its early to its late value."""
    share = min(kimg / config.late_kimg, 1.0) if config.late_kimg > 0 else 1.0
    return config.smoothness + share * (config.smoothness_late - config.smoothness)


def relative_rate(progress: float, kimg: float, config: OptimConfig, halve_at_kimg: Sequence[float] = ()) -> float:
    """Factor on both players' rates at a share `progress` in [0, 1] of the run and `kimg` thousand pictures.

    Constant, then falling geometrically to `final_rate`; halved at each of `halve_at_kimg`.
    """
    late = max(0.0, min(1.0, (progress - config.decay_from) / max(1.0 - config.decay_from, 1e-9)))
    return config.final_rate**late * 0.5 ** sum(kimg >= at for at in halve_at_kimg)


def ema_decay(images: int, config: OptimConfig) -> float:
    """Weight of the old average in one step of `batch` pictures after `images` of them (StyleGAN2-ADA, appendix D)."""
    half_life = min(config.ema_half_life_kimg * 1000.0, images * config.ema_rampup)
    return 0.5 ** (config.batch / max(half_life, 1e-8))
