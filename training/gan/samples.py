"""The grid that shows how a run is doing: fixed codes, four views in colour, the bare geometry from two."""

from __future__ import annotations

import math

import torch
from PIL import Image

from gen3d_core.rendering import patch
from gen3d_core.rendering.generator import Generator
from gen3d_core.rendering.stage import Stage
from gen3d_core.rendering.volume import over_white
from training.code_source import CodeSource
from training.compute import autocast
from training.sheet import as_row, as_sheet, bare_geometry

VIEWS_DEG = ((30.0, 20.0), (120.0, 25.0), (-60.0, 30.0), (0.0, 10.0))
BARE_DEG = ((30.0, 20.0), (150.0, 20.0))


@torch.no_grad()
def sample_grid(
    generator: Generator, size: int, stage: Stage, codes: CodeSource | None = None, count: int = 12, seed: int = 0
) -> Image.Image:
    """Columns are objects, rows are views; `size` pixels a side each, shown twice as large."""
    device = next(generator.parameters()).device
    rng = torch.Generator().manual_seed(seed)
    config = generator.config
    codes = codes or CodeSource(config.shape_dim, config.appearance_dim)
    shape = codes.shapes(count, rng).to(device)
    appearance = codes.appearances(count, rng).to(device)
    with autocast(device):
        field = generator.condition(shape, appearance)
        rows = []
        for view, (azimuth, elevation) in enumerate(VIEWS_DEG + BARE_DEG):
            pose = torch.tensor([[math.radians(azimuth), math.radians(elevation)]], device=device).expand(count, 2)
            seen = generator.render(field, pose, patch.whole_picture(size, count), stage)
            colour = seen.colour
            if view >= len(VIEWS_DEG):
                colour = bare_geometry(seen.normal, seen.alpha)
            rows.append(as_row(over_white(colour.float(), seen.alpha.float()).view(count, size, size, 3)))
    return as_sheet(rows)
