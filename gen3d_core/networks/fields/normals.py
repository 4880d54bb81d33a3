"""Normals of an implicit surface by differences."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

TETRAHEDRON = ((1.0, -1.0, -1.0), (-1.0, -1.0, 1.0), (-1.0, 1.0, -1.0), (1.0, 1.0, 1.0))


def surface_normals(
    logit: Callable[[Tensor], Tensor], points: Float[Tensor, "rays 3"], step: float
) -> Float[Tensor, "rays 3"]:
    """Outward unit normals by differences over a tetrahedron of half-edge `step`.

    First order in the parameters, so that training needs no double backward.
    """
    corners = torch.tensor(TETRAHEDRON, device=points.device, dtype=points.dtype)
    values = logit(points[:, None] + step * corners).float()
    return F.normalize(-(values @ corners), dim=-1, eps=1e-6)
