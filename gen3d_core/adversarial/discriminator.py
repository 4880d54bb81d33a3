"""Critics of RGBA patches: this project's residual one and GRAF's."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gen3d_core.config import DiscriminatorConfig
from gen3d_core.networks.blocks import Block, critic_input
from gen3d_core.networks.layers import Conv, Linear, leaky
from gen3d_core.networks.positional import pose_harmonics


def discriminator(config: DiscriminatorConfig, patch_size: int) -> nn.Module:
    """The critic that the configuration asks for; called with pictures, pose and patch."""
    return GrafDiscriminator(config, patch_size) if config.architecture == "graf" else Discriminator(config, patch_size)


class GrafDiscriminator(nn.Module):
    """Convolutions of stride 2 with spectral and instance normalisation, told neither pose nor patch.

    Schwarz et al. 2020, supplementary material, and their published code.
    """

    def __init__(self, config: DiscriminatorConfig, patch_size: int) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        inputs = 4 if config.silhouette else 3
        for level, outputs in enumerate(config.channels):
            layers.append(spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False)))
            if level:
                layers.append(nn.InstanceNorm2d(outputs))
            layers.append(nn.LeakyReLU(0.2))
            inputs = outputs
        side = patch_size // 2 ** len(config.channels)
        layers.append(spectral_norm(nn.Conv2d(inputs, 1, side, bias=False)))
        self.layers = nn.Sequential(*layers)

    def forward(
        self,
        pictures: Float[Tensor, "n 4 s s"],
        pose: Float[Tensor, "n 2"],
        patch: Float[Tensor, "n 3"],
    ) -> Float[Tensor, "n"]:
        x = critic_input(pictures, silhouette=self.config.silhouette).contiguous(memory_format=torch.channels_last)
        return self.layers(x).flatten().float()


class Discriminator(nn.Module):
    """Residual; premultiplied RGBA patches to logits, higher for real.

    Sees colours over white and, if configured, the silhouette as a channel; told the camera and the patch by projection
    (Miyato & Koyama 2018).
    """

    def __init__(self, config: DiscriminatorConfig, patch_size: int) -> None:
        super().__init__()
        self.config = config
        channels = config.channels
        self.entry = Conv(4 if config.silhouette else 3, channels[0], 1)
        self.blocks = nn.Sequential(*(Block(a, b) for a, b in zip(channels, channels[1:], strict=False)))
        side = patch_size // 2 ** (len(channels) - 1)
        last = channels[-1]
        self.final = Conv(last, last)
        self.dense = Linear(last * side * side, last)
        self.score = Linear(last, 1)
        self.conditions = (9 if config.pose else 0) + 3
        self.embed = nn.ModuleList([Linear(self.conditions, last), Linear(last, last)])

    def forward(
        self,
        pictures: Float[Tensor, "n 4 s s"],
        pose: Float[Tensor, "n 2"],
        patch: Float[Tensor, "n 3"],
    ) -> Float[Tensor, "n"]:
        x = critic_input(pictures, silhouette=self.config.silhouette)
        x = self.blocks(leaky(self.entry(x.contiguous(memory_format=torch.channels_last))))
        x = leaky(self.dense(leaky(self.final(x)).flatten(1)))
        told = torch.cat([pose_harmonics(pose), patch], -1) if self.config.pose else patch
        wanted = self.embed[1](leaky(self.embed[0](told)))
        return (self.score(x).squeeze(-1) + (wanted * x).sum(-1) / math.sqrt(x.shape[-1])).float()
