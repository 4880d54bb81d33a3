"""Bilinear look-ups in three feature planes, summed: a sparse product of corner weights and texels.

A ray's samples share texels, so the backward pass, the transposed product, is done as one bag sum over sorted corners;
PyTorch's own backward of `embedding_bag` and of `grid_sample` took four times as long on two cores.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

AXES = ((0, 1), (0, 2), (1, 2))
"""Plane k spans these axes of a point: the first along the texel's column, the second along its row."""


class _BagSum(torch.autograd.Function):
    """sum_j weights[i, j] * rows[index[i, j]]; no gradient to the weights."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(index, weights)
        ctx.count = rows.shape[0]
        return F.embedding_bag(index, rows, mode="sum", per_sample_weights=weights)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        index, weights = ctx.saved_tensors
        texel, order = torch.sort(index.reshape(-1))
        counts = torch.bincount(texel, minlength=ctx.count)
        offsets = counts.cumsum(0) - counts
        corner = torch.div(order, index.shape[1], rounding_mode="floor")
        weight = weights.reshape(-1)[order]
        return F.embedding_bag(corner, grad.contiguous(), offsets, mode="sum", per_sample_weights=weight), None, None


def as_rows(planes: Float[Tensor, "n 3 c r r"]) -> Float[Tensor, "texels c"]:
    """Texels of all planes, channel last, the three planes' texels of a place side by side.

    A view where the planes lie channels-last in memory.
    """
    return planes.float().permute(0, 3, 4, 1, 2).reshape(-1, planes.shape[2])


@torch.no_grad()
def _corners(
    points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"], size: int
) -> tuple[Int[Tensor, "points 12"], Float[Tensor, "points 12"]]:
    grid = (points.clamp(-1, 1) + 1) * (0.5 * (size - 1))
    low = grid.floor().clamp_max(size - 2)
    share = grid - low
    low = low.long()
    indices, weights = [], []
    for plane, (a, b) in enumerate(AXES):
        texel = ((owner[:, None] * size + low[..., b]) * size + low[..., a]) * 3 + plane
        right, down = share[..., a], share[..., b]
        indices += [texel, texel + 3, texel + 3 * size, texel + 3 * size + 3]
        weights += [(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down]
    return torch.stack(indices, -1).reshape(-1, 12), torch.stack(weights, -1).reshape(-1, 12)


def gather(
    rows: Float[Tensor, "texels c"], points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"], size: int
) -> Float[Tensor, "rays samples c"]:
    """Features of points whose object is `owner`; differentiable in the texels, not in the points."""
    index, weights = _corners(points, owner, size)
    return _BagSum.apply(rows, index, weights).view(*points.shape[:2], rows.shape[1])


def gather_dense(planes: Float[Tensor, "n 3 c r r"], points: Float[Tensor, "n p 3"]) -> Float[Tensor, "n p c"]:
    """The same by `grid_sample`, as many points on each object: what ONNX knows, differentiable in the points too."""

    def look_up(plane: int, a: int, b: int) -> Tensor:
        grid = torch.stack([points[..., a], points[..., b]], -1).unsqueeze(1)
        return F.grid_sample(planes[:, plane].float(), grid, align_corners=True, padding_mode="border")

    first, second, third = (look_up(plane, a, b) for plane, (a, b) in enumerate(AXES))
    return (first + second + third).squeeze(2).transpose(1, 2)
