"""`gen3d-train evaluate`: one model, measured against its data, as JSON, a page and strips of pictures."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gen3d_core import limits
from gen3d_core.errors import Gen3DError
from gen3d_core.files import make_folder
from training.compute import chosen_device
from training.data.batches import Batches
from training.data.dataset import PictureDataset, load_with_bar
from training.data.meshes import RealMeshes, real_meshes
from training.evaluation import records, showcase
from training.evaluation.curves import recorded_curve
from training.evaluation.folder import write_together
from training.evaluation.page import evaluation_page
from training.evaluation.pictures import halve_pictures, real_pictures, rgb_over_white
from training.evaluation.results import FILE_NAME, Evaluation, Options, Row, to_json
from training.evaluation.sampled import Sampled, sample_meshes
from training.evaluation.score_bodies import carve_all, solid_rows
from training.evaluation.score_codes import APPEARANCES, SHAPES, code_rows
from training.evaluation.score_kinds import KnownKinds, kind_rows
from training.evaluation.score_meshes import mesh_rows, set_rows
from training.evaluation.score_pictures import LEAST, picture_rows
from training.evaluation.subject import JudgedModel
from training.evaluation.wholes import parts_of_seeds
from training.metrics.image_network import ImageNetwork, NetworkMissing, load_image_network
from training.metrics.inception import load_inception
from training.procedural.family import family_of

COUNT = (LEAST, 10_000)
POINTS = (16, 65_536)
WHOLES = (1, 100_000)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shots:
    """Equally many pictures (n, 3, s, s) over white: real ones, further real ones for the floor, and generated ones;
    `seconds` is what one of these took."""

    real: Tensor
    floor: Tensor
    fake: Tensor
    seconds: float


def evaluate(
    model: str,
    data: Path,
    out: Path,
    *,
    reference: Path | None = None,
    count: int = 200,
    points: int = 2048,
    resolution: int = 96,
    wholes: int | None = None,
    seed: int = 0,
    truncation: float | None = None,
    inception: Path | None = None,
    record: bool = False,
    device: str = "cpu",
    threads: int | None = None,
) -> Evaluation:
    """Measure a model and write what was found into the folder `out`, all of it or nothing.

    The seeds `seed`, `seed` + 1, ... give the meshes and, seen by cameras drawn from the data's own, the pictures.
    Equal arguments give equal results on one machine, but for the times in `cost`. `record` writes the measures into
    the model file as well. The parts that objects have before cleaning are counted for `wholes` seeds, `count` unless
    told.

    Raises:
        Gen3DError: an argument, the model, the data or the reference meshes do not fit.
    """
    wholes = count if wholes is None else wholes
    _check(count, points, resolution, wholes, seed, threads)
    if threads:
        torch.set_num_threads(threads)
    chosen = chosen_device(device)
    subject = JudgedModel.open(model, truncation, chosen, threads)
    networks = _networks(inception)
    pictures = load_with_bar(data)
    _check_cameras(subject, pictures, data)
    real = real_meshes(data, reference, count, seed)
    make_folder(out)

    shots = _shots(subject, pictures, count, seed)
    equal = len(shots.real)
    sampled = sample_meshes(subject.model, range(seed, seed + count), resolution, subject.truncation)
    parts = parts_of_seeds(subject.model, range(seed, seed + wholes), subject.truncation)
    rows = [*picture_rows(shots.real, shots.floor, shots.fake, seed, *networks)]
    if real is not None and len(sampled.survivors) >= 2:
        rows += set_rows(sampled, real, points, seed)
    rows += _bodies(sampled, real, family_of(pictures.source), seed)
    rows += mesh_rows(sampled, real, parts, seed)
    rows += _codes(subject, pictures.size, count, seed)

    options = Options(count, equal, points, resolution, seed, subject.truncation, records.file_hash(inception), wholes)
    evaluation = Evaluation(
        records.model_record(subject),
        records.data_record(pictures, real),
        options,
        tuple(rows),
        records.cost(subject, sampled.seconds, shots.seconds, chosen),
        recorded_curve(subject.training),
        tuple(_remarks(subject, pictures, real, sampled, options, truncation is None)),
    )
    shown = min(count, showcase.SHOWN)
    strips = showcase.strips_of(
        subject, 2 * pictures.size, seed, shown, sampled.meshes
    )  # twice the data's: less blurred
    sheet = showcase.contact_sheet(shots.real.numpy(), shots.fake.numpy(), sampled.meshes, real)
    images = {**strips, "contact_sheet.png": sheet}
    files = {FILE_NAME: to_json(evaluation), "evaluation.html": evaluation_page(evaluation, images), **images}
    write_together(out, files)
    if record:
        records.write_into_model(subject.model.path, evaluation)
    _log.info("%s: %d rows, see %s", subject.model.name, len(rows), out / "evaluation.html")
    return evaluation


def _check(count: int, points: int, resolution: int, wholes: int, seed: int, threads: int | None) -> None:
    limits.check_whole("--count", count, COUNT)
    limits.check_whole("--points", points, POINTS)
    limits.check_whole("--resolution", resolution, limits.RESOLUTION)
    limits.check_whole("--wholes", wholes, WHOLES)
    limits.check_whole("--seed", seed, limits.SEED)
    for flag, seeds in (("--count", count), ("--wholes", wholes)):
        limits.check_whole(f"--seed with {flag}: the last seed", seed + seeds - 1, limits.SEED)
    if threads is not None:
        limits.check_whole("--threads", threads, (1, 1024))


def _check_cameras(subject: JudgedModel, data: PictureDataset, folder: Path) -> None:
    """Pictures can only be compared when the object is as large in both, and when there are enough of them."""
    ours, theirs = subject.generator.prior, data.prior
    if (ours.distance, ours.fov_deg) != (theirs.distance, theirs.fov_deg):
        raise Gen3DError(
            f"{folder} has cameras at distance {theirs.distance:g} with a field of view of {theirs.fov_deg:g} degrees, "
            f"but the model was trained with {ours.distance:g} and {ours.fov_deg:g}: give data like those it knows"
        )
    if len(data.pictures) < 2 * LEAST:
        raise Gen3DError(f"{folder} has {len(data.pictures)} pictures: an evaluation needs {2 * LEAST} or more")


def _shots(subject: JudgedModel, data: PictureDataset, count: int, seed: int) -> Shots:
    """`count` pictures of each kind, fewer where the data hold fewer; see `halve_pictures`."""
    batches = Batches(data, torch.device("cpu"))
    halves = halve_pictures(data.models, np.random.default_rng([seed, 1]))
    count = min(count, len(halves[0]))
    poses = batches.draw_poses(count, torch.Generator().manual_seed(seed))
    shape, appearance = subject.codes(range(seed, seed + count))
    began = time.perf_counter()
    fake = rgb_over_white(subject.render(shape, appearance, poses, data.size))
    seconds = (time.perf_counter() - began) / count
    real, further = (real_pictures(batches, torch.from_numpy(half[:count])) for half in halves)
    return Shots(real, further, fake, seconds)


def _networks(inception: Path | None) -> tuple[nn.Module | None, ImageNetwork | None]:
    """Inception where its weights are named, EfficientNet-Lite0 where it is installed."""
    named = None if inception is None else load_inception(inception)
    try:
        return named, load_image_network()
    except NetworkMissing:
        return named, None


def _bodies(sampled: Sampled, real: RealMeshes | None, family: str | None, seed: int) -> list[Row]:
    """Rows about solids, and where the data are of a procedural family about its kinds."""
    if not sampled.survivors:
        return []
    generated = carve_all(sampled.survivors, "bodies")
    others = carve_all(real.references[: len(generated)], "bodies of references") if real else []
    rows = [*solid_rows(generated, others, seed)]
    return rows if family is None else [*rows, *kind_rows(KnownKinds.of(family), generated, others, seed)]


def _codes(subject: JudgedModel, size: int, count: int, seed: int) -> list[Row]:
    shape, _ = subject.codes(range(seed, seed + min(SHAPES, count)))
    _, appearance = subject.codes(range(seed, seed + min(APPEARANCES, count)))

    def render(shape: Tensor, appearance: Tensor, pose: Tensor) -> Tensor:
        return subject.render(shape, appearance, pose, size, "disentanglement")

    return list(code_rows(render, shape, appearance, seed))


def _remarks(
    subject: JudgedModel,
    data: PictureDataset,
    real: RealMeshes | None,
    sampled: Sampled,
    options: Options,
    own_truncation: bool,
) -> list[str]:
    """What whoever reads the numbers should know, a sentence each."""
    chosen = "the model's own" if own_truncation else "as asked for"
    remarks = [f"Pictures and meshes are made with truncation {options.truncation:g}, {chosen}."]
    if options.pictures < options.count:
        remarks.append(
            f"The data hold {len(data.pictures)} pictures: {options.pictures} of each kind are compared instead of "
            f"{options.count}, so that the floor has as many, of other objects where it is told what each shows."
        )
    if data.category != subject.model.manifest["category"]:
        remarks.append(f"The model makes {subject.model.manifest['category']}, the data show {data.category}.")
    if data.skipped:
        remarks.append(f"{len(data.skipped)} pictures of the data could not be read and were left out.")
    if real is None:
        remarks.append(
            "There are no reference meshes (no meshes/heldout in the data, no --reference): meshes were not compared "
            "as a set, and their roughness has no floor."
        )
    elif len(sampled.survivors) < 2:
        remarks.append("Fewer than two seeds gave a mesh: meshes were not compared as a set.")
    elif len(real.references) < options.count:
        remarks.append(f"There are {len(real.references)} reference meshes: no more are compared as a set.")
    return remarks
