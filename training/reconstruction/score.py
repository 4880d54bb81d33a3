"""How well known objects are shown from cameras that never taught."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from gen3d_core.rendering import patch
from gen3d_core.rendering.generator import as_pictures
from gen3d_core.rendering.picture_losses import overlap_loss
from gen3d_core.rendering.stage import Stage
from training.compute import autocast
from training.reconstruction.state import ReconstructionState
from training.reconstruction.views import ObjectViews

OBJECTS, AT_ONCE = 64, 8
SIDE = 64
HALF_WIDTH = 0.05


@dataclass(frozen=True)
class Score:
    """Means over objects: `overlap` of silhouettes, intersection over union; `psnr` of pictures over white, in dB."""

    overlap: float
    psnr: float


@torch.no_grad()
def score(state: ReconstructionState, views: ObjectViews) -> Score:
    """Compare the last view of objects spread evenly over the data, one that never taught where there are enough."""
    objects = torch.linspace(0, views.objects - 1, min(OBJECTS, views.objects)).long()
    overlaps, psnrs = [], []
    for some in objects.split(AT_ONCE):
        picture = views.rows[some, -1]
        side = min(SIDE, views.size)
        true = views.pictures[picture].permute(0, 3, 1, 2).float() / 255
        true = F.adaptive_avg_pool2d(torch.cat([true[:, :3] * true[:, 3:], true[:, 3:]], 1), side).to(state.device)
        pose = views.angles[picture].to(state.device)
        with autocast(state.device):
            field = state.average.condition(state.codes.shapes(some), state.codes.appearances(some))
            seen = state.average.render(field, pose, patch.whole_picture(side, len(some)), Stage(HALF_WIDTH))
        made = as_pictures(seen, len(some)).float()
        overlaps.append(1 - overlap_loss(made[:, 3].flatten(1), true[:, 3].flatten(1)))
        error = (made[:, :3] - made[:, 3:]) - (true[:, :3] - true[:, 3:])  # both over white
        psnrs.append(-10 * error.square().mean((1, 2, 3)).clamp_min(1e-10).log10())
    return Score(torch.cat(overlaps).mean().item(), torch.cat(psnrs).mean().item())
