"""From what a recipe names, seeds or parents and moves, to the codes of one object. Numpy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gen3d_core.codes.codes import Codes, blend, vary
from gen3d_core.errors import Gen3DError
from gen3d_core.protocol import Recipe

if TYPE_CHECKING:
    from gen3d_core.model.model import Model


def codes_for(recipe: Recipe, model: Model) -> Codes:
    """The codes of what a recipe describes. Raises `Gen3DError` for parents of another model and unknown directions,
    values outside their range."""
    drawn = model.codes(recipe.seed, recipe.appearance_seed)
    codes = drawn
    if recipe.parents:
        parents = [
            Codes(np.array(parent.shape, np.float32), np.array(parent.appearance, np.float32))
            for parent in recipe.parents
        ]
        sizes = (drawn.shape.shape, drawn.appearance.shape)
        if any((parent.shape.shape, parent.appearance.shape) != sizes for parent in parents):
            raise Gen3DError(f"these codes are not of the model {model.name}: theirs have other lengths")
        mixed = blend(parents, recipe.shape_weights, recipe.appearance_weights)
        codes = vary(mixed, drawn, recipe.shape_strength, recipe.appearance_strength)
    known = {each.name: each for each in model.directions}
    for name, value in recipe.moves.items():
        if name not in known:
            raise Gen3DError(f"the model {model.name} has no direction {name[:40]!r}")
        codes = known[name].move(codes, value)
    return codes
