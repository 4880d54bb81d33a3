"""Points that the field got wrong when their object was last seen: asked again at the next visit.

Most points that are drawn afresh have long been right; a break in a thin leg or a speck in mid-air is met by few of
them. Bootstrapping in the sense of Sung and Poggio (1998), as online mining of hard examples (Shrivastava et al. 2016)
without its second evaluation.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from training.reconstruction.solids import LabelledPoints

KEPT = 256
"""Points remembered of each object."""
_UNKNOWN = -1.0


class HardPoints(nn.Module):
    """`places` (objects, KEPT, 3) and their labels `inside` (objects, KEPT), -1 where none is known yet."""

    places: Tensor
    inside: Tensor

    def __init__(self, objects: int) -> None:
        super().__init__()
        self.register_buffer("places", torch.zeros(objects, KEPT, 3))
        self.register_buffer("inside", torch.full((objects, KEPT), _UNKNOWN))

    def joined(self, objects: Int[Tensor, "n"], fresh: LabelledPoints) -> LabelledPoints:
        """Points drawn afresh for some objects, and after them those remembered; where none is, first ones twice."""
        count = min(KEPT, fresh.inside.shape[1])
        places, inside = self.places[objects, :count], self.inside[objects, :count]
        known = inside > _UNKNOWN
        places = torch.where(known[..., None], places, fresh.places[:, :count])
        pocket = torch.where(known, False, fresh.pocket[:, :count])
        inside = torch.where(known, inside, fresh.inside[:, :count])
        pairs = (fresh.places, places), (fresh.inside, inside), (fresh.pocket, pocket)
        return LabelledPoints(*(torch.cat(pair, 1) for pair in pairs))

    @torch.no_grad()
    def remember(self, objects: Int[Tensor, "n"], asked: LabelledPoints, error: Float[Tensor, "n points"]) -> None:
        """Keep the points with the greatest errors, but where a hull may be hollow: there its labels are no truth."""
        doubt = torch.where(asked.pocket, 0.0, error.to(asked.inside))
        hardest = doubt.topk(min(KEPT, doubt.shape[1]), 1).indices
        at = objects[:, None], torch.arange(hardest.shape[1])
        self.places[at] = asked.places.gather(1, hardest[..., None].expand(-1, -1, 3))
        self.inside[at] = asked.inside.gather(1, hardest)
