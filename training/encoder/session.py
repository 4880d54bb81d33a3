"""`gen3d-train encoder`: an encoder for a finished generator, added to its model file."""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gen3d_core import limits
from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.files import make_folder
from gen3d_core.model.archive import SUFFIX, ModelArchive, read_model, write_model
from gen3d_core.model.model import Model, find
from gen3d_core.model.onnx_model import OnnxModel
from gen3d_core.networks.fields.triplane import TriplaneField
from gen3d_core.rendering.generator import Generator
from gen3d_core.weights.load import load_generator
from gen3d_core.weights.onnx_export import export_encoder
from training.averaging import update_average
from training.budget import Budget, BudgetedLoop
from training.code_source import CodeSource
from training.compute import denormals_as_zero
from training.data.batches import Batches
from training.data.dataset import PictureDataset, load_with_bar
from training.data.poses import check_cameras_agree
from training.encoder.calibration import PICTURES, low_limits
from training.encoder.known import known_pictures
from training.encoder.occupancy_probes import SolidProbes
from training.encoder.pool import (
    VIEWS,
    Pool,
    Seen,
    frame_data_pictures,
    render_objects,
    together,
    with_quick_renderer,
)
from training.encoder.state import EncoderState, average_decay, rate
from training.encoder.steps import StyleDistance, Terms, encoder_terms
from training.lock import hold

log = logging.getLogger(__name__)

BATCH = 64
REDRAWN_PICTURES, REDRAWN_GENERATED = 10, 3
"""Pictures of a batch that are rendered again, and how many of them are generated where there are others."""
REDRAWN_FROM = 0.25
"""Share of the training from which pictures are rendered again: before that, codes teach faster."""
CAPACITY, FIRST = 24_576, 1024
"""Generated pictures that are kept, and how many of them before training begins."""
NEW_SHAPES, NEW_EVERY = 8, 4
"""Shapes rendered at once, every so many steps."""
NEW_SHARE = 0.5
"""Of the pictures whose codes are known, how many show new objects where others show known ones."""
TOLD_STEPS = 32


def train_encoder(
    name: str,
    out: Path,
    data: Path | None,
    known: Path | None,
    minutes: float | None,
    images: int | None,
    threads: int | None,
    seed: int,
) -> None:
    """Train an encoder on pictures that the model generates, and on those of a data set, and write `out`: the model
    with `encoder.onnx` added or replaced. Until it is done a checkpoint lies beside `out`; run again it goes on.

    Raises:
        Gen3DError: an argument, the model or the data do not fit.
    """
    _check(out, minutes, images, threads, seed)
    if known is not None and data is None:
        raise Gen3DError(f"--known {known} takes the data set that it was taught: give --data too")
    path = find(name)
    generator = with_quick_renderer(load_generator(path, torch.device("cpu")))
    if not isinstance(generator.field, TriplaneField):
        raise Gen3DError(
            f"{path} is no tri-plane model: "
            "pictures can be encoded for the presets fast, photos, reconstruct and detail"
        )
    layout: dict[str, Any] = {"memory_format": torch.channels_last}
    generator.to(**layout)
    pictures = None if data is None else _load_pictures(data, generator.prior)
    batches = None if pictures is None else Batches(pictures, torch.device("cpu"))
    archive = read_model(path)
    if threads:
        torch.set_num_threads(threads)
    make_folder(out.parent)
    with hold(out.with_name(out.stem + ".encoder.lock"), out, litter=True):
        state = EncoderState.fresh(generator.config, seed, archive.identity)
        checkpoint = out.with_name(out.stem + ".encoder.pt")
        if state.restore(checkpoint):
            log.info("resuming at %d pictures, %.1f minutes", state.images, state.seconds / 60)
        truncation = archive.manifest["truncation"]
        with denormals_as_zero():
            codes = CodeSource.of_model(archive)
            probes = SolidProbes(generator, codes, truncation, state.rng)
            taught = None
            if known is not None and pictures is not None:
                taught = known_pictures(known, pictures, generator, probes, truncation, state.rng)
            _train(state, generator, codes, probes, truncation, batches, taught, Budget(images, minutes), checkpoint)
        log.info("exporting")
        budget = f"--images {images}" if minutes is None else f"--minutes {minutes:g}"
        given = (" --data DATASET" if batches else "") + (" --known RUN" if known else "")
        command = f"gen3d-train encoder MODEL --out MODEL{given} {budget} --seed {seed}"
        _write(out, archive, state, command, _own_pictures(generator, codes, probes, truncation, batches, state.rng))
        checkpoint.unlink(missing_ok=True)
    log.info("%s: %.1f MB", out, out.stat().st_size / 1e6)


