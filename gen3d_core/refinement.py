"""Codes and cameras improved by gradient through the renderer, from several starts. Needs torch.

Shape and appearance code, and for each picture the camera's angles and the part of its view that the picture is, move
downhill on the difference between the pictures and what the generator renders (compare Abdal et al., *Image2StyleGAN*,
ICCV 2019). Networks that read codes see their direction alone, so that no answer is less probable than another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gen3d_core.encode import Encoded, matched
from gen3d_core.fitting import NARROW, Descent, Fit, load_field
from gen3d_core.lattice import Progress, ignore_progress
from gen3d_core.pictures import network_input
from gen3d_core.reading import SIDE, Reading
from gen3d_core.sampler import Model

COARSE = 2
"""Every start goes some steps on pictures so many times as coarse; the best of them goes on on fine ones."""
COARSE_STEPS, FINE_STEPS = 30, 90
WIDE = 0.15
"""Half-width of the rendered interval at the first coarse step: a wide one sees what is farther away."""
PATIENCE, LEAST = 25, 0.002
"""It is over after so many steps without an improvement of at least this."""


def refined(
    model: Model, pictures: Sequence[np.ndarray], found: Encoded, progress: Progress = ignore_progress
) -> Encoded:
    """What was found, or what renders more like the framed `pictures` (S, S, 4) uint8. Raises `Gen3DError` for models
    without weights for torch and for fields other than tri-planes."""
    generator, field = load_field(model.path)
    fine = torch.from_numpy(network_input(list(pictures), SIDE))
    truncation = float(model.manifest["truncation"])
    starts = [Fit(generator, field, truncation, found.codes, pose) for pose in _starts(found)]
    total = COARSE_STEPS * len(starts) + FINE_STEPS

    def told(step: int) -> None:
        progress(0.95 * step / total, "refining")

    with torch.no_grad():
        unrefined = starts[0].loss(fine).item()
    coarse = F.avg_pool2d(fine, COARSE)
    losses = [_coarsely(fit, coarse, told, number * COARSE_STEPS) for number, fit in enumerate(starts)]
    best = starts[int(np.argmin(losses))]
    codes, angles = best.codes(), best.angles()
    descent, least, since = Descent(best.groups()), float("inf"), 0
    for step in range(FINE_STEPS):
        told(total - FINE_STEPS + step)
        here = best.codes(), best.angles()
        loss = best.loss(fine)
        least, since = (loss.item(), 0) if loss.item() < least - LEAST else (least, since + 1)
        if descent.step(loss):
            codes, angles = here
        if since >= PATIENCE:
            break
    if descent.best >= unrefined:
        return found
    readings = [Reading(codes, (float(azimuth),), float(elevation)) for azimuth, elevation in angles]
    return matched(model, codes, network_input(list(pictures), SIDE), readings)


def _coarsely(fit: Fit, target: Float[Tensor, "n 4 s s"], told: Callable[[int], None], done: int) -> float:
    """Least loss of the first steps, of which `done` were other starts'."""
    descent = Descent(fit.groups())
    for step in range(COARSE_STEPS):
        told(done + step)
        descent.step(fit.loss(target, WIDE * (NARROW / WIDE) ** (step / COARSE_STEPS)))
    return descent.best


def _starts(found: Encoded) -> list[Float[Tensor, "n 2"]]:
    """The cameras that were found, and all of them from behind and from a quarter turn to both sides."""
    pose = torch.tensor([[each.azimuth, each.elevation] for each in found.sightings], dtype=torch.float32)
    return [pose + torch.tensor([turn * torch.pi / 2, 0.0]) for turn in range(4)]
