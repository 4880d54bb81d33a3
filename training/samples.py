"""The grid that shows how a run is doing: fixed codes, four views in colour, the bare geometry from two."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image

from gen3d_core import patch
from gen3d_core.compositing import over_white
from gen3d_core.generator import Generator
from gen3d_core.schedule import Stage
from training.code_source import CodeSource
from training.steps import autocast

VIEWS_DEG = ((30.0, 20.0), (120.0, 25.0), (-60.0, 30.0), (0.0, 10.0))
BARE_DEG = ((30.0, 20.0), (150.0, 20.0))
LIGHT = (0.35, 0.25, 0.9)


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
    light = torch.nn.functional.normalize(torch.tensor(LIGHT, device=device), dim=0)
    with autocast(device):
        field = generator.condition(shape, appearance)
        rows = []
        for view, (azimuth, elevation) in enumerate(VIEWS_DEG + BARE_DEG):
            pose = torch.tensor([[math.radians(azimuth), math.radians(elevation)]], device=device).expand(count, 2)
            seen = generator.render(field, pose, patch.whole(size, count), stage)
            colour = seen.colour
            if view >= len(VIEWS_DEG):
                colour = (0.25 + 0.7 * (seen.normal @ light).clamp_min(0))[:, None].expand(-1, 3) * seen.alpha
            picture = over_white(colour.float(), seen.alpha.float()).view(count, size, size, 3)
            rows.append(picture.permute(1, 0, 2, 3).reshape(size, count * size, 3))
    pixels = (torch.cat(rows).clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)
