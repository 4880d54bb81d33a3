"""Objects whose shape, colours and cameras are known, to measure how well pictures of them are encoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.codes.codes import Codes
from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.extract import extract
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.model import Model
from gen3d_core.model.prediction import SIDE
from gen3d_core.pictures import cutout
from gen3d_core.pictures.pinhole import FILL
from gen3d_core.rendering import patch
from gen3d_core.rendering.camera import draw_poses
from gen3d_core.rendering.generator import Generator
from gen3d_core.rendering.stage import Stage
from training.data.dataset import PictureDataset
from training.data.mesh_files import mesh_name
from training.data.meshes import read_mesh
from training.encoder.pool import SKETCH
from training.evaluation.pictures import render_pictures
from training.metrics.points import visible_points

VIEWS = 8
ELEVATION_DEG = 20.0
FIRST_SEED = 1_000_000
"""Seeds of generated subjects count from here."""
EXTRACTED = 64
"""Samples a side of meshes that are compared."""
POINTS = 2048
LATE = 1e6
"""Thousands of pictures after which rendering is as sharp as it gets."""


@dataclass(frozen=True)
class Subject:
    """`picture` (S, S, 4) uint8 is framed and was taken from `pose` (2,), azimuth and elevation in radians; `views` are
    premultiplied pictures from `poses`, `points` lie on what can be seen of the true shape."""

    picture: np.ndarray
    pose: Float[Tensor, "2"]
    views: Float[Tensor, "views 4 s s"]
    poses: Float[Tensor, "views 2"]
    points: Float[np.ndarray, "points 3"]


def generated_subjects(model: Model, generator: Generator, count: int) -> Iterator[Subject]:
    """Objects of seeds that nobody drew in training, each seen by a camera of the generator's prior and by `VIEWS`
    others around it."""
    rng = torch.Generator().manual_seed(FIRST_SEED)
    truncation = float(model.manifest["truncation"])
    poses = judging_poses(generator.prior)
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        codes = model.codes(seed)
        pose = draw_poses(generator.prior, 1, rng)
        yield Subject(
            _close_up(generator, codes, pose, truncation),
            pose[0],
            pictures_of(generator, codes, poses, SIDE, truncation),
            poses,
            surface(extract(model.field(codes), EXTRACTED)),
        )


def judging_poses(prior: PosePrior) -> Float[Tensor, "views 2"]:
    """`VIEWS` cameras spread over the azimuths that a model knows, at the elevation of all or the nearest it knows."""
    low, high = prior.azimuth_deg
    azimuth = low + (torch.arange(VIEWS) + 0.5) * ((high - low) / VIEWS)
    elevation = float(np.clip(ELEVATION_DEG, *prior.elevation_deg))
    return torch.deg2rad(torch.stack([azimuth, torch.full_like(azimuth, elevation)], 1))


def real_subjects(data: PictureDataset, meshes: Path, count: int) -> Iterator[Subject]:
    """Models of a data set that shows each at least twice: its first picture, and the others as views. Raises
    `Gen3DError` where the data do not tell which model is where, or a mesh is missing."""
    if data.azimuth is None or data.elevation is None or not all(data.models):
        raise Gen3DError(f"{data.source}: its transforms.json names no models: make it with gen3d-train render")
    poses = torch.from_numpy(np.stack([data.azimuth, data.elevation], 1))
    paths = [path for path in meshes.rglob("*") if path.is_file()]
    alone = Counter(path.name for path in paths)
    files = {path.name: path for path in paths if alone[path.name] == 1}  # older data sets name no folders
    files |= {mesh_name(path, meshes): path for path in paths}
    names = list(dict.fromkeys(data.models))[:count]
    for name in names:
        where = [place for place, model in enumerate(data.models) if model == name]
        if len(where) < 2:
            raise Gen3DError(
                f"{data.source} shows {name} once: gen3d-train render --views {VIEWS + 1} shows it often enough"
            )
        if name not in files:
            raise Gen3DError(f"{meshes} holds no {name}, which the data set shows")
        first, *others = where
        pictures = torch.from_numpy(data.pictures[others]).permute(0, 3, 1, 2).float() / 255
        pictures[:, :3] *= pictures[:, 3:]
        small = torch.nn.functional.interpolate(pictures, (SIDE, SIDE), mode="area")
        picture = cutout.frame_object(data.pictures[first], max(data.size, SIDE))
        yield Subject(picture, poses[first], small, poses[others], surface(read_mesh(files[name])))


def surface(mesh: Mesh) -> Float[np.ndarray, "points 3"]:
    """Points on what can be seen of a mesh, its longest side 1."""
    return visible_points(mesh, POINTS, np.random.default_rng(0))


def pictures_of(
    generator: Generator, codes: Codes, poses: Float[Tensor, "views 2"], size: int, truncation: float
) -> Float[Tensor, "views 4 s s"]:
    """Premultiplied pictures of one object."""
    shape, appearance = (torch.from_numpy(code[None]) for code in (codes.shape, codes.appearance))
    return render_pictures(
        generator, shape, appearance.expand(len(poses), -1), poses, size, kimg=LATE, truncation=truncation
    )


@torch.no_grad()
def _close_up(generator: Generator, codes: Codes, pose: Float[Tensor, "1 2"], truncation: float) -> np.ndarray:
    """The framed picture (S, S, 4) uint8 of an object."""
    sketch = pictures_of(generator, codes, pose, SKETCH, truncation)
    place = patch.frame_patch(sketch[:, 3], FILL, SIDE)
    shape, appearance = (torch.from_numpy(code[None]) for code in (codes.shape, codes.appearance))
    field = generator.condition(shape, appearance, truncation)
    seen = generator.render(field, pose, place, Stage(generator.renderer.interval.end))
    alpha = seen.alpha.clamp(1e-6, 1)
    rgba = torch.cat([(seen.colour / alpha).clamp(0, 1), alpha], -1).view(SIDE, SIDE, 4)
    return cutout.frame_object((rgba * 255).round().byte().numpy(), SIDE)
