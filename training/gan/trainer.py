"""The training loop: steps, checkpoints, samples, and the alarm. Run again on the same folder, it goes on."""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path

import torch

from gen3d_core.adversarial import schedule
from gen3d_core.config import Config
from gen3d_core.errors import Gen3DError
from gen3d_core.files import replacing
from training.averaging import update_average
from training.budget import Budget, BudgetedLoop
from training.code_source import CodeSource
from training.data.batches import Batches
from training.gan.health import Alarm, Foreground
from training.gan.samples import sample_grid
from training.gan.snapshots import keep_snapshot
from training.gan.state import TrainState
from training.gan.steps import StepReport, train_step
from training.tracking import Tracker

log = logging.getLogger(__name__)

CHECK_EVERY = 64  # steps
EARLY_IMAGES = 20_000  # an illness before this reseeds, later it stops the run
RESEEDS = 3


def train(
    state: TrainState, batches: Batches, config: Config, out: Path, budget: Budget, seed: int, snapshot_kimg: float
) -> TrainState:
    """Train from `state` until the budget is spent and return the final state, saved in `out`.

    Raises:
        Gen3DError: the generator fell ill and reseeding did not help; `out` keeps the last checkpoint.
    """
    tracker = Tracker(out, state.images)
    real = Foreground.of(batches.foreground())
    alarm = Alarm(real, batches.draw_poses)
    codes = CodeSource.of_run(config.generator, out)
    snapshot_images = max(int(snapshot_kimg * 1000), config.optim.batch)
    loop = BudgetedLoop[TrainState](budget, "training", lambda state: state.save(out))
    pace_time, pace_images = time.monotonic(), state.images
    untold: tuple[StepReport, float] | None = None

    def tell(state: TrainState, report: StepReport, progress: float) -> None:
        nonlocal pace_time, pace_images, untold
        now = time.monotonic()
        pace = (state.images - pace_images) / max(now - pace_time, 1e-3)
        pace_time, pace_images, untold = now, state.images, None
        tracker.record(state.images, _log_values(report, state, config, pace, progress))
        loop.tell(f"{state.images / 1000:.1f} kimg, {pace:.0f} pictures/s")

    def step(state: TrainState, progress: float) -> TrainState:
        nonlocal alarm, pace_images, untold
        report = train_step(
            state.generator,
            state.discriminator,
            state.generator_optimiser,
            state.discriminator_optimiser,
            batches,
            config,
            step=state.step,
            images=state.images,
            progress=progress,
            rng=state.rng,
            codes=codes,
        )
        untold = report, progress
        state.step += 1
        state.images += config.optim.batch
        update_average(state.average, state.generator, schedule.ema_decay(state.images, config.optim))
        if state.step % CHECK_EVERY:
            return state
        tell(state, report, progress)
        illness = alarm.check(report, state.generator, torch.Generator().manual_seed(state.step))
        if illness is not None:
            tracker.event(state.images, illness)
            state = _reseed(state, config, batches, illness, seed)
            alarm, pace_images = Alarm(real, batches.draw_poses), state.images
        return state

    def after(state: TrainState) -> None:
        if state.images // snapshot_images != (state.images - config.optim.batch) // snapshot_images:
            _snapshot(state, config, batches.size, out)

    try:
        state = loop.run(state, step, after)
        if untold is not None:  # a short session has a line in the log, too
            tell(state, *untold)
    finally:
        tracker.close()
    _snapshot(state, config, batches.size, out)
    return state


def _log_values(
    report: StepReport, state: TrainState, config: Config, pace: float, progress: float
) -> dict[str, float | None]:
    kimg = state.images / 1000
    return {
        **dataclasses.asdict(report),
        "minutes": state.seconds / 60,
        "images_per_second": pace,
        "interval": schedule.interval_half_width(kimg, config.renderer.interval),
        "learning_rate": config.optim.rate
        * schedule.relative_rate(progress, kimg, config.optim, config.baseline.halve_at_kimg),
    }


def _reseed(state: TrainState, config: Config, batches: Batches, illness: str, seed: int) -> TrainState:
    """Start again from other weights while that is cheap and no reconstruction taught these; otherwise stop."""
    if state.images > EARLY_IMAGES or state.reseeds >= RESEEDS or config.generator.framed_codes:
        raise Gen3DError(
            f"the generator is {illness} after {state.images} pictures and {state.reseeds} new starts: "
            "try another --seed, a larger --loss.r1-gamma or a smaller --optim.rate"
        )
    log.warning("the generator is %s after %d pictures: starting again from other weights", illness, state.images)
    fresh = TrainState.fresh(config, batches.prior, batches.device, seed + 1000 * (state.reseeds + 1))
    fresh.reseeds, fresh.seconds = state.reseeds + 1, state.seconds
    return fresh


def show(state: TrainState, config: Config, size: int, out: Path) -> None:
    """A sample grid of the averaged generator, and a checkpoint to go with it."""
    codes = CodeSource.of_run(config.generator, out)
    stage = schedule.stage(state.images / 1000, config.renderer, config.baseline)
    grid = sample_grid(state.average, size, stage, codes)
    folder = out / "samples"
    folder.mkdir(exist_ok=True)
    with replacing(folder / f"{state.images // 1000:06d}k.png") as file:
        grid.save(file, format="PNG")
    state.save(out)


def _snapshot(state: TrainState, config: Config, size: int, out: Path) -> None:
    """What `show` leaves, and the averaged weights."""
    keep_snapshot(out, state.average, state.images, state.seconds)
    show(state, config, size, out)
