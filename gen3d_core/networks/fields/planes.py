"""Bilinear look-ups in feature planes: a sparse product of corner weights and texels.

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


def as_rows(texels: Float[Tensor, "n c r r"]) -> Float[Tensor, "texels c"]:
    """Texels of all maps, channel last. A view where maps lie channels-last in memory."""
    return texels.float().permute(0, 2, 3, 1).reshape(-1, texels.shape[1])


def folded(points: Float[Tensor, "*n 3"], size: int) -> Float[Tensor, "*n 3"]:
    """Points of a body that is symmetric in y, all on its positive side.

    None nearer to y = 0 than half a texel, so that nothing bends there: what `mirrored` planes hold between their two
    middle texels, which are equal.
    """
    x, y, z = points.unbind(-1)
    return torch.stack([x, y.abs().clamp_min(1 / (size - 1)), z], -1)


def mirrored(texels: Float[Tensor, "*n r r"], plane: int) -> Float[Tensor, "*n r r"]:
    """A plane whose half of negative y repeats the other one."""
    if 1 not in AXES[plane]:
        return texels
    axis = -1 - AXES[plane].index(1)
    upper = texels.narrow(axis, texels.shape[axis] // 2, texels.shape[axis] // 2)
    return torch.cat([upper.flip(axis), upper], axis)


@torch.no_grad()
def _corners(
    points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"], size: int
) -> tuple[Int[Tensor, "look_ups 4"], Float[Tensor, "look_ups 4"]]:
    grid = (points.clamp(-1, 1) + 1) * (0.5 * (size - 1))
    low = grid.floor().clamp_max(size - 2)
    share = grid - low
    low = low.long()
    indices, weights = [], []
    for a, b in AXES:
        texel = (owner[:, None] * size + low[..., b]) * size + low[..., a]
        right, down = share[..., a], share[..., b]
        indices += [texel, texel + 1, texel + size, texel + size + 1]
        weights += [(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down]
    return torch.stack(indices, -1).reshape(-1, 4), torch.stack(weights, -1).reshape(-1, 4)


def gather(
    rows: Float[Tensor, "texels c"], points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"], size: int
) -> Float[Tensor, "rays samples 3 c"]:
    """What the map of object `owner` holds where each plane sees a point; differentiable in the texels, not in the
    points."""
    index, weights = _corners(points, owner, size)
    return _BagSum.apply(rows, index, weights).view(*points.shape[:2], 3, rows.shape[1])


def gather_dense(planes: Float[Tensor, "n 3 c r r"], points: Float[Tensor, "n p 3"]) -> Float[Tensor, "n p c"]:
    """The same by `grid_sample`, as many points on each object: what ONNX knows, differentiable in the points too."""

    def look_up(plane: int, a: int, b: int) -> Tensor:
        grid = torch.stack([points[..., a], points[..., b]], -1).unsqueeze(1)
        return F.grid_sample(planes[:, plane].float(), grid, align_corners=True, padding_mode="border")

    first, second, third = (look_up(plane, a, b) for plane, (a, b) in enumerate(AXES))
    return (first + second + third).squeeze(2).transpose(1, 2)
