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


def silhouette_loss(alpha: Float[Tensor, "n 1 s s"], target: Float[Tensor, "n 1 s s"]) -> Float[Tensor, "n"]:
    """One less the intersection over the union of opacities, of each picture."""
    return overlap_loss(alpha.flatten(1), target.flatten(1))


def overlap_loss(found: Float[Tensor, "n places"], target: Float[Tensor, "n places"]) -> Float[Tensor, "n"]:
    """One less the intersection over the union of what is there, in [0, 1]."""
    return 1 - torch.minimum(found, target).sum(1) / torch.maximum(found, target).sum(1).clamp_min(1e-6)


def picture_loss(seen: Float[Tensor, "n 4 s s"], target: Float[Tensor, "n 4 s s"]) -> Float[Tensor, "n"]:
    """Mean absolute difference of premultiplied colours over what either picture shows, of each picture."""
    visible = torch.maximum(seen[:, 3:], target[:, 3:]).flatten(1).sum(1).clamp_min(1e-6)
    return (seen[:, :3] - target[:, :3]).abs().mean(1).flatten(1).sum(1) / visible
