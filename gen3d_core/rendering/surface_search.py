"""Where rays meet the surface of a conditioned field, without gradients: in a lattice of its logits, or densely."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core.config import RendererConfig
from gen3d_core.networks.fields.interface import ConditionedField
from gen3d_core.rendering.camera import Rays
from gen3d_core.rendering.root_finding import Crossing, march, secant, sphere_bounds


def in_lattice(rays: Rays, size: int) -> Rays:
    """The same rays, with the same depths, in a lattice's index coordinates."""
    scale = 0.5 * (size - 1)
    return Rays((rays.origins + 1) * scale, rays.directions * scale)


def nearest_value(lattice: Float[Tensor, "shapes r r r"], owner: Int[Tensor, "rays"]) -> Callable[[Tensor], Tensor]:
    """The lattice as a callable of points in index coordinates: the nearest value."""
    size = lattice.shape[-1]
    flat = lattice.reshape(-1)
    start = owner[:, None] * size**3

    def value(points: Tensor) -> Tensor:
        x, y, z = points.round().clamp_(0, size - 1).unbind(-1)
        return flat[((x * size + y) * size + z).long() + start]  # exact in float32 while size^3 < 2^24

    return value


def trilinear_value(lattice: Float[Tensor, "shapes r r r"], owner: Int[Tensor, "rays"]) -> Callable[[Tensor], Tensor]:
    """The lattice as a callable of points in index coordinates: trilinear interpolation."""
    size = lattice.shape[-1]
    flat = lattice.reshape(-1)
    start = owner[:, None] * size**3

    def value(points: Tensor) -> Tensor:
        points = points.clamp(0, size - 1)
        low = points.floor().clamp_max(size - 2)
        x, y, z = (points - low).unbind(-1)
        i, j, k = low.unbind(-1)
        base = ((i * size + j) * size + k).long() + start

        def along_z(offset: int) -> Tensor:
            return torch.lerp(flat[base + offset], flat[base + offset + 1], z)

        near = torch.lerp(along_z(0), along_z(size), y)
        far = torch.lerp(along_z(size * size), along_z(size * size + size), y)
        return torch.lerp(near, far, x)

    return value


@torch.no_grad()
def find_surface(
    field: ConditionedField,
    lattice: Tensor | None,
    rays: Rays,
    owner: Int[Tensor, "rays"],
    half_width: float,
    config: RendererConfig,
) -> tuple[Tensor, Crossing]:
    """Indices of the rays that meet or nearly meet the surface, and where they do.

    With a lattice: coarse steps on it, fine ones around the first crossing, and secant steps on the field itself once
    the interval is narrow. Without: every step on the field, as published (UNISURF, section 3.2).
    """
    near, far = sphere_bounds(rays)
    if lattice is None:
        keep = (far > near).nonzero().squeeze(1)
        kept, mine = Rays(rays.origins[keep], rays.directions[keep]), owner[keep]
        found = march(lambda points: field.logit(points, mine), kept, near[keep], far[keep], config.march_steps)
        return keep, _sharpen(field, kept, mine, found, config.secant_steps)
    size = lattice.shape[-1]
    coarse = march(nearest_value(lattice, owner), in_lattice(rays, size), near, far, config.march_steps)
    keep = (coarse.best_logit > config.miss_logit).nonzero().squeeze(1)
    kept, mine = Rays(rays.origins[keep], rays.directions[keep]), owner[keep]
    crossing = coarse.of(keep)
    cell = (far - near)[keep] / (config.march_steps - 1)
    linear = trilinear_value(lattice, mine)
    fine = march(linear, in_lattice(kept, size), crossing.lower - cell, crossing.upper + cell, 8)
    if half_width < config.secant_below:
        fine = _sharpen(field, kept, mine, fine, config.secant_steps)
    return keep, fine


def _sharpen(field: ConditionedField, rays: Rays, owner: Tensor, crossing: Crossing, steps: int) -> Crossing:
    depth = secant(lambda points: field.logit(points, owner), rays, crossing, steps)
    return Crossing(crossing.hit, depth, depth, crossing.lower_logit, crossing.upper_logit, crossing.best_logit)
