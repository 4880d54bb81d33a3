"""How large the networks may be that a stranger's file describes, checked before torch allocates anything for them."""

from __future__ import annotations

import dataclasses
import json
import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from gen3d_core.config import GeneratorConfig, PosePrior, RendererConfig
from gen3d_core.errors import Gen3DError
from gen3d_core.limits import check_real, check_whole
from gen3d_core.rendering.generator import Generator

WIDTH = (1, 4096)
"""Of layers, and numbers in a code."""
_WHOLE: dict[str, tuple[int, int]] = {
    "mlp.depth": (1, 64), "mlp.skip": (0, 64), "mlp.colour_depth": (1, 64), "mlp.position_octaves": (0, 24),
    "mlp.view_octaves": (0, 24), "lattice": (2, 256), "march_steps": (1, 1024), "secant_steps": (0, 64),
    "samples": (1, 1024), "free_samples": (0, 1024),
}  # fmt: skip
_MOST_LEVELS = 8
"""Planes of 512 texels a side."""
_REAL = (-1e6, 1e6)
_PRIOR = {"distance": (1.05, 100.0), "fov_deg": (1.0, 170.0)}
_ANGLE = (-720.0, 720.0)


def check_config(generator: GeneratorConfig, renderer: RendererConfig) -> None:
    """Raises `Gen3DError` for sizes, counts and numbers that no model has."""
    if not 0 < len(generator.synthesis_channels) <= _MOST_LEVELS:
        raise Gen3DError(f"synthesis_channels has {len(generator.synthesis_channels)} levels: at most {_MOST_LEVELS}")
    for part, values in (("generator", generator), ("renderer", renderer)):
        for name, value in _leaves(dataclasses.asdict(values)):
            if isinstance(value, float):
                check_real(f"{part}.{name}", value, _REAL)
            elif isinstance(value, int) and not isinstance(value, bool):
                check_whole(f"{part}.{name}", value, _WHOLE.get(name, WIDTH))


def check_prior(prior: PosePrior) -> None:
    """Raises `Gen3DError` for cameras that nothing was ever seen with."""
    for name, bounds in _PRIOR.items():
        check_real(f"pose_prior.{name}", getattr(prior, name), bounds)
    for name in ("azimuth_deg", "elevation_deg"):
        for value in getattr(prior, name):
            check_real(f"pose_prior.{name}", value, _ANGLE)


def check_weights(weights: bytes, generator: GeneratorConfig, renderer: RendererConfig) -> None:
    """Raises `Gen3DError` unless the weights of a file in the form of safetensors are as many as the networks have: a
    small file is not made into large networks. Names and shapes are left to torch."""
    with torch.device("meta"):
        networks = Generator(generator, renderer, PosePrior())
    needed = sum(value.numel() for value in networks.state_dict().values())
    there = _count(weights)
    if there < needed:
        raise Gen3DError(f"its weights do not fit its configuration: {there} numbers, where it describes {needed}")


def _count(weights: bytes) -> int:
    """Numbers in a file of safetensors, by its header."""
    try:
        (length,) = struct.unpack_from("<Q", weights)
        header = json.loads(weights[8 : 8 + min(length, len(weights))])
        shapes = [entry["shape"] for name, entry in header.items() if name != "__metadata__"]
        return sum(min(math.prod(shape), len(weights)) for shape in shapes)
    except (struct.error, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Gen3DError("its weights are damaged: copy or download it again") from error


def _leaves(values: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        inner = f"{name}.{key}" if name else key
        if isinstance(value, Mapping):
            yield from _leaves(value, inner)
        elif isinstance(value, list | tuple):
            yield from ((inner, each) for each in value)
        else:
            yield inner, value
