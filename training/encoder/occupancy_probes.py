"""Which places an object fills, at points where a generator's objects differ most."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.networks.fields.interface import ConditionedField
from gen3d_core.rendering.generator import Generator
from training.code_source import CodeSource
from training.compute import autocast

POINTS, CANDIDATES = 2048, 16_384
LOOKED_AT = 64
"""Objects that tell where objects differ."""


class SolidProbes:
    """`POINTS` points of the unit ball, in the canonical frame."""

    @torch.no_grad()
    def __init__(self, generator: Generator, codes: CodeSource, truncation: float, rng: torch.Generator) -> None:
        direction = torch.randn(CANDIDATES, 3, generator=rng)
        radius = torch.rand(CANDIDATES, 1, generator=rng) ** (1 / 3)
        self.points = direction / direction.norm(dim=1, keepdim=True) * radius
        occupancy = []
        for _ in range(LOOKED_AT // 8):
            shape, appearance = codes.shapes(8, rng), codes.appearances(8, rng)
            with autocast(torch.device("cpu")):
                occupancy.append(self.occupancy(generator.condition(shape, appearance, truncation)))
        self.points = self.points[torch.cat(occupancy).var(0).topk(POINTS).indices]

    def occupancy(self, field: ConditionedField) -> Float[Tensor, "shapes points"]:
        """Occupancy in [0, 1] of a field's objects at the points; differentiable in the field."""
        owner = torch.arange(field.shapes)
        return field.logit(self.points.expand(field.shapes, -1, -1), owner).float().sigmoid()
