"""Visual hulls on a lattice: where points are worth asking for, and where the hull is trusted.

A hull is the largest body that casts the silhouettes. Where it is thin the object must fill it, or some view would
look through; where it is thick there may be a pocket that no silhouette shows (the seat between two arms).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor
from tqdm import tqdm

from training.reconstruction.silhouettes import least_opacity
from training.reconstruction.views import ObjectViews

SIDE = 64
REACH = 0.95
"""Half the lattice's extent: data sets keep objects within this radius."""
CELL = 2 * REACH / (SIDE - 1)
THIN = 3
"""Cells across, at most, of a part that is thin: a tenth of the unit sphere's radius."""
THICK = 5
"""Cells across from which a part is thick enough for a pocket, and cells around it that belong to it."""
SOLID = 0.4
"""Opacity in every view from which a point is inside: less than one half, as pixels blur thin parts."""
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Ragged:
    """Lists of lattice nodes, one for each object, end to end: of object i `nodes[start[i] : start[i + 1]]`."""

    nodes: Int[Tensor, "total"]
    start: Int[Tensor, "objects_and_one"]

    @classmethod
    def of(cls, lists: list[Tensor]) -> Ragged:
        start = torch.tensor([0, *(len(each) for each in lists)]).cumsum(0)
        return cls(torch.cat(lists).int(), start)

    def draw(self, objects: Int[Tensor, "n"], count: int, rng: torch.Generator) -> Int[Tensor, "n count"]:
        """Nodes drawn uniformly from each object's list; -1 where a list is empty."""
        low, high = self.start[objects], self.start[objects + 1]
        length = (high - low)[:, None]
        place = (torch.rand(len(objects), count, generator=rng) * length).long().minimum((length - 1).clamp_min(0))
        found = self.nodes[(low[:, None] + place).clamp_max(max(len(self.nodes) - 1, 0))].long()
        return torch.where(length > 0, found, -1)


@dataclass(frozen=True)
class Hulls:
    """`border`: nodes at the hulls' surfaces; `thin`: nodes at their thin parts. `thick` marks thick parts and what is
    around them, eight nodes a byte; `coarse` (objects, 4096) is how full each cube of 4 x 4 x 4 nodes is."""

    border: Ragged
    thin: Ragged
    thick: Tensor
    coarse: Float[Tensor, "objects cubes"]

    def is_thick(self, objects: Int[Tensor, "n"], points: Float[Tensor, "n points 3"]) -> Bool[Tensor, "n points"]:
        """Whether the nearest node is in or at a thick part."""
        i, j, k = ((points + REACH) / CELL).round().long().clamp(0, SIDE - 1).unbind(-1)
        node = (i * SIDE + j) * SIDE + k
        return (self.thick[objects].gather(1, node // 8) >> (node % 8)) & 1 > 0


def place(node: Int[Tensor, "*nodes"]) -> Float[Tensor, "*nodes 3"]:
    """Where nodes of the lattice lie that are counted with z fastest."""
    index = torch.stack([node // SIDE**2, node // SIDE % SIDE, node % SIDE], -1)
    return index * CELL - REACH


def carve(views: ObjectViews) -> Hulls:
    """The visual hull of every object from its teaching views."""
    border, thin, thick, coarse = [], [], [], []
    for index in tqdm(range(views.objects), desc="visual hulls", unit="object", leave=False):
        found = classify(_inside(views, index))
        border.append(found.border.flatten().nonzero().squeeze(1))
        thin.append(found.thin.flatten().nonzero().squeeze(1))
        thick.append(_packed(found.thick.flatten()))
        blurred = F.avg_pool3d(found.inside[None, None].float(), 3, 1, 1)
        coarse.append(F.avg_pool3d(blurred, 4).flatten())
    return Hulls(Ragged.of(border), Ragged.of(thin), torch.stack(thick), torch.stack(coarse))


@dataclass(frozen=True)
class Classified:
    """What kinds of nodes a hull has, each (SIDE, SIDE, SIDE)."""

    inside: Bool[Tensor, "x y z"]
    border: Bool[Tensor, "x y z"]
    thin: Bool[Tensor, "x y z"]
    thick: Bool[Tensor, "x y z"]


def classify(inside: Bool[Tensor, "x y z"]) -> Classified:
    """The border of a body, its thin parts with a node around them, and its thick parts with two.

    A part is as thick as the largest cube that fits into it: what an opening by that cube keeps (Serra 1982).
    """
    body = inside[None, None].float()
    eroded = _shrunk(body, 3)
    slim = body * (1 - _opened(body, THIN))
    return Classified(
        inside=inside,
        border=(_grown(body, 3) - eroded)[0, 0] > 0.5,
        thin=(_grown(slim, 3))[0, 0] > 0.5,
        thick=_grown(_opened(body, THICK), THICK)[0, 0] > 0.5,
    )


def _inside(views: ObjectViews, index: int) -> Bool[Tensor, "x y z"]:
    """Nodes that no view shows as background; each view is asked only for what those before it left."""
    one = torch.tensor([index])
    alpha, pose = views.silhouettes(one).float() / 255, views.poses(one)
    alive = torch.arange(SIDE**3)
    for view in range(views.taught):
        part = slice(view, view + 1)
        kept = [
            least_opacity(alpha[:, part], pose[:, part], place(some)[None], views.prior, views.mirror)[0] > SOLID
            for some in alive.split(_AT_ONCE)
        ]
        alive = alive[torch.cat(kept)]
        if not len(alive):
            break
    inside = torch.zeros(SIDE**3, dtype=torch.bool)
    inside[alive] = True
    return inside.view(SIDE, SIDE, SIDE)


def _grown(body: Tensor, side: int) -> Tensor:
    """Dilated by a cube, one axis after the other."""
    for axis in range(3):
        along = [1, 1, 1]
        along[axis] = side
        body = F.max_pool3d(body, along, 1, [each // 2 for each in along])
    return body


def _shrunk(body: Tensor, side: int) -> Tensor:
    return -_grown(-body, side)


def _opened(body: Tensor, side: int) -> Tensor:
    return _grown(_shrunk(body, side), side)


def _packed(marks: Bool[Tensor, "nodes"]) -> Tensor:
    """Eight marks a byte, the first the lowest bit."""
    bits = marks.view(-1, 8).to(torch.uint8) << torch.arange(8, dtype=torch.uint8)
    return bits.sum(1).to(torch.uint8)
