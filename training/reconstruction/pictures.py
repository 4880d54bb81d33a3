"""Known objects beside what the generator makes of them: the picture that shows how reconstruction is doing."""

from __future__ import annotations

import torch
from PIL import Image

from gen3d_core.rendering import patch
from gen3d_core.rendering.stage import Stage
from gen3d_core.rendering.volume import over_white
from training.compute import autocast
from training.reconstruction.state import ReconstructionState
from training.reconstruction.views import ObjectViews
from training.sheet import as_row, as_sheet, bare_geometry

OBJECTS = 12
HALF_WIDTH = 0.05


@torch.no_grad()
def reconstruction_grid(state: ReconstructionState, views: ObjectViews) -> Image.Image:
    """Columns are objects spread over the data. Rows: the last picture of each, the same view of its reconstruction,
    and the bare geometry; shown twice as large."""
    objects = torch.linspace(0, views.objects - 1, min(OBJECTS, views.objects)).long()
    count, size = len(objects), views.size
    picture = views.rows[objects, -1]
    true = views.pictures[picture].float() / 255
    with autocast(state.device):
        field = state.average.condition(state.codes.shapes(objects), state.codes.appearances(objects))
        pose = views.angles[picture].to(state.device)
        seen = state.average.render(field, pose, patch.whole_picture(size, count), Stage(HALF_WIDTH))
    alpha = seen.alpha.float()
    bare = bare_geometry(seen.normal.float(), alpha)
    rows = [over_white(true[..., :3] * true[..., 3:], true[..., 3:])]
    rows += [over_white(each, alpha).view(count, size, size, 3).cpu() for each in (seen.colour.float(), bare)]
    return as_sheet([as_row(row) for row in rows])
