"""An early alarm: names a generator that went empty, full, flat, inside out or diverged before hours are lost on it.

Empty, full and flat are measured by what the data show: a data set of knives asks for thin objects.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.networks.fields.interface import ConditionedField, DensityField
from gen3d_core.rendering.generator import Generator
from gen3d_core.rendering.patch import whole_picture
from gen3d_core.rendering.stage import Stage
from training.gan.steps import StepReport

log = logging.getLogger(__name__)

PATIENCE = 4
"""Checks in a row that must agree; one bad batch is no illness. Half of them are worth a warning."""
SHAPES, VIEWS, SIDE = 8, 4, 24
"""Objects that are looked at, pictures of each, pixels along a side."""
SHARP = 0.05
"""Half-width of the interval in which they are rendered."""
DEPTHS = 9
"""Places in front of a visible point, and behind it, of which one must be inside the object if it is solid there."""
SLIVER = 2e-4
"""Of the scene: the nodes of a coarse lattice miss a thin object."""
THIN = 0.03


@dataclass(frozen=True)
class Foreground:
    """Shares of pictures that show an object: `mean` over all, and over the quarter of them that shows least."""

    mean: float
    narrow: float

    @classmethod
    def of(cls, shares: Float[Tensor, "pictures"]) -> Foreground:
        """Of pictures one by one."""
        least = shares.sort().values[: max(1, len(shares) // 4)]
        return cls(shares.mean().item(), least.mean().item())


@dataclass(frozen=True)
class Look:
    """What sharp pictures of objects show: how much of them is object, and the share of visible points that have an
    inside, which mist has not."""

    foreground: Foreground
    solid: float


@dataclass(frozen=True)
class Geometry:
    """What the alarm looks at in a batch of objects.

    `occupied`: share of the unit ball inside the surface. `rim`: share of the shell between radii 0.85 and 0.97 inside
    it, near zero for objects and near one for a world turned inside out. `thickness`: smallest over largest extent
    (standard deviations along principal axes), median over objects; a sphere has 1, a sheet 0.
    """

    occupied: float
    rim: float
    thickness: float


def measure_geometry(logits: Float[Tensor, "shapes r r r"]) -> Geometry:
    """Measure lattices of logits over [-1, 1]^3."""
    axis = torch.linspace(-1, 1, logits.shape[-1], device=logits.device)
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)
    radius = grid.norm(dim=-1)
    inside = (logits > 0).float()
    ball, shell = (radius < 1).float(), ((radius > 0.85) & (radius < 0.97)).float()
    ratios = []
    for shape in logits > 0:
        points = grid[shape]
        if len(points) >= 8:
            extents = torch.linalg.eigvalsh(torch.cov(points.T.double())).clamp_min(0).sqrt()
            ratios.append((extents[0] / extents[-1].clamp_min(1e-9)).item())
    return Geometry(
        occupied=((inside * ball).sum() / (ball.sum() * len(logits))).item(),
        rim=((inside * shell).sum() / (shell.sum() * len(logits))).item(),
        thickness=sorted(ratios)[len(ratios) // 2] if ratios else 0.0,
    )


def look_at(generator: Generator, field: ConditionedField, pose: Float[Tensor, "pictures 2"]) -> Look:
    """Look at the objects of a field through the generator's cameras; as many consecutive pictures show each."""
    seen = generator.render(field, pose, whole_picture(SIDE, len(pose)), Stage(SHARP))
    shares = seen.alpha.float().view(len(pose), -1).mean(1)
    visible = (seen.alpha.squeeze(1) > 0.5).nonzero().squeeze(1)
    if not len(visible):
        return Look(Foreground.of(shares), 0.0)
    surface = seen.surface[visible].float()
    outward = torch.nn.functional.normalize(seen.normal[visible].float(), dim=-1)
    steps = torch.linspace(-SHARP, SHARP, DEPTHS, device=surface.device)
    points = surface[:, None] - steps[None, :, None] * outward[:, None]
    owner = visible // (len(seen.alpha) // field.shapes)
    inside = (field.logit(points, owner) > 0).any(1)
    return Look(Foreground.of(shares), inside.float().mean().item())


def diagnose(
    report: StepReport, geometry: Geometry | None, real: Foreground, look: Callable[[], Look] | None = None
) -> str | None:
    """Name the illness, or None. `real` is what the data show; a radiance field has no geometry to measure, only
    pictures. Where geometry alone looks ill, `look` is asked for pictures of the same objects."""
    numbers = (report.discriminator, report.generator, report.foreground)
    if not all(math.isfinite(n) for n in numbers) or abs(report.generator) > 200:
        return "diverged (losses are not finite or beyond 200)"
    shown = f"pictures show {report.foreground:.1%} object, the data {real.mean:.1%}"
    if report.foreground < 0.1 * real.mean:
        return f"empty ({shown})"
    if report.foreground > min(0.97, 4 * real.mean):
        return f"full ({shown})"
    if geometry is None:
        return None
    if geometry.occupied > 0.995:
        return f"full (objects fill {geometry.occupied:.1%} of the scene)"
    if geometry.rim > 0.5:
        return f"inside out (the rim of the scene is {geometry.rim:.0%} solid)"
    if look is None or (geometry.occupied >= SLIVER and geometry.thickness >= THIN):
        return None
    seen = look()
    if geometry.occupied < SLIVER and (seen.solid < 0.5 or seen.foreground.mean < 0.1 * real.mean):
        return f"empty (objects fill {geometry.occupied:.2%} of the scene)"
    if seen.foreground.narrow < 0.4 * real.narrow:
        return (
            f"flat (objects are {geometry.thickness:.1%} as thick as they are wide; their narrowest views fill "
            f"{seen.foreground.narrow:.1%}, the data's {real.narrow:.1%})"
        )
    return None


class Alarm:
    """Counts checks in a row with the same illness. `real` is what the data show, `draw_poses` cameras as theirs."""

    def __init__(self, real: Foreground, draw_poses: Callable[[int, torch.Generator], Tensor]) -> None:
        self.real, self.draw_poses = real, draw_poses
        self.illness: str | None = None
        self.count = 0

    @torch.no_grad()
    def check(self, report: StepReport, generator: Generator, rng: torch.Generator) -> str | None:
        """Look at fresh objects; an illness once it has lasted `PATIENCE` checks (divergence at once), else None. There
        is a warning in the log before."""
        config = generator.config
        device = next(generator.parameters()).device
        shape = torch.randn(SHAPES, config.shape_dim, generator=rng).to(device)
        appearance = torch.randn(SHAPES * VIEWS, config.appearance_dim, generator=rng).to(device)
        field = generator.condition(shape, appearance)
        lattice = field.lattice(24)
        if not bool(torch.isfinite(lattice).all()):
            return "diverged (the field is not finite)"
        geometry = None if isinstance(field, DensityField) else measure_geometry(lattice)

        def look() -> Look:
            return look_at(generator, field, self.draw_poses(SHAPES * VIEWS, rng).to(device))

        found = diagnose(report, geometry, self.real, look)
        kind = found.split(" (")[0] if found else None
        self.count = self.count + 1 if kind and self.illness == kind else int(kind is not None)
        self.illness = kind
        if self.count == PATIENCE // 2 and kind != "diverged":
            log.warning("the generator looks %s: if that lasts, this training is not worth going on", found)
        return found if found and (self.count >= PATIENCE or kind == "diverged") else None
