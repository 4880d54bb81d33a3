"""Known objects beside what the generator makes of them: the picture that shows how reconstruction is doing."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from gen3d_core import patch
from gen3d_core.compositing import over_white
from gen3d_core.schedule import Stage
from training.reconstruction.state import ReconstructionState
from training.reconstruction.views import ObjectViews
from training.samples import LIGHT
from training.steps import autocast

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
    light = F.normalize(torch.tensor(LIGHT, device=state.device), dim=0)
    with autocast(state.device):
        field = state.average.condition(state.codes.shapes(objects), state.codes.appearances(objects))
        pose = views.angles[picture].to(state.device)
        seen = state.average.render(field, pose, patch.whole(size, count), Stage(HALF_WIDTH))
    alpha = seen.alpha.float()
    bare = (0.25 + 0.7 * (seen.normal.float() @ light).clamp_min(0))[:, None].expand(-1, 3) * alpha
    rows = [over_white(true[..., :3] * true[..., 3:], true[..., 3:])]
    rows += [over_white(each, alpha).view(count, size, size, 3).cpu() for each in (seen.colour.float(), bare)]
    pixels = torch.cat([row.permute(1, 0, 2, 3).reshape(size, count * size, 3) for row in rows])
    image = Image.fromarray(np.ascontiguousarray((pixels.clamp(0, 1) * 255).round().to(torch.uint8).numpy()))
    return image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)
