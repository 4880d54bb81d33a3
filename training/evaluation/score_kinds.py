"""Whether a model makes the kinds of object that its procedural family has, each as often as the family does.

The kind of a generated mesh is told by the nearest of the family's own shapes, whose kinds are known. That errs now and
then, so shares are compared with those that the same procedure tells of real shapes, never with the true ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.results import Estimate, Row
from training.evaluation.score_bodies import carve_all
from training.metrics.body import Body, nearest
from training.metrics.intervals import bootstrap
from training.procedural.family import DATASET_SEEDS, KINDS, make_shape, shape_kind

GROUP = "Kinds"
KNOWN = 400
"""Shapes of the family whose kinds are known: with 700 of them 94 instead of 91 % of chairs are told rightly."""
FIRST = (2**31 + 1) * DATASET_SEEDS
"""Their first seed: beyond those of every data set."""
SLACK = 1 / 3
"""How far, relative to the family's, a kind's share may be off."""


@dataclass(frozen=True, eq=False)
class KnownKinds:
    """Shapes of a family: `kinds` (N,) their true ones as places in `names`, `distances` (N, D) of their bodies, `told`
    (N,) the kind of the nearest other one."""

    names: tuple[str, ...]
    kinds: np.ndarray
    distances: np.ndarray
    told: np.ndarray

    @classmethod
    def of(cls, family: str, count: int = KNOWN) -> KnownKinds:
        """`count` shapes, always the same."""
        names, seeds = KINDS[family], range(FIRST, FIRST + count)
        kinds = np.array([names.index(shape_kind(family, seed)) for seed in seeds])
        bodies = carve_all([make_shape(family, seed) for seed in seeds], "shapes of known kinds")
        distances = _distances(bodies)
        return cls(names, kinds, distances, kinds[nearest(distances, distances)])

    def tell(self, bodies: Sequence[Body]) -> np.ndarray:
        """The kind of each body's nearest shape, as a place in `names`: (N,)."""
        return self.kinds[nearest(_distances(bodies), self.distances)]


def kind_rows(known: KnownKinds, generated: Sequence[Body], real: Sequence[Body], seed: int) -> Iterator[Row]:
    """Rows about shares of kinds; the floor is what is told of `real` meshes, where there are any."""
    told, floor = known.tell(generated), known.tell(real) if real else None
    aim = _shares(known.told, len(known.names))
    right = known.told == known.kinds
    off = np.abs(_shares(told, len(aim)) - aim) > SLACK * aim
    missed = ", ".join(name for name, wrong in zip(known.names, off, strict=True) if wrong)

    def apart(kinds: np.ndarray, stream: int) -> Estimate:
        def statistic(which: np.ndarray) -> float:
            return float(np.abs(_shares(kinds[which], len(aim)) - aim).sum() / 2)

        low, high = bootstrap(statistic, len(kinds), np.random.default_rng([seed, stream]))
        return Estimate(statistic(np.arange(len(kinds))), low, high)

    yield Row(
        "kinds.apart",
        GROUP,
        "objects of too frequent kinds",
        apart(told, 70),
        None if floor is None else apart(floor, 71),
        note="Share of objects that would have to be of another kind for all kinds to be as frequent as in the family. "
        "Resampling adds to it, so its interval reaches up. More than a third off the family's share: "
        f"{missed or 'none'}.",
    )
    yield Row(
        "kinds.told",
        GROUP,
        "kinds told rightly",
        None,
        Estimate.of_mean(right, [seed, 72]),
        "highest",
        note="A mesh is of the kind of the nearest of the family's own shapes, by signed distances from their "
        f"surfaces. Floor: of {len(right)} such shapes, each told by the others. Of generated meshes nobody knows.",
    )
    for place, name in enumerate(known.names):
        mine = known.kinds == place
        yield Row(
            f"kinds.{name}",
            GROUP,
            name,
            Estimate.of_mean(told == place, [seed, 73, place]),
            None if floor is None else Estimate.of_mean(floor == place, [seed, 74, place]),
            "nearest",
            float(aim[place]),
            note=f"Told of {aim[place]:.3f} of the family's shapes; {mine.mean():.3f} are, and of these "
            f"{right[mine].mean() if mine.any() else 0:.2f} are told.",
        )


def _shares(kinds: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(kinds, minlength=count) / len(kinds)


def _distances(bodies: Sequence[Body]) -> np.ndarray:
    return np.stack([body.distances() for body in bodies])
