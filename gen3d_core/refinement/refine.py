"""Codes and cameras improved by gradient through the renderer, from several starts. Needs torch.

Shape and appearance code, and for each picture the camera's angles and the part of its view that the picture is, move
downhill on the difference between the pictures and what the generator renders (compare Abdal et al., *Image2StyleGAN*,
ICCV 2019). Networks that read codes see their direction alone, so that no answer is less probable than another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gen3d_core.inversion.encode import Encoded, match_cameras
from gen3d_core.model.model import Model
from gen3d_core.model.prediction import SIDE, AzimuthPeak, Prediction
from gen3d_core.pictures.framing import network_input
from gen3d_core.progress import OnProgress, ignore_progress
from gen3d_core.refinement.fit import NARROW, Descent, Fit, load_field

COARSE = 2
"""Starts are compared on pictures so many times as coarse; the best of them goes on on fine ones."""
ROUNDS = ((10, 2), (20, 1))
"""Coarse steps that each remaining start goes, and how many of them remain afterwards."""
FINE_STEPS = 90
WIDE = 0.15
"""Half-width of the rendered interval at the first coarse step: a wide one sees what is farther away."""
DOUBT = 1.25
"""Handicap of cameras that are turned away from those found: codes adapt to a wrong side, and encoders know front from
behind better than a loss does."""
COMPARED = 0.4
"""Share of the time after which the starts are compared."""
PATIENCE, LEAST = 25, 0.002
"""It is over after so many steps without an improvement of at least this."""


def refine_encoding(
    model: Model, pictures: Sequence[np.ndarray], found: Encoded, progress: OnProgress = ignore_progress
) -> Encoded:
    """What was found, or what renders more like the framed `pictures` (S, S, 4) uint8. Raises `Gen3DError` for models
    without weights for torch and for fields other than tri-planes."""
    generator, field = load_field(model.path)
    seen = network_input(list(pictures), SIDE)
    fine = torch.from_numpy(seen)
    truncation = float(model.manifest["truncation"])
    fits = [Fit(generator, field, truncation, found.codes, pose) for pose in _turned_cameras(found)]
    starts = [_Start(fit, 1.0 if fit is fits[0] else DOUBT) for fit in fits]
    with torch.no_grad():
        unrefined = starts[0].fit.loss(fine).item()
    best = _best(starts, F.avg_pool2d(fine, COARSE), progress)
    codes, angles = best.codes(), best.angles()
    descent, least, since = Descent(best.groups()), float("inf"), 0
    for step in range(FINE_STEPS):
        progress(COMPARED + (0.95 - COMPARED) * step / FINE_STEPS, "refining")
        here = best.codes(), best.angles()
        loss = best.loss(fine)
        least, since = (loss.item(), 0) if loss.item() < least - LEAST else (least, since + 1)
        if descent.step(loss):
            codes, angles = here
        if since >= PATIENCE:
            break
    if not descent.best < (unrefined if math.isfinite(unrefined) else math.inf):
        return found
    predictions = [
        Prediction(codes, (AzimuthPeak(float(azimuth)),), float(elevation), found.certainty)
        for azimuth, elevation in angles
    ]
    return match_cameras(model, codes, seen, predictions)


@dataclass
class _Start:
    """One fit on its way through the coarse steps."""

    fit: Fit
    handicap: float
    """Factor of its loss when starts are compared."""

    def __post_init__(self) -> None:
        self.descent = Descent(self.fit.groups())


def _best(starts: list[_Start], target: Float[Tensor, "n 4 s s"], progress: OnProgress) -> Fit:
    """That of the starts which comes nearest; the others are given up on the way (successive halving)."""
    total, done = sum(steps for steps, _ in ROUNDS), 0
    for steps, remaining in ROUNDS:
        for number, start in enumerate(starts):
            for step in range(done, done + steps):
                start.descent.step(start.fit.loss(target, WIDE * (NARROW / WIDE) ** (step / total)))
            progress(COMPARED * (done + steps * (number + 1) / len(starts)) / total, "refining")
        done += steps
        starts = sorted(starts, key=lambda start: start.handicap * start.descent.best)[:remaining]
    return starts[0].fit


def _turned_cameras(found: Encoded) -> list[Float[Tensor, "n 2"]]:
    """The cameras that were found, and all of them from behind and from a quarter turn to both sides."""
    pose = torch.tensor([[each.azimuth, each.elevation] for each in found.cameras], dtype=torch.float32)
    return [pose + torch.tensor([turn * torch.pi / 2, 0.0]) for turn in range(4)]
