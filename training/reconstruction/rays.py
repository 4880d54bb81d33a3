"""Pixels of known pictures to compare with, most of them at and around silhouettes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core.rendering.patch import Places
from training.reconstruction.views import ObjectViews

NEAR, EDGE = 30.0, 45.0
"""How much likelier a pixel near the object, and one at its silhouette, is drawn than one of the background."""
PIXELS = 64
"""Pictures of so many pixels a side were in mind; margins grow with the size."""


@dataclass(frozen=True)
class KnownRays:
    """Rays of several views of each object: consecutive pictures show one object. `target` is premultiplied RGBA."""

    pose: Float[Tensor, "pictures 2"]
    places: Places
    target: Float[Tensor, "pictures rays 4"]

    def to(self, device: torch.device) -> KnownRays:
        """The same rays on a device."""
        return KnownRays(self.pose.to(device), Places(self.places.pixels().to(device)), self.target.to(device))


def draw_rays(views: ObjectViews, objects: Int[Tensor, "n"], each: int, rays: int, rng: torch.Generator) -> KnownRays:
    """`rays` pixels of each of `each` teaching views of the objects; half of them mirrored where that stays true."""
    each = min(each, views.taught)
    chosen = torch.rand(len(objects), views.taught, generator=rng).argsort(1)[:, :each]
    picture = views.rows[objects].gather(1, chosen).flatten()
    rgba = views.pictures[picture]
    weight = edge_weights(rgba[..., 3].float() / 255)
    pixel = torch.multinomial(weight.flatten(1), rays, replacement=True, generator=rng)
    target = rgba.flatten(1, 2).gather(1, pixel[..., None].expand(-1, -1, 4)).float() / 255
    target = torch.cat([target[..., :3] * target[..., 3:], target[..., 3:]], -1)
    row, column = pixel // views.size, pixel % views.size
    x, y = (2 * column + 1) / views.size - 1, 1 - (2 * row + 1) / views.size
    pose = views.angles[picture].clone()
    if views.mirror:
        flipped = torch.rand(len(picture), generator=rng) < 0.5
        x = torch.where(flipped[:, None], -x, x)
        pose[:, 0] = torch.where(flipped, -pose[:, 0], pose[:, 0])
    return KnownRays(pose, Places(torch.stack([x, y], -1)), target)


def edge_weights(alpha: Float[Tensor, "n s s"]) -> Float[Tensor, "n s s"]:
    """How likely each pixel is drawn, relative to one of the background."""
    margin = max(1, round(alpha.shape[-1] / PIXELS))
    there, solid = (alpha > 0.03).float()[:, None], (alpha > 0.97).float()[:, None]
    near = F.max_pool2d(there, 4 * margin + 1, 1, 2 * margin)
    inner = -F.max_pool2d(-solid, 2 * margin + 1, 1, margin)
    return (1 + NEAR * near + EDGE * (near - inner).clamp_min(0)).squeeze(1)
