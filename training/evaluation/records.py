"""What an evaluation writes down about the model, the data and the cost."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from gen3d_core.model.archive import read_model, sha256, write_model
from training.compute import describe_machine
from training.data.dataset import PictureDataset
from training.data.meshes import RealMeshes
from training.evaluation.results import Cost, DataRecord, Evaluation, ModelRecord
from training.evaluation.subject import JudgedModel


def model_record(subject: JudgedModel) -> ModelRecord:
    """Which model it is."""
    manifest = subject.model.manifest
    return ModelRecord(
        subject.model.name, manifest["category"], subject.model.hash, str(manifest.get("licence") or "not stated")
    )


def write_into_model(path: Path, evaluation: Evaluation) -> None:
    """Put what was measured, with its floors and how, into the model file in the place of earlier metrics.

    The file's hash changes; the evaluation keeps that of the file without it.
    """
    archive = read_model(path)
    options, data = evaluation.options, evaluation.data
    metrics: dict[str, Any] = {
        row.key: {"value": row.result.value, **({} if row.floor is None else {"floor": row.floor.value})}
        for row in evaluation.rows
        if row.result is not None
    }
    metrics["measured"] = {
        "data": data.source,
        "references": data.references,
        "meshes": options.count,
        "pictures": options.pictures,
        "points": options.points,
        "resolution": options.resolution,
        "seeds whose parts are counted": options.wholes,
        "first seed": options.seed,
        "truncation": options.truncation,
    }
    write_model(path, {**archive.manifest, "metrics": metrics}, archive.members)


def data_record(data: PictureDataset, real: RealMeshes | None) -> DataRecord:
    """Which data it was measured against."""
    digest = hashlib.sha256(data.pictures.tobytes())
    for angles in (data.azimuth, data.elevation):
        digest.update(b"" if angles is None else angles.tobytes())
    return DataRecord(
        data.category,
        data.source,
        len(data.pictures),
        data.size,
        digest.hexdigest(),
        len(real.references) if real else 0,
        _meshes_hash(real) if real else None,
    )


def cost(subject: JudgedModel, mesh_seconds: float | None, picture_seconds: float, device: torch.device) -> Cost:
    """What training cost by the file's own record, and what using the model costs here."""
    training = subject.training
    shown, minutes = _positive_number(training.get("pictures_shown")), _positive_number(training.get("minutes"))
    machine = training.get("machine")
    return Cost(
        pictures_shown=None if shown is None else int(shown),
        minutes=minutes,
        pictures_per_second=round(shown / (60 * minutes), 2) if shown and minutes else None,
        machine=_machine(machine) if isinstance(machine, dict) else "not stated",
        parameters=sum(parameter.numel() for parameter in subject.generator.parameters()),
        file_bytes=subject.model.path.stat().st_size,
        seconds_per_mesh=mesh_seconds,
        seconds_per_picture=picture_seconds,
        measured_on=_machine(describe_machine(device)),
    )


def file_hash(path: Path | None) -> str | None:
    """The SHA-256 of a file, None for none."""
    return None if path is None else sha256(path)


def _meshes_hash(real: RealMeshes) -> str:
    digest = hashlib.sha256()
    for mesh in (*real.references, *(real.others or ())):
        digest.update(mesh.vertices.tobytes())
        digest.update(mesh.faces.tobytes())
    return digest.hexdigest()


def _machine(record: dict[str, Any]) -> str:
    threads = record.get("threads")
    plural = "" if threads == 1 else "s"
    processor = f"{record.get('name') or 'unknown'} ({record.get('device') or 'cpu'})"
    return f"{processor}, {threads} thread{plural}" if isinstance(threads, int) else processor


def _positive_number(value: Any) -> float | None:
    """A number from a stranger's file."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e15:
        return None
    return float(value)
