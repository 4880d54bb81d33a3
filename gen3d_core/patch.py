"""Which pixels are compared: one set of indices samples real pictures and casts rays alike (GRAF, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core.config import PatchConfig


@dataclass(frozen=True)
class Patch:
    """A strided square of pixels for every picture of a batch."""

    rows: Int[Tensor, "n size"]
    columns: Int[Tensor, "n size"]
    stride: int
    picture_size: int

    def pixels(self) -> Float[Tensor, "n pixels 2"]:
        """Normalised coordinates of the pixel centres, row by row: x to the right and y up in [-1, 1]."""
        x = (2 * self.columns + 1) / self.picture_size - 1
        y = 1 - (2 * self.rows + 1) / self.picture_size
        count, size = x.shape
        grid = torch.stack([x[:, None, :].expand(count, size, size), y[:, :, None].expand(count, size, size)], -1)
        return grid.reshape(count, size * size, 2)

    def to(self, device: torch.device) -> Patch:
        """The same patch on a device."""
        return Patch(self.rows.to(device), self.columns.to(device), self.stride, self.picture_size)

    def take(self, pictures: Float[Tensor, "n channels s s"]) -> Float[Tensor, "n channels size size"]:
        """The same pixels of given pictures."""
        which = torch.arange(len(pictures), device=pictures.device)[:, None, None]
        return pictures[which, :, self.rows[:, :, None], self.columns[:, None, :]].permute(0, 3, 1, 2)

    def description(self) -> Float[Tensor, "n 3"]:
        """Relative extent and the centre's normalised coordinates, for the discriminator."""
        extent = self.rows.shape[1] * self.stride / self.picture_size
        x = (self.columns[:, 0] + self.columns[:, -1] + 1) / self.picture_size - 1
        y = 1 - (self.rows[:, 0] + self.rows[:, -1] + 1) / self.picture_size
        return torch.stack([torch.full_like(x, extent), x, y], -1)


def whole(picture_size: int, count: int = 1) -> Patch:
    """Every pixel."""
    index = torch.arange(picture_size).expand(count, picture_size)
    return Patch(index, index, 1, picture_size)


def draw(count: int, picture_size: int, kimg: float, config: PatchConfig, generator: torch.Generator) -> Patch:
    """A patch per picture, one stride for the batch: the largest until `full_until_kimg`, then 1, 2, ... at random.

    Raises:
        ValueError: the pictures are smaller than the patch.
    """
    largest = picture_size // config.size
    if largest < 1:
        raise ValueError(f"pictures of {picture_size} pixels are smaller than the patch of {config.size}")
    stride = largest
    if kimg >= config.full_until_kimg and largest > 1:
        strides = [s for s in (2**k for k in range(largest.bit_length())) if s <= largest]
        stride = strides[int(torch.randint(len(strides), (1,), generator=generator))]
    return _placed(count, config.size, stride, picture_size, generator)


def draw_like(patch: Patch, generator: torch.Generator) -> Patch:
    """As many patches of the same size and stride, elsewhere."""
    count, size = patch.rows.shape
    return _placed(count, size, patch.stride, patch.picture_size, generator)


def _placed(count: int, size: int, stride: int, picture_size: int, generator: torch.Generator) -> Patch:
    room = picture_size - stride * (size - 1)
    corner = torch.randint(room, (2, count, 1), generator=generator)
    steps = stride * torch.arange(size)
    return Patch(corner[0] + steps, corner[1] + steps, stride, picture_size)
