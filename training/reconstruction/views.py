"""Pictures grouped by the object that they show: what reconstruction learns from. No mesh is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from gen3d_core.config import PosePrior
from training.data.dataset import PictureDataset

LEAST_VIEWS = 4
"""Pictures of an object that tell its shape from one picture's guess."""
LEAST_OBJECTS = 8


@dataclass(frozen=True)
class ObjectViews:
    """`rows` (objects, views) names the pictures of each object among `pictures` (N, S, S, 4), straight alpha, whose
    cameras stand at `angles` (N, 2): azimuth and elevation in radians. The last `held` views judge and never teach.
    `mirror`: objects are symmetric in y."""

    rows: Int[Tensor, "objects views"]
    pictures: UInt8[Tensor, "n s s 4"]
    angles: Float[Tensor, "n 2"]
    held: int
    mirror: bool
    prior: PosePrior

    @property
    def objects(self) -> int:
        return self.rows.shape[0]

    @property
    def taught(self) -> int:
        """Views of each object that teach."""
        return self.rows.shape[1] - self.held

    @property
    def size(self) -> int:
        """Pixels along a side."""
        return self.pictures.shape[1]

    def silhouettes(self, objects: Int[Tensor, "n"]) -> UInt8[Tensor, "n views s s"]:
        """Opacity of the teaching views, 0 to 255."""
        return self.pictures[self.rows[objects, : self.taught]][..., 3]

    def poses(self, objects: Int[Tensor, "n"]) -> Float[Tensor, "n views 2"]:
        """Azimuth and elevation of the teaching views."""
        return self.angles[self.rows[objects, : self.taught]]


def group_views(data: PictureDataset) -> ObjectViews | None:
    """The objects of a data set of which it holds several pictures from known cameras; None where that is not so.

    Objects with fewer pictures than `LEAST_VIEWS` are left out. All others give as many as the one that has the
    fewest of them, the first ones; from twelve pictures on the last one is held back as judge.
    """
    if data.azimuth is None or data.elevation is None:
        return None
    names = np.array(data.models)
    order = np.argsort(names, kind="stable")
    order = order[names[order] != ""]
    _, first, counts = np.unique(names[order], return_index=True, return_counts=True)
    enough = counts >= LEAST_VIEWS
    if enough.sum() < LEAST_OBJECTS:
        return None
    views = int(counts[enough].min())
    rows = order[first[enough][:, None] + np.arange(views)]
    angles = torch.from_numpy(np.stack([data.azimuth, data.elevation], -1)).float()
    return ObjectViews(
        rows=torch.from_numpy(rows),
        pictures=torch.from_numpy(data.pictures),
        angles=angles,
        held=1 if views >= 12 else 0,
        mirror=data.mirror,
        prior=data.prior,
    )
