"""Evaluations of several models side by side: rows in common, the best of each, and what forbids comparing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from gen3d_core.errors import Gen3DError
from training.evaluation.results import Cost, Estimate, Evaluation, ModelRecord, Row

FORMAT = "gen3d-comparison"
VERSION = 1
_OPTIONS = {
    "count": "--count",
    "pictures": "pictures of each kind",
    "points": "--points",
    "resolution": "--resolution",
    "wholes": "--wholes",
    "seed": "--seed",
}


@dataclass(frozen=True)
class Cell:
    """One model's part of a row; `rank` is "best", "tied" where its interval meets the best one's, else ""."""

    result: Estimate | None
    floor: Estimate | None
    note: str
    rank: Literal["best", "tied", ""]


@dataclass(frozen=True)
class ComparedRow:
    """One metric of all models, in their order. `floor` is the floor that they share, None where theirs differ; `note`
    explains the metric in the words of the first evaluation that has it."""

    key: str
    group: str
    name: str
    best: str
    target: float | None
    unit: str
    note: str
    floor: Estimate | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Comparison:
    """All rows, models and costs side by side; `labels` are the models' names, told apart where they are the same."""

    labels: tuple[str, ...]
    models: tuple[ModelRecord, ...]
    truncations: tuple[float, ...]
    rows: tuple[ComparedRow, ...]
    costs: tuple[Cost, ...]
    remarks: tuple[tuple[str, ...], ...]


def compare_results(evaluations: Sequence[Evaluation], places: Sequence[str]) -> Comparison:
    """Put evaluations side by side; `places` name them in complaints and where models have the same name.

    Raises:
        Gen3DError: they were made on different data, or with different counts, points, resolutions or seeds.
    """
    for evaluation, place in zip(evaluations[1:], places[1:], strict=True):
        _check(evaluations[0], evaluation, places[0], place)
    names = [evaluation.model.name for evaluation in evaluations]
    return Comparison(
        tuple(
            name if names.count(name) == 1 else f"{name} ({place})" for name, place in zip(names, places, strict=True)
        ),
        tuple(evaluation.model for evaluation in evaluations),
        tuple(evaluation.options.truncation for evaluation in evaluations),
        tuple(_side_by_side(evaluations)),
        tuple(evaluation.cost for evaluation in evaluations),
        tuple(evaluation.remarks for evaluation in evaluations),
    )


def to_json(comparison: Comparison) -> bytes:
    """The comparison as readable JSON."""
    content = {"format": FORMAT, "version": VERSION, **asdict(comparison)}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _check(one: Evaluation, other: Evaluation, here: str, there: str) -> None:
    if (one.data.hash, one.data.references_hash) != (other.data.hash, other.data.references_hash):
        what = "pictures" if one.data.hash != other.data.hash else "reference meshes"
        raise Gen3DError(f"{here} and {there} were evaluated on different {what}: evaluate both on the same --data")
    for name, flag in _OPTIONS.items():
        mine, its = getattr(one.options, name), getattr(other.options, name)
        if mine != its:
            raise Gen3DError(f"{here} was evaluated with {flag} {mine}, {there} with {its}: evaluate both alike")
    if one.options.inception and other.options.inception and one.options.inception != other.options.inception:
        raise Gen3DError(f"{here} and {there} were evaluated with different --inception: evaluate both alike")


def _side_by_side(evaluations: Sequence[Evaluation]) -> list[ComparedRow]:
    """Every row that any model has, in the order of the first that has it."""
    tables = [{row.key: row for row in evaluation.rows} for evaluation in evaluations]
    found = []
    for key in dict.fromkeys(key for table in tables for key in table):
        rows = [table.get(key) for table in tables]
        first = next(row for row in rows if row is not None)
        floors = [row.floor if row else None for row in rows]
        shared = floors[0] if all(floor == floors[0] for floor in floors) else None
        cells = tuple(
            Cell(row.result, row.floor, row.note, rank) if row else Cell(None, None, "not in this evaluation", "")
            for row, rank in zip(rows, _ranks(rows), strict=True)
        )
        found.append(
            ComparedRow(key, first.group, first.name, first.best, first.target, first.unit, first.note, shared, cells)
        )
    return found


def _ranks(rows: Sequence[Row | None]) -> list[Literal["best", "tied", ""]]:
    """Marks of one row: nothing without a second model to be better than, several "best" where values are equal."""
    results = [(row.distance(row.result.value), row.result) for row in rows if row and row.result]
    if len(results) < 2 or any(row is not None and row.best == "none" for row in rows):
        return [""] * len(rows)
    least, winner = min(results, key=lambda pair: pair[0])
    if all(distance == least for distance, _ in results):
        return [""] * len(rows)
    marks: list[Literal["best", "tied", ""]] = []
    for row in rows:
        if row is None or row.result is None:
            marks.append("")
        elif row.distance(row.result.value) == least:
            marks.append("best")
        else:
            known = row.result.low is not None and winner.low is not None
            marks.append("tied" if known and row.result.overlaps(winner) else "")
    return marks
