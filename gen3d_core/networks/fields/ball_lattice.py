"""Fields that are evaluated point by point: many points, and lattices of them, finely only near the surface."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

POINTS_AT_ONCE = 1 << 15
OUTSIDE = -100.0
SLOPE = 1.2
"""How much steeper than between coarse nodes a logit may be in between before a surface there goes unseen."""


def in_parts(
    value: Callable[[Tensor, Tensor], Tensor], points: Float[Tensor, "points 3"], owner: Int[Tensor, "points"]
) -> Float[Tensor, "points"]:
    """`value(points, owner)`, in parts that fit the cache where no gradient is kept."""
    if torch.is_grad_enabled() or torch.compiler.is_exporting():
        return value(points, owner)
    parts = zip(points.split(POINTS_AT_ONCE), owner.split(POINTS_AT_ONCE), strict=True)
    return torch.cat([value(*part) for part in parts])


@torch.no_grad()
def in_ball_lattice(
    value: Callable[[Tensor, Tensor], Tensor], shapes: int, resolution: int, device: torch.device
) -> Float[Tensor, "shapes x y z"]:
    """`value(points (n, 1, 3), owner (n,))` on the regular grid over [-1, 1]^3, `OUTSIDE` beyond the unit sphere.

    With an odd resolution every second node of each axis is evaluated; the rest only in cells where the values between
    their corners may cross zero. Elsewhere they are interpolated, which keeps their sign.
    """
    axis = torch.linspace(-1, 1, resolution, device=device)
    points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)
    ball = (points.norm(dim=-1) < 1 + 2 / (resolution - 1)).expand(shapes, -1, -1, -1)
    lattice = torch.full(ball.shape, OUTSIDE, device=device)

    def fill(where: Tensor) -> None:
        index = where.nonzero()
        if len(index):
            at = points[index[:, 1], index[:, 2], index[:, 3]]
            lattice[where] = value(at[:, None], index[:, 0]).squeeze(1).float()

    if resolution % 2 == 0:
        fill(ball)
        return lattice
    coarse = torch.zeros_like(ball)
    coarse[:, ::2, ::2, ::2] = True
    fill(ball & coarse)
    small = lattice[:, None, ::2, ::2, ::2]
    high = F.max_pool3d(small, 3, 1, 1)
    low = -F.max_pool3d(-small, 3, 1, 1)
    # Beyond the unit sphere there is no slope to learn from.
    rise = (high - low.clamp_min(0.2 * OUTSIDE)) / 2 / 3**0.5
    near = (small.abs() < SLOPE * rise).float()
    size = (resolution,) * 3
    near = F.interpolate(near, size, mode="trilinear", align_corners=True)[:, 0] > 0
    between = F.interpolate(small, size, mode="trilinear", align_corners=True)[:, 0]
    lattice = torch.where(coarse | ~ball, lattice, between)
    fill(near & ball & ~coarse)
    return lattice
