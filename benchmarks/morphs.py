"""How well one mesh follows a model from seed to seed: over many pairs, as a table.

Seconds are those of the processor, all threads together, and say something of one machine; everything else is the same
wherever the model file is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import tyro
from tqdm import tqdm

from benchmarks.command import main
from gen3d_core import limits
from gen3d_core.codes.path import Path
from gen3d_core.errors import Gen3DError
from gen3d_core.model.model import Model, load
from gen3d_core.morphing.interpolate import interpolate
from gen3d_core.morphing.report import KeyReport, MorphMeshes

NEAR = 0.005
"""A morph shows the surface when its keys are nearer than this to it in the mean, as a share of the longest side."""


@dataclass(frozen=True)
class PairScore:
    """Of one pair. Means over the keys to which a mesh was carried: `distance`, `residual`, `flipped` as in
    `KeyReport`, NaN where there are none; `worst` the greatest `distance` of a key."""

    segments: int
    same_euler: bool
    distance: float
    worst: float
    residual: float
    flipped: float
    seconds: float


def morph_benchmark(models: Sequence[str], pairs: int, keys: int, resolution: int, threads: int | None = None) -> str:
    """Morphs between seeds 0 and 1, 2 and 3, ... of each model, a new mesh where the topology changes.

    Returns:
        A table in Markdown, one row for each model.

    Raises:
        Gen3DError: a number is out of range, no model or no such model.
    """
    if not models:
        raise Gen3DError("no model named: give the names of shipped models, or .gen3d files")
    limits.check_whole("--pairs", pairs, limits.COUNT)
    lines = [
        "| model | pairs | one mesh throughout | same Euler number at every key | meshes | distance | "
        f"pairs below {NEAR:.1%} | residual | flipped | processor seconds |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in models:
        model = load(name, threads)
        bar = tqdm(range(pairs), desc=model.name, unit="pair", leave=False)
        lines.append(_row(model.name, [_score(model, 2 * pair, keys, resolution) for pair in bar]))
    return "\n".join(lines)


def _score(model: Model, seed: int, keys: int, resolution: int) -> PairScore:
    began = time.process_time()
    made = interpolate(model, Path((model.codes(seed), model.codes(seed + 1))), keys, resolution).morph
    seconds = time.process_time() - began
    carried = _carried(made)

    def mean(name: str) -> float:
        return float(np.mean([getattr(report, name) for report in carried])) if carried else float("nan")

    return PairScore(
        segments=len(made.segments),
        same_euler=len({report.fresh_euler for report in made.reports}) == 1 and len(made.segments) == 1,
        distance=mean("distance"),
        worst=max((report.distance for report in carried), default=float("nan")),
        residual=mean("residual"),
        flipped=mean("flipped"),
        seconds=seconds,
    )


def _carried(made: MorphMeshes) -> list[KeyReport]:
    """Reports of the keys whose mesh comes from a key beside them."""
    starts = {segment.first for segment in made.segments}
    return [report for key, report in enumerate(made.reports, made.segments[0].first) if key not in starts]


def _row(name: str, scores: Sequence[PairScore]) -> str:
    distances = [score.distance for score in scores]
    one = np.mean([score.segments == 1 for score in scores])
    same = np.mean([score.same_euler for score in scores])
    near = np.mean([score.distance < NEAR for score in scores if np.isfinite(score.distance)])
    cells = [
        name,
        len(scores),
        f"{one:.0%}",
        f"{same:.0%}",
        f"{np.mean([score.segments for score in scores]):.1f}",
        f"{np.nanmean(distances):.3%} (worst key {np.nanmax([score.worst for score in scores]):.2%})",
        f"{near:.0%}",
        f"{np.nanmean([score.residual for score in scores]):.4%}",
        f"{np.nanmean([score.flipped for score in scores]):.3%}",
        f"{np.median([score.seconds for score in scores]):.0f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


@dataclass(frozen=True)
class Morphs:
    """Measure how well one mesh follows models from seed to seed, over many pairs of seeds."""

    models: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="MODEL")]
    """Names of shipped models, or .gen3d files."""
    pairs: int = 50
    """Pairs of seeds: 0 and 1, 2 and 3, and so on."""
    keys: int = 16
    """Meshes from one seed to the other."""
    resolution: int = 128
    """Samples a side of each mesh."""
    threads: int | None = None
    """Processor threads (default: the processors, at most 4)."""

    def run(self) -> str:
        return morph_benchmark(self.models, self.pairs, self.keys, self.resolution, self.threads)


if __name__ == "__main__":
    sys.exit(main(Morphs))
