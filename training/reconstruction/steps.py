"""One step of reconstruction: on labelled points alone, or on rays of known pictures too."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core.config import Config, ReconstructionConfig
from gen3d_core.networks.fields.interface import ConditionedField
from gen3d_core.rendering.renderer import Rendering
from gen3d_core.rendering.stage import Stage
from training.averaging import update_average
from training.compute import autocast
from training.reconstruction.codes import nats
from training.reconstruction.hard_points import KEPT
from training.reconstruction.hulls import Hulls
from training.reconstruction.rays import draw_rays
from training.reconstruction.schedule import Moment, average_decay
from training.reconstruction.solids import LabelledPoints, labelled_points, solid_loss
from training.reconstruction.state import ReconstructionState
from training.reconstruction.views import ObjectViews
from training.reconstruction.wholeness import new_codes, wholeness
from training.smoothness import surface_smoothness, visible_rays

RENORMALISE_EVERY = 200


@dataclass(frozen=True)
class StepReport:
    """Terms of one step for the log; None where the step had no such term. `overlap` is that of solids, see
    `SolidLoss`; `whole` the share of bodies in one piece."""

    solid: float | None = None
    overlap: float | None = None
    colour: float | None = None
    silhouette: float | None = None
    smoothness: float | None = None
    whole: float | None = None


def step(
    state: ReconstructionState,
    views: ObjectViews,
    hulls: Hulls,
    config: Config,
    now: Moment,
) -> StepReport:
    """Improve generator and codes on a few objects, and count the step."""
    settings = config.reconstruction
    state.optimiser.param_groups[0]["lr"] = settings.rate * now.rate
    state.optimiser.param_groups[1]["lr"] = settings.noise_rate * now.rate
    state.code_optimiser.param_groups[0]["lr"] = settings.code_rate * now.rate
    state.optimiser.zero_grad(set_to_none=True)
    state.code_optimiser.zero_grad(set_to_none=True)
    alone = torch.rand((), generator=state.rng).item() < now.solids_only
    if now.wholeness:
        report = _whole_step(state, config)
    elif alone:
        report = _solid_step(state, views, hulls, settings, now)
    else:
        report = _picture_step(state, views, hulls, config, now)
    state.optimiser.step()
    state.code_optimiser.step()
    state.step += 1
    state.picture_steps += report.colour is not None
    update_average(state.average, state.generator, average_decay(state.step, settings))
    if state.step % RENORMALISE_EVERY == 0:
        state.codes.renormalise()
    return report


def _solid_step(
    state: ReconstructionState, views: ObjectViews, hulls: Hulls, settings: ReconstructionConfig, now: Moment
) -> StepReport:
    objects = state.next_objects(min(settings.solid_objects, views.objects))
    asked = _asked(state, views, hulls, objects, settings.solid_points)
    points = asked.to(state.device)
    shape = state.codes.blurred_shapes(objects, state.rng)
    appearance = torch.zeros(1, state.generator.config.appearance_dim, device=state.device)
    with autocast(state.device):
        found = solid_loss(state.generator.condition(shape, appearance), points, now.pocket_weight)
    (found.loss + now.nats_weight * nats(state.codes.shape_noise)).backward()
    state.hard.remember(objects, asked, found.error.cpu())
    state.images += len(objects)
    return StepReport(found.loss.item(), found.overlap)


def _picture_step(
    state: ReconstructionState,
    views: ObjectViews,
    hulls: Hulls,
    config: Config,
    now: Moment,
) -> StepReport:
    settings, rng = config.reconstruction, state.rng
    half_width = now.half_width
    if torch.rand((), generator=rng).item() < now.wide_chance:
        half_width = max(half_width, settings.wide)
    objects = state.next_objects(min(settings.objects, views.objects))
    known = draw_rays(views, objects, settings.views, settings.rays, rng).to(state.device)
    asked = _asked(state, views, hulls, objects, settings.points)
    points = asked.to(state.device)
    shape = state.codes.blurred_shapes(objects, rng)
    appearance = state.codes.blurred_appearances(objects, rng)
    with autocast(state.device):
        field = state.generator.condition(shape, appearance.repeat_interleave(len(known.pose) // len(objects), 0))
        seen = state.generator.render(field, known.pose, known.places, Stage(half_width), rng)
        solid = solid_loss(field, points, now.pocket_weight)
    colour, silhouette = picture_losses(seen, known.target)
    total = settings.colour_weight * colour + settings.silhouette_weight * silhouette
    total = total + settings.solid_weight * solid.loss
    told = nats(state.codes.shape_noise) + nats(state.codes.appearance_noise)
    total = total + now.nats_weight * told
    smoothness = None
    if settings.smoothness and state.picture_steps % settings.smoothness_every == 0:
        smoothness = _smoothness(field, seen, len(objects), config, rng)
        if smoothness is not None:
            total = total + settings.smoothness * settings.smoothness_every * smoothness
    total.backward()
    state.hard.remember(objects, asked, solid.error.cpu())
    state.images += len(known.pose)
    return StepReport(
        solid.loss.item(),
        solid.overlap,
        colour.item(),
        silhouette.item(),
        None if smoothness is None else smoothness.item(),
    )


def _whole_step(state: ReconstructionState, config: Config) -> StepReport:
    """Half of the bodies are known objects', half new ones'; codes stay, for the generator is at fault."""
    settings, rng = config.reconstruction, state.rng
    known = torch.randint(state.codes.shape.num_embeddings, (settings.solid_objects // 2,), generator=rng)
    codes = state.codes.blurred_shapes(known, rng).detach()
    codes = torch.cat([codes, new_codes(state.codes, settings.solid_objects - len(known), rng)])
    appearance = torch.zeros(1, state.generator.config.appearance_dim, device=state.device)
    with autocast(state.device):
        found = wholeness(state.generator.condition(codes, appearance), config.renderer.lattice, rng)
    (settings.whole_weight * found.loss).backward()
    return StepReport(whole=found.whole)


def picture_losses(seen: Rendering, target: Float[Tensor, "pictures rays 4"]) -> tuple[Tensor, Tensor]:
    """Mean absolute difference of premultiplied colours, and cross-entropy of opacities, over all rays."""
    colour = (seen.colour.float().view_as(target[..., :3]) - target[..., :3]).abs().mean()
    alpha = seen.alpha.float().view(target.shape[:2]).clamp(0.01, 0.99)
    there = target[..., 3]
    silhouette = -(there * alpha.log() + (1 - there) * (1 - alpha).log()).mean()
    return colour, silhouette


def _asked(
    state: ReconstructionState, views: ObjectViews, hulls: Hulls, objects: Int[Tensor, "n"], count: int
) -> LabelledPoints:
    """`count` labelled points of each object, among them those that were wrong before."""
    fresh = labelled_points(views, hulls, objects, count - min(KEPT, count // 2), state.rng)
    return state.hard.joined(objects, fresh)


def _smoothness(
    field: ConditionedField, seen: Rendering, objects: int, config: Config, rng: torch.Generator
) -> Float[Tensor, ""] | None:
    """Normal smoothness at visible surface points drawn at random; None where nothing is visible."""
    visible = visible_rays(seen)
    if not len(visible):
        return None
    wanted = objects * config.reconstruction.smoothness_points
    chosen = visible[torch.randint(len(visible), (wanted,), generator=rng).to(visible.device)]
    return surface_smoothness(field, seen, chosen, objects, config, rng)
