"""Ellipsoids seen by known cameras: a data set whose truth has a closed form."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gen3d_core.config import PosePrior
from gen3d_core.pictures.pinhole import camera_to_world
from gen3d_core.rendering.camera import pixel_rays

PRIOR = PosePrior()
SUPERSAMPLED = 4


def semi_axes(count: int, seed: int = 0) -> np.ndarray:
    """Half the widths of some ellipsoids along x, y and z: (count, 3)."""
    return np.random.default_rng(seed).uniform(0.3, 0.85, (count, 3))


def silhouette(axes: np.ndarray, azimuth: float, elevation: float, size: int) -> np.ndarray:
    """Opacity (size, size) in [0, 1] of an ellipsoid at the origin."""
    fine = size * SUPERSAMPLED
    steps = (2 * torch.arange(fine) + 1) / fine - 1
    places = torch.stack(torch.meshgrid(steps, -steps, indexing="xy"), -1).reshape(1, -1, 2)
    rays = pixel_rays(torch.tensor([[azimuth, elevation]], dtype=torch.float32), places, PRIOR)
    origin, direction = (each[0].double().numpy() / axes for each in (rays.origins, rays.directions))
    a, b, c = (direction**2).sum(1), (origin * direction).sum(1), (origin**2).sum(1) - 1
    hit = (b**2 - a * c > 0).reshape(size, SUPERSAMPLED, size, SUPERSAMPLED)
    return hit.mean((1, 3))


def write_ellipsoids(folder: Path, *, objects: int = 8, views: int = 6, size: int = 32) -> Path:
    """A data set of `views` pictures of each of some ellipsoids in plain colours, grouped by object."""
    rng = np.random.default_rng(1)
    (folder / "images").mkdir(parents=True)
    frames = []
    for i, axes in enumerate(semi_axes(objects)):
        colour = rng.integers(40, 220, 3)
        for view in range(views):
            azimuth, elevation = rng.uniform(0, 2 * math.pi), math.radians(rng.uniform(5, 40))
            alpha = silhouette(axes, azimuth, elevation, size)
            rgba = np.concatenate([np.broadcast_to(colour, (size, size, 3)), 255 * alpha[..., None]], -1)
            name = f"images/{i:03d}_{view:02d}.png"
            Image.fromarray(np.rint(rgba).astype(np.uint8)).save(folder / name)
            matrix = camera_to_world(azimuth, elevation, PRIOR.distance)
            frames.append({"file_path": name, "model": f"{i:03d}.ply", "transform_matrix": matrix.tolist()})
    content = {"camera_angle_x": math.radians(PRIOR.fov_deg), "frames": frames}
    (folder / "transforms.json").write_text(json.dumps(content), encoding="utf-8")
    about = {"format": "gen3d-dataset", "version": 1, "category": "ellipsoids", "mirror": True, "licence": "CC0-1.0"}
    (folder / "dataset.json").write_text(json.dumps(about), encoding="utf-8")
    return folder
