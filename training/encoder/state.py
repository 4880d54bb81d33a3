"""Everything that the training of an encoder is, in one object: what its checkpoint saves and resuming restores."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gen3d_core.config import GeneratorConfig
from gen3d_core.errors import Gen3DError
from gen3d_core.networks.encoder import Encoder
from training.checkpoint import Stateful, restore_checkpoint, save_checkpoint

RATE = 4e-3
WARM_STEPS = 100
STEADY = 0.5
"""Share of the training after which the rate falls."""
FINAL_RATE = 0.05
AVERAGED = 200
"""Steps over which weights are averaged, in the end."""


@dataclass
class EncoderState:
    """Network, its average, optimiser, randomness, and how far the training is. `seconds` counts all sessions."""

    encoder: Encoder
    average: Encoder
    optimiser: torch.optim.Adam
    rng: torch.Generator
    step: int = 0
    images: int = 0
    seconds: float = 0.0
    model: str = ""
    """Identity of the model whose pictures it learns to read."""

    @classmethod
    def fresh(cls, config: GeneratorConfig, seed: int, model: str) -> EncoderState:
        """An untrained network whose weights depend on `seed` alone."""
        torch.manual_seed(seed)
        layout: dict[str, Any] = {"memory_format": torch.channels_last}
        encoder = Encoder(config.shape_dim, config.appearance_dim).to(**layout)
        average = copy.deepcopy(encoder).requires_grad_(False)
        optimiser = torch.optim.Adam(encoder.parameters(), lr=RATE, betas=(0.9, 0.99))
        return cls(encoder, average, optimiser, torch.Generator().manual_seed(seed), model=model)

    def save(self, path: Path) -> None:
        """Write the checkpoint."""
        save_checkpoint(self, path)

    def restore(self, path: Path) -> bool:
        """Continue from a checkpoint; False when there is none. Raises Gen3DError for one of another model."""
        model = self.model
        found = restore_checkpoint(self, path, "remove it, or name another --out")
        if self.model != model:
            raise Gen3DError(f"{path} belongs to the encoder of another model: remove it, or name another --out")
        return found

    def counters(self) -> tuple[str, ...]:
        return ("step", "images", "seconds", "model")

    def parts(self) -> dict[str, Stateful]:
        return {"encoder": self.encoder, "average": self.average, "optimiser": self.optimiser}


def rate(step: int, progress: float) -> float:
    """Learning rate at a step and a share `progress` of the training: rises, stays, falls geometrically."""
    late = max(0.0, (progress - STEADY) / (1 - STEADY))
    return RATE * min(1.0, (step + 1) / WARM_STEPS) * FINAL_RATE**late


def average_decay(step: int) -> float:
    """Weight of the old average in one step: the average covers the last tenth of the steps, at most `AVERAGED`."""
    return 1 - 1 / min(1 + step / 10, AVERAGED)
