"""Where to cut a radiance field: the density whose level sets resemble real meshes most, on a validation split.

A density has no surface of its own. GRAF's meshes are given the level that favours them most.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from tqdm import tqdm

from gen3d_core.mesh.extract import MeshError
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.networks.fields.radiance import RadianceField
from training.export.field_mesh import bare_mesh
from training.metrics.points import chamfer_matrix, visible_points

log = logging.getLogger(__name__)

LEVELS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
SHAPES = 24
RESOLUTION = 64
POINTS = 512


@torch.no_grad()
def choose_level(
    field: RadianceField, references: Sequence[Mesh], truncation: float, *, shapes: int = SHAPES, seed: int = 0
) -> float:
    """Set and return the level of `LEVELS` with the least MMD-CD from the references; ties go to the lower one.

    A level at which half of the objects or more have no surface is never the best.
    """
    rng = torch.Generator().manual_seed(seed)
    shape = torch.randn(shapes, field.config.shape_dim, generator=rng)
    look = torch.zeros(1, field.config.appearance_dim)
    draws = np.random.default_rng(seed)
    targets = np.stack([visible_points(mesh, POINTS, draws) for mesh in references])
    scores = {}
    for level in tqdm(LEVELS, desc="level of density", unit="level", leave=False):
        field.level.fill_(level)
        clouds = []
        for code in shape:
            try:
                mesh = bare_mesh(field.condition(code[None], look, truncation), RESOLUTION)
            except MeshError:
                continue
            clouds.append(visible_points(mesh, POINTS, draws))
        scores[level] = chamfer_matrix(targets, np.stack(clouds)).min(1).mean() if len(clouds) > shapes // 2 else np.inf
    best = min(LEVELS, key=lambda level: (scores[level], level))
    field.level.fill_(best)
    log.info(
        "surface at density %g (MMD-CD by level: %s)", best, ", ".join(f"{k:g}: {v:.4f}" for k, v in scores.items())
    )
    return best
