"""Where rays first enter an implicit surface: uniform steps to the first change of sign, then secant steps.

As in UNISURF, section 3.2.

Everything takes a callable `logit(points)`, positive inside, so that an analytic sphere tests what a network uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gen3d_core.rendering.camera import Rays

Logit = Callable[[Tensor], Tensor]
"""(rays, samples, 3) points to (rays, samples) logits; row r belongs to ray r."""


@dataclass(frozen=True)
class Crossing:
    """Per ray: a bracket of depths `lower <= upper` with the field's logits there, and the best logit met on the way.

    Where `hit` is false no sample was inside, and the bracket closes on the depth of the best logit.
    """

    hit: Bool[Tensor, "rays"]
    lower: Float[Tensor, "rays"]
    upper: Float[Tensor, "rays"]
    lower_logit: Float[Tensor, "rays"]
    upper_logit: Float[Tensor, "rays"]
    best_logit: Float[Tensor, "rays"]

    def depth(self) -> Float[Tensor, "rays"]:
        """The root of the chord through the bracket's ends; the best depth for rays without a hit."""
        rise = (self.upper_logit - self.lower_logit).clamp_min(1e-6)
        chord = self.lower + (self.upper - self.lower) * (-self.lower_logit / rise).clamp(0, 1)
        return torch.where(self.hit, chord, self.upper)

    def of(self, keep: Int[Tensor, "kept"]) -> Crossing:
        """The part of the rays with these indices."""
        return Crossing(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def sphere_bounds(rays: Rays, radius: float = 1.0) -> tuple[Float[Tensor, "rays"], Float[Tensor, "rays"]]:
    """Depths where rays enter and leave the origin-centred sphere; both at the nearest point of rays that miss it."""
    nearest = -(rays.origins * rays.directions).sum(-1)
    gap = (rays.origins + nearest[:, None] * rays.directions).square().sum(-1)
    half = (radius**2 - gap).clamp_min(0).sqrt()
    return nearest - half, nearest + half


def points_at(rays: Rays, depths: Float[Tensor, "rays samples"]) -> Float[Tensor, "rays samples 3"]:
    """origin + depth * direction."""
    return rays.origins[:, None] + depths[..., None] * rays.directions[:, None]


@torch.no_grad()
def march(logit: Logit, rays: Rays, near: Float[Tensor, "rays"], far: Float[Tensor, "rays"], steps: int) -> Crossing:
    """First change from outside to inside among `steps` uniform depths from `near` to `far`."""
    share = torch.linspace(0, 1, steps, device=near.device)
    depths = near[:, None] + (far - near)[:, None] * share
    values = logit(points_at(rays, depths))
    inside = values > 0
    first = inside.to(torch.uint8).argmax(-1, keepdim=True)
    hit = inside.gather(1, first).squeeze(1)
    best, where = values.max(-1, keepdim=True)
    upper = torch.where(hit[:, None], first, where)
    lower = torch.where(hit[:, None], (upper - 1).clamp_min(0), upper)
    return Crossing(
        hit,
        depths.gather(1, lower).squeeze(1),
        depths.gather(1, upper).squeeze(1),
        values.gather(1, lower).squeeze(1),
        values.gather(1, upper).squeeze(1),
        best.squeeze(1),
    )


@torch.no_grad()
def secant(logit: Logit, rays: Rays, crossing: Crossing, iterations: int = 8) -> Float[Tensor, "rays"]:
    """Depth of the crossing after secant steps that keep the sign change bracketed; untouched where nothing was hit."""
    low, high = crossing.lower, crossing.upper
    low_value, high_value = crossing.lower_logit, crossing.upper_logit
    depth = crossing.depth()
    for _ in range(iterations):
        value = logit(points_at(rays, depth[:, None])).squeeze(1)
        inside = value > 0
        high, high_value = torch.where(inside, depth, high), torch.where(inside, value, high_value)
        low, low_value = torch.where(inside, low, depth), torch.where(inside, low_value, value)
        step = -low_value * (high - low) / (high_value - low_value).clamp_min(1e-6)
        depth = torch.where(crossing.hit, low + step.clamp_min(0).minimum(high - low), depth)
    return depth
