"""A run to the one file that travels."""

from __future__ import annotations

import dataclasses
import logging
import math
import re
from pathlib import Path
from typing import Any

import torch

from gen3d_core import limits
from gen3d_core.errors import Gen3DError
from gen3d_core.files import make_folder
from gen3d_core.model.archive import PRIORS, SUFFIX, ModelArchive, write_model
from gen3d_core.model.onnx_model import OnnxModel
from gen3d_core.networks.fields.radiance import RadianceField
from gen3d_core.rendering.generator import Generator
from gen3d_core.weights.load import WEIGHTS, pack_weights, round_to_half
from gen3d_core.weights.onnx_export import export_graphs
from training.code_source import CodeSource
from training.data.meshes import read_meshes
from training.export.directions import principal_directions
from training.export.draws import SHAPES, chosen_draws
from training.export.level import choose_level
from training.export.preview import portrait
from training.gan.run_folder import load_run
from training.gan.state import TrainState
from training.tracking import curve

log = logging.getLogger(__name__)

VALIDATION_MESHES = 48


def export(
    run_folder: Path,
    out: Path,
    truncation: float = 1.0,
    level: float | None = None,
    validation: Path | None = None,
    shapes: int = SHAPES,
) -> None:
    """Write the averaged generator of a run as a `.gen3d` file: weights, graphs, preview and training record.

    A radiance field is cut at the density `level`, or at the one that suits the `validation` meshes best. Where the
    distribution of codes was fitted, seeds name that many `shapes` in one piece, which are looked for among its draws.

    Raises:
        Gen3DError: no run, no checkpoint in it, a diverged one, or a file name that cannot be a model's name.
    """
    if out.suffix != SUFFIX or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", out.stem):
        raise Gen3DError(f"--out is {out.name}: expected NAME{SUFFIX} with letters, digits, - and _ in the name")
    limits.check_real("--truncation", truncation, limits.TRUNCATION)
    limits.check_whole("--shapes", shapes, limits.CHOSEN_SHAPES)
    run = load_run(run_folder)
    _check_cut(run.config.generator.kind, level, validation)
    state = TrainState.fresh(run.config, run.prior, torch.device("cpu"), run.seed)
    if not state.restore(run_folder):
        raise Gen3DError(f"{run_folder} has no checkpoint yet: train it first")
    generator = round_to_half(state.average)
    if not all(bool(torch.isfinite(value).all()) for value in generator.state_dict().values()):
        raise Gen3DError(f"{run_folder} holds a generator that diverged (weights are not finite): train it anew")
    make_folder(out.parent)
    rng = torch.Generator().manual_seed(0)
    generator.field.measure_means(rng)
    cut = _cut(generator, truncation, level, validation)
    log.info("exporting the graphs, about a minute")
    members = {
        WEIGHTS: pack_weights(generator),
        **export_graphs(generator.field.eval()),
        **{name: (run_folder / name).read_bytes() for name in PRIORS if (run_folder / name).exists()},
    }
    source = CodeSource.of_run(run.config.generator, run_folder)
    if source.priors.shape is not None:
        members.update(chosen_draws(generator, source, truncation, shapes))
    dataset = dict(run.dataset)
    attribution = dataset.pop("attribution", [])
    manifest: dict[str, Any] = {
        "name": out.stem,
        "category": run.category,
        "shape_dim": run.config.generator.shape_dim,
        "appearance_dim": run.config.generator.appearance_dim,
        "truncation": truncation,
        "config": dataclasses.asdict(run.config),
        **({} if cut is None else {"level": cut}),
        "training": {
            "command": run.command,
            "changes": run.changes,
            "preset": run.preset,
            "seed": run.seed,
            "dataset": dataset,
            "pose_prior": dataclasses.asdict(run.prior),
            "pictures_shown": state.images,
            "minutes": round(state.seconds / 60, 1),
            "machine": run.machine,
            "curve": curve(run_folder),
        },
        "metrics": {},
        "licence": dataset.get("licence", ""),
        "attribution": attribution,
    }
    model = OnnxModel.of(out, ModelArchive(manifest, members), torch.get_num_threads())
    members["preview.png"] = portrait(model, truncation)
    manifest["directions"] = principal_directions(model, truncation)
    write_model(out, manifest, members)


def _check_cut(kind: str, level: float | None, validation: Path | None) -> None:
    if kind != "radiance":
        if level is not None or validation is not None:
            raise Gen3DError("--level and --validation are for radiance fields: this model has a surface of its own")
        return
    if level is None and validation is None:
        raise Gen3DError("a radiance field has no surface of its own: give --level or a folder of --validation meshes")
    if level is not None and not math.isfinite(level):
        raise Gen3DError(f"--level is {level}: it must be finite")
    if validation is not None and not validation.is_dir():
        raise Gen3DError(f"{validation} is not a folder of meshes")


def _cut(generator: Generator, truncation: float, level: float | None, validation: Path | None) -> float | None:
    """Set the level at which a radiance field is cut; None for fields with a surface of their own."""
    field = generator.field
    if not isinstance(field, RadianceField):
        return None
    if validation is not None:
        return choose_level(field, read_meshes(validation, VALIDATION_MESHES), truncation)
    if level is not None:
        field.level.fill_(level)
    return level
