"""Sliced Wasserstein distance between two sets of pictures, scale by scale (Karras et al., ICLR 2018, section 5)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from gen3d_core.errors import Gen3DError

PATCH = 7
"""Pixels along the side of a descriptor."""
PATCHES = 128
"""Descriptors per picture and level."""
DIRECTIONS = 512
"""Random projections per level."""
COARSEST = 8
"""The pyramid ends at pictures of this size; a patch still fits into them."""
SCALE = 1e3
BLOCK = 2**25
"""Projected values held at a time: 128 MiB for each set."""


@torch.no_grad()
def sliced_wasserstein(a: Float[Tensor, "n 3 s s"], b: Float[Tensor, "m 3 t t"], seed: int = 0) -> dict[int, float]:
    """Distance times 1000 at each level of the Laplacian pyramid, keyed by the level's size in pixels, finest first.

    Fine levels tell of sharpness and noise, coarse ones of layout. A level's patches are normalised per channel and
    set, as in the paper: a colour cast or a contrast that all pictures of a set share is invisible, what varies
    between pictures or places is not.

    Picture i of either set gives its patches from the same places, drawn under `seed`. The places carry no information,
    sharing them lowers the floor that chance leaves, and a set is at distance exactly 0 from itself. The floor falls as
    the sets grow, so only distances of equally large sets can be compared.

    Args:
        a: pictures in [0, 1] with a side that is a power of two from 16 on.
        b: as many pictures of the same size.

    Raises:
        Gen3DError: the sets differ in count or size, are empty, or the size is no power of two from 16 on.
    """
    _check(a, b)
    rng = torch.Generator().manual_seed(seed)
    distances = {}
    for level_a, level_b in zip(laplacian_pyramid(a), laplacian_pyramid(b), strict=True):
        count, channels, size, _ = level_a.shape
        corners = torch.randint(size - PATCH + 1, (2, count, PATCHES), generator=rng).to(a.device)
        directions = torch.randn(DIRECTIONS, channels * PATCH**2, generator=rng).to(a)
        distances[size] = SCALE * sliced_distance(
            descriptors(level_a, corners), descriptors(level_b, corners), functional.normalize(directions, dim=1)
        )
    return distances


def sliced_distance(x: Float[Tensor, "m d"], y: Float[Tensor, "m d"], directions: Float[Tensor, "k d"]) -> float:
    """Mean over unit `directions` of the Wasserstein-1 distance between the projected points (Rabin et al., 2011).

    On a line the cheapest transport keeps the order: it is the mean absolute difference of the sorted values.
    """
    total = 0.0
    for block in directions.split(max(1, BLOCK // len(x))):
        # numpy sorts a row several times faster than torch, which also keeps track of where each value came from.
        sorted_x, sorted_y = (np.sort((block @ points.T).cpu().numpy(), axis=1) for points in (x, y))
        total += float(np.abs(sorted_x - sorted_y).mean(axis=1, dtype=np.float64).sum())
    return total / len(directions)


def descriptors(level: Float[Tensor, "n 3 s s"], corners: Int[Tensor, "2 n p"]) -> Float[Tensor, "n*p d"]:
    """Patches of 7 x 7 pixels as rows, each channel of zero mean and unit variance over all of them.

    `corners` are the first row and column of each patch. A channel without any variance becomes zero.
    """
    windows = level.unfold(2, PATCH, 1).unfold(3, PATCH, 1)
    picture = torch.arange(len(level), device=level.device)[:, None]
    patches = windows[picture, :, corners[0], corners[1]].flatten(0, 1)
    mean = patches.mean((0, 2, 3), keepdim=True)
    deviation = patches.std((0, 2, 3), correction=0, keepdim=True)
    flat = deviation <= 1e-6  # a blank level differs from zero by rounding, which is not to be blown up
    return ((patches - mean) / torch.where(flat, torch.inf, deviation)).flatten(1)


def laplacian_pyramid(pictures: Float[Tensor, "n 3 s s"]) -> Iterator[Float[Tensor, "n 3 _ _"]]:
    """Detail levels from the finest on, the last one being the small picture that is left (Burt and Adelson, 1983)."""
    while pictures.shape[-1] > COARSEST:
        smaller = _blur(pictures)[..., ::2, ::2].contiguous()
        yield pictures - enlarge(smaller)
        pictures = smaller
    yield pictures


def enlarge(pictures: Float[Tensor, "n 3 s s"]) -> Float[Tensor, "n 3 _ _"]:
    """Twice as wide and high, interpolated by the pyramid's own filter."""
    count, channels, height, width = pictures.shape
    sparse = pictures.new_zeros(count, channels, 2 * height, 2 * width)
    sparse[..., ::2, ::2] = 4 * pictures  # of four pixels three are zero: the blur must not darken
    return _blur(sparse)


def _blur(pictures: Tensor) -> Tensor:
    """The binomial filter of five taps; pictures are mirrored at their borders, so that nothing constant is changed."""
    channels = pictures.shape[1]
    taps = pictures.new_tensor([1, 4, 6, 4, 1]) / 16
    padded = functional.pad(pictures, (2, 2, 2, 2), mode="reflect")
    rows = functional.conv2d(padded, taps.view(1, 1, 5, 1).expand(channels, 1, 5, 1), groups=channels)
    return functional.conv2d(rows, taps.view(1, 1, 1, 5).expand(channels, 1, 1, 5), groups=channels)


def _check(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise Gen3DError(
            f"the sets of pictures are of shapes {tuple(a.shape)} and {tuple(b.shape)}: "
            "the sliced Wasserstein distance needs equally many of the same size"
        )
    size = a.shape[-1]
    if len(a) == 0:
        raise Gen3DError("no pictures: the sliced Wasserstein distance needs at least one in each set")
    if size < 2 * COARSEST or size & (size - 1):
        raise Gen3DError(f"pictures of {size} pixels: expected a power of two from {2 * COARSEST} on")
