"""Codes, cameras and patches to pictures: the generator that the discriminator judges."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d_core.config import Config, PosePrior
from gen3d_core.networks.fields.interface import ConditionedField
from gen3d_core.networks.fields.radiance import RadianceField
from gen3d_core.networks.fields.triplane import TriplaneField
from gen3d_core.networks.fields.unisurf import UnisurfField
from gen3d_core.rendering.camera import Rays, pixel_rays
from gen3d_core.rendering.patch import Patch, Places, ScaledPatch
from gen3d_core.rendering.renderer import Rendering, render
from gen3d_core.rendering.stage import Stage

FIELDS = {
    "triplane": lambda config: TriplaneField(config.generator),
    "unisurf": lambda config: UnisurfField(config.generator, config.baseline.mlp),
    "radiance": lambda config: RadianceField(config.generator, config.baseline.mlp),
}


class Generator(nn.Module):
    """A conditional field and the camera that looks at it."""

    def __init__(self, config: Config, prior: PosePrior) -> None:
        super().__init__()
        self.config = config.generator
        self.renderer = config.renderer
        self.baseline = config.baseline
        self.prior = prior
        self.field = FIELDS[config.generator.kind](config)

    def condition(self, shape: Tensor, appearance: Tensor, truncation: float = 1.0) -> ConditionedField:
        """The field of these codes."""
        return self.field.condition(shape, appearance, truncation)

    def render(
        self,
        field: ConditionedField,
        pose: Float[Tensor, "pictures 2"],
        patch: Patch | ScaledPatch | Places,
        stage: Stage,
        generator: torch.Generator | None = None,
    ) -> Rendering:
        """Render a patch of each picture; rays lie picture by picture, row by row.

        Pictures outnumber shapes by a whole factor: consecutive pictures show the same shape, each in its own
        appearance.
        """
        pixels = patch.pixels().to(pose)
        rays = pixel_rays(pose, pixels, self.prior)
        count, per_picture = pixels.shape[:2]
        picture = torch.arange(count, device=pose.device).repeat_interleave(per_picture)
        owner = picture // (count // field.shapes)
        flat = Rays(rays.origins.reshape(-1, 3), rays.directions.reshape(-1, 3))
        return render(field, flat, owner, picture, stage, self.renderer, self.baseline, generator)


def as_pictures(rendering: Rendering, count: int) -> Float[Tensor, "pictures 4 s s"]:
    """Premultiplied RGBA pictures from the rays of `count` square patches."""
    rgba = torch.cat([rendering.colour, rendering.alpha], -1)
    size = round((len(rgba) // count) ** 0.5)
    return rgba.view(count, size, size, 4).permute(0, 3, 1, 2)
