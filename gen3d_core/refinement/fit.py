"""One object of a generator held against pictures, differentiable in its codes, cameras and weights."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core.codes.codes import Codes
from gen3d_core.errors import Gen3DError
from gen3d_core.networks.fields.planes import gather_dense
from gen3d_core.networks.fields.triplane import ConditionedTriplane, TriplaneField
from gen3d_core.networks.layers import pixel_norm
from gen3d_core.pictures.pinhole import FILL
from gen3d_core.rendering import patch, picture_losses
from gen3d_core.rendering.generator import Generator, as_pictures
from gen3d_core.rendering.stage import Stage
from gen3d_core.weights.load import load_generator

CODE_RATE, ANGLE_RATE, PLACE_RATE = 0.06, 0.02, 0.01
CAMERA_PULL = 2.0
"""Weight of how far cameras have turned from where they started, in squared radians: where a model cannot make what is
seen, cameras would otherwise go to where its outline happens to fit, and other sides get worse."""
NARROW = 0.05
"""Half-width of the rendered interval where silhouettes are sharp."""
SKETCH = 48
"""Pixels of the picture that tells where the object is seen."""


def load_field(path: Path) -> tuple[Generator, TriplaneField]:
    """The generator of a model file and its field, rendering what is farther from the surface than training does.
    Raises `Gen3DError` for models without weights for torch and for fields other than tri-planes."""
    generator = load_generator(path, torch.device("cpu"))
    if not isinstance(generator.field, TriplaneField):
        raise Gen3DError(f"{path} is no tri-plane model: it cannot be fitted to pictures")
    generator.renderer = dataclasses.replace(generator.renderer, miss_logit=-8.0)
    return generator, generator.field


@dataclasses.dataclass(frozen=True)
class _Dense(ConditionedTriplane):
    """One object whose look-ups are differentiable in the points too, so that cameras have a gradient. `whole` are its
    planes, laid out beforehand: the search for the surface looks up first, and keeps no gradient."""

    whole: Float[Tensor, "1 3 c r r"]

    def features(self, points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"]) -> Tensor:
        return gather_dense(self.whole, points.reshape(1, -1, 3)).view(*points.shape[:2], -1)


class Fit:
    """The object of `codes`, seen by cameras at `pose`, azimuth and elevation in radians.

    Where in a camera's view a picture lies is at first where the object appears there. Codes are used by direction
    alone, as networks with a mapping read them.
    """

    def __init__(
        self, generator: Generator, field: TriplaneField, truncation: float, codes: Codes, pose: Float[Tensor, "n 2"]
    ) -> None:
        self.generator, self.field, self.truncation = generator, field, truncation
        self.shape = torch.from_numpy(codes.shape[None]).clone().requires_grad_()
        self.appearance = torch.from_numpy(codes.appearance[None]).clone().requires_grad_()
        self.pose = pose.clone().requires_grad_()
        self.first_pose = pose
        with torch.no_grad():
            sketch = self._rendered(patch.whole_picture(SKETCH, len(pose)), NARROW)
            place = patch.frame_patch(sketch[:, 3], FILL, SKETCH)
        self.centre = place.centre.clone().requires_grad_()
        self.log_extent = place.extent.log().requires_grad_()

    def groups(self) -> list[dict[str, object]]:
        """Codes, angles and places, each with its learning rate."""
        return [
            {"params": [self.shape, self.appearance], "lr": CODE_RATE},
            {"params": [self.pose], "lr": ANGLE_RATE},
            {"params": [self.centre, self.log_extent], "lr": PLACE_RATE},
        ]

    def loss(self, target: Float[Tensor, "n 4 s s"], half_width: float = NARROW) -> Float[Tensor, ""]:
        """How unlike framed pictures, premultiplied RGBA in [0, 1], the object is, in silhouette and in colour, and how
        far the cameras have turned."""
        place = patch.ScaledPatch(self.centre, self.log_extent.exp(), target.shape[-1])
        seen = self._rendered(place, half_width)
        silhouette = picture_losses.silhouette_loss(seen[:, 3:], target[:, 3:])
        turned = (self.pose - self.first_pose).square().sum(1)
        return (silhouette + picture_losses.picture_loss(seen, target) + CAMERA_PULL * turned).mean()

    def codes(self) -> Codes:
        """Where the codes stand, as long as draws are."""
        with torch.no_grad():
            return Codes(*(pixel_norm(code)[0].numpy() for code in (self.shape, self.appearance)))

    def angles(self) -> np.ndarray:
        """Where the cameras stand: (n, 2) azimuth and elevation in radians."""
        return self.pose.detach().numpy().copy()

    def _rendered(self, place: patch.Patch | patch.ScaledPatch, half_width: float) -> Float[Tensor, "n 4 s s"]:
        count = len(self.pose)
        bound = self.field.condition(self.shape, self.appearance.expand(count, -1), self.truncation)
        dense = _Dense(bound.field, bound.map, bound.rows, bound.looks, bound.planes)
        return as_pictures(self.generator.render(dense, self.pose, place, Stage(half_width)), count)


class Descent:
    """Steps downhill; `best` is the least loss so far.

    Where a loss is not a number it goes back to where the last one was, and on from there in smaller steps; numbers of
    a gradient that are none move nothing. So one of them ends nothing.
    """

    def __init__(self, groups: Iterable[dict[str, object]]) -> None:
        self.optimiser = torch.optim.Adam(groups, betas=(0.8, 0.99))  # type: ignore[arg-type]
        self.best = float("inf")
        self._sound: list[Tensor] = []

    def step(self, loss: Float[Tensor, ""]) -> bool:
        """Go one step from where this loss was computed. Whether none was less before it."""
        if not math.isfinite(loss.item()):
            self._go_back()
            return False
        better = loss.item() < self.best
        self.best = min(loss.item(), self.best)
        self.optimiser.zero_grad()
        loss.backward()
        self._sound = [weight.detach().clone() for weight in self._weights()]
        for weight in self._weights():
            if weight.grad is not None:
                weight.grad.nan_to_num_(0.0, 0.0, 0.0)
        self.optimiser.step()
        return better

    def _go_back(self) -> None:
        with torch.no_grad():
            for weight, sound in zip(self._weights(), self._sound, strict=False):
                weight.copy_(sound)
        for group in self.optimiser.param_groups:
            group["lr"] /= 2

    def _weights(self) -> list[Tensor]:
        return [weight for group in self.optimiser.param_groups for weight in group["params"]]
