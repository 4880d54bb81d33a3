"""How reconstruction is scheduled: pure functions of how far it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gen3d_core.config import ReconstructionConfig


@dataclass(frozen=True)
class Moment:
    """What follows from how far reconstruction is."""

    rate: float
    """Relative."""
    solids_only: float
    """Chance that a step is on points alone."""
    half_width: float
    wide_chance: float
    pocket_weight: float
    nats_weight: float
    wholeness: bool
    """Whether this step is one that joins and clears."""


def moment(progress: float, step: int, config: ReconstructionConfig) -> Moment:
    """The schedule at a share `progress` of the run, after so many steps: a pure function."""
    after = max(0.0, (progress - config.solids_until) / max(1 - config.solids_until, 1e-9))
    falling = config.final_rate + (1 - config.final_rate) * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    mixed = config.solid_steps + (config.solid_steps_end - config.solid_steps) * after
    width = config.interval * math.exp(-after * (1 - config.solids_until) / config.interval_fold)
    return Moment(
        rate=min(1.0, (step + 1) / config.warm_steps) * falling,
        solids_only=1.0 if progress < config.solids_until else mixed,
        half_width=max(config.interval_end, width),
        wide_chance=config.wide_share if progress < config.wide_until else config.wide_share_late,
        pocket_weight=max(config.pocket_weight, 1 - 3 * after),
        nats_weight=config.nats_weight + (config.nats_weight_end - config.nats_weight) * after,
        wholeness=config.whole_weight > 0 and progress >= config.whole_from and step % config.whole_every == 0,
    )


def average_decay(step: int, config: ReconstructionConfig) -> float:
    """Weight of the old average in one step; the half-life is at most a twentieth of the steps so far."""
    return 0.5 ** (1 / min(config.average_steps, max(0.05 * step, 1e-3)))
