"""Layers with equalised learning rates: unit-variance weights scaled at run time (Karras et al. 2018, section 4.1)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class Linear(nn.Module):
    """x W^T + b, W drawn N(0, 1) and scaled by gain / sqrt(inputs); `rate` multiplies the effective learning rate."""

    def __init__(self, inputs: int, outputs: int, *, bias: float = 0.0, rate: float = 1.0, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.scale = gain * rate / math.sqrt(inputs)
        self.rate = rate

    def forward(self, x: Float[Tensor, "*n inputs"]) -> Float[Tensor, "*n outputs"]:
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class Conv(nn.Module):
    """Same-size square convolution with equalised weights."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, *, bias: bool = True, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = gain / math.sqrt(inputs * kernel**2)
        self.padding = kernel // 2

    def forward(self, x: Float[Tensor, "n inputs h w"]) -> Float[Tensor, "n outputs h w"]:
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class ModulatedConv(nn.Module):
    """Convolution with input channels scaled by a style, outputs demodulated analytically (StyleGAN2, section 2.2).

    The styles scale activations, not weights, so one dense convolution serves the whole batch.
    """

    def __init__(self, inputs: int, outputs: int, style: int) -> None:
        super().__init__()
        self.affine = Linear(style, inputs, bias=1.0)
        self.conv = Conv(inputs, outputs, bias=False)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(
        self, x: Float[Tensor, "n inputs h w"], style: Float[Tensor, "n style"]
    ) -> Float[Tensor, "n outputs h w"]:
        scale = self.affine(style)
        power = (self.conv.weight * self.conv.scale).square().sum((2, 3))
        norm = torch.rsqrt(scale.square().float() @ power.T + 1e-8)
        y = self.conv(x * scale[:, :, None, None])
        y = y * norm[:, :, None, None].to(y.dtype)
        return y + self.bias[:, None, None].to(y.dtype)


def leaky(x: Tensor) -> Tensor:
    """Leaky rectifier that keeps unit variance."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def pixel_norm(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Codes scaled to unit mean square."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-8)


class Mapping(nn.Module):
    """Two layers from a normal code to a style, and the truncation trick around the mean style.

    `framed`: the network was taught with codes of its own, `centre + spread @ code` of a code that is normal to second
    order, so that whoever draws, mixes or measures codes need not know.
    """

    mean: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, code: int, style: int, rate: float, *, framed: bool = False) -> None:
        super().__init__()
        self.code = code
        self.framed = framed
        if framed:
            self.register_buffer("centre", torch.zeros(code))
            self.register_buffer("spread", torch.eye(code))
        self.layers = nn.ModuleList([Linear(code, style, rate=rate), Linear(style, style, rate=rate)])
        self.register_buffer("mean", torch.zeros(style))

    def forward(self, code: Float[Tensor, "n code"], truncation: float | Tensor = 1.0) -> Float[Tensor, "n style"]:
        x = pixel_norm(self.centre + code @ self.spread.T if self.framed else code)
        for layer in self.layers:
            x = leaky(layer(x))
        return self.mean + truncation * (x - self.mean)

    @torch.no_grad()
    def measure_mean(self, generator: torch.Generator, count: int = 4096) -> None:
        """Set the mean style that truncation pulls towards."""
        self.mean.zero_()
        code = torch.randn(count, self.code, generator=generator)
        self.mean.copy_(self(code.to(self.mean)).mean(0))
