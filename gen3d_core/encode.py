"""Pictures of one object to its codes, and a measured answer to how well they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gen3d_core.latent import Codes
from gen3d_core.lattice import Progress, ignore_progress
from gen3d_core.mesh import extract
from gen3d_core.pictures import network_input
from gen3d_core.reading import SIDE, Reading, reading
from gen3d_core.sampler import Model
from gen3d_core.sighting import Sighting, sighted

RESOLUTION = 48
"""Samples a side of the mesh that is held against the pictures."""
LOW_CONFIDENCE = 0.6
"""Below this a picture probably shows something that the model does not make."""


@dataclass(frozen=True)
class Encoded:
    """Codes of one object and, for each picture of it, where its camera stood."""

    codes: Codes
    sightings: tuple[Sighting, ...]

    @property
    def confidence(self) -> float:
        """How far the object, made again and seen from where the pictures were taken, covers the same pixels: mean
        intersection over union of silhouettes, in [0, 1]."""
        return float(np.mean([sighting.overlap for sighting in self.sightings]))


def encode(model: Model, pictures: Sequence[np.ndarray], progress: Progress = ignore_progress) -> Encoded:
    """One object from one picture of it or more, framed: (S, S, 4) uint8, RGBA with straight alpha.

    Raises `ModelFileError` where the model's file has no encoder, `MeshError` where the object has no surface.
    """
    progress(0.0, "encoding")
    small = network_input(list(pictures), SIDE)
    sizes = model.manifest["shape_dim"], model.manifest["appearance_dim"]
    readings = [reading(answer, *sizes) for answer in model.runtime.answers(small)]
    return matched(model, mean_codes([each.codes for each in readings]), small, readings, progress)


def matched(
    model: Model,
    codes: Codes,
    pictures: np.ndarray,
    readings: Sequence[Reading],
    progress: Progress = ignore_progress,
) -> Encoded:
    """These codes with the cameras that fit them best, among and around those that the encoder named. `pictures` as
    `network_input` gives them."""
    progress(0.2, "comparing")
    mesh = extract(model.field(codes), RESOLUTION)
    sightings = []
    for done, (picture, each) in enumerate(zip(pictures, readings, strict=True)):
        progress(0.4 + 0.6 * done / len(pictures), "comparing")
        sightings.append(sighted(mesh, np.moveaxis(picture, 0, -1), each.azimuths, each.elevation))
    return Encoded(codes, tuple(sightings))


def mean_codes(found: Sequence[Codes]) -> Codes:
    """Codes in the mean direction of several, as long as draws are: the root of their dimension."""

    def mean(codes: list[np.ndarray]) -> np.ndarray:
        total = np.sum(codes, axis=0, dtype=np.float64)
        return (total * (len(total) ** 0.5 / max(float(np.linalg.norm(total)), 1e-9))).astype(np.float32)

    return Codes(mean([each.shape for each in found]), mean([each.appearance for each in found]))
