"""One step of an encoder: codes and cameras where they are known, the picture again where only that is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gen3d_core.model.prediction import AZIMUTHS, SIDE
from gen3d_core.networks.encoder import Encoder
from gen3d_core.networks.fields.triplane import TriplaneField
from gen3d_core.rendering import picture_losses
from gen3d_core.rendering.generator import Generator, as_pictures
from gen3d_core.rendering.stage import Stage
from training.code_source import CodeSource
from training.compute import autocast
from training.encoder.augmentation import augment
from training.encoder.occupancy_probes import SolidProbes
from training.encoder.pool import CodeBatch, RenderedObjects, Seen

REDRAWN_SIDE = 32
"""Pixels along a side of the pictures that are rendered again."""
HALF_WIDTH = 0.08
SOLIDS = 16
"""Pictures of a batch whose objects are compared as solids."""
CODES, AZIMUTH, ELEVATION, SILHOUETTE, PICTURE, SOLID = 1.0, 0.3, 0.1, 2.0, 2.0, 2.0
"""Weights of the terms."""
DRAWN = 4096
"""Codes that tell how much styles vary."""
ELEVATION_UNIT = 0.15
"""Radians that count as much as the spread of a style."""


@dataclass(frozen=True)
class Terms:
    """Means over the batch, before they are weighed."""

    codes: Tensor
    azimuth: Tensor
    elevation: Tensor
    silhouette: Tensor
    picture: Tensor
    solid: Tensor

    def total(self) -> Tensor:
        """What is minimised."""
        return (
            CODES * self.codes
            + AZIMUTH * self.azimuth
            + ELEVATION * self.elevation
            + SILHOUETTE * self.silhouette
            + PICTURE * self.picture
            + SOLID * self.solid
        )


class StyleDistance:
    """Mean squared difference of the styles that codes give, in units of the styles' own spread.

    Codes are not compared themselves: several may give one style, and styles are what is drawn from.
    """

    @torch.no_grad()
    def __init__(self, field: TriplaneField, codes: CodeSource, rng: torch.Generator) -> None:
        self.mappings = (field.shape_mapping, field.appearance_mapping)
        drawn = codes.shapes(DRAWN, rng), codes.appearances(DRAWN, rng)
        self.spreads = [m(each).std(0) + 1e-3 for m, each in zip(self.mappings, drawn, strict=True)]

    def __call__(self, found: CodeBatch, true: CodeBatch) -> Float[Tensor, ""]:
        pairs = ((found.shape, true.shape), (found.appearance, true.appearance))
        terms = [
            ((mapping(one) - mapping(other)) / spread).square().mean()
            for mapping, spread, (one, other) in zip(self.mappings, self.spreads, pairs, strict=True)
        ]
        return torch.stack(terms).mean() / 2


def encoder_terms(
    encoder: Encoder,
    generator: Generator,
    distance: StyleDistance,
    probes: SolidProbes,
    known: RenderedObjects,
    redrawn: Seen | None,
    truncation: float,
    rng: torch.Generator,
) -> Terms:
    """Terms of a batch of pictures with `known` codes, and, where that is wanted, of objects made again: of some of
    these as solids, and of other pictures, that are to be `redrawn`, from their cameras."""
    count = len(known.codes.shape)
    solids = min(SOLIDS, count)
    pictures, pose = augment(known.seen.pictures, rng), known.seen.pose
    if redrawn is not None:
        pictures = torch.cat([pictures, augment(redrawn.pictures, rng)])
        pose = torch.cat([pose, redrawn.pose])
    with autocast(pictures.device):
        answers = encoder(pictures)
    shape, appearance, azimuth, elevation = answers.split(encoder.sizes, -1)
    silhouette = picture = solid = answers.new_zeros(())
    if redrawn is not None:
        target = F.avg_pool2d(redrawn.pictures, SIDE // REDRAWN_SIDE)
        with autocast(pictures.device):
            field = generator.condition(shape[count:], appearance[count:], truncation)
            place = dataclasses.replace(redrawn.place, size=REDRAWN_SIDE)
            again = generator.render(field, redrawn.pose, place, Stage(HALF_WIDTH), rng)
        again = as_pictures(again, len(target)).float()
        silhouette = picture_losses.silhouette_loss(again[:, 3:], target[:, 3:]).mean()
        picture = picture_losses.picture_loss(again, target).mean()
        with autocast(pictures.device):
            occupancy = probes.occupancy(generator.condition(shape[:solids], appearance[:solids], truncation))
        solid = picture_losses.overlap_loss(occupancy, known.occupancy[:solids]).mean()
    return Terms(
        distance(CodeBatch(shape[:count], appearance[:count]), known.codes),
        F.cross_entropy(azimuth, azimuth_shares(pose[:, 0])),
        ((elevation.squeeze(1) - pose[:, 1]) / ELEVATION_UNIT).square().mean(),
        silhouette,
        picture,
        solid,
    )


def azimuth_shares(azimuth: Float[Tensor, "n"]) -> Float[Tensor, "n azimuths"]:
    """Angles in radians as shares of the two nearest of the directions that an encoder tells apart."""
    place = (azimuth / (2 * torch.pi) * AZIMUTHS) % AZIMUTHS
    low = place.floor().long() % AZIMUTHS
    share = (place - place.floor())[:, None]
    below, above = F.one_hot(low, AZIMUTHS), F.one_hot((low + 1) % AZIMUTHS, AZIMUTHS)
    return (1 - share) * below + share * above
