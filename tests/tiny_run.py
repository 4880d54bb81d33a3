"""A data set and a model so small that a training run takes a second."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from gen3d_core.config import (
    Config,
    DiscriminatorConfig,
    GeneratorConfig,
    LossConfig,
    OptimConfig,
    PatchConfig,
    RendererConfig,
)
from gen3d_core.pictures.pinhole import camera_to_world

SIZE = 32
TINY = Config(
    generator=GeneratorConfig(
        shape_dim=8,
        appearance_dim=6,
        mapping_width=16,
        synthesis_channels=(16, 16, 8),
        plane_channels=8,
        hidden=16,
    ),
    renderer=RendererConfig(lattice=16, march_steps=16, samples=4),
    patch=PatchConfig(size=16, full_until_kimg=0.1),
    discriminator=DiscriminatorConfig(channels=(8, 12, 16)),
    loss=LossConfig(r1_every=2, smoothness_every=2, smoothness_points=16),
    optim=OptimConfig(batch=8, views=2),
)
TINY_TOML = """
[generator]
shape_dim = 8
appearance_dim = 6
mapping_width = 16
synthesis_channels = [16, 16, 8]
plane_channels = 8
hidden = 16
[renderer]
lattice = 16
march_steps = 16
samples = 4
[patch]
size = 16
full_until_kimg = 0.1
[discriminator]
channels = [8, 12, 16]
[loss]
r1_every = 2
smoothness_every = 2
smoothness_points = 16
[optim]
batch = 8
views = 2
"""
"""`TINY` as a settings file."""


def write_pictures(folder: Path, *, count: int = 64, size: int = SIZE, cameras: bool = True) -> Path:
    """A data set of drawn discs and boxes in varied colours, about a third of each picture covered."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    frames = []
    for i in range(count):
        picture = Image.new("RGBA", (4 * size, 4 * size))
        draw = ImageDraw.Draw(picture)
        x, y = size * (2 + rng.uniform(-0.2, 0.2, 2))
        width, height = size * rng.uniform(0.9, 1.5, 2)
        colour = tuple(int(c) for c in rng.integers(40, 220, 3)) + (255,)
        (draw.ellipse if i % 2 else draw.rectangle)((x - width, y - height, x + width, y + height), fill=colour)
        name = f"images/{i:06d}.png"
        picture.resize((size, size), Image.Resampling.BOX).save(folder / name)
        matrix = camera_to_world(rng.uniform(0, 2 * math.pi), math.radians(rng.uniform(5, 40)), 4.0)
        frames.append({"file_path": name, "transform_matrix": matrix.tolist()})
    if cameras:
        content = {"camera_angle_x": math.radians(30), "frames": frames}
        (folder / "transforms.json").write_text(json.dumps(content), encoding="utf-8")
    about = {"format": "gen3d-dataset", "version": 1, "category": "blobs", "mirror": True, "licence": "CC0-1.0",
             "attribution": ["drawn by this test"]}  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes on one thread in this block."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def small_encoder_training() -> Iterator[None]:
    """Pools and batches so small that teaching an encoder takes seconds in this block."""
    from training.encoder import session

    with pytest.MonkeyPatch.context() as patched, one_thread():
        patched.setattr(session, "PICTURES", 4)
        for name, value in (("FIRST", 32), ("CAPACITY", 64), ("BATCH", 16)):
            patched.setattr(session, name, value)
        for name, value in (("REDRAWN_PICTURES", 4), ("REDRAWN_GENERATED", 2)):
            patched.setattr(session, name, value)
        yield
