"""Pictures by a trained generator and pictures of a data set, in one form: colour over white, ready to compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.adversarial import schedule
from gen3d_core.rendering import patch
from gen3d_core.rendering.generator import Generator
from gen3d_core.rendering.volume import over_white
from training.data.batches import Batches

RAYS_AT_ONCE = 1 << 17
"""32 pictures of 64 pixels: bounds the memory of one chunk."""


@torch.no_grad()
def render_pictures(
    generator: Generator,
    shape: Float[Tensor, "shapes shape_dim"],
    appearance: Float[Tensor, "pictures appearance_dim"],
    pose: Float[Tensor, "pictures 2"],
    size: int,
    *,
    kimg: float,
    truncation: float,
    progress: Callable[[int], object] = lambda done: None,
) -> Float[Tensor, "pictures 4 s s"]:
    """Premultiplied RGBA in [0, 1] on the CPU; `pose` is azimuth and elevation in radians.

    Pictures outnumber shapes by a whole factor: consecutive pictures show the same shape. They are rendered as training
    did after `kimg` thousand pictures, but without jitter, so that equal input gives equal pictures. `progress` is told
    how many more pictures are done.
    """
    device = next(generator.parameters()).device
    stage = schedule.stage(kimg, generator.renderer, generator.baseline)
    views = len(pose) // len(shape)
    step = max(1, RAYS_AT_ONCE // (views * size * size))
    chunks = []
    for start in range(0, len(shape), step):
        shapes = slice(start, start + step)
        shown = slice(start * views, (start + step) * views)
        field = generator.condition(shape[shapes].to(device), appearance[shown].to(device), truncation)
        cameras = pose[shown].to(device)
        count = len(cameras)
        seen = generator.render(field, cameras, patch.whole_picture(size, count), stage)
        rgba = torch.cat([seen.colour, seen.alpha], -1).float().view(count, size, size, 4)
        chunks.append(rgba.permute(0, 3, 1, 2).clamp(0, 1).cpu())
        progress(count)
    return torch.cat(chunks)


def rgb_over_white(premultiplied: Float[Tensor, "pictures 4 s s"]) -> Float[Tensor, "pictures 3 s s"]:
    """Premultiplied pictures in front of white, sRGB in [0, 1]."""
    channels_last = premultiplied.permute(0, 2, 3, 1)
    return over_white(channels_last[..., :3], channels_last[..., 3:]).clamp(0, 1).permute(0, 3, 1, 2).contiguous()


def real_pictures(batches: Batches, which: Tensor) -> Float[Tensor, "pictures 3 s s"]:
    """The named pictures of a data set over white, never mirrored."""
    rgba = batches.pictures[which].float() / 255
    rgba[:, :3] *= rgba[:, 3:]
    return rgb_over_white(rgba)


def halve_pictures(models: Sequence[str], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Places of pictures in two halves of equal size, in random order; `models` names what each shows, "" where that
    is not told.

    Where objects are seen several times, no object is in both: pictures of the same things are nearer to each other
    than those of other real things, and would be a floor that nothing can reach.
    """
    order = rng.permutation(len(models))
    names = {name: place for place, name in enumerate(rng.permutation(sorted(set(models))))}
    if len(names) == len(models) or len(names) < 2:
        half = len(order) // 2
        return order[:half], order[half : 2 * half]
    first = np.array([names[models[place]] < len(names) // 2 for place in order])
    half = min(first.sum(), (~first).sum())
    return order[first][:half], order[~first][:half]
