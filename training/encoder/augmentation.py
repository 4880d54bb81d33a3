"""Rendered pictures made more like photographs that were cut out: other light and lenses, compression, rough masks.

Pictures are premultiplied RGBA in [0, 1]; every one draws its own changes.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gen3d_core.model.prediction import SIDE
from gen3d_core.pictures.pinhole import FILL
from gen3d_core.rendering import patch

BLOCK = 8


def frame_pictures(pictures: Float[Tensor, "n 4 s s"]) -> Float[Tensor, "n 4 side side"]:
    """As an encoder sees them: the object in the middle, `SIDE` pixels."""
    return patch.frame_patch(pictures[:, 3], FILL, SIDE).take(pictures)


def augment(pictures: Float[Tensor, "n 4 s s"], rng: torch.Generator) -> Float[Tensor, "n 4 side side"]:
    """Changed at random, cut out by a mask that is nearly right, and framed."""
    alpha = pictures[:, 3:]
    colour = _relight(pictures[:, :3] / alpha.clamp_min(1e-3), rng).clamp(0, 1)
    scene = colour * alpha + _background(colour, rng) * (1 - alpha)
    scene = _compress(_blur(scene, rng), rng).clamp(0, 1)
    mask = _crop(_distort_mask(alpha, rng), rng)
    shown = torch.cat([scene * mask, mask], 1)
    place = patch.frame_patch(mask[:, 0], FILL, SIDE)
    shift = 0.03 * _normal((len(mask), 2), rng)
    return patch.ScaledPatch(
        place.centre + shift * place.extent[:, None], place.extent * torch.exp(0.03 * _normal((len(mask),), rng)), SIDE
    ).take(shown)


def _relight(colour: Tensor, rng: torch.Generator) -> Tensor:
    """Exposure, white balance, gamma, and light that falls off across the picture."""
    n, _, size, _ = colour.shape
    gain = torch.exp(0.15 * _normal((n, 1, 1, 1), rng) + 0.05 * _normal((n, 3, 1, 1), rng))
    gamma = torch.exp(0.15 * _normal((n, 1, 1, 1), rng))
    along = torch.linspace(-1, 1, size)
    slope = 0.12 * _normal((2, n, 1, 1, 1), rng)
    return gain * colour.clamp_min(1e-4) ** gamma * (1 + slope[0] * along + slope[1] * along[:, None])


def _background(colour: Tensor, rng: torch.Generator) -> Tensor:
    """White for a third of the pictures, for the others some colour that changes across the picture."""
    n, _, size, _ = colour.shape
    corners = _uniform((n, 3, 1, 1), rng) + 0.15 * _normal((n, 3, 2, 2), rng)
    scene = F.interpolate(corners, (size, size), mode="bilinear", align_corners=True)
    return torch.where(_uniform((n, 1, 1, 1), rng) < 1 / 3, torch.ones_like(scene), scene)


def _blur(scene: Tensor, rng: torch.Generator) -> Tensor:
    """By a Gaussian of up to 1.2 pixels."""
    n, channels, size, _ = scene.shape
    deviation = 0.2 + _uniform((n, 1), rng)
    kernel = torch.exp(-0.5 * (torch.arange(-2, 3) / deviation).square())
    kernel = kernel / kernel.sum(1, keepdim=True)
    kernel = (kernel[:, :, None] * kernel[:, None]).repeat_interleave(channels, 0)[:, None]
    padded = F.pad(scene.reshape(1, n * channels, size, size), (2, 2, 2, 2), mode="replicate")
    return F.conv2d(padded, kernel, groups=n * channels).view_as(scene)


def _compress(scene: Tensor, rng: torch.Generator) -> Tensor:
    """Blocks of 8 x 8 with rounded cosine coefficients, as JPEG rounds them, and noise."""
    n, channels, size, _ = scene.shape
    at = torch.arange(BLOCK)
    basis = torch.cos(math.pi / BLOCK * (at + 0.5) * at[:, None]) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    noisy = scene + 0.02 * _uniform((n, 1, 1, 1), rng) * _normal(scene.shape, rng)
    blocks = noisy.unflatten(3, (-1, BLOCK)).unflatten(2, (-1, BLOCK)).transpose(3, 4)
    step = 0.25 * _uniform((n, 1, 1, 1, 1, 1), rng).square() * (1 + (at + at[:, None]) / BLOCK) + 1e-3
    rounded = (basis @ blocks @ basis.T / step).round() * step
    return (basis.T @ rounded @ basis).transpose(3, 4).reshape(n, channels, size, size)


def _distort_mask(alpha: Tensor, rng: torch.Generator) -> Tensor:
    """Wider or narrower by a fraction of a pixel, sharper or softer; for a sixth of the pictures with a bay."""
    n, _, size, _ = alpha.shape
    soft = F.avg_pool2d(F.pad(alpha, (1, 1, 1, 1)), 3, 1)
    share = _uniform((n, 1, 1, 1), rng)
    edge = torch.lerp(alpha, soft, share)
    mask = ((edge - 0.5 + 0.25 * (2 * _uniform((n, 1, 1, 1), rng) - 1)) * (1 + 2 * share) + 0.5).clamp(0, 1)
    mask = mask * (edge > 0.02)
    at = torch.linspace(-1, 1, size)
    centre = 2 * _uniform((2, n, 1, 1, 1), rng) - 1
    radius = 0.25 * _uniform((n, 1, 1, 1), rng)
    bay = (at - centre[0]).square() + (at[:, None] - centre[1]).square() < radius.square()
    return mask * ~(bay & (_uniform((n, 1, 1, 1), rng) < 1 / 6))


def _crop(mask: Tensor, rng: torch.Generator) -> Tensor:
    """For a tenth of the pictures, without up to a seventh of the object at one side."""
    n, _, size, _ = mask.shape
    place = patch.frame_patch(mask[:, 0], 1.0, size)
    axis = torch.randint(2, (n,), generator=rng)
    sign = torch.randint(2, (n,), generator=rng) * 2.0 - 1
    limit = place.extent * (1 - 2 / 7 * _uniform((n,), rng))
    at = torch.linspace(-1, 1, size)
    across = torch.where(axis[:, None] == 0, at, -at) - place.centre.gather(1, axis[:, None])
    outside = sign[:, None] * across > limit[:, None]
    outside &= _uniform((n, 1), rng) < 0.1
    return mask * ~torch.where((axis == 0)[:, None, None], outside[:, None], outside[:, :, None])[:, None]


def _normal(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=rng)


def _uniform(shape: tuple[int, ...], rng: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=rng)
