"""Which draws of a fitted distribution seeds name: those whose bodies are one piece."""

from __future__ import annotations

import logging

import numpy as np
import torch
from tqdm import tqdm

from gen3d_core.codes.codes import codes
from gen3d_core.codes.prior import CHOSEN
from gen3d_core.rendering.generator import Generator
from training.code_source import CodeSource
from training.reconstruction.connectivity import is_whole

log = logging.getLogger(__name__)

SHAPES = 1024
TRIES = 4
"""Draws that are looked at for each that is wanted, at most."""
LEAST = 0.25
"""Share of the wanted ones without which there is no choice."""
ENOUGH = 64
"""Draws after which it is told whether that share can be reached."""
LATTICES = (64, 128)
"""Nodes along a side: most broken bodies are told on the first, thin breaks and specks on that of a usual mesh."""
AT_ONCE = 8


def chosen_draws(generator: Generator, source: CodeSource, truncation: float, wanted: int) -> dict[str, bytes]:
    """The member of a model file that lists the first `wanted` draws that are whole; none where too few are."""
    found: list[int] = []
    tried = 0
    with tqdm(total=wanted, desc="whole shapes", unit="shape", leave=False) as bar:
        while len(found) < wanted and tried < wanted * TRIES:
            numbers = list(range(tried, tried + AT_ONCE))
            tried += AT_ONCE
            for lattice in LATTICES:
                numbers = _whole(generator, source, truncation, numbers, lattice)
            found += numbers
            bar.update(min(len(numbers), wanted - bar.n))
            if tried >= ENOUGH and len(found) * TRIES < tried * LEAST:
                break
    log.info("%d of %d shapes drawn are in one piece", len(found), tried)
    if len(found) < wanted * LEAST:
        log.warning("too few to choose from: seeds name all shapes, broken ones too; train longer")
        return {}
    return {CHOSEN: np.array(found[:wanted], "<u4").tobytes()}


@torch.no_grad()
def _whole(generator: Generator, source: CodeSource, truncation: float, numbers: list[int], lattice: int) -> list[int]:
    """Those of the draws whose bodies are whole on a lattice."""
    if not numbers:
        return []
    sizes = source.shape_dim, source.appearance_dim
    shapes = np.stack([codes(number, *sizes, priors=source.priors).shape for number in numbers])
    looks = torch.zeros(1, source.appearance_dim)
    bodies = generator.field.condition(torch.from_numpy(shapes), looks, truncation).lattice(lattice)
    return [number for number, body in zip(numbers, bodies.numpy(), strict=True) if is_whole(body)]
