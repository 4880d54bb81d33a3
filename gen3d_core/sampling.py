"""Depths at which a ray is integrated."""

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
