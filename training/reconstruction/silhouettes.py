"""What silhouettes of known cameras say of points in space: the visual hull (Laurentini 1994), point by point."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gen3d_core.config import PosePrior
from gen3d_core.rendering.camera import project


def least_opacity(
    alpha: Float[Tensor, "n views s s"],
    pose: Float[Tensor, "n views 2"],
    points: Float[Tensor, "n points 3"],
    prior: PosePrior,
    mirror: bool,
) -> Float[Tensor, "n points"]:
    """The least opacity, 0 to 1, with which any view shows a point; outside a picture nothing is there.

    Below one half some camera looks past the object through that point, so it is outside. With `mirror` every view
    stands for its mirror image too.
    """
    least = None
    for side in (1.0, -1.0) if mirror else (1.0,):
        places = project(points * points.new_tensor([1.0, side, 1.0]), pose, prior)
        grid = (places * points.new_tensor([1.0, -1.0])).flatten(0, 1).unsqueeze(1)
        seen = F.grid_sample(alpha.flatten(0, 1).unsqueeze(1), grid, align_corners=False)
        nearest = seen.view(*pose.shape[:2], -1).amin(1)
        least = nearest if least is None else torch.minimum(least, nearest)
    return least if least is not None else alpha.new_zeros(points.shape[:2])
