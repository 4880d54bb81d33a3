"""What critics and the encoder share: how they look at pictures, and the residual block that halves them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gen3d_core.networks.layers import Conv, leaky


class Block(nn.Module):
    """Two convolutions and a halving, with a skip."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = Conv(inputs, inputs)
        self.second = Conv(inputs, outputs)
        self.skip = Conv(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.avg_pool2d(leaky(self.second(leaky(self.first(x)))), 2)
        return (y + self.skip(F.avg_pool2d(x, 2))) * math.sqrt(0.5)


def critic_input(pictures: Float[Tensor, "n 4 s s"], *, silhouette: bool) -> Float[Tensor, "n channels s s"]:
    """What a critic looks at, in [-1, 1]: premultiplied colours over white and, if wanted, the silhouette."""
    x = pictures[:, :3] + (1 - pictures[:, 3:])
    return torch.cat([x, pictures[:, 3:]], 1) * 2 - 1 if silhouette else x * 2 - 1
