"""The work that is timed, by the fast and by the published procedure: same weights, same rays (UNISURF, section 3.2 and
published code)."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gen3d_core.adversarial.patches import draw_patch
from gen3d_core.config import Config, PosePrior
from gen3d_core.mesh.lattice import sample_lattice
from gen3d_core.mesh.sparse_lattice import refine_lattice
from gen3d_core.networks.fields.unisurf import UnisurfField
from gen3d_core.rendering import patch
from gen3d_core.rendering.camera import draw_poses
from gen3d_core.rendering.generator import Generator, as_pictures
from gen3d_core.rendering.stage import Stage
from training.compute import autocast

PICTURE_SIZE, MESH_RESOLUTION = 64, 128


def published_config(config: Config) -> Config:
    """The same rendering by the published search, every sample evaluated (UNISURF, section 3.2 and published code)."""
    return dataclasses.replace(
        config,
        renderer=dataclasses.replace(config.renderer, march_steps=256, secant_steps=8),
        baseline=dataclasses.replace(config.baseline, search="dense", prune=0.0),
    )


def set_rendering(generator: Generator, config: Config) -> None:
    """Let networks that are there already be rendered as a configuration says."""
    generator.renderer, generator.baseline = config.renderer, config.baseline


@torch.no_grad()
def steepen(field: UnisurfField, factor: float) -> None:
    """Scale f, the first output: the length of its row under weight normalisation, and its bias."""
    lengths = field.head.get_parameter("parametrizations.weight.original0")
    lengths[0] *= factor
    field.head.get_parameter("bias")[0] *= factor


def _codes(config: Config, count: int) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    shape = torch.randn(count, config.generator.shape_dim, generator=rng)
    appearance = torch.randn(count, config.generator.appearance_dim, generator=rng)
    return shape, appearance, draw_poses(PosePrior(), count, rng)


def generator_step(generator: Generator, config: Config, fast: bool) -> None:
    """Render the patches of a batch and go back from a gradient in them. The published way goes picture by picture: all
    samples of a batch at once do not fit an ordinary memory."""
    count = config.optim.batch
    shape, appearance, pose = _codes(config, count)
    view = draw_patch(count, PICTURE_SIZE, 0.0, config.patch, torch.Generator().manual_seed(0))
    stage = Stage(config.renderer.interval.end, config.baseline.free_samples)
    generator.zero_grad(set_to_none=True)
    set_rendering(generator, config if fast else published_config(config))
    rng = torch.Generator().manual_seed(0)
    if fast:
        with autocast(pose.device):
            seen = generator.render(generator.condition(shape, appearance), pose, view, stage, rng)
        pictures = as_pictures(seen, count)
        pictures.backward(torch.ones_like(pictures))
        return
    for n in range(count):
        one = slice(n, n + 1)
        part = dataclasses.replace(view, **_rows(view, one))
        pictures = as_pictures(
            generator.render(generator.condition(shape[one], appearance[one]), pose[one], part, stage, rng), 1
        )
        pictures.backward(torch.ones_like(pictures))


def _rows(view: Any, rows: slice) -> dict[str, Tensor]:
    return {name: value[rows] for name, value in vars(view).items() if isinstance(value, Tensor)}


@torch.no_grad()
def render_picture(generator: Generator, config: Config, fast: bool) -> None:
    shape, appearance, pose = _codes(config, 1)
    set_rendering(generator, config if fast else published_config(config))
    stage = Stage(config.renderer.interval.end, config.baseline.free_samples)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast):
        generator.render(generator.condition(shape, appearance), pose, patch.whole_picture(PICTURE_SIZE), stage)


@torch.no_grad()
def extract_mesh(generator: Generator, config: Config, fast: bool) -> None:
    """The lattice of logits, in float32 either way: a mesh wants every bit of them."""
    shape, appearance, _ = _codes(config, 1)
    field = generator.condition(shape, appearance)

    def logit(points: np.ndarray) -> np.ndarray:
        at = torch.from_numpy(np.ascontiguousarray(points, np.float32))[:, None]
        return field.logit(at, torch.zeros(len(at), dtype=torch.long))[:, 0].numpy()

    def slab(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        points = np.stack(np.meshgrid(x, y, z, indexing="ij"), -1)
        return logit(points.reshape(-1, 3)).reshape(points.shape[:3])

    if fast:
        refine_lattice(logit, MESH_RESOLUTION)
    else:
        sample_lattice(slab, MESH_RESOLUTION)
