"""A training by reconstruction that takes seconds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gen3d_core.config import Config, ReconstructionConfig
from tests.tiny_run import TINY
from training.gan.session import Stage, train_session

SMALL = ReconstructionConfig(
    share=1.0, solid_objects=4, solid_points=128, objects=2, views=2, rays=48, points=64, warm_steps=5,
    smoothness_every=2, smoothness_points=8,
)  # fmt: skip
CONFIG = dataclasses.replace(TINY, reconstruction=SMALL)
IMAGES = 160


def train(data: Path, out: Path, config: Config = CONFIG, images: int = IMAGES, stage: Stage = "adversary") -> Path:
    """Train, or go on, on one core with a fixed seed; the run's folder."""
    train_session(data, out, config, images=images, device="cpu", seed=1, threads=1, stage=stage)
    return out
