"""Which pixels are compared: one set of indices samples real pictures and casts rays alike (GRAF, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core.pictures import cutout


@dataclass(frozen=True)
class ScaledPatch:
    """A square of `size` x `size` places between pixels for every picture: GRAF's continuous patch.

    `extent` is its share of the picture's side, `centre` its middle in normalised coordinates, x right and y up.
    """

    centre: Float[Tensor, "n 2"]
    extent: Float[Tensor, "n"]
    size: int

    def pixels(self) -> Float[Tensor, "n places 2"]:
        """Normalised coordinates of the places, row by row."""
        steps = (2 * torch.arange(self.size, device=self.extent.device) + 1) / self.size - 1
        offsets = torch.stack(torch.meshgrid(steps, -steps, indexing="xy"), -1).reshape(-1, 2)
        return self.centre[:, None] + self.extent[:, None, None] * offsets

    def to(self, device: torch.device) -> ScaledPatch:
        """The same patch on a device."""
        return ScaledPatch(self.centre.to(device), self.extent.to(device), self.size)

    def take(self, pictures: Float[Tensor, "n channels s s"]) -> Float[Tensor, "n channels size size"]:
        """The same places of given pictures, bilinear between pixels."""
        grid = self.pixels().unflatten(1, (self.size, self.size)) * self.centre.new_tensor([1, -1])
        return F.grid_sample(pictures, grid, align_corners=False, padding_mode="border")

    def draw_another(self, generator: torch.Generator) -> ScaledPatch:
        """As many patches of the same extents at other places, on the CPU."""
        return scaled_patches(self.extent.cpu(), self.size, generator)

    def description(self) -> Float[Tensor, "n 3"]:
        """Relative extent and centre, for the discriminator."""
        return torch.cat([self.extent[:, None], self.centre], -1)


@dataclass(frozen=True)
class Places:
    """As many places of each picture, wherever they lie: normalised coordinates, x to the right and y up."""

    coordinates: Float[Tensor, "n places 2"]

    def pixels(self) -> Float[Tensor, "n places 2"]:
        """The places, as patches give theirs."""
        return self.coordinates


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

    def draw_another(self, generator: torch.Generator) -> Patch:
        """As many patches of the same size and stride at other places, on the CPU."""
        count, size = self.rows.shape
        return strided_patches(count, size, self.stride, self.picture_size, generator)

    def description(self) -> Float[Tensor, "n 3"]:
        """Relative extent and the centre's normalised coordinates, for the discriminator."""
        extent = self.rows.shape[1] * self.stride / self.picture_size
        x = (self.columns[:, 0] + self.columns[:, -1] + 1) / self.picture_size - 1
        y = 1 - (self.rows[:, 0] + self.rows[:, -1] + 1) / self.picture_size
        return torch.stack([torch.full_like(x, extent), x, y], -1)


def whole_picture(picture_size: int, count: int = 1) -> Patch:
    """Every pixel."""
    index = torch.arange(picture_size).expand(count, picture_size)
    return Patch(index, index, 1, picture_size)


def frame_patch(alpha: Float[Tensor, "n s s"], fill: float, size: int) -> ScaledPatch:
    """The square around what is visible in each picture, which takes `fill` of it along its longer side; all of a
    picture in which nothing is."""
    seen = alpha >= cutout.VISIBLE / 255
    centres, lengths = [], []
    for axis in (1, 2):
        there = seen.any(axis)
        first = there.to(torch.uint8).argmax(1)
        last = there.shape[1] - 1 - there.flip(1).to(torch.uint8).argmax(1)
        centres.append((first + last + 1) / there.shape[1] - 1)
        lengths.append((last + 1 - first) / there.shape[1])
    empty = ~seen.flatten(1).any(1)
    extent = torch.maximum(*lengths) / fill
    centre = torch.stack([centres[0], -centres[1]], -1)
    return ScaledPatch(centre.masked_fill(empty[:, None], 0.0), extent.masked_fill(empty, 1.0), size)


def strided_patches(count: int, size: int, stride: int, picture_size: int, generator: torch.Generator) -> Patch:
    """Patches of this size and stride at uniform places inside the picture, on the CPU."""
    room = picture_size - stride * (size - 1)
    corner = torch.randint(room, (2, count, 1), generator=generator)
    steps = stride * torch.arange(size)
    return Patch(corner[0] + steps, corner[1] + steps, stride, picture_size)


def scaled_patches(extent: Float[Tensor, "n"], size: int, generator: torch.Generator) -> ScaledPatch:
    """Patches of these extents at uniform places inside the picture."""
    shift = 2 * torch.rand(len(extent), 2, generator=generator) - 1
    return ScaledPatch(shift * (1 - extent)[:, None], extent, size)
