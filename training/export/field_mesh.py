"""Meshes straight from a generator in torch, for judging it without an export."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gen3d_core.mesh.extract import extract
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.networks.fields.interface import ConditionedField


@dataclass(frozen=True)
class _Grey:
    """One object as extraction wants it; its colours do not matter."""

    field: ConditionedField

    @torch.no_grad()
    def logit(self, points: np.ndarray) -> np.ndarray:
        at = torch.from_numpy(np.ascontiguousarray(points, np.float32))[None]
        return self.field.logit(at, torch.zeros(1, dtype=torch.long))[0].float().numpy()

    def colour(self, points: np.ndarray) -> np.ndarray:
        return np.zeros_like(points)


def bare_mesh(field: ConditionedField, resolution: int, *, floaters: float = 1.0) -> Mesh:
    """The mesh of a field of one object, without colours. See `gen3d_core.mesh.extract.extract`."""
    return extract(_Grey(field), resolution, floaters=floaters)
