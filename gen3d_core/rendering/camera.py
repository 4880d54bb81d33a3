"""Pinhole cameras on a sphere around the object: where they stand, rays through their pixels, where they see points.

Frame: right-handed, Z up, the object's front along +X. A camera at azimuth 0 stands on +X; azimuth grows towards +Y.
Angles in radians.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.config import PosePrior


@dataclass(frozen=True)
class Rays:
    """Half-lines with unit directions, one per pixel, in the object's frame."""

    origins: Float[Tensor, "*rays 3"]
    directions: Float[Tensor, "*rays 3"]


def draw_poses(prior: PosePrior, count: int, generator: torch.Generator) -> Float[Tensor, "count 2"]:
    """Azimuth and elevation in radians, drawn from the prior."""
    low = torch.tensor([prior.azimuth_deg[0], prior.elevation_deg[0]])
    high = torch.tensor([prior.azimuth_deg[1], prior.elevation_deg[1]])
    return torch.deg2rad(low + (high - low) * torch.rand(count, 2, generator=generator))


def camera_bases(pose: Float[Tensor, "n 2"]) -> Float[Tensor, "n 3 3"]:
    """Rows right, up and backward (from the origin to the camera) of cameras at azimuth and elevation `pose`."""
    azimuth, elevation = pose.unbind(-1)
    zero = torch.zeros_like(azimuth)
    right = torch.stack([-azimuth.sin(), azimuth.cos(), zero], -1)
    up = torch.stack([-elevation.sin() * azimuth.cos(), -elevation.sin() * azimuth.sin(), elevation.cos()], -1)
    back = torch.stack([elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(), elevation.sin()], -1)
    return torch.stack([right, up, back], -2)


def pixel_rays(pose: Float[Tensor, "n 2"], pixels: Float[Tensor, "n pixels 2"], prior: PosePrior) -> Rays:
    """Rays through `pixels`: normalised coordinates in [-1, 1], x right and y up, pixel centres at 2(j + 1/2)/N - 1."""
    axes = camera_bases(pose)
    half = math.tan(math.radians(prior.fov_deg) / 2)
    local = torch.cat([pixels * half, -torch.ones_like(pixels[..., :1])], -1)
    directions = torch.nn.functional.normalize(local @ axes, dim=-1)
    origins = (prior.distance * axes[:, 2:3]).expand_as(directions)
    return Rays(origins, directions)


def project(
    points: Float[Tensor, "n points 3"], pose: Float[Tensor, "n views 2"], prior: PosePrior
) -> Float[Tensor, "n views points 2"]:
    """Where cameras see points: the picture spans [-1, 1], x right and y up, as `pixel_rays` has it."""
    axes = camera_bases(pose.reshape(-1, 2)).view(*pose.shape[:2], 3, 3)
    seen = torch.einsum("npj,nvkj->nvpk", points, axes)
    depth = (prior.distance - seen[..., 2:]) * math.tan(math.radians(prior.fov_deg / 2))
    return seen[..., :2] / depth
