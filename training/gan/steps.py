"""One step of both players: the algorithm of the paper on one batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.adversarial import losses, schedule
from gen3d_core.adversarial.patches import draw_patch
from gen3d_core.config import Config
from gen3d_core.networks.fields.interface import ConditionedField
from gen3d_core.rendering.generator import Generator, as_pictures
from gen3d_core.rendering.renderer import Rendering
from training.code_source import CodeSource
from training.compute import autocast
from training.data.batches import Batches
from training.smoothness import surface_smoothness, visible_rays


@dataclass(frozen=True)
class StepReport:
    """Means over the batch, as numbers for the log. Terms that a step left out are None."""

    discriminator: float
    generator: float
    real_sign: float
    foreground: float
    depth: float
    r1: float | None
    smoothness: float | None


def train_step(
    generator: Generator,
    discriminator: torch.nn.Module,
    generator_optimiser: torch.optim.Optimizer,
    discriminator_optimiser: torch.optim.Optimizer,
    batches: Batches,
    config: Config,
    *,
    step: int,
    images: int,
    progress: float,
    rng: torch.Generator,
    codes: CodeSource | None = None,
) -> StepReport:
    """Show `optim.batch` real and as many generated patches to the discriminator; update both from that pass."""
    kimg = images / 1000
    device = batches.device
    count = config.optim.batch
    rate = schedule.relative_rate(progress, kimg, config.optim, config.baseline.halve_at_kimg)
    for optimiser in (generator_optimiser, discriminator_optimiser):
        optimiser.param_groups[0]["lr"] = rate * optimiser.defaults["lr"]
        optimiser.zero_grad(set_to_none=True)

    pictures, real_pose = batches.draw(count, rng)
    real_patch = draw_patch(count, batches.size, kimg, config.patch, rng).to(device)
    real = real_patch.take(pictures)

    fake_pose = batches.draw_poses(count, rng)
    fake_patch = real_patch.draw_another(rng).to(device)
    codes = codes or CodeSource(config.generator.shape_dim, config.generator.appearance_dim)
    shape = codes.shapes(count // config.optim.views, rng).to(device)
    appearance = codes.appearances(count, rng).to(device)
    stage = schedule.stage(kimg, config.renderer, config.baseline)
    interval = config.renderer.interval
    chance = schedule.wide_chance(kimg, interval)
    if chance and torch.rand((), generator=rng).item() < chance:
        stage = replace(stage, half_width=max(stage.half_width, interval.wide))
    with autocast(device):
        field = generator.condition(shape, appearance)
        rendering = generator.render(field, fake_pose, fake_patch, stage, rng)
    fake = as_pictures(rendering, count)

    seen = fake.detach().requires_grad_(True)
    with autocast(device):
        scores = discriminator(
            torch.cat([real, seen]),
            torch.cat([real_pose, fake_pose]),
            torch.cat([real_patch.description(), fake_patch.description()]),
        )
    real_score, fake_score = scores.chunk(2)
    discriminator_loss = losses.discriminator_loss(real_score, fake_score)
    total = discriminator_loss
    penalty: Tensor | None = None
    gamma = schedule.r1_gamma(kimg, config.loss)
    if gamma and (step + 1) % config.loss.r1_every == 0:
        with autocast(device):
            penalty = losses.r1_penalty(lambda x: discriminator(x, real_pose, real_patch.description()), real)
        total = total + 0.5 * gamma * config.loss.r1_every * penalty
    total.backward()

    gradient = losses.generator_gradient(seen.grad, fake_score.detach())  # type: ignore[arg-type]  # backward filled it
    smoothness: Tensor | None = None
    weight = schedule.smoothness_weight(kimg, config.loss) * config.loss.smoothness_every
    if weight and (step + 1) % config.loss.smoothness_every == 0:
        smoothness = _smoothness(field, rendering, config, rng)
        torch.autograd.backward([fake, weight * smoothness], [gradient, None])
    else:
        fake.backward(gradient)

    discriminator_optimiser.step()
    generator_optimiser.step()
    visible = rendering.alpha.squeeze(1) > 0.5
    return StepReport(
        discriminator=discriminator_loss.item(),
        generator=losses.generator_loss(fake_score.detach()).item(),
        real_sign=real_score.detach().sign().mean().item(),
        foreground=rendering.alpha.detach().mean().item(),
        depth=rendering.depth.squeeze(1)[visible].mean().item() if bool(visible.any()) else 0.0,
        r1=None if penalty is None else penalty.item(),
        smoothness=None if smoothness is None else smoothness.item(),
    )


def _smoothness(
    field: ConditionedField, rendering: Rendering, config: Config, rng: torch.Generator
) -> Float[Tensor, ""]:
    """Normal smoothness at visible surface points drawn at random."""
    shapes = config.optim.batch // config.optim.views
    visible = visible_rays(rendering)
    wanted = min(len(visible), shapes * config.loss.smoothness_points)
    chosen = visible[torch.randperm(len(visible), generator=rng)[:wanted].to(visible.device)]
    return surface_smoothness(field, rendering, chosen, shapes, config, rng)
