"""Codes and cameras improved by gradient through the renderer, from several starts. Needs torch.

Shape and appearance code, and for each picture the camera's angles and the part of its view that the picture is, move
downhill on the difference between the pictures and what the generator renders (compare Abdal et al., *Image2StyleGAN*,
ICCV 2019). Codes keep the length of typical draws: networks that read them see their direction alone, so none is less
probable than another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core import losses, patch
from gen3d_core.encode import Encoded, matched
from gen3d_core.errors import Gen3DError
from gen3d_core.fields.lookup import gather_dense
from gen3d_core.fields.triplane import ConditionedTriplane, TriplaneField
from gen3d_core.generator import Generator, as_pictures
from gen3d_core.latent import Codes
from gen3d_core.lattice import Progress, ignore_progress
from gen3d_core.layers import pixel_norm
from gen3d_core.pictures import network_input
from gen3d_core.reading import FILL, SIDE, Reading
from gen3d_core.sampler import Model
from gen3d_core.schedule import Stage
from gen3d_core.trained import load_generator

COARSE, FINE = 32, 64
"""Pixels along a side: every start goes some steps on coarse pictures, the best of them goes on on fine ones."""
COARSE_STEPS, FINE_STEPS = 30, 90
PATIENCE = 25
"""Steps without an improvement of `LEAST` after which it is over."""
LEAST = 0.002
CODE_RATE, ANGLE_RATE, PLACE_RATE = 0.06, 0.02, 0.01
WIDE, NARROW = 0.15, 0.05
"""Half-width of the rendered interval at the first and the last step: a wide one sees what is farther away."""
SILHOUETTE, PICTURE = 1.0, 1.0
SKETCH = 48


@dataclass(frozen=True)
class _Dense(ConditionedTriplane):
    """One object whose look-ups are differentiable in the points too, so that cameras have a gradient."""

    def features(self, points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"]) -> Tensor:
        return gather_dense(self.planes, points.reshape(1, -1, 3)).view(*points.shape[:2], -1)


class _Candidate:
    """What is optimised from one start."""

    def __init__(
        self, generator: Generator, field: TriplaneField, truncation: float, codes: Codes, pose: Float[Tensor, "n 2"]
    ) -> None:
        self.generator, self.field, self.truncation = generator, field, truncation
        self.shape = torch.from_numpy(codes.shape[None]).clone().requires_grad_()
        self.appearance = torch.from_numpy(codes.appearance[None]).clone().requires_grad_()
        self.pose = pose.clone().requires_grad_()
        with torch.no_grad():
            sketch = self._rendered(patch.whole(SKETCH, len(pose)), NARROW)
            place = patch.around(sketch[:, 3], FILL, SKETCH)
        self.centre = place.centre.clone().requires_grad_()
        self.log_extent = place.extent.log().requires_grad_()
        self.optimiser = torch.optim.Adam(
            [
                {"params": [self.shape, self.appearance], "lr": CODE_RATE},
                {"params": [self.pose], "lr": ANGLE_RATE},
                {"params": [self.centre, self.log_extent], "lr": PLACE_RATE},
            ],
            betas=(0.8, 0.99),
        )
        self.best = np.inf
        self.kept: tuple[Codes, np.ndarray] = codes, pose.numpy()

    def step(self, target: Float[Tensor, "n 4 s s"], half_width: float) -> float:
        """Go one step, and keep where it stood if nothing was better. Returns the loss there."""
        self.optimiser.zero_grad()
        seen = self._rendered(self._place(target.shape[-1]), half_width)
        silhouette = losses.silhouette_loss(seen[:, 3:], target[:, 3:])
        loss = (SILHOUETTE * silhouette + PICTURE * losses.picture_loss(seen, target)).mean()
        if loss.item() < self.best:
            self.best = loss.item()
            self.kept = self._codes(), self.pose.detach().numpy().copy()
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def _rendered(self, place: patch.Patch | patch.ScaledPatch, half_width: float) -> Float[Tensor, "n 4 s s"]:
        count = len(self.pose)
        bound = self.field.condition(self.shape, self.appearance.expand(count, -1), self.truncation)
        dense = _Dense(bound.field, bound.planes, bound.rows, bound.looks)
        return as_pictures(self.generator.render(dense, self.pose, place, Stage(half_width)), count)

    def _place(self, size: int) -> patch.ScaledPatch:
        return patch.ScaledPatch(self.centre, self.log_extent.exp(), size)

    def _codes(self) -> Codes:
        with torch.no_grad():
            return Codes(*(pixel_norm(code)[0].numpy() for code in (self.shape, self.appearance)))


def refined(
    model: Model, pictures: Sequence[np.ndarray], found: Encoded, progress: Progress = ignore_progress
) -> Encoded:
    """What was found, or something better: the framed `pictures` (S, S, 4) uint8 decide. Raises `Gen3DError` for models
    without weights for torch and for fields other than tri-planes."""
    generator = load_generator(model.path, torch.device("cpu"))
    field = generator.field
    if not isinstance(field, TriplaneField):
        raise Gen3DError(f"{model.path} is no tri-plane model: its codes cannot be refined")
    generator.renderer = dataclasses.replace(generator.renderer, miss_logit=-8.0)
    fine = torch.from_numpy(network_input(list(pictures), FINE))
    coarse = F.avg_pool2d(fine, FINE // COARSE)
    truncation = float(model.manifest["truncation"])
    candidates = [_Candidate(generator, field, truncation, found.codes, pose) for pose in _starts(found)]
    total = COARSE_STEPS * len(candidates) + FINE_STEPS
    for number, candidate in enumerate(candidates):
        for step in range(COARSE_STEPS):
            progress(0.95 * (number * COARSE_STEPS + step) / total, "refining")
            candidate.step(coarse, _half_width(step / COARSE_STEPS))
    best = min(candidates, key=lambda candidate: candidate.best)
    best.best = np.inf  # losses of coarse pictures are others
    least, since = np.inf, 0
    for step in range(FINE_STEPS):
        progress(0.95 * (total - FINE_STEPS + step) / total, "refining")
        loss = best.step(fine, NARROW)
        least, since = (loss, 0) if loss < least - LEAST else (least, since + 1)
        if since >= PATIENCE:
            break
    codes, pose = best.kept
    readings = [Reading(codes, (float(azimuth),), float(elevation)) for azimuth, elevation in pose]
    better = matched(model, codes, network_input(list(pictures), SIDE), readings)
    progress(1.0, "refining")
    return better if better.confidence >= found.confidence else found


def _starts(found: Encoded) -> list[Float[Tensor, "n 2"]]:
    """The cameras that were found, and all of them from behind and from a quarter turn to both sides."""
    pose = torch.tensor([[each.azimuth, each.elevation] for each in found.sightings], dtype=torch.float32)
    return [pose + torch.tensor([turn * torch.pi / 2, 0.0]) for turn in range(4)]


def _half_width(share: float) -> float:
    return WIDE * (NARROW / WIDE) ** share
