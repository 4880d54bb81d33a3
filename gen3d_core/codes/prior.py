"""How the codes of a model are distributed that was taught with codes of its own: a mixture of Gaussians. Numpy only.

It was fitted after training (Ghosh et al., *From Variational to Deterministic Autoencoders*, ICLR 2020, call that
ex-post density estimation). A seed's normal draw picks a component and is stretched to its shape, so a seed names
the same object for ever. Models without it take normal draws as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gen3d_core.errors import Gen3DError

MEMBERS = {"shape": "shape_prior.f32", "appearance": "appearance_prior.f32"}
"""Members of a model file that hold the mixtures of its two codes."""
CHOSEN = "chosen_draws.u32"
"""The member that holds which draws of the shape's mixture are good ones."""


@dataclass(frozen=True)
class CodePrior:
    """`weights` (k) sum to 1; a code of component i is `means[i] + roots[i] @ z` with z standard normal: `means`
    (k, d), `roots` (k, d, d), the square roots of covariances. All float32."""

    weights: np.ndarray
    means: np.ndarray
    roots: np.ndarray

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """The code (d,) float32 that comes next from a stream of random numbers."""
        z = rng.standard_normal(self.means.shape[1])
        place = int(np.searchsorted(np.cumsum(self.weights, dtype=np.float64), rng.random(), side="right"))
        component = min(place, len(self.weights) - 1)
        return (self.means[component] + self.roots[component].astype(np.float64) @ z).astype(np.float32)

    def packed(self) -> bytes:
        """A row of little-endian float32 for each component: weight, mean, root row by row."""
        rows = np.concatenate([self.weights[:, None], self.means, self.roots.reshape(len(self.means), -1)], axis=1)
        return rows.astype("<f4").tobytes()

    @classmethod
    def unpacked(cls, packed: bytes, size: int) -> CodePrior:
        """What `packed` wrote for codes of `size` numbers. Raises `Gen3DError` for anything else."""
        width = 1 + size + size * size
        if not packed or len(packed) % (4 * width):
            raise Gen3DError(f"{len(packed)} bytes are no distribution of codes of {size} numbers")
        rows = np.frombuffer(packed, "<f4").reshape(-1, width).astype(np.float32)
        weights = rows[:, 0]
        if not np.isfinite(rows).all() or (weights < 0).any() or abs(float(weights.sum()) - 1) > 1e-3:
            raise Gen3DError("a distribution of codes holds impossible numbers")
        return cls(weights, rows[:, 1 : 1 + size], rows[:, 1 + size :].reshape(-1, size, size))


@dataclass(frozen=True)
class CodePriors:
    """The distributions of a model's two codes; None where codes are standard normal.

    A mixture has holes in which objects break. `chosen` (n,) uint32 numbers draws of the shape that were looked at and
    found good (accept and reject: Bauer and Mnih, *Resampled Priors for Variational Autoencoders*, AISTATS 2019): seeds
    name them in turn, and beyond the last one begin again. None: every seed names the draw of its own number.
    """

    shape: CodePrior | None = None
    appearance: CodePrior | None = None
    chosen: np.ndarray | None = None

    def draw_number(self, seed: int) -> int:
        """Which draw of the shape a seed names."""
        return seed if self.chosen is None else int(self.chosen[seed % len(self.chosen)])


def unpacked_choice(packed: bytes) -> np.ndarray:
    """What a model file says under `CHOSEN`: little-endian uint32. Raises `Gen3DError` for anything else."""
    if not packed or len(packed) % 4:
        raise Gen3DError(f"{len(packed)} bytes are no list of draws")
    return np.frombuffer(packed, "<u4").astype(np.uint32)


NORMAL = CodePriors()
