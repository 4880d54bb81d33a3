"""Normal smoothness where a rendering shows a surface."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core.adversarial import losses
from gen3d_core.config import Config
from gen3d_core.networks.fields.interface import ConditionedField
from gen3d_core.rendering.renderer import Rendering
from training.compute import autocast


def visible_rays(seen: Rendering) -> Int[Tensor, "hits"]:
    """Rays that show more of the object than of the background."""
    return (seen.alpha.detach().squeeze(1) > 0.5).nonzero().squeeze(1)


def surface_smoothness(
    field: ConditionedField,
    seen: Rendering,
    chosen: Int[Tensor, "some"],
    shapes: int,
    config: Config,
    rng: torch.Generator,
) -> Float[Tensor, ""]:
    """That of the surface points of chosen rays (UNISURF, equation 11); as many consecutive rays show each shape."""
    owner = chosen // (len(seen.alpha) // shapes)
    with autocast(seen.surface.device):
        return losses.normal_smoothness(
            lambda points: field.normals(points, owner, config.renderer.normal_step),
            seen.surface[chosen],
            config.loss.smoothness_offset,
            rng,
        )
