"""Volume rendering: where rays are sampled, and how samples composite, by occupancies (UNISURF, equation 7) or by
densities (NeRF)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def stratified(
    centre: Float[Tensor, "rays"],
    half_width: Float[Tensor, "rays"],
    count: int,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "rays count"]:
    """Sorted depths in [centre - half_width, centre + half_width], one per equal bin; mid-bin without a generator."""
    jitter = (
        torch.full((len(centre), count), 0.5)
        if generator is None
        else torch.rand(len(centre), count, generator=generator)
    ).to(centre)
    bins = torch.arange(count, device=centre.device) + jitter
    return centre[:, None] + half_width[:, None] * (2 * bins / count - 1)


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
