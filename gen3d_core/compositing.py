"""Volume rendering, with occupancies in place of densities (UNISURF, equation 7) or from densities (NeRF)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def occupancy_weights(occupancy: Float[Tensor, "rays samples"]) -> Float[Tensor, "rays samples"]:
    """w_i = o_i prod_{j<i} (1 - o_j) for samples sorted from near to far; their sum is the ray's opacity."""
    free = torch.cumprod(1 - occupancy, -1)
    before = torch.cat([torch.ones_like(free[:, :1]), free[:, :-1]], -1)
    return occupancy * before


def density_opacity(
    density: Float[Tensor, "rays samples"], spacing: Float[Tensor, "rays samples"]
) -> Float[Tensor, "rays samples"]:
    """1 - exp(-density * spacing): what a homogeneous stretch absorbs (NeRF, equation 3)."""
    return -torch.expm1(-density * spacing)


def over_white(colour: Float[Tensor, "*n 3"], alpha: Float[Tensor, "*n 1"]) -> Float[Tensor, "*n 3"]:
    """Premultiplied colours in front of white."""
    return colour + (1 - alpha)
