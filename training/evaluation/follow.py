"""`gen3d-train follow`: the quality that training runs had after how many minutes, from the weights they kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from gen3d_core import limits
from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.extract import MeshError, components, largest_part
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.rendering.generator import Generator
from training.code_source import CodeSource
from training.data.meshes import real_meshes
from training.evaluation.curves import COLOURS, Curve, charts
from training.evaluation.folder import write_together
from training.evaluation.page import render
from training.evaluation.real_set import RealSet
from training.export.field_mesh import bare_mesh
from training.gan.run_folder import load_run
from training.gan.snapshots import snapshots

FORMAT = "gen3d-quality"
VERSION = 1
SHARES = (0.8, 0.9)
"""Of the floor's COV-CD: the minutes to these are reported."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Point:
    """What a run's averaged generator scored then; see `training.metrics.sets`. MMD-CD is in squared units of the
    longest side, not multiplied."""

    images: int
    minutes: float
    mmd: float
    cov: float
    one_nna: float
    single: float


@dataclass(frozen=True)
class Followed:
    """A run's points in the order of training, and the first minutes at each of `SHARES` of the floor's COV-CD."""

    run: str
    points: tuple[Point, ...]
    minutes_to: dict[str, float | None]


def follow(
    runs: Sequence[Path],
    data: Path,
    out: Path,
    *,
    count: int = 100,
    points: int = 2048,
    resolution: int = 64,
    every: int = 1,
    seed: int = 0,
    threads: int | None = None,
) -> list[Followed]:
    """Judge every `every`-th snapshot of the runs against the held-out meshes of `data`, at truncation 1, and write
    quality.json and quality.html into `out`.

    Raises:
        Gen3DError: no run, no snapshots, a radiance field, no held-out meshes, or a number that does not fit.
    """
    limits.check_whole("--count", count, (8, 10_000))
    limits.check_whole("--points", points, (16, 65_536))
    limits.check_whole("--resolution", resolution, limits.RESOLUTION)
    limits.check_whole("--every", every, (1, 10_000))
    limits.check_whole("--seed", seed, limits.SEED)
    if not runs:
        raise Gen3DError("no run given: name the --out of one or more gen3d-train train")
    if threads:
        torch.set_num_threads(limits.check_whole("--threads", threads, (1, 1024)))
    real = real_meshes(data, None, count, seed)
    if real is None:
        raise Gen3DError(f"{data} has no meshes/heldout: quality is measured against held-out meshes")
    count = min(count, real.comparison_limit)
    known = RealSet.of(real, count, points, seed)
    found = [_follow_run(folder, known, count, resolution, every, seed) for folder in runs]
    curves = [(each.run, _curve(each)) for each in found]
    record = {
        "format": FORMAT,
        "version": VERSION,
        "options": {"count": count, "points": points, "resolution": resolution, "seed": seed},
        "floor": {"mmd": known.floor.mmd, "cov": known.floor.cov, "one_nna": known.floor.one_nna},
        "runs": [asdict(each) for each in found],
    }
    page = render(
        "quality.html",
        found=found,
        floor=known.floor,
        options=record["options"],
        charts=charts(curves, "minutes"),
        keys=[(name, COLOURS[number % len(COLOURS)]) for number, (name, _) in enumerate(curves)],
    )
    write_together(out, {"quality.json": json.dumps(record, indent=1).encode(), "quality.html": page})
    _log.info("%d runs followed, see %s", len(found), out / "quality.html")
    return found


def _follow_run(folder: Path, known: RealSet, count: int, resolution: int, every: int, seed: int) -> Followed:
    run = load_run(folder)
    if run.config.generator.kind == "radiance":
        raise Gen3DError(f"{folder} trains a radiance field, which has no surface of its own: export and evaluate it")
    kept = snapshots(folder)[every - 1 :: every]
    if not kept:
        raise Gen3DError(f"{folder} keeps no snapshots: they are written with its sample grids as it trains")
    generator = Generator(run.config, run.prior).eval().requires_grad_(False)
    codes = CodeSource.of_run(run.config.generator, folder)
    shape = codes.shapes(count, torch.Generator().manual_seed(seed))
    found = []
    for snapshot in tqdm(kept, desc=folder.name, unit="snapshot", leave=False):
        snapshot.load_into(generator)
        meshes, parts = _meshes(generator, shape, resolution)
        if len(meshes) < 2:
            continue
        scores = known.scores(meshes)
        single = sum(each == 1 for each in parts) / count
        found.append(Point(snapshot.images, snapshot.minutes, scores.mmd, scores.cov, scores.one_nna, single))
    reached = {
        f"{share:g}": next((each.minutes for each in found if each.cov >= share * known.floor.cov), None)
        for share in SHARES
    }
    return Followed(folder.name, tuple(found), reached)


def _meshes(generator: Generator, shape: torch.Tensor, resolution: int) -> tuple[list[Mesh], list[int]]:
    """The largest part of each object that has a surface, and how many parts there were."""
    look = torch.zeros(1, generator.config.appearance_dim)
    meshes, parts = [], []
    with torch.no_grad():
        for code in shape:
            field = generator.condition(code[None], look)
            try:
                whole = bare_mesh(field, resolution, floaters=0.0)
            except MeshError:
                continue
            meshes.append(largest_part(whole))
            parts.append(len(np.unique(components(whole.faces, len(whole.vertices)))))
    return meshes, parts


def _curve(found: Followed) -> Curve:
    names = [field.name for field in fields(Point)]
    return {name: tuple(getattr(point, name) for point in found.points) for name in names}