def _check(out: Path, minutes: float | None, images: int | None, threads: int | None, seed: int) -> None:
    if minutes is None and images is None:
        raise Gen3DError("say how long to train: --minutes or --images")
    for flag, value in (("--minutes", minutes), ("--images", images)):
        if value is not None and not 0 < value < math.inf:
            raise Gen3DError(f"{flag} is {value}: it must be positive")
    limits.check_whole("--seed", seed, limits.SEED)
    if threads is not None:
        limits.check_whole("--threads", threads, limits.THREADS)
    if out.suffix != SUFFIX:
        raise Gen3DError(f"--out is {out.name}: expected NAME{SUFFIX}")


def _write(out: Path, archive: ModelArchive, state: EncoderState, command: str, own: Tensor) -> None:
    """The model with its encoder, which is tried on pictures of the model's `own` kind."""
    members = {**archive.members, "encoder.onnx": export_encoder(state.average.eval())}
    model = Model(OnnxModel.of(out, ModelArchive(archive.manifest, members), torch.get_num_threads()), "")
    record: dict[str, Any] = {
        "command": command,
        "pictures_shown": state.images,
        "minutes": round(state.seconds / 60, 1),
        **low_limits(model, own),
    }
    write_model(out, {**archive.manifest, "encoder": record}, members)


def _load_pictures(data: Path, cameras: PosePrior) -> PictureDataset:
    dataset = load_with_bar(data)
    check_cameras_agree(cameras, dataset.prior, data)
    if dataset.azimuth is None:
        raise Gen3DError(f"{data} does not know its cameras: leave --data out, and generated pictures alone will do")
    return dataset


def _train(
    state: EncoderState,
    generator: Generator,
    codes: CodeSource,
    probes: SolidProbes,
    truncation: float,
    batches: Batches | None,
    taught: Pool | None,
    budget: Budget,
    checkpoint: Path,
) -> None:
    """Until the budget is spent, all sessions together."""
    distance = StyleDistance(generator.field, codes, state.rng)  # type: ignore[arg-type]
    pool = Pool(CAPACITY, generator.config.shape_dim, generator.config.appearance_dim)
    while pool.count < FIRST:
        pool.add(render_objects(generator, codes, probes, NEW_SHAPES, truncation, state.rng))
    loop = BudgetedLoop[EncoderState](budget, "encoder", lambda state: state.save(checkpoint))

    def step(state: EncoderState, progress: float) -> EncoderState:
        if state.step % NEW_EVERY == 0:
            pool.add(render_objects(generator, codes, probes, NEW_SHAPES, truncation, state.rng))
        redrawn = _draw_to_redraw(pool, batches, state.rng) if progress >= REDRAWN_FROM else None
        count = BATCH if redrawn is None else BATCH - REDRAWN_PICTURES
        new = count if taught is None else round(count * NEW_SHARE)
        known = pool.draw(new, state.rng)
        if taught is not None:
            known = together([taught.draw(count - new, state.rng), known])
        state.optimiser.param_groups[0]["lr"] = rate(state.step, progress)
        state.optimiser.zero_grad(set_to_none=True)
        terms = encoder_terms(state.encoder, generator, distance, probes, known, redrawn, truncation, state.rng)
        terms.total().backward()
        state.optimiser.step()
        update_average(state.average, state.encoder, average_decay(state.step))
        state.step += 1
        state.images += BATCH
        if state.step % TOLD_STEPS == 0:
            loop.tell(_summary(terms, state.images))
        return state

    loop.run(state, step)


def _draw_to_redraw(pool: Pool, batches: Batches | None, rng: torch.Generator) -> Seen:
    if batches is None:
        return pool.draw(REDRAWN_PICTURES, rng).seen
    real = frame_data_pictures(*batches.draw(REDRAWN_PICTURES - REDRAWN_GENERATED, rng))
    return real.join(pool.draw(REDRAWN_GENERATED, rng).seen)


def _own_pictures(
    generator: Generator,
    codes: CodeSource,
    probes: SolidProbes,
    truncation: float,
    batches: Batches | None,
    rng: torch.Generator,
) -> Tensor:
    """Pictures (n, 4, side, side) of the model's own kind, each reduced to its object."""
    if batches is not None:
        return frame_data_pictures(*batches.draw(PICTURES, rng)).pictures
    return render_objects(generator, codes, probes, PICTURES // VIEWS, truncation, rng).seen.pictures


def _summary(terms: Terms, images: int) -> str:
    return (
        f"{images / 1000:.1f} kimg, codes {terms.codes.item():.3f}, azimuth {terms.azimuth.item():.2f}, "
        f"silhouette {terms.silhouette.item():.3f}, picture {terms.picture.item():.3f}, "
        f"solid {terms.solid.item():.3f}"
    )
