"""Fourier features of positions and angles."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def positional(x: Float[Tensor, "*n d"], octaves: int) -> Float[Tensor, "*n e"]:
    """x, then sin(2^i x) and cos(2^i x) for i < octaves; e = d (1 + 2 octaves) (UNISURF's variant, without pi)."""
    scaled = torch.cat([x * 2.0**i for i in range(octaves)], -1)
    return torch.cat([x, scaled.sin(), scaled.cos()], -1)


def pose_harmonics(pose: Float[Tensor, "n 2"], harmonics: int = 4) -> Float[Tensor, "n h"]:
    """sin and cos of azimuth's first multiples, and sin of elevation; h = 2 harmonics + 1."""
    multiples = pose[:, :1] * torch.arange(1, harmonics + 1, device=pose.device)
    return torch.cat([multiples.sin(), multiples.cos(), pose[:, 1:].sin()], -1)


def positional_pullback(
    x: Float[Tensor, "*n d"], gradient: Float[Tensor, "*n e"], octaves: int
) -> Float[Tensor, "*n d"]:
    """The gradient in x of what has this `gradient` in `positional(x, octaves)`."""
    direct, in_sine, in_cosine = gradient.split([x.shape[-1], *2 * [octaves * x.shape[-1]]], -1)
    factor = torch.cat([torch.full_like(x, 2.0**i) for i in range(octaves)], -1)
    scaled = factor * torch.cat([x] * octaves, -1)
    inner = factor * (in_sine * scaled.cos() - in_cosine * scaled.sin())
    return direct + inner.unflatten(-1, (octaves, x.shape[-1])).sum(-2)
