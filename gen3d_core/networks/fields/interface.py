"""What renderer and losses ask of a field that is bound to codes: analytic solids answer as networks do.

`owner` is each ray's object, `picture` the appearance it wears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class ConditionedField(Protocol):
    """A batch of `shapes` objects. Logits are positive inside."""

    @property
    def shapes(self) -> int: ...

    def lattice(self, resolution: int) -> Tensor:
        """Logits on the regular grid over [-1, 1]^3: (shapes, r, r, r), without gradient."""
        ...

    def logit(self, points: Tensor, owner: Tensor) -> Tensor:
        """(rays, samples, 3), (rays,) -> (rays, samples)."""
        ...

    def normals(self, points: Tensor, owner: Tensor, step: float) -> Tensor:
        """Outward unit normals (rays, 3), differentiable in the parameters; by differences of `step` where a field has
        no closed form."""
        ...


@runtime_checkable
class DeferredField(ConditionedField, Protocol):
    """A field whose features can be blended along a ray and coloured once."""

    def features(self, points: Tensor, owner: Tensor) -> Tensor: ...

    def feature_logit(self, features: Tensor, points: Tensor) -> Tensor: ...

    def colour(self, features: Tensor, points: Tensor, normals: Tensor, picture: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Emission:
    """What samples hold: `logit` of occupancy, or raw density; `colour` in [0, 1] towards the camera."""

    logit: Float[Tensor, "samples"]
    colour: Float[Tensor, "samples 3"]


@runtime_checkable
class LiteralField(ConditionedField, Protocol):
    """A field that colours every sample."""

    def emission(self, points: Tensor, directions: Tensor, owner: Tensor, picture: Tensor) -> Emission:
        """(samples, 3), (samples, 3), (samples,), (samples,): geometry and colour in one pass."""
        ...


@runtime_checkable
class DensityField(LiteralField, Protocol):
    """A literal field without a surface of its own: what its samples hold is raw density, integrated along all of a
    ray."""

    def raw_density(self, points: Tensor, owner: Tensor) -> Tensor:
        """(rays, samples, 3), (rays,) -> (rays, samples)."""
        ...
