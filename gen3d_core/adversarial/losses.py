"""The terms both players minimise."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def discriminator_loss(real: Float[Tensor, "n"], fake: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """Non-saturating logistic loss of the discriminator (Goodfellow et al. 2014), mean over pictures."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def generator_loss(fake: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """Non-saturating loss of the generator, mean over pictures."""
    return F.softplus(-fake).mean()


def generator_gradient(
    discriminator_gradient: Float[Tensor, "n c h w"], fake: Float[Tensor, "n"]
) -> Float[Tensor, "n c h w"]:
    """Gradient of `generator_loss` in the fake pictures, from that of `discriminator_loss`.

    d softplus(-D) / d softplus(D) = -exp(-D) for each picture, so one pass of the discriminator on fakes serves both
    updates. Holds while no layer mixes the pictures of a batch.
    """
    return discriminator_gradient * -torch.exp(-fake.clamp(-20, 20))[:, None, None, None]


def r1_penalty(critic: Callable[[Tensor], Tensor], real: Float[Tensor, "n c h w"]) -> Float[Tensor, ""]:
    """|| d critic / d picture ||^2, mean over pictures (Mescheder et al. 2018, equation 9, without gamma / 2)."""
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def normal_smoothness(
    normals: Callable[[Tensor], Tensor],
    points: Float[Tensor, "rays 3"],
    offset: float,
    generator: torch.Generator | None = None,
) -> Float[Tensor, ""]:
    """mean || n(x) - n(x + e) || with e uniform in a cube of half-side `offset` (UNISURF, equation 11)."""
    jitter = (torch.rand(points.shape, generator=generator).to(points) * 2 - 1) * offset
    return (normals(points) - normals(points + jitter)).square().sum(-1).add(1e-8).sqrt().mean()
