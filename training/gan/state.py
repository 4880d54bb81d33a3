"""Everything a run is, in one object: what a checkpoint saves and what resuming restores."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from gen3d_core.adversarial.discriminator import discriminator
from gen3d_core.config import Config, PosePrior
from gen3d_core.rendering.generator import Generator
from training.checkpoint import RunCheckpoint, Stateful

FILE_NAME = "state.pt"


@dataclass
class TrainState(RunCheckpoint):
    """Networks, optimisers, randomness and how far the run is. `seconds` counts training over all sessions."""

    file_name: ClassVar[str] = FILE_NAME

    generator: Generator
    average: Generator
    discriminator: nn.Module
    generator_optimiser: torch.optim.Optimizer
    discriminator_optimiser: torch.optim.Optimizer
    rng: torch.Generator
    images: int = 0
    step: int = 0
    seconds: float = 0.0
    reseeds: int = 0

    @classmethod
    def fresh(cls, config: Config, prior: PosePrior, device: torch.device, seed: int) -> TrainState:
        """Untrained networks whose weights depend on `seed` alone."""
        torch.manual_seed(seed)
        layout: dict[str, Any] = {"device": device, "memory_format": torch.channels_last}
        generator = Generator(config, prior).to(**layout)
        average = copy.deepcopy(generator).requires_grad_(False)
        critic = discriminator(config.discriminator, config.patch.size).to(**layout)
        return cls(
            generator,
            average,
            critic,
            _optimiser(generator, config.optim.rate, config),
            _optimiser(critic, config.optim.discriminator_rate, config),
            torch.Generator().manual_seed(seed),
        )

    def counters(self) -> tuple[str, ...]:
        return ("images", "step", "seconds", "reseeds")

    def parts(self) -> dict[str, Stateful]:
        return {
            "generator": self.generator,
            "average": self.average,
            "discriminator": self.discriminator,
            "generator_optimiser": self.generator_optimiser,
            "discriminator_optimiser": self.discriminator_optimiser,
        }


def _optimiser(module: nn.Module, rate: float, config: Config) -> torch.optim.Optimizer:
    if config.baseline.optimiser == "rmsprop":  # as GRAF's published code sets it
        return torch.optim.RMSprop(module.parameters(), lr=rate, alpha=0.99, eps=1e-8)
    return torch.optim.Adam(module.parameters(), lr=rate, betas=(config.optim.beta1, config.optim.beta2), eps=1e-8)
