"""How well known objects are shown from cameras that never taught, and how many of them, and of new ones, are whole."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from gen3d_core.networks.fields.interface import ConditionedField
from gen3d_core.rendering import patch
from gen3d_core.rendering.generator import as_pictures
from gen3d_core.rendering.picture_losses import overlap_loss
from gen3d_core.rendering.stage import Stage
from training.compute import autocast
from training.reconstruction.connectivity import is_whole
from training.reconstruction.state import ReconstructionState
from training.reconstruction.views import ObjectViews
from training.reconstruction.wholeness import new_codes

OBJECTS, AT_ONCE = 64, 8
SIDE = 64
HALF_WIDTH = 0.05
LATTICE = 64
"""Nodes along a side of the lattice on which parts are counted."""


@dataclass(frozen=True)
class Score:
    """Means over objects: `overlap` of silhouettes, intersection over union; `psnr` of pictures over white, in dB;
    shares of known and of new objects that are `whole`, one part on a lattice."""

    overlap: float
    psnr: float
    whole: float
    whole_new: float


@torch.no_grad()
def score(state: ReconstructionState, views: ObjectViews) -> Score:
    """Compare the last view of objects spread evenly over the data, one that never taught where there are enough."""
    objects = torch.linspace(0, views.objects - 1, min(OBJECTS, views.objects)).long()
    new = new_codes(state.codes, len(objects), torch.Generator().manual_seed(0))
    overlaps, psnrs, whole, whole_new = [], [], [], []
    for some in objects.split(AT_ONCE):
        picture = views.rows[some, -1]
        side = min(SIDE, views.size)
        true = views.pictures[picture].permute(0, 3, 1, 2).float() / 255
        true = F.adaptive_avg_pool2d(torch.cat([true[:, :3] * true[:, 3:], true[:, 3:]], 1), side).to(state.device)
        pose = views.angles[picture].to(state.device)
        with autocast(state.device):
            looks = state.codes.appearances(some)
            field = state.average.condition(state.codes.shapes(some), looks)
            seen = state.average.render(field, pose, patch.whole_picture(side, len(some)), Stage(HALF_WIDTH))
            whole += _are_whole(field)
            whole_new += _are_whole(state.average.condition(new[len(whole_new) :][: len(some)], looks[:1]))
        made = as_pictures(seen, len(some)).float()
        overlaps.append(1 - overlap_loss(made[:, 3].flatten(1), true[:, 3].flatten(1)))
        error = (made[:, :3] - made[:, 3:]) - (true[:, :3] - true[:, 3:])  # both over white
        psnrs.append(-10 * error.square().mean((1, 2, 3)).clamp_min(1e-10).log10())
    shares = (sum(each) / len(each) for each in (whole, whole_new))
    return Score(torch.cat(overlaps).mean().item(), torch.cat(psnrs).mean().item(), *shares)


def _are_whole(field: ConditionedField) -> list[bool]:
    return [is_whole(body) for body in field.lattice(LATTICE).float().cpu().numpy()]
