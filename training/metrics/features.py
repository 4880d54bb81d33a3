"""Fidelity and variety of pictures, told apart: density and coverage in the features of an untrained network.

Naeem et al., *Reliable Fidelity and Diversity Metrics for Generative Models*, ICML 2020. They find that randomly
initialised networks serve better where pictures are unlike those of ImageNet; objects over white are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gen3d_core.errors import Gen3DError

WIDTHS = (32, 48, 64, 64)
"""Channels at each scale, every one half as large as the one before; each gives a mean and a deviation."""
SLOPE = 0.2
BATCH = 128


@dataclass(frozen=True, eq=False)
class DensityCoverage:
    """What each picture contributes. The neighbourhood of a real picture is the ball up to its k-th nearest real one.

    `density` (M,) float64: in how many neighbourhoods of real pictures each fake lies, divided by k; its mean is
    equation 3. `covered` (N,) bool: whether any fake lies in the neighbourhood of each real picture; its mean is
    equation 4. For two samples of one distribution the mean density is expected to be 1; for N = M the coverage is
    expected to be 1 - 2^-k in the limit of many pictures.
    """

    density: np.ndarray
    covered: np.ndarray


@torch.no_grad()
def random_features(pictures: Float[Tensor, "n 3 s s"], seed: int = 0) -> Float[Tensor, "n d"]:
    """416 features of each picture in [0, 1]: mean and deviation over the picture of every channel at four scales.

    The network's weights are drawn from `seed` alone (He et al., ICCV 2015, equation 15); features under different
    seeds cannot be compared. Pictures are at least 16 pixels wide.
    """
    rng = torch.Generator().manual_seed(seed)
    weights = []
    for channels, width in zip((3, *WIDTHS), WIDTHS, strict=False):
        gain = math.sqrt(2 / (1 + SLOPE**2) / (9 * channels))
        weights.append((gain * torch.randn(width, channels, 3, 3, generator=rng)).to(pictures))
    return torch.cat([_describe(batch, weights) for batch in pictures.split(BATCH)])


def _describe(pictures: Tensor, weights: list[Tensor]) -> Tensor:
    features = []
    x = pictures - 1  # white is zero: the padding goes on as the background does
    for weight in weights:
        x = functional.leaky_relu(functional.conv2d(x, weight, padding=1), SLOPE)
        features += [x.mean((2, 3)), x.std((2, 3), correction=0)]
        x = functional.avg_pool2d(x, 2)
    return torch.cat(features, 1)


@torch.no_grad()
def density_coverage(real: Float[Tensor, "n d"], fake: Float[Tensor, "m d"], k: int = 5) -> DensityCoverage:
    """Equations 3 and 4 before their means, with Euclidean distances; the balls are open, as in the authors' programs.

    A set compared with itself has a mean density of 1 where no two distances tie: each point lies in its own ball and,
    on average, in k - 1 others.

    Raises:
        Gen3DError: there are no fakes, or not more than `k` real pictures.
    """
    if not 1 <= k < len(real):
        raise Gen3DError(f"{len(real)} real pictures: density and coverage with k = {k} need at least {max(k, 1) + 1}")
    if len(fake) == 0:
        raise Gen3DError("no generated pictures: density and coverage need at least one")
    real, fake = real.double(), fake.double()
    inside = torch.zeros(len(fake), dtype=torch.int64, device=fake.device)
    covered = []
    for block in real.split(BATCH):
        # The k-th neighbour is the (k + 1)-th nearest point, because the point itself is among them.
        radius = _distances(block, real).kthvalue(k + 1, dim=1, keepdim=True).values
        near = _distances(block, fake) < radius
        inside += near.sum(0)
        covered.append(near.any(1))
    return DensityCoverage((inside.double() / k).cpu().numpy(), torch.cat(covered).cpu().numpy())


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """By differences and not by products, so that a point is at distance exactly 0 from itself."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
