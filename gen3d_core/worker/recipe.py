"""From what a request names, seeds or parents and moves, to the codes of one object. Numpy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gen3d_core.codes.codes import Codes, blend, vary
from gen3d_core.errors import Gen3DError
from gen3d_core.protocol import Generate

if TYPE_CHECKING:
    from gen3d_core.model.model import Model


def codes_for(request: Generate, model: Model) -> Codes:
    """The codes of what a request describes. Raises `Gen3DError` for parents of another model and unknown directions,
    values outside their range."""
    drawn = model.codes(request.seed, request.appearance_seed)
    codes = drawn
    if request.parents:
        parents = [Codes(*(np.array(parent[name], np.float32) for name in ("shape", "appearance")))
                   for parent in request.parents]  # fmt: skip
        sizes = (drawn.shape.shape, drawn.appearance.shape)
        if any((parent.shape.shape, parent.appearance.shape) != sizes for parent in parents):
            raise Gen3DError(f"these codes are not of the model {model.name}: theirs have other lengths")
        mixed = blend(parents, request.shape_weights, request.appearance_weights)
        codes = vary(mixed, drawn, request.shape_strength, request.appearance_strength)
    known = {each.name: each for each in model.directions}
    for name, value in request.moves.items():
        if name not in known:
            raise Gen3DError(f"the model {model.name} has no direction {name[:40]!r}")
        codes = known[name].move(codes, value)
    return codes
