"""Visual hulls on a lattice: where points are worth asking for, and where the hull is trusted.

A hull is the largest body that casts the silhouettes. Where it is thin the object must fill it, or some view would
look through; where it is thick there may be a pocket that no silhouette shows (the seat between two arms). Pieces of a
hull that hang in the air, between legs that hide them from every camera, are not taken for parts: objects are whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, UInt8
from scipy import ndimage
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
FAINT = 0.2
"""Opacity in every view from which nodes hang together: no thin part is blurred to less."""
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Ragged:
    """Lists of lattice nodes, one for each object, end to end: of object i `nodes[start[i] : start[i + 1]]`."""

    nodes: Int[Tensor, "total"]
    start: Int[Tensor, "objects_and_one"]

    @classmethod
    def of(cls, lists: list[Tensor]) -> Ragged:
        start = torch.tensor([0, *(len(each) for each in lists)]).cumsum(0)
        return cls(torch.cat(lists), start)

    def draw(self, objects: Int[Tensor, "n"], count: int, rng: torch.Generator) -> Int[Tensor, "n count"]:
        """Nodes drawn uniformly from each object's list; -1 where a list is empty."""
        low, high = self.start[objects], self.start[objects + 1]
        length = (high - low)[:, None]
        place = (torch.rand(len(objects), count, generator=rng) * length).long().minimum((length - 1).clamp_min(0))
        found = self.nodes[(low[:, None] + place).clamp_max(max(len(self.nodes) - 1, 0))].long()
        return torch.where(length > 0, found, -1)


@dataclass(frozen=True)
class Hulls:
    """`border`: nodes at the hulls' surfaces and in loose pieces; `thin`: nodes at their thin parts.

    `thick` marks thick parts and what is around them, `loose` pieces that hang in the air, eight nodes a byte;
    `coarse` (objects, 4096) is how full each cube of 4 x 4 x 4 nodes is.
    """

    border: Ragged
    thin: Ragged
    thick: UInt8[Tensor, "objects bytes"]
    loose: UInt8[Tensor, "objects bytes"]
    coarse: Float[Tensor, "objects cubes"]

    def is_thick(self, objects: Int[Tensor, "n"], points: Float[Tensor, "n points 3"]) -> Bool[Tensor, "n points"]:
        """Whether the nearest node is in or at a thick part."""
        return _marked(self.thick[objects], points)

    def is_loose(self, objects: Int[Tensor, "n"], points: Float[Tensor, "n points 3"]) -> Bool[Tensor, "n points"]:
        """Whether the nearest node is in or next to a piece that hangs in the air."""
        return _marked(self.loose[objects], points)


def place(node: Int[Tensor, "*nodes"]) -> Float[Tensor, "*nodes 3"]:
    """Where nodes of the lattice lie that are counted with z fastest."""
    index = torch.stack([node // SIDE**2, node // SIDE % SIDE, node % SIDE], -1)
    return index * CELL - REACH


def carve(views: ObjectViews) -> Hulls:
    """The visual hull of every object from its teaching views."""
    border, thin, thick, loose, coarse = [], [], [], [], []
    for index in tqdm(range(views.objects), desc="visual hulls", unit="object", leave=False):
        opacity = _opacity(views, index)
        hanging = loose_pieces(opacity > FAINT)
        found = classify((opacity > SOLID) & ~hanging)
        border.append(_nodes(found.border | hanging))
        thin.append(_nodes(found.thin))
        thick.append(_packed(found.thick.flatten()))
        loose.append(_packed(hanging.flatten()))
        blurred = F.avg_pool3d(found.inside[None, None].float(), 3, 1, 1)
        coarse.append(F.avg_pool3d(blurred, 4).flatten())
    return Hulls(Ragged.of(border), Ragged.of(thin), torch.stack(thick), torch.stack(loose), torch.stack(coarse))


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


def loose_pieces(there: Bool[Tensor, "x y z"]) -> Bool[Tensor, "x y z"]:
    """All but the largest piece of a body, with a node around them; nodes that touch at a corner hang together."""
    found: Any = ndimage.label(there.numpy(), np.ones((3, 3, 3)))
    labels, count = found
    if count < 2:
        return torch.zeros_like(there)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = torch.from_numpy(labels == sizes.argmax())
    others = (there & ~largest)[None, None].float()
    return (_grown(others, 3)[0, 0] > 0.5) & ~largest


def _nodes(marks: Bool[Tensor, "x y z"]) -> Int[Tensor, "marked"]:
    return marks.flatten().nonzero().squeeze(1).int()


def _opacity(views: ObjectViews, index: int) -> Float[Tensor, "x y z"]:
    """The least opacity with which any view shows each node, 0 where that is below `FAINT`; each view is asked only
    for what those before it left, and of a symmetric object only for one half."""
    one = torch.tensor([index])
    alpha, pose = views.silhouettes(one).float() / 255, views.poses(one)
    asked = torch.arange(SIDE**3).view(SIDE, SIDE, SIDE)
    if views.mirror:
        asked = asked[:, SIDE // 2 :]
    asked = asked.flatten()
    least, alive = torch.ones(len(asked)), torch.arange(len(asked))
    for view in range(views.taught):
        part = slice(view, view + 1)
        seen = [
            least_opacity(alpha[:, part], pose[:, part], place(asked[some])[None], views.prior, views.mirror)[0]
            for some in alive.split(_AT_ONCE)
        ]
        least[alive] = least[alive].minimum(torch.cat(seen))
        alive = alive[least[alive] > FAINT]
        if not len(alive):
            break
    found = torch.where(least > FAINT, least, 0.0).view(SIDE, -1, SIDE)
    return torch.cat([found.flip(1), found], 1) if views.mirror else found


def _marked(packed: UInt8[Tensor, "n bytes"], points: Float[Tensor, "n points 3"]) -> Bool[Tensor, "n points"]:
    """What marks of nodes, eight a byte, say of the ones nearest to points."""
    i, j, k = ((points + REACH) / CELL).round().long().clamp(0, SIDE - 1).unbind(-1)
    node = (i * SIDE + j) * SIDE + k
    return (packed.gather(1, node // 8) >> (node % 8)) & 1 > 0


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
