"""Which object: what every request that makes objects says of each, see `gen3d_core.protocol`. Standard library only.

`gen3d_core.worker.recipe` turns it into codes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gen3d_core import limits
from gen3d_core.protocol.messages import ProtocolError, check_numbers


@dataclass(frozen=True)
class Parent:
    """The codes of an object that others are made from: as many numbers as the model has dimensions."""

    shape: list[float]
    appearance: list[float]

    def __post_init__(self) -> None:
        check_numbers("a parent's shape", self.shape, limits.CODE)
        check_numbers("a parent's appearance", self.appearance, limits.CODE)


@dataclass(frozen=True)
class Recipe:
    """One object of a model. Ranges are those of `gen3d_core.limits`; raises `Gen3DError` outside them.

    Without parents, `seed` draws the codes and `appearance_seed`, where given, those of the appearance. Up to four
    `parents` take their place, mixed by a weight for each in `shape_weights` and `appearance_weights`, and then varied
    towards what the seeds draw by `shape_strength` and `appearance_strength`. `moves` at last puts the object at values
    along directions of the model, by their names.
    """

    seed: int
    appearance_seed: int | None = None
    parents: list[Parent] = field(default_factory=list)
    shape_weights: list[float] = field(default_factory=list)
    appearance_weights: list[float] = field(default_factory=list)
    shape_strength: float = 0.0
    appearance_strength: float = 0.0
    moves: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        limits.check_whole("seed", self.seed, limits.SEED)
        if self.appearance_seed is not None:
            limits.check_whole("appearance_seed", self.appearance_seed, limits.SEED)
        limits.check_real("shape_strength", self.shape_strength, limits.STRENGTH)
        limits.check_real("appearance_strength", self.appearance_strength, limits.STRENGTH)
        self._check_parents()
        if not isinstance(self.moves, dict):
            raise ProtocolError("moves is not an object of values by direction")
        for name, value in self.moves.items():
            limits.check_real(f"moves: {name[:40]}", value, limits.CODE)

    def _check_parents(self) -> None:
        if not isinstance(self.parents, list) or len(self.parents) > limits.PARENTS[1]:
            raise ProtocolError(f"parents is not a list of at most {limits.PARENTS[1]}")
        if not all(isinstance(parent, Parent) for parent in self.parents):
            raise ProtocolError("a parent is not an object with shape and appearance")
        for name in ("shape_weights", "appearance_weights"):
            weights = check_numbers(name, getattr(self, name), (0.0, 1.0))
            if len(weights) != len(self.parents) or (weights and not sum(weights) > 0):
                raise ProtocolError(f"{name} has no weight for each parent, or none above zero")
        if (self.shape_strength or self.appearance_strength) and not self.parents:
            raise ProtocolError("a strength varies parents, and there are none")
