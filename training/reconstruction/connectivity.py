"""What would make a body whole: where a lattice of its logits falls apart, and which nodes would mend that for least.

A piece beside the largest one either belongs to it, and then a bridge is missing, or it is a speck. The lesser change
of logits decides: what it takes to lift the cheapest path between them above zero, or to sink the piece below it. In
the language of persistent homology both move the pair of the piece's peak and its saddle (cf. Clough et al., *A
Topological Loss Function for Deep-Learning based Image Segmentation*, 2020), here along a whole path and at a whole
piece: fewer steps than one node at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage
from skimage.graph import MCP_Geometric

DEEPEST = 12.0
"""Beyond this the depth of a node below zero costs no more: far from the surface logits say little."""
STEP_COST = 0.05
"""Of every node on a path: among equal ones the shortest."""
MOST_PIECES = 6
"""Of one body in one go: the largest ones; a body in more pieces is not yet one."""
TOUCHING = np.ones((3, 3, 3))


@dataclass(frozen=True)
class Repair:
    """`nodes` (n, 3) of a lattice, and whether each ought to be `inside` (n,)."""

    nodes: np.ndarray
    inside: np.ndarray


NOTHING = Repair(np.zeros((0, 3), np.int64), np.zeros(0, bool))


def repair(logits: np.ndarray) -> Repair:
    """The nodes of a lattice (x, y, z) that would make the body of positive logits one piece; none where it is one."""
    labels, count = _pieces(logits)
    if count < 2:
        return NOTHING
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")
    found = [_piece(logits, labels, int(order[0]), int(label)) for label in order[1:count][:MOST_PIECES]]
    return Repair(np.concatenate([each.nodes for each in found]), np.concatenate([each.inside for each in found]))


def is_whole(logits: np.ndarray) -> bool:
    """Whether the body of positive logits on a lattice (x, y, z) is one piece."""
    return _pieces(logits)[1] == 1


def _pieces(logits: np.ndarray) -> tuple[np.ndarray, int]:
    found: Any = ndimage.label(logits > 0, TOUCHING)
    return found


def _piece(logits: np.ndarray, labels: np.ndarray, largest: int, label: int) -> Repair:
    piece = np.argwhere(labels == label)
    sinking = logits[tuple(piece.T)].sum()
    cost = np.clip(-logits, 0, DEEPEST) + STEP_COST
    search = MCP_Geometric(cost)
    reached, _ = search.find_costs(piece, np.argwhere(labels == largest), find_all_ends=False)
    ends = np.argwhere((labels == largest) & np.isfinite(reached))
    if not len(ends):
        return Repair(piece, np.zeros(len(piece), bool))
    end = ends[reached[tuple(ends.T)].argmin()]
    path = np.array(search.traceback(end))
    gap = path[logits[tuple(path.T)] <= 0]
    if np.clip(-logits[tuple(gap.T)], 0, DEEPEST).sum() < sinking:
        return Repair(gap, np.ones(len(gap), bool))
    return Repair(piece, np.zeros(len(piece), bool))
