"""The torch half of a model file: its generator, as it was trained."""

from __future__ import annotations

import copy
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from gen3d_core.errors import Gen3DError, one_line
from gen3d_core.model.archive import read_model
from gen3d_core.model.cameras import recorded_prior
from gen3d_core.rendering.generator import Generator
from gen3d_core.weights.checked_config import from_manifest
from gen3d_core.weights.sizes import check_config, check_weights

WEIGHTS = "weights.safetensors"


def load_generator(path: Path, device: torch.device) -> Generator:
    """The generator of a `.gen3d` file, ready to render.

    Raises:
        Gen3DError: no usable file, no weights in it, or weights that do not fit the configuration it records.
    """
    archive = read_model(path, only={WEIGHTS})
    if WEIGHTS not in archive.members:
        raise Gen3DError(f"{path} holds no weights for torch ({WEIGHTS}): export it again with gen3d-train export")
    recorded = archive.manifest.get("config")
    if not isinstance(recorded, dict):
        raise Gen3DError(f"{path} does not record its configuration: export it again with gen3d-train export")
    try:
        config, prior = from_manifest(recorded), recorded_prior(archive.manifest)
        check_config(config)
        check_weights(archive.members[WEIGHTS], config)
    except Gen3DError as error:
        raise Gen3DError(f"{path}: {error}") from error
    generator = Generator(config, prior)
    try:
        generator.load_state_dict(safetensors.torch.load(archive.members[WEIGHTS]), strict=True)
    except (safetensors.SafetensorError, RuntimeError) as error:  # torch names missing and misshapen weights so
        raise Gen3DError(f"{path}: its weights do not fit its configuration: {one_line(error)[:300]}") from error
    return generator.to(device).eval().requires_grad_(False)


def round_to_half(generator: Generator) -> Generator:
    """A copy with weights rounded to what float16 holds: they stay float32, and the file packs to about half."""
    copied = copy.deepcopy(generator)
    for parameter in copied.parameters():
        parameter.data = parameter.data.half().float()
    return copied


def pack_weights(generator: Generator) -> bytes:
    """The member `weights.safetensors` of a model file."""
    return safetensors.torch.save({name: value.contiguous() for name, value in generator.state_dict().items()})
