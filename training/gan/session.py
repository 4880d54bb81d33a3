"""One session of `gen3d-train train`: data, device and folder made ready for the trainer."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from gen3d_core import limits
from gen3d_core.config import Config, PosePrior
from gen3d_core.errors import Gen3DError
from training.budget import Budget
from training.compute import chosen_device, denormals_as_zero, describe_machine
from training.data.batches import Batches
from training.data.dataset import PictureDataset, load_with_bar
from training.data.poses import covered
from training.gan.handover import taught_state
from training.gan.run_folder import Run, check, check_place, clear_leftovers, lock_folder, record
from training.gan.state import TrainState
from training.gan.trainer import show, train
from training.reconstruction.session import Reconstruction, prepared, reconstruct, reconstructable
from training.settings import flags

log = logging.getLogger(__name__)

Stage = Literal["solids", "reconstruction", "adversary"]


def train_session(
    dataset: Path,
    out: Path,
    config: Config,
    *,
    preset: str = "fast",
    minutes: float | None = None,
    images: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    seed: int = 0,
    snapshot_kimg: float = 10.0,
    stage: Stage = "adversary",
) -> None:
    """Train, or go on training, the run in `out` until its budget is spent or `stage` is over: *solids* and
    *reconstruction*, with the prior of what was learned, where the data hold several pictures of each object, then the
    *adversary*.

    Raises:
        Gen3DError: a setting, the data, the device or the folder does not fit; the generator stayed ill.
    """
    _check(config, minutes, images, seed, snapshot_kimg, threads)
    check_place(out)
    if threads:
        torch.set_num_threads(threads)
    chosen = chosen_device(device)
    data = load_with_bar(dataset)
    if data.size < config.patch.size:
        raise Gen3DError(f"{dataset} has pictures of {data.size} pixels: this preset needs {config.patch.size} or more")
    if data.azimuth is None and config.discriminator.pose:
        log.info(
            "no cameras in the data: poses are drawn from the prior and not shown to the discriminator; "
            "the preset photos is made for that"
        )
        config = dataclasses.replace(config, discriminator=dataclasses.replace(config.discriminator, pose=False))
    if not config.discriminator.pose:
        data = dataclasses.replace(data, azimuth=None, elevation=None, prior=_covered(data))
    views = reconstructable(data, config)
    if views is None and stage != "adversary":
        raise Gen3DError(
            f"--stage {stage}: these data have no such stage, it takes several pictures of each object from known "
            "cameras, and --reconstruction.share above 0"
        )
    if views is not None:
        config = prepared(config, views)
    about = {
        "source": data.source,
        "category": data.category,
        "pictures": len(data.pictures),
        "size": data.size,
        "mirror": data.mirror,
        "licence": data.licence,
        **({"attribution": list(data.attribution)} if data.attribution else {}),
    }
    budget = f"--images {images}" if minutes is None else f"--minutes {minutes:g}"
    settings = "".join(f" {word}" for word in flags(config, preset))
    command = f"gen3d-train train DATASET --out RUN --preset {preset} {budget} --seed {seed}{settings}"
    with lock_folder(out), denormals_as_zero():
        run = Run(config, data.prior, seed, preset, command, data.category, about, describe_machine(chosen))
        check(out, run)
        state = TrainState.fresh(config, data.prior, chosen, seed)
        if state.restore(out):
            log.info("resuming at %d pictures, %.1f minutes", state.images, state.seconds / 60)
        clear_leftovers(out)
        part = Budget(images, minutes).part(config.reconstruction.share)
        if views is not None and not state.step and part.progress(state) < 1:
            record(out, run, state.images)

            def keep(known: Reconstruction) -> TrainState:
                """What can be exported and shown, at any time."""
                state = taught_state(known, config, data.prior, chosen, seed)
                show(state, config, data.size, out)
                return state

            state = keep(reconstruct(views, config, out, part, chosen, seed, keep, solids_only=stage == "solids"))
        record(out, run, state.images)
        if stage != "adversary":
            log.info("the stage %s is over: the same command without --stage goes on", stage)
            return
        state = train(state, Batches(data, chosen), config, out, Budget(images, minutes), seed, snapshot_kimg)
    log.info("%d pictures shown in %.1f minutes, see %s", state.images, state.seconds / 60, out / "samples")


def _covered(data: PictureDataset) -> PosePrior:
    """Where the data's cameras stand, which are not told: generated pictures are drawn from there, not from sides that
    no picture shows."""
    if data.azimuth is None or data.elevation is None:
        return data.prior
    azimuth, elevation = data.azimuth, data.elevation
    azimuth = np.concatenate([azimuth, -azimuth]) if data.mirror else azimuth
    return covered(azimuth, elevation, data.prior)


def _check(
    config: Config, minutes: float | None, images: int | None, seed: int, snapshot_kimg: float, threads: int | None
) -> None:
    if minutes is None and images is None:
        raise Gen3DError("say how long to train: --minutes or --images")
    counts = {"--minutes": minutes, "--images": images, "--snapshot-kimg": snapshot_kimg, "--threads": threads}
    numbers = list(_numbers(config))
    zero_means_none = "--baseline.free-samples"
    whole = [(name, value) for name, value in numbers if isinstance(value, int) and name != zero_means_none]
    for name, value in [*counts.items(), *whole]:
        if value is not None and not 0 < value < math.inf:
            raise Gen3DError(f"{name} is {value}: it must be positive")
    for name, value in numbers:
        if not math.isfinite(value):
            raise Gen3DError(f"{name} is {value}: it must be finite")
    limits.check_whole("--seed", seed, limits.SEED)
    if threads is not None:
        limits.check_whole("--threads", threads, limits.THREADS)
    if config.optim.batch % config.optim.views:
        raise Gen3DError(f"--optim.batch {config.optim.batch} is not a multiple of --optim.views {config.optim.views}")
    if not 0 <= config.reconstruction.share <= 1:
        raise Gen3DError(f"--reconstruction.share is {config.reconstruction.share:g}: it must lie between 0 and 1")
    if not config.generator.synthesis_channels:
        raise Gen3DError("--generator.synthesis-channels is empty: it needs one number for each resolution")
    mlp = config.baseline.mlp
    if not 0 < mlp.skip < mlp.depth:
        raise Gen3DError(f"--baseline.mlp.skip is {mlp.skip}: it must lie inside --baseline.mlp.depth")
    if config.renderer.march_steps < 2 or not 8 <= config.renderer.lattice <= 255:
        raise Gen3DError("--renderer.march-steps must be at least 2 and --renderer.lattice from 8 to 255")
    levels = len(config.discriminator.channels)
    halvings = levels if config.discriminator.architecture == "graf" else levels - 1
    if levels < 1 or config.patch.size < 2**halvings:
        least = 2 ** max(halvings, 0)
        raise Gen3DError(
            f"--patch.size is {config.patch.size}: a discriminator of {levels} levels needs {least} or more"
        )


def _numbers(part: Any, prefix: str = "--") -> Iterator[tuple[str, int | float]]:
    """Every number of a configuration with the flag that sets it."""
    for item in dataclasses.fields(part):
        name, value = prefix + item.name.replace("_", "-"), getattr(part, item.name)
        if dataclasses.is_dataclass(value):
            yield from _numbers(value, name + ".")
        elif not isinstance(value, bool | str):
            yield from ((name, number) for number in (value if isinstance(value, tuple) else (value,)))
