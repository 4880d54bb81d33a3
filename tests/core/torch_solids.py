"""The solids of `tests.analytic` as torch callables and as a field that the renderer can show."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from gen3d_core.config import PosePrior
from gen3d_core.networks.fields.normals import surface_normals
from gen3d_core.rendering.camera import Rays, pixel_rays
from gen3d_core.rendering.patch import whole_picture
from tests.analytic import Box, Hollow, Sphere, Torus, Union

Solid = Sphere | Box | Torus | Union | Hollow


def logit_of(solid: Solid) -> Callable[[Tensor], Tensor]:
    """Points (..., 3) to logits (...), in float32."""
    return lambda points: torch.from_numpy(solid.logit(points.double().numpy())).float()


def camera_rays(azimuth_deg: float, elevation_deg: float, size: int) -> Rays:
    """One ray per pixel (size^2, 3) of the default camera."""
    pose = torch.tensor([[math.radians(azimuth_deg), math.radians(elevation_deg)]])
    rays = pixel_rays(pose, whole_picture(size).pixels(), PosePrior())
    return Rays(rays.origins[0], rays.directions[0])


def exact_depth(solid: Sphere | Box, rays: Rays) -> Tensor:
    """Distance to the first crossing, NaN where there is none."""
    return torch.from_numpy(solid.depth(rays.origins.double().numpy(), rays.directions.double().numpy()))


@dataclass(frozen=True)
class SolidBatch:
    """A conditioned field of analytic solids, painted by position and dimmed by picture.

    Searched by its logit, but composited `gain` times as sharp: with a large gain it is opaque from the surface on.
    """

    solids: Sequence[Solid]
    gain: Tensor | float = 1e4

    @property
    def shapes(self) -> int:
        return len(self.solids)

    def normals(self, points: Tensor, owner: Tensor, step: float) -> Tensor:
        return surface_normals(lambda at: self.logit(at, owner), points, step)

    def lattice(self, resolution: int) -> Tensor:
        return torch.stack([_lattice(solid, resolution) for solid in self.solids])

    def features(self, points: Tensor, owner: Tensor) -> Tensor:
        """The points and their logit."""
        return torch.cat([points, self.logit(points, owner)[..., None]], -1)

    def logit(self, points: Tensor, owner: Tensor) -> Tensor:
        values = torch.stack([logit_of(solid)(points) for solid in self.solids])
        return values[owner, torch.arange(len(points))]

    def feature_logit(self, features: Tensor, points: Tensor) -> Tensor:
        return self.gain * features[..., 3]

    def colour(self, features: Tensor, points: Tensor, normals: Tensor, picture: Tensor) -> Tensor:
        return paint(features[..., :3]) / (1 + picture[:, None])


@lru_cache
def _lattice(solid: Solid, resolution: int) -> Tensor:
    axis = torch.linspace(-1, 1, resolution)
    return logit_of(solid)(torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1))


def paint(points: Tensor) -> Tensor:
    """The colour at a place, in [0, 1] inside the unit cube."""
    return (points + 1) / 2
