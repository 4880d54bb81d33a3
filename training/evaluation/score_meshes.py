"""Generated meshes: as a set against real ones, and each by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from tqdm import tqdm

from gen3d_core.mesh.mesh import Mesh
from training.data.meshes import RealMeshes
from training.evaluation.real_set import RealSet
from training.evaluation.results import Estimate, Row
from training.evaluation.sampled import Sampled
from training.evaluation.wholes import RESOLUTION
from training.metrics.surface import Quality, measure

SET = "Mesh set"
EACH = "Meshes"


def set_rows(sampled: Sampled, real: RealMeshes, points: int, seed: int) -> Iterator[Row]:
    """MMD-CD, COV-CD and 1-NNA with `points` points of what is visible of each mesh.

    Both sets are equally large: as many as there are of the fewer, so that 1-NNA has its chance level at one half.
    """
    count = min(len(sampled.survivors), real.comparison_limit)
    known = RealSet.of(real, count, points, seed)
    scores, floor = known.scores(sampled.survivors[:count]), known.floor
    note = f"{known.size} generated, {known.size} references, {points} points each. {known.origin}"
    rows = (
        ("mmd", "MMD-CD, times 1000", 1000 * scores.nearest, 1000 * floor.nearest, "lowest", None,
         f"Squared chamfer distance from a reference to the nearest generated mesh, longest side 1. {note}"),
        ("cov", "COV-CD", scores.covered, floor.covered, "highest", None,
         "Share of references that are nearest to some generated mesh."),
        ("nna", "1-NNA-CD", scores.correct, floor.correct, "nearest", 0.5,
         "How often the nearest neighbour tells generated from real: 0.5 when they cannot be told apart."),
    )  # fmt: skip
    for number, (key, name, values, floors, best, target, text) in enumerate(rows):
        yield Row(
            f"set.{key}",
            SET,
            name,
            Estimate.of_mean(values, [seed, 32, number]),
            Estimate.of_mean(floors, [seed, 33, number]),
            best,  # pyright: ignore[reportArgumentType]  # the tuple above widens it to a text
            target,
            note=text,
        )


def mesh_rows(sampled: Sampled, real: RealMeshes | None, parts: np.ndarray, seed: int) -> Iterator[Row]:
    """Rows about single meshes; the floor of roughness is measured on as many real ones. `parts` (N,) are those of
    objects before cleaning, see `parts_of_seeds`."""
    missing = np.array([mesh is None for mesh in sampled.meshes], np.float64)
    yield Row(
        "meshes.missing",
        EACH,
        "seeds without a mesh",
        Estimate.of_mean(missing, [seed, 50]),
        note="Share of seeds whose field has no surface.",
    )
    if not sampled.survivors:
        return
    found = _measure_all(sampled.survivors, "surfaces")
    rough = np.array([quality.roughness_deg for quality in found])
    floor = _measure_all(real.references[: len(found)], "surfaces of references") if real else []
    yield Row(
        "meshes.roughness",
        EACH,
        "roughness of normals",
        Estimate.of_mean(rough, [seed, 51]),
        Estimate.of_mean(np.array([quality.roughness_deg for quality in floor]), [seed, 52]) if floor else None,
        unit="°",
        note="Floor: the same measure of real meshes." if floor else "",
    )
    closed = np.array([quality.watertight for quality in found], np.float64)
    crossed = np.array([quality.self_intersections for quality in found], np.float64)
    yield Row("meshes.watertight", EACH, "watertight", Estimate.of_mean(closed, [seed, 53]), best="highest",
              note="Share of meshes whose every edge has two triangles.")  # fmt: skip
    yield Row("meshes.intersections", EACH, "self-intersections", Estimate.of_mean(crossed, [seed, 54]),
              unit="pairs", note="Pairs of triangles that cut each other, per mesh.")  # fmt: skip
    if not len(parts):
        return
    note = f"{len(parts)} seeds at {RESOLUTION}³, as users get them."
    yield Row("meshes.components", EACH, "parts before cleaning", Estimate.of_mean(parts, [seed, 55]),
              best="nearest", target=1.0, note=f"Connected and solid; cleaning keeps the largest. {note}")  # fmt: skip
    yield Row("meshes.single", EACH, "whole before cleaning", Estimate.of_mean(parts == 1, [seed, 56]),
              best="highest", note=f"Share of objects that are a single part as they come. {note}")  # fmt: skip


def _measure_all(meshes: Sequence[Mesh], what: str) -> list[Quality]:
    return [measure(mesh) for mesh in tqdm(meshes, desc=what, unit="mesh", leave=False)]
