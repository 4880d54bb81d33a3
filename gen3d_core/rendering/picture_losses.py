"""How unlike two pictures, or two sets of what is there, are."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def silhouette_loss(alpha: Float[Tensor, "n 1 s s"], target: Float[Tensor, "n 1 s s"]) -> Float[Tensor, "n"]:
    """One less the intersection over the union of opacities, of each picture."""
    return overlap_loss(alpha.flatten(1), target.flatten(1))


def overlap_loss(found: Float[Tensor, "n places"], target: Float[Tensor, "n places"]) -> Float[Tensor, "n"]:
    """One less the intersection over the union of what is there, in [0, 1]."""
    return 1 - torch.minimum(found, target).sum(1) / torch.maximum(found, target).sum(1).clamp_min(1e-6)


def picture_loss(seen: Float[Tensor, "n 4 s s"], target: Float[Tensor, "n 4 s s"]) -> Float[Tensor, "n"]:
    """Mean absolute difference of premultiplied colours over what either picture shows, of each picture."""
    visible = torch.maximum(seen[:, 3:], target[:, 3:]).flatten(1).sum(1).clamp_min(1e-6)
    return (seen[:, :3] - target[:, :3]).abs().mean(1).flatten(1).sum(1) / visible
