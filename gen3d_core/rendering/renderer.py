"""Rays and a conditioned field to colours: find the surface, integrate the interval around it.

The search never needs gradients, so it reads a lattice of logits evaluated once per object; only rays near a surface
touch the field. The dense search and the literal colours of the published methods are there as well; a density has no
surface and is integrated all the way.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core.config import BaselineConfig, RendererConfig
from gen3d_core.networks.fields.interface import ConditionedField, DeferredField, DensityField, Emission, LiteralField
from gen3d_core.rendering.camera import Rays
from gen3d_core.rendering.root_finding import points_at, sphere_bounds
from gen3d_core.rendering.stage import Stage
from gen3d_core.rendering.surface_search import find_surface, in_lattice, trilinear_value
from gen3d_core.rendering.volume import density_opacity, occupancy_weights, stratified

EMITTED_AT_ONCE = 1 << 16
"""Samples evaluated at once where no gradient is kept."""


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


def render(
    field: ConditionedField,
    rays: Rays,
    owner: Int[Tensor, "rays"],
    picture: Int[Tensor, "rays"],
    stage: Stage,
    config: RendererConfig,
    baseline: BaselineConfig,
    generator: torch.Generator | None = None,
) -> Rendering:
    """Composite every ray, as the field's kind asks: coloured once or sample by sample, around its surface or, where
    the field is a density, along its whole way through the unit sphere.

    Args:
        rays: (rays, 3) origins and directions in the object's frame.
        owner: the object each ray meets. picture: the appearance it wears.
        stage: what follows from how far training is.
        generator: draws the stratified jitter; None takes the middle of every bin and no noise.
    """
    if isinstance(field, DeferredField):
        return _render_deferred(field, rays, owner, picture, stage, config, baseline, generator)
    if isinstance(field, LiteralField):
        return _render_literal(field, rays, owner, picture, stage, config, baseline, generator)
    raise TypeError(f"{type(field).__name__} has no colours")


def _render_deferred(
    field: DeferredField,
    rays: Rays,
    owner: Int[Tensor, "rays"],
    picture: Int[Tensor, "rays"],
    stage: Stage,
    config: RendererConfig,
    baseline: BaselineConfig,
    generator: torch.Generator | None,
) -> Rendering:
    """The interval around every ray's first crossing (UNISURF, equations 7 and 8), its features blended and coloured
    once, which equals colouring every sample once the surface is sharp.

    Rays that miss integrate at least `miss_interval` around their best point, so that silhouettes have a gradient.
    """
    lattice = field.lattice(config.lattice) if baseline.search == "lattice" else None
    keep, crossing = find_surface(field, lattice, rays, owner, stage.half_width, config)
    kept = Rays(rays.origins[keep], rays.directions[keep])
    mine = owner[keep]
    width = torch.where(crossing.hit, stage.half_width, max(stage.half_width, config.miss_interval))
    depths = stratified(crossing.depth(), width, config.samples, generator)
    points = points_at(kept, depths)

    features = field.features(points, mine)
    weights = occupancy_weights(torch.sigmoid(field.feature_logit(features, points)))
    alpha = weights.sum(-1, keepdim=True)
    share = weights / alpha.clamp_min(1e-4)
    depth = (share * depths).sum(-1, keepdim=True)
    surface = (kept.origins + depth * kept.directions).detach()
    normals = field.normals(surface, mine, config.normal_step)
    blended = (share[..., None] * features).sum(1)
    colour = field.colour(blended, surface, normals, picture[keep]) * alpha
    return _scatter(len(owner), keep, colour, alpha, normals, depth, surface)


def _render_literal(
    field: LiteralField,
    rays: Rays,
    owner: Int[Tensor, "rays"],
    picture: Int[Tensor, "rays"],
    stage: Stage,
    config: RendererConfig,
    baseline: BaselineConfig,
    generator: torch.Generator | None,
) -> Rendering:
    """Every sample coloured, then composited: sum_i w_i c_i (UNISURF, equation 7; GRAF, equation 5).

    Samples that, by the lattice, cannot weigh `prune` are left out: the same picture but for that.
    """
    lattice = field.lattice(config.lattice) if baseline.search == "lattice" else None
    near, far = sphere_bounds(rays)
    if not isinstance(field, DensityField):
        keep, crossing = find_surface(field, lattice, rays, owner, stage.half_width, config)
        near, far, depth, hit = near[keep], far[keep], crossing.depth(), crossing.hit
        low = torch.where(hit, (depth - stage.half_width).maximum(near), near)
        high = torch.where(hit, (depth + stage.half_width).minimum(far), far)
        depths = _interval_depths(near, low, high, hit, config.samples, stage.free_samples, generator)
    else:
        keep = (far > near).nonzero().squeeze(1)
        near, far = near[keep], far[keep]
        depths = stratified((near + far) / 2, (far - near) / 2, config.samples, generator)
    kept = Rays(rays.origins[keep], rays.directions[keep])
    mine, wears = owner[keep], picture[keep]
    points = points_at(kept, depths)

    evaluated = torch.ones_like(depths, dtype=torch.bool)
    if lattice is not None and baseline.prune > 0 and not stage.noise:
        with torch.no_grad():
            known = trilinear_value(lattice, mine)(points_at(in_lattice(kept, lattice.shape[-1]), depths))
            evaluated = _matters(occupancy_weights(_opacity(field, known, depths, far)), baseline.prune)
    ray, sample = evaluated.nonzero(as_tuple=True)
    emitted = _emission(field, points[ray, sample], kept.directions[ray], mine[ray], wears[ray])
    logit = emitted.logit
    if stage.noise and generator is not None:
        logit = logit + stage.noise * torch.randn(len(logit), generator=generator).to(logit)
    outside = torch.full_like(depths, -torch.inf)
    weights = occupancy_weights(_opacity(field, outside.index_put((ray, sample), logit), depths, far))
    alpha = weights.sum(-1, keepdim=True)
    colour = weights.new_zeros(len(keep), 3).index_add(0, ray, weights[ray, sample][:, None] * emitted.colour)
    depth = (weights * depths).sum(-1, keepdim=True) / alpha.clamp_min(1e-4)
    surface = (kept.origins + depth * kept.directions).detach()
    with torch.no_grad():
        normals = field.normals(surface, mine, config.normal_step)
    return _scatter(len(owner), keep, colour, alpha, normals, depth, surface)


def _interval_depths(
    near: Tensor,
    low: Tensor,
    high: Tensor,
    hit: Tensor,
    samples: int,
    free_samples: int,
    generator: torch.Generator | None,
) -> Float[Tensor, "rays samples"]:
    """`samples` in [low, high], after `free_samples` between `near` and there; rays without a hit spread all of them
    over [low, high] (UNISURF, section 3.3)."""
    inside = stratified((low + high) / 2, (high - low) / 2, samples, generator)
    if not free_samples:
        return inside
    before = stratified((near + low) / 2, (low - near) / 2, free_samples, generator)
    spread = stratified((low + high) / 2, (high - low) / 2, samples + free_samples, generator)
    return torch.where(hit[:, None], torch.cat([before, inside], -1), spread)


def _opacity(
    field: LiteralField, logit: Float[Tensor, "rays samples"], depths: Float[Tensor, "rays samples"], far: Tensor
) -> Float[Tensor, "rays samples"]:
    """Of each sample: its occupancy, or what its density absorbs until the next sample."""
    if not isinstance(field, DensityField):
        return torch.sigmoid(logit)
    return density_opacity(torch.relu(logit), torch.diff(depths, dim=-1, append=far[:, None]))


def _matters(weights: Float[Tensor, "rays samples"], least: float) -> Tensor:
    """Samples of at least this weight, and their neighbours on the ray, for what the lattice does not resolve."""
    heavy = (weights >= least).float()
    return torch.nn.functional.max_pool1d(heavy[:, None], 3, 1, 1).squeeze(1) > 0


def _emission(field: LiteralField, points: Tensor, directions: Tensor, owner: Tensor, picture: Tensor) -> Emission:
    if torch.is_grad_enabled() or len(points) <= EMITTED_AT_ONCE:
        return field.emission(points, directions, owner, picture)
    parts = [
        field.emission(*(values[start : start + EMITTED_AT_ONCE] for values in (points, directions, owner, picture)))
        for start in range(0, len(points), EMITTED_AT_ONCE)
    ]
    return Emission(torch.cat([part.logit for part in parts]), torch.cat([part.colour for part in parts]))


def _scatter(
    count: int, keep: Tensor, colour: Tensor, alpha: Tensor, normals: Tensor, depth: Tensor, surface: Tensor
) -> Rendering:
    def scatter(values: Tensor) -> Tensor:
        return values.new_zeros(count, values.shape[-1]).index_copy(0, keep, values)

    return Rendering(
        scatter(colour), scatter(alpha), scatter(normals.detach()), scatter(depth.detach()), scatter(surface)
    )
