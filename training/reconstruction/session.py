"""The reconstruction part of a run: hulls and codes made ready, steps until its share is spent, the prior at its end.

Run again on the same folder it goes on where it stopped. What it leaves there is a run like any other, ready to be
exported or to be trained on against a discriminator.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path

import torch
from tqdm import tqdm

from gen3d_core.atomic import make_folder, replacing
from gen3d_core.code_prior import MEMBERS
from gen3d_core.config import Config
from gen3d_core.fields.triplane import TriplaneField
from training.dataset import PictureDataset
from training.reconstruction.codes import CodeTable, colours_by_height, starting_codes
from training.reconstruction.hulls import Hulls, carve
from training.reconstruction.pictures import reconstruction_grid
from training.reconstruction.prior import FittedCodes, fit_codes, set_frames
from training.reconstruction.schedule import moment
from training.reconstruction.score import Score, score
from training.reconstruction.state import ReconstructionState
from training.reconstruction.steps import StepReport, step
from training.reconstruction.views import ObjectViews, group_views
from training.state import TrainState
from training.tracking import Tracker
from training.trainer import Budget

log = logging.getLogger(__name__)

TELL_EVERY = 64  # steps
SAVE_SECONDS = 120.0
SCORES = 8
"""How often, over the whole of it, views that never taught are compared and known objects shown."""


def reconstructable(data: PictureDataset, config: Config) -> ObjectViews | None:
    """The objects to reconstruct; None, with the reason in the log, where the run is to begin without."""
    if not config.reconstruction.share:
        return None
    if config.generator.kind != "triplane":
        log.info("no reconstruction: only tri-plane fields can be taught that way")
        return None
    views = group_views(data)
    if views is None:
        log.info("no reconstruction: it takes several pictures of each object, from known cameras")
    return views


def prepared(config: Config) -> Config:
    """The configuration of a run whose codes are learned."""
    rate = config.reconstruction.mapping_rate
    return dataclasses.replace(
        config, generator=dataclasses.replace(config.generator, framed_codes=True, mapping_rate=rate)
    )


def reconstruct(views: ObjectViews, config: Config, out: Path, budget: Budget, device: torch.device, seed: int) -> None:
    """Reconstruct until the budget is spent, fit the prior, and leave in `out` what training goes on from."""
    log.info("reconstructing %d objects from %d pictures each", views.objects, views.taught)
    hulls = carve(views)
    state = fresh_state(views, hulls, config, device, seed)
    if state.restore(out):
        log.info("resuming at %d steps, %.1f minutes", state.step, state.seconds / 60)
    _teach(state, views, hulls, config, out, budget)
    _hand_over(state, fit_codes(state.codes, seed), config, views, out, seed)


def fresh_state(
    views: ObjectViews, hulls: Hulls, config: Config, device: torch.device, seed: int
) -> ReconstructionState:
    """Untrained networks, and codes by what hulls and colours have in common."""
    sizes = config.generator.shape_dim, config.generator.appearance_dim
    codes = CodeTable(starting_codes(hulls.coarse, sizes[0]), starting_codes(colours_by_height(views), sizes[1]))
    return ReconstructionState.fresh(config, views.prior, codes, device, seed)


def _hand_over(
    state: ReconstructionState, fitted: FittedCodes, config: Config, views: ObjectViews, out: Path, seed: int
) -> None:
    """Save the run as training goes on from it, with frames in its networks and the prior beside it."""
    for packed, name in ((fitted.priors.shape, "shape"), (fitted.priors.appearance, "appearance")):
        if packed is not None:
            with replacing(out / MEMBERS[name]) as file:
                file.write(packed.packed())
    trained = TrainState.fresh(config, views.prior, state.device, seed)
    for theirs, ours in ((trained.generator, state.generator), (trained.average, state.average)):
        theirs.load_state_dict(ours.state_dict())
        if isinstance(theirs.field, TriplaneField):
            set_frames(theirs.field, fitted)
    trained.images, trained.seconds = state.images, state.seconds
    trained.save(out)


def _teach(
    state: ReconstructionState, views: ObjectViews, hulls: Hulls, config: Config, out: Path, budget: Budget
) -> None:
    tracker = Tracker(out, state.images)
    settings = config.reconstruction
    saved = time.monotonic()
    bar = tqdm(total=100.0, unit="%", desc="reconstruction", mininterval=2.0)
    bar.bar_format = "{desc} {percentage:5.1f} %|{bar}| {elapsed}<{remaining}{postfix}"
    try:
        while (progress := budget.progress(state)) < 1:
            began = time.monotonic()
            report = step(state, views, hulls, config, moment(progress, state.step, settings))
            state.seconds += time.monotonic() - began
            after = budget.progress(state)
            if state.step % TELL_EVERY == 0:
                tracker.record(state.images, _log_values(report, state, progress))
            if int(after * SCORES) > int(progress * SCORES):
                found = score(state, views)
                tracker.record(state.images, dataclasses.asdict(found))
                bar.set_postfix_str(_told(found))
                _show(state, views, out)
            if time.monotonic() - saved > SAVE_SECONDS:
                state.save(out)
                saved = time.monotonic()
            bar.update(round(100 * after, 2) - bar.n)
    except KeyboardInterrupt:
        state.save(out)
        raise
    finally:
        bar.close()
        tracker.close()
    state.save(out)


def _show(state: ReconstructionState, views: ObjectViews, out: Path) -> None:
    folder = make_folder(out / "reconstructions")
    with replacing(folder / f"{state.images // 1000:06d}k.png") as file:
        reconstruction_grid(state, views).save(file, format="PNG")


def _told(found: Score) -> str:
    return f"overlap {found.overlap:.3f}, PSNR {found.psnr:.1f}"


def _log_values(report: StepReport, state: ReconstructionState, progress: float) -> dict[str, float | None]:
    values = {f"reconstruction_{name}": value for name, value in dataclasses.asdict(report).items()}
    return {**values, "minutes": state.seconds / 60, "progress": progress}
