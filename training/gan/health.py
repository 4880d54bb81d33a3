"""An early alarm: names a generator that went empty, full, flat, inside out or diverged before hours are lost on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.networks.fields.interface import DensityField
from gen3d_core.rendering.generator import Generator
from training.gan.steps import StepReport

PATIENCE = 4
"""Checks in a row that must agree; one bad batch is no illness."""


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


def diagnose(report: StepReport, geometry: Geometry | None, real_foreground: float) -> str | None:
    """Name the illness, or None. `real_foreground` is the mean alpha of the data; a radiance field has no geometry to
    measure, only pictures."""
    numbers = (report.discriminator, report.generator, report.foreground)
    if not all(math.isfinite(n) for n in numbers) or abs(report.generator) > 200:
        return "diverged (losses are not finite or beyond 200)"
    shown = f"pictures show {report.foreground:.1%} object, the data {real_foreground:.1%}"
    if report.foreground < 0.1 * real_foreground:
        return f"empty ({shown})"
    if report.foreground > min(0.97, 4 * real_foreground):
        return f"full ({shown})"
    if geometry is None:
        return None
    if geometry.occupied < 2e-4:
        return f"empty (objects fill {geometry.occupied:.2%} of the scene)"
    if geometry.occupied > 0.995:
        return f"full (objects fill {geometry.occupied:.1%} of the scene)"
    if geometry.rim > 0.5:
        return f"inside out (the rim of the scene is {geometry.rim:.0%} solid)"
    if geometry.thickness < 0.03:
        return f"flat (objects are {geometry.thickness:.1%} as thick as they are wide)"
    return None


class Alarm:
    """Counts checks in a row with the same illness."""

    def __init__(self, real_foreground: float) -> None:
        self.real_foreground = real_foreground
        self.illness: str | None = None
        self.count = 0

    @torch.no_grad()
    def check(self, report: StepReport, generator: Generator, rng: torch.Generator) -> str | None:
        """Look at fresh objects; an illness once it has lasted `PATIENCE` checks (divergence at once), else None."""
        config = generator.config
        device = next(generator.parameters()).device
        shape = torch.randn(8, config.shape_dim, generator=rng).to(device)
        appearance = torch.randn(1, config.appearance_dim, generator=rng).to(device)
        field = generator.condition(shape, appearance)
        lattice = field.lattice(24)
        if not bool(torch.isfinite(lattice).all()):
            return "diverged (the field is not finite)"
        geometry = None if isinstance(field, DensityField) else measure_geometry(lattice)
        found = diagnose(report, geometry, self.real_foreground)
        kind = found.split(" (")[0] if found else None
        self.count = self.count + 1 if kind and self.illness == kind else int(kind is not None)
        self.illness = kind
        return found if found and (self.count >= PATIENCE or kind == "diverged") else None
