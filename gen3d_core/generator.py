"""Codes, cameras and patches to pictures: the generator that the discriminator judges."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen3d_core.camera import Rays, pixel_rays
from gen3d_core.config import GeneratorConfig, PosePrior, RendererConfig
from gen3d_core.fields.protocol import ConditionedField
from gen3d_core.fields.radiance import RadianceField
from gen3d_core.fields.triplane import TriplaneField
from gen3d_core.fields.unisurf import UnisurfField
from gen3d_core.patch import Patch, Places, ScaledPatch
from gen3d_core.renderer import Rendering, render
from gen3d_core.schedule import Stage

FIELDS = {"triplane": TriplaneField, "unisurf": UnisurfField, "radiance": RadianceField}


class Generator(nn.Module):
    """A conditional field and the camera that looks at it."""

    def __init__(self, config: GeneratorConfig, renderer: RendererConfig, prior: PosePrior) -> None:
        super().__init__()
        self.config = config
        self.renderer = renderer
        self.prior = prior
        self.field = FIELDS[config.kind](config)

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
        return render(field, flat, owner, picture, stage, self.renderer, generator)


def as_pictures(rendering: Rendering, count: int) -> Float[Tensor, "pictures 4 s s"]:
    """Premultiplied RGBA pictures from the rays of `count` square patches."""
    rgba = torch.cat([rendering.colour, rendering.alpha], -1)
    size = round((len(rgba) // count) ** 0.5)
    return rgba.view(count, size, size, 4).permute(0, 3, 1, 2)
