"""The moving average of a network's weights, which is what a training is for."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def update_average(average: torch.nn.Module, current: torch.nn.Module, decay: float) -> None:
    """Move the exponential moving average of the weights one step."""
    old: list[Tensor] = list(average.parameters())
    new: list[Tensor] = list(current.parameters())
    torch._foreach_lerp_(old, new, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
