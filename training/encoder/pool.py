"""Pictures of a generator's own objects, with the codes and cameras behind them, replaced little by little."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.model.prediction import SIDE
from gen3d_core.pictures.pinhole import FILL
from gen3d_core.rendering import patch
from gen3d_core.rendering.camera import draw_poses
from gen3d_core.rendering.generator import Generator, as_pictures
from gen3d_core.rendering.stage import Stage
from training.code_source import CodeSource
from training.compute import autocast
from training.encoder.occupancy_probes import POINTS, SolidProbes

VIEWS = 2
"""Pictures of each shape, each in an appearance of its own."""
SKETCH = 24
"""Pixels of the picture that tells where to look closely."""
HALF_WIDTH = 0.05


@dataclass(frozen=True)
class Seen:
    """`pictures`, premultiplied RGBA in [0, 1], are the parts `place`, which the object fills, of what cameras at
    `pose`, azimuth and elevation in radians, see."""

    pictures: Float[Tensor, "n 4 side side"]
    place: patch.ScaledPatch
    pose: Float[Tensor, "n 2"]

    def join(self, other: Seen) -> Seen:
        """Both, one after the other."""
        centre = torch.cat([self.place.centre, other.place.centre])
        place = patch.ScaledPatch(centre, torch.cat([self.place.extent, other.place.extent]), self.place.size)
        return Seen(torch.cat([self.pictures, other.pictures]), place, torch.cat([self.pose, other.pose]))


@dataclass(frozen=True)
class CodeBatch:
    """One row per picture."""

    shape: Float[Tensor, "n shape_dim"]
    appearance: Float[Tensor, "n appearance_dim"]


@dataclass(frozen=True)
class RenderedObjects:
    """Pictures, the codes of what they show, and which of the probed places it fills, in [0, 1]."""

    seen: Seen
    codes: CodeBatch
    occupancy: Float[Tensor, "n points"]


def frame_data_pictures(pictures: Float[Tensor, "n 4 s s"], pose: Float[Tensor, "n 2"]) -> Seen:
    """Whole pictures of a data set, premultiplied, each reduced to its object."""
    place = patch.frame_patch(pictures[:, 3], FILL, SIDE)
    return Seen(place.take(pictures), place, pose)


@torch.no_grad()
def render_objects(
    generator: Generator, codes: CodeSource, probes: SolidProbes, shapes: int, truncation: float, rng: torch.Generator
) -> RenderedObjects:
    """Pictures of new objects, `VIEWS` of each shape, from cameras of the generator's prior."""
    count = shapes * VIEWS
    shape, appearance = codes.shapes(shapes, rng), codes.appearances(count, rng)
    pose = draw_poses(generator.prior, count, rng)
    stage = Stage(HALF_WIDTH)
    with autocast(pose.device):
        field = generator.condition(shape, appearance, truncation)
        sketch = as_pictures(generator.render(field, pose, patch.whole_picture(SKETCH, count), stage), count)
        place = patch.frame_patch(sketch[:, 3].float(), FILL, SIDE)
        pictures = as_pictures(generator.render(field, pose, place, stage), count)
        occupancy = probes.occupancy(field)
    seen = Seen(pictures.float().clamp(0, 1), place, pose)
    known = CodeBatch(shape.repeat_interleave(VIEWS, 0), appearance)
    return RenderedObjects(seen, known, occupancy.repeat_interleave(VIEWS, 0))


def together(parts: Sequence[RenderedObjects]) -> RenderedObjects:
    """All, one after the other."""
    seen = parts[0].seen
    for part in parts[1:]:
        seen = seen.join(part.seen)
    codes = CodeBatch(*(torch.cat([getattr(p.codes, f) for p in parts]) for f in ("shape", "appearance")))
    return RenderedObjects(seen, codes, torch.cat([part.occupancy for part in parts]))


class Pool:
    """As many pictures as fit into `capacity`, held as bytes; the oldest go first."""

    def __init__(self, capacity: int, shape_dim: int, appearance_dim: int) -> None:
        self.capacity = capacity
        self.count, self._next = 0, 0
        self._sizes = (shape_dim, appearance_dim, 2, 2, 1)
        self._pictures = torch.empty(capacity, 4, SIDE, SIDE, dtype=torch.uint8)
        self._occupancy = torch.empty(capacity, POINTS, dtype=torch.uint8)
        self._known = torch.empty(capacity, sum(self._sizes))

    def add(self, new: RenderedObjects) -> None:
        """Take in pictures, in the place of the oldest where it is full."""
        seen, codes = new.seen, new.codes
        where = (self._next + torch.arange(len(seen.pose))) % self.capacity
        self._pictures[where] = (seen.pictures * 255).round().byte()
        self._occupancy[where] = (new.occupancy * 255).round().byte()
        self._known[where] = torch.cat(
            [codes.shape, codes.appearance, seen.pose, seen.place.centre, seen.place.extent[:, None]], 1
        )
        self._next = int(where[-1] + 1) % self.capacity
        self.count = min(self.count + len(where), self.capacity)

    def draw(self, count: int, rng: torch.Generator) -> RenderedObjects:
        """Some of them, drawn with replacement."""
        which = torch.randint(self.count, (count,), generator=rng)
        shape, appearance, pose, centre, extent = self._known[which].split(self._sizes, 1)
        place = patch.ScaledPatch(centre, extent.squeeze(1), SIDE)
        seen = Seen(self._pictures[which].float() / 255, place, pose)
        return RenderedObjects(seen, CodeBatch(shape, appearance), self._occupancy[which].float() / 255)


def with_quick_renderer(generator: Generator) -> Generator:
    """The same generator with a renderer that looks less closely, for pictures that are only learned from."""
    generator.renderer = dataclasses.replace(generator.renderer, lattice=32, march_steps=28, samples=4)
    return generator
