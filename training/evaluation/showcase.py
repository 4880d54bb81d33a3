"""The strips that an evaluation keeps: what the model makes, from fixed views and on the way between codes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gen3d_core.mesh.mesh import Mesh
from training.data.meshes import RealMeshes
from training.evaluation.pictures import rgb_over_white
from training.evaluation.strips import BACK_DEG, VIEW_DEG, label_bands, mesh_tiles, png, strip, tiles
from training.evaluation.subject import JudgedModel

SHOWN = 10
"""Objects on a strip, and steps of an interpolation."""
PATHS = 3


def strips_of(
    subject: JudgedModel, size: int, seed: int, count: int, meshes: Sequence[Mesh | None]
) -> dict[str, bytes]:
    """PNG files by name: renders of `size` pixels (front and back of `count` objects), meshes (in colour and bare),
    interpolations (an arc from one seed to the next)."""
    shape, appearance = subject.codes(range(seed, seed + count))

    def rendered_tiles(shape: Tensor, appearance: Tensor, view: tuple[float, float]) -> list[np.ndarray]:
        pose = torch.tensor([[math.radians(angle) for angle in view]]).expand(len(shape), 2)
        return tiles(rgb_over_white(subject.render(shape, appearance, pose, size, "strips")).numpy())

    shown = meshes[:count]
    between = [
        rendered_tiles(*subject.path(seed + 2 * path, seed + 2 * path + 1, SHOWN), VIEW_DEG)
        for path in range(min(PATHS, count // 2))
    ]
    return {
        "renders.png": png(strip([rendered_tiles(shape, appearance, view) for view in (VIEW_DEG, BACK_DEG)])),
        "meshes.png": png(strip([mesh_tiles(shown), mesh_tiles(shown, bare=True)])),
        "interpolation.png": png(strip(between)),
    }


def contact_sheet(
    real: np.ndarray, fake: np.ndarray, meshes: Sequence[Mesh | None], references: RealMeshes | None
) -> bytes:
    """Real against generated, pictures (n, 3, s, s) and meshes, as a PNG file."""
    shown = meshes[:SHOWN]
    bands = [
        ("real pictures", strip([tiles(real[:SHOWN])])),
        ("generated\npictures", strip([tiles(fake[:SHOWN])])),
        ("generated\nmeshes", strip([mesh_tiles(shown)])),
        ("their geometry", strip([mesh_tiles(shown, bare=True)])),
    ]
    if references is not None:
        bands.append(("real geometry", strip([mesh_tiles(references.references[:SHOWN], bare=True)])))
    return png(label_bands(bands))
