"""Points that silhouettes call inside or outside: a loss on the solid itself, hundreds of objects a second, no rays."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gen3d_core.networks.fields.interface import ConditionedField
from training.reconstruction.hulls import CELL, SOLID, Hulls, place
from training.reconstruction.silhouettes import least_opacity
from training.reconstruction.views import ObjectViews

THIN_SHARE, FAR_SHARE = 0.2, 0.25
FAR = 0.97
"""Half the side of the cube that far points are drawn from."""
WIDER_SHARE, WIDER = 0.3, 3.0
"""Of the points near a surface some lie around it this many times as widely: what is never asked for grows ghosts."""
SOFT = 0.3
"""Opacities this far around `SOLID` are told apart by degrees: a pixel's own blur."""
CERTAIN, SURE = 0.001, 0.99
"""Least and greatest label: that nothing is there is certain, and a doubt left would show as haze."""


@dataclass(frozen=True)
class LabelledPoints:
    """`places` (n, points, 3); `inside` is the probability, 0 to 1, that silhouettes give a point. `pocket`: in or
    at a part of the hull so thick that it may be hollow, where only pictures decide."""

    places: Float[Tensor, "n points 3"]
    inside: Float[Tensor, "n points"]
    pocket: Bool[Tensor, "n points"]

    def to(self, device: torch.device) -> LabelledPoints:
        """The same points on a device."""
        return LabelledPoints(self.places.to(device), self.inside.to(device), self.pocket.to(device))


def labelled_points(
    views: ObjectViews, hulls: Hulls, objects: Int[Tensor, "n"], count: int, rng: torch.Generator
) -> LabelledPoints:
    """Points around the surfaces of the objects' hulls, more of them at thin parts, and a few anywhere."""
    thin, far = round(count * THIN_SHARE), round(count * FAR_SHARE)
    border = hulls.border.draw(objects, count - far, rng)
    slim = hulls.thin.draw(objects, thin, rng)
    node = torch.cat([torch.where(slim < 0, border[:, :thin], slim), border[:, thin:]], 1)
    wide = 1 + (WIDER - 1) * (torch.rand(*node.shape, 1, generator=rng) < WIDER_SHARE)
    jitter = (2 * torch.rand(*node.shape, 3, generator=rng) - 1) * CELL * wide
    near = torch.where((node < 0)[..., None], 0.0, place(node)) + jitter
    anywhere = FAR * (2 * torch.rand(len(objects), far, 3, generator=rng) - 1)
    places = torch.cat([near, anywhere], 1)
    if views.mirror:
        side = (torch.rand(places.shape[:2], generator=rng) < 0.5).float() * 2 - 1
        places = torch.stack([places[..., 0], places[..., 1] * side, places[..., 2]], -1)
    alpha = views.silhouettes(objects).float() / 255
    least = least_opacity(alpha, views.poses(objects), places, views.prior, views.mirror)
    least = torch.where(hulls.is_loose(objects, places), 0.0, least)
    inside = ((least - SOLID) / (2 * SOFT) + 0.5).clamp(CERTAIN, SURE)
    return LabelledPoints(places, inside, hulls.is_thick(objects, places))


@dataclass(frozen=True)
class SolidLoss:
    """`loss` to minimise; `overlap`: how far the signs of the logits agree with the labels, as intersection over union
    of what is inside; `error`: of each point, between 0 and 1."""

    loss: Float[Tensor, ""]
    overlap: float
    error: Float[Tensor, "n points"]


def solid_loss(field: ConditionedField, points: LabelledPoints, pocket_weight: float) -> SolidLoss:
    """Cross-entropy of occupancies with labels. Inside and outside always weigh the same, or parts would erode; at a
    possible pocket both weigh `pocket_weight`."""
    logit = field.logit(points.places, torch.arange(len(points.places), device=points.places.device)).float()
    each = F.binary_cross_entropy_with_logits(logit, points.inside, reduction="none")
    weight = torch.where(points.pocket, pocket_weight, 1.0)
    found, true = logit > 0, points.inside > 0.5
    overlap = (found & true).sum() / (found | true).sum().clamp_min(1)
    error = (torch.sigmoid(logit.detach()) - points.inside).abs()
    return SolidLoss((each * weight).mean(), overlap.item(), error)
