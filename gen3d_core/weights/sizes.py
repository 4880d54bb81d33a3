"""How large the networks may be that a stranger's file describes, checked before torch allocates anything for them."""

from __future__ import annotations

import dataclasses
import json
import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from gen3d_core.config import Config
from gen3d_core.errors import Gen3DError
from gen3d_core.limits import abbreviate, check_real, check_whole

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


def check_config(config: Config) -> None:
    """Raises `Gen3DError` for sizes, counts and numbers that no model has."""
    generator, mlp = config.generator, config.baseline.mlp
    if not 0 < len(generator.synthesis_channels) <= _MOST_LEVELS:
        raise Gen3DError(f"synthesis_channels has {len(generator.synthesis_channels)} levels: at most {_MOST_LEVELS}")
    if generator.kind != "triplane" and not 0 <= mlp.skip < mlp.depth:
        raise Gen3DError(f"baseline.mlp.skip is {abbreviate(mlp.skip)}: expected one of its layers")
    for part, values in (("generator", generator), ("renderer", config.renderer), ("baseline", config.baseline)):
        for name, value in _leaves(dataclasses.asdict(values)):
            if isinstance(value, float):
                check_real(f"{part}.{name}", value, _REAL)
            elif isinstance(value, int) and not isinstance(value, bool):
                check_whole(f"{part}.{name}", value, _WHOLE.get(name, WIDTH))
    if generator.kind != "triplane" and mlp.width <= 3 * (1 + 2 * mlp.position_octaves):
        raise Gen3DError("baseline.mlp.width is less than its encoded position has numbers")


def check_weights(weights: bytes, config: Config) -> None:
    """Raises `Gen3DError` unless the weights of a file in the form of safetensors are as many as the networks have: a
    small file is not made into large networks. Names and shapes are left to torch."""
    there, needed = _count(weights), least_weights(config)
    if there < needed:
        raise Gen3DError(
            f"its weights do not fit its configuration: {there} numbers, where it describes more than {needed}"
        )


def least_weights(config: Config) -> int:
    """Numbers in the large matrices of a generator: nearly all that it has, and never more."""
    generator, mlp = config.generator, config.baseline.mlp
    if generator.kind != "triplane":
        colours = (mlp.colour_depth - 1) * mlp.colour_width**2 if generator.kind == "unisurf" else 0
        codes = generator.shape_dim * mlp.width + generator.appearance_dim * mlp.colour_width
        return max(mlp.depth - 1, 1) * mlp.width**2 + mlp.width * mlp.colour_width + colours + codes
    channels, width = generator.synthesis_channels, generator.mapping_width
    before = (channels[0], *channels)
    convolutions = sum(9 * (a + b) * b + width * (a + b) for a, b in zip(before, channels, strict=False))
    planes = 3 * generator.plane_channels * channels[-1]
    mapping = width * (generator.shape_dim + generator.appearance_dim)
    parts = generator.hidden * (generator.hidden + 2 * generator.plane_channels + generator.palette)
    return convolutions + planes + mapping + parts + width * (4 * generator.hidden + 3 * generator.palette)


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
