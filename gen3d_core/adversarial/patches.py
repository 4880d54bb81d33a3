"""Which patches the critic sees, as training goes on (GRAF, section 3.2)."""

from __future__ import annotations

import torch

from gen3d_core.adversarial import schedule
from gen3d_core.config import PatchConfig
from gen3d_core.rendering.patch import Patch, ScaledPatch, scaled_patches, strided_patches


def draw_patch(
    count: int, picture_size: int, kimg: float, config: PatchConfig, generator: torch.Generator
) -> Patch | ScaledPatch:
    """A patch per picture.

    Strided: one stride for the batch, the largest until `full_until_kimg`, then 1, 2, ... at random. Scaled: each of
    an extent of its own, uniform between the schedule's least and 1.

    Raises:
        ValueError: the pictures are smaller than the patch.
    """
    largest = picture_size // config.size
    if largest < 1:
        raise ValueError(f"pictures of {picture_size} pixels are smaller than the patch of {config.size}")
    if config.sampling == "scaled":
        least = schedule.least_scale(kimg, config.scaled)
        return scaled_patches(least + (1 - least) * torch.rand(count, generator=generator), config.size, generator)
    stride = largest
    if kimg >= config.full_until_kimg and largest > 1:
        strides = [s for s in (2**k for k in range(largest.bit_length())) if s <= largest]
        stride = strides[int(torch.randint(len(strides), (1,), generator=generator))]
    return strided_patches(count, config.size, stride, picture_size, generator)
