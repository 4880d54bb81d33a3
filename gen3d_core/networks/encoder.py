"""From framed pictures to the codes and cameras that could have made them: a small residual network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from gen3d_core.model.prediction import AZIMUTHS, SIDE
from gen3d_core.networks.blocks import Block, critic_input
from gen3d_core.networks.layers import Conv, Linear, leaky, pixel_norm

CHANNELS = (32, 64, 96, 128)
NECK, WIDTH = 64, 256


class Encoder(nn.Module):
    """What it says of a picture is laid out as `gen3d_core.model.prediction` takes it apart.

    Codes have the length of typical draws, the root of their dimension: networks that read codes see their direction
    alone (`gen3d_core.networks.layers.Mapping`), so every answer is as probable as any draw.
    """

    def __init__(self, shape_dim: int, appearance_dim: int) -> None:
        super().__init__()
        self.sizes = (shape_dim, appearance_dim, AZIMUTHS, 1)
        self.entry = Conv(16, CHANNELS[0])
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in zip(CHANNELS, CHANNELS[1:], strict=False)))
        side = SIDE // 2 ** len(CHANNELS)
        self.neck = Conv(CHANNELS[-1], NECK, 1)
        self.dense = Linear(NECK * side * side, WIDTH)
        self.out = Linear(WIDTH, sum(self.sizes), gain=0.3)

    def forward(self, pictures: Float[Tensor, "n 4 side side"]) -> Float[Tensor, "n answer"]:
        """Of framed pictures, premultiplied RGBA in [0, 1]."""
        x = F.pixel_unshuffle(critic_input(pictures, silhouette=True), 2).contiguous(memory_format=torch.channels_last)
        x = leaky(self.neck(self.blocks(leaky(self.entry(x)))))
        shape, appearance, *camera = self.out(leaky(self.dense(x.flatten(1)))).float().split(self.sizes, -1)
        return torch.cat([pixel_norm(shape), pixel_norm(appearance), *camera], -1)
