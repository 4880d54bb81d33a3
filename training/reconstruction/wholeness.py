"""Objects are whole: what a generator makes of codes, known and new ones, is pulled towards one piece."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from gen3d_core.networks.fields.interface import ConditionedField
from gen3d_core.networks.layers import pixel_norm
from training.reconstruction.codes import CodeTable
from training.reconstruction.connectivity import repair
from training.reconstruction.solids import CERTAIN, SURE

NEIGHBOURS = 64
"""Known codes that tell how codes vary around one of them."""
POINTS = 64
"""Of a body that is not whole, at most; loss of one point weighs as of one among so many."""


@dataclass(frozen=True)
class Wholeness:
    """`loss` to minimise, and the share of bodies that were `whole`."""

    loss: Float[Tensor, ""]
    whole: float


def new_codes(codes: CodeTable, count: int, rng: torch.Generator) -> Float[Tensor, "count d"]:
    """Shape codes as the prior will draw them, told by the known ones as they stand: a Gaussian fitted to the nearest
    neighbours of a random one."""
    with torch.no_grad():
        known = codes.shapes(torch.arange(codes.shape.num_embeddings))
        first = torch.randint(len(known), (count,), generator=rng).to(known.device)
        near = known[torch.cdist(known[first], known).topk(min(NEIGHBOURS, len(known)), largest=False).indices]
        centre = near.mean(1, keepdim=True)
        amount = torch.randn(near.shape[:2], generator=rng).to(known) / near.shape[1] ** 0.5
        return pixel_norm(centre[:, 0] + torch.einsum("nk,nkd->nd", amount, near - centre))


def wholeness(field: ConditionedField, lattice: int, rng: torch.Generator) -> Wholeness:
    """Cross-entropy at the points that would make the bodies of a field whole: bridges inside, specks outside."""
    logits = field.lattice(lattice).float()
    places, owner, inside = [], [], []
    for number, body in enumerate(logits.cpu().numpy()):
        found = repair(body)
        some = torch.randperm(len(found.nodes), generator=rng)[:POINTS].numpy()
        places.append(torch.from_numpy(found.nodes[some] * (2 / (lattice - 1)) - 1).float())
        inside.append(torch.from_numpy(found.inside[some]))
        owner.append(torch.full((len(some),), number))
    broken = sum(len(each) > 0 for each in owner)
    at, wanted = torch.cat(places), torch.cat(inside)
    jitter = (2 * torch.rand(at.shape, generator=rng) - 1) / (lattice - 1)
    at = at + torch.where(wanted[:, None], jitter, 0.0)  # a bridge is as thick as a cell
    logit = field.logit(at[:, None].to(logits), torch.cat(owner).to(logits.device))[:, 0].float()
    label = torch.where(wanted, SURE, CERTAIN).to(logit)
    loss = F.binary_cross_entropy_with_logits(logit, label, reduction="sum") / (POINTS * len(logits))
    return Wholeness(loss, 1 - broken / len(logits))
