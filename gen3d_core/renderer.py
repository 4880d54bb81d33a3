"""Rays and a conditioned field to colours: find the surface, integrate the interval around it, light it.

The search never needs gradients, so it reads a lattice of logits evaluated once per object; only rays near a surface
touch the field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core.camera import Rays
from gen3d_core.compositing import occupancy_weights
from gen3d_core.config import RendererConfig
from gen3d_core.raycast import Crossing, march, points_at, secant, sphere_bounds
from gen3d_core.sampling import stratified


@runtime_checkable
class ConditionedField(Protocol):
    """What the renderer asks of a field; `owner` is each ray's object, `picture` its appearance."""

    def lattice(self, resolution: int) -> Tensor: ...

    def features(self, points: Tensor, owner: Tensor) -> Tensor: ...

    def logit(self, points: Tensor, owner: Tensor) -> Tensor: ...

    def feature_logit(self, features: Tensor, points: Tensor) -> Tensor: ...

    def colour(self, features: Tensor, points: Tensor, normals: Tensor, picture: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Rendering:
    """One value per ray, all zero on background.

    Colours are premultiplied by alpha, normals are outward unit vectors, depths are distances along the unit ray
    direction.
    """

    colour: Float[Tensor, "rays 3"]
    alpha: Float[Tensor, "rays 1"]
    normal: Float[Tensor, "rays 3"]
    depth: Float[Tensor, "rays 1"]
    surface: Float[Tensor, "rays 3"]


TETRAHEDRON = ((1.0, -1.0, -1.0), (-1.0, -1.0, 1.0), (-1.0, 1.0, -1.0), (1.0, 1.0, 1.0))


def surface_normals(
    logit: Callable[[Tensor], Tensor], points: Float[Tensor, "rays 3"], step: float
) -> Float[Tensor, "rays 3"]:
    """Outward unit normals by differences over a tetrahedron of half-edge `step`.

    First order in the parameters, so that training needs no double backward.
    """
    corners = torch.tensor(TETRAHEDRON, device=points.device, dtype=points.dtype)
    values = logit(points[:, None] + step * corners).float()
    return F.normalize(-(values @ corners), dim=-1, eps=1e-6)


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
    lattice: Tensor,
    rays: Rays,
    owner: Int[Tensor, "rays"],
    half_width: float,
    config: RendererConfig,
) -> tuple[Tensor, Crossing]:
    """Indices of the rays that meet or nearly meet the surface, and where they do.

    Coarse steps on the lattice, fine ones around the first crossing, and a secant step on the field itself once the
    interval is narrow.
    """
    near, far = sphere_bounds(rays)
    size = lattice.shape[-1]
    coarse = march(nearest_value(lattice, owner), in_lattice(rays, size), near, far, config.march_steps)
    keep = (coarse.best_logit > config.miss_logit).nonzero().squeeze(1)
    kept = Rays(rays.origins[keep], rays.directions[keep])
    crossing = coarse.of(keep)
    cell = (far - near)[keep] / (config.march_steps - 1)
    linear = trilinear_value(lattice, owner[keep])
    fine = march(linear, in_lattice(kept, size), crossing.lower - cell, crossing.upper + cell, 8)
    if half_width < config.secant_below:
        depth = secant(lambda points: field.logit(points, owner[keep]), kept, fine, iterations=1)
        fine = Crossing(fine.hit, depth, depth, fine.lower_logit, fine.upper_logit, fine.best_logit)
    return keep, fine


def render(
    field: ConditionedField,
    rays: Rays,
    owner: Int[Tensor, "rays"],
    picture: Int[Tensor, "rays"],
    half_width: float,
    config: RendererConfig,
    generator: torch.Generator | None = None,
) -> Rendering:
    """Composite the interval of `half_width` around every ray's first crossing (UNISURF, equations 7 and 8).

    Features are composited and coloured once per ray, which equals colouring every sample once the surface is sharp.
    Rays that miss integrate at least `miss_interval` around their best point, so that silhouettes have a gradient.

    Args:
        rays: (rays, 3) origins and directions in the object's frame.
        owner: the object each ray meets. picture: the appearance it wears.
        generator: draws the stratified jitter; None takes the middle of every bin.
    """
    keep, crossing = find_surface(field, field.lattice(config.lattice), rays, owner, half_width, config)
    kept = Rays(rays.origins[keep], rays.directions[keep])
    mine = owner[keep]
    width = torch.where(crossing.hit, half_width, max(half_width, config.miss_interval))
    depths = stratified(crossing.depth(), width, config.samples, generator)
    points = points_at(kept, depths)

    features = field.features(points, mine)
    weights = occupancy_weights(torch.sigmoid(field.feature_logit(features, points)))
    alpha = weights.sum(-1, keepdim=True)
    share = weights / alpha.clamp_min(1e-4)
    depth = (share * depths).sum(-1, keepdim=True)
    surface = (kept.origins + depth * kept.directions).detach()
    normals = surface_normals(lambda p: field.logit(p, mine), surface, config.normal_step)
    blended = (share[..., None] * features).sum(1)
    colour = field.colour(blended, surface, normals, picture[keep]) * alpha

    def scatter(values: Tensor) -> Tensor:
        return values.new_zeros(len(owner), values.shape[-1]).index_copy(0, keep, values)

    return Rendering(
        scatter(colour), scatter(alpha), scatter(normals.detach()), scatter(depth.detach()), scatter(surface)
    )
