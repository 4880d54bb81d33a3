"""The training loop: steps, checkpoints, samples, and the alarm. Run again on the same folder, it goes on."""

from __future__ import annotations

import dataclasses
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from tqdm import tqdm

from gen3d_core import schedule
from gen3d_core.atomic import replacing
from gen3d_core.config import Config
from gen3d_core.errors import Gen3DError
from training.batches import Batches
from training.code_source import CodeSource
from training.health import Alarm
from training.samples import sample_grid
from training.snapshots import keep_snapshot
from training.state import TrainState
from training.steps import StepReport, train_step, update_average
from training.tracking import Tracker

log = logging.getLogger(__name__)

CHECK_EVERY = 64  # steps
SAVE_SECONDS = 60.0
EARLY_IMAGES = 20_000  # an illness before this reseeds, later it stops the run
RESEEDS = 3


class Progressing(Protocol):
    """A training: pictures shown, and seconds over all its sessions."""

    images: int
    seconds: float


@dataclass(frozen=True)
class Budget:
    """When a run ends: after `images` real pictures shown or `minutes` of training over all its sessions.

    Whichever is given; the first to be reached if both are.
    """

    images: int | None = None
    minutes: float | None = None

    def part(self, share: float) -> Budget:
        """The first `share` of it."""
        images = None if self.images is None else math.ceil(share * self.images)
        return Budget(images, None if self.minutes is None else share * self.minutes)

    def progress(self, state: Progressing) -> float:
        """Share of the run done, in [0, 1]."""
        shares = [0.0]
        if self.images:
            shares.append(state.images / self.images)
        if self.minutes:
            shares.append(state.seconds / (60 * self.minutes))
        return min(max(shares), 1.0)


def train(
    state: TrainState, batches: Batches, config: Config, out: Path, budget: Budget, seed: int, snapshot_kimg: float
) -> TrainState:
    """Train from `state` until the budget is spent and return the final state, saved in `out`.

    Raises:
        Gen3DError: the generator fell ill and reseeding did not help; `out` keeps the last checkpoint.
    """
    tracker = Tracker(out, state.images)
    alarm = Alarm(batches.foreground())
    codes = CodeSource.of_run(config.generator, out)
    snapshot_images = max(int(snapshot_kimg * 1000), config.optim.batch)
    bar = tqdm(total=100.0, initial=round(100 * budget.progress(state), 2), unit="%", desc="training", mininterval=2.0)
    bar.bar_format = "{desc} {percentage:5.1f} %|{bar}| {elapsed}<{remaining}{postfix}"
    saved = time.monotonic()
    pace_time, pace_images = time.monotonic(), state.images
    try:
        while (progress := budget.progress(state)) < 1.0:
            began = time.monotonic()
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
            state.step += 1
            state.images += config.optim.batch
            update_average(state.average, state.generator, schedule.ema_decay(state.images, config.optim))

            if state.step % CHECK_EVERY == 0:
                now = time.monotonic()
                pace = (state.images - pace_images) / (now - pace_time)
                pace_time, pace_images = now, state.images
                tracker.record(state.images, _log_values(report, state, config, pace, progress))
                bar.set_postfix_str(f"{state.images / 1000:.1f} kimg, {pace:.0f} pictures/s")
                illness = alarm.check(report, state.generator, torch.Generator().manual_seed(state.step))
                if illness is not None:
                    tracker.event(state.images, illness)
                    state = _reseed(state, config, batches, illness, seed)
                    alarm, pace_images = Alarm(alarm.real_foreground), state.images
                    continue
            state.seconds += time.monotonic() - began
            if state.images // snapshot_images != (state.images - config.optim.batch) // snapshot_images:
                _snapshot(state, config, codes, batches.size, out)
            if time.monotonic() - saved > SAVE_SECONDS:
                state.save(out)
                saved = time.monotonic()
            bar.update(round(100 * budget.progress(state), 2) - bar.n)
    except KeyboardInterrupt:
        state.save(out)
        raise
    finally:
        bar.close()
        tracker.close()
    _snapshot(state, config, codes, batches.size, out)
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
        "learning_rate": config.optim.rate * schedule.relative_rate(progress, kimg, config.optim),
    }


def _reseed(state: TrainState, config: Config, batches: Batches, illness: str, seed: int) -> TrainState:
    """Start again from other weights while that is cheap; otherwise stop."""
    if state.images > EARLY_IMAGES or state.reseeds >= RESEEDS:
        raise Gen3DError(
            f"the generator is {illness} after {state.images} pictures and {state.reseeds} new starts: "
            "try another --seed, a larger --loss.r1-gamma or a smaller --optim.rate"
        )
    log.warning("the generator is %s after %d pictures: starting again from other weights", illness, state.images)
    fresh = TrainState.fresh(config, batches.prior, batches.device, seed + 1000 * (state.reseeds + 1))
    fresh.reseeds, fresh.seconds = state.reseeds + 1, state.seconds
    return fresh


def _snapshot(state: TrainState, config: Config, codes: CodeSource, size: int, out: Path) -> None:
    """A sample grid of the averaged generator, its weights, and a checkpoint to go with them."""
    grid = sample_grid(state.average, size, schedule.stage(state.images / 1000, config.renderer), codes)
    folder = out / "samples"
    folder.mkdir(exist_ok=True)
    with replacing(folder / f"{state.images // 1000:06d}k.png") as file:
        grid.save(file, format="PNG")
    keep_snapshot(out, state.average, state.images, state.seconds)
    state.save(out)
