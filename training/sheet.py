"""Sheets of pictures that show how a training is doing: rows of views, columns of objects."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

LIGHT = (0.35, 0.25, 0.9)


def bare_geometry(normal: Float[Tensor, "rays 3"], alpha: Float[Tensor, "rays 1"]) -> Float[Tensor, "rays 3"]:
    """A grey surface under one lamp, premultiplied."""
    light = torch.nn.functional.normalize(torch.tensor(LIGHT, device=normal.device), dim=0)
    return (0.25 + 0.7 * (normal @ light).clamp_min(0))[:, None].expand(-1, 3) * alpha


def as_row(pictures: Float[Tensor, "n s s 3"]) -> Float[Tensor, "s width 3"]:
    """Pictures side by side."""
    return torch.cat(list(pictures), 1)


def as_sheet(rows: list[Tensor]) -> Image.Image:
    """Rows (s, width, 3) of colours in [0, 1] below each other, twice as large."""
    pixels = (torch.cat(rows).clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)
