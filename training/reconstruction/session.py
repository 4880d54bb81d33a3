"""The reconstruction part of a run: hulls and codes made ready, steps until its share is spent, the prior at its end.

Run again on the same folder it goes on where it stopped. What comes of it is a run like any other, ready to be exported
or to be trained on against a discriminator.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from gen3d_core.codes.prior import MEMBERS
from gen3d_core.config import Config
from gen3d_core.files import make_folder, replacing
from training.budget import Budget, BudgetedLoop
from training.data.dataset import PictureDataset
from training.reconstruction.codes import CodeTable, colours_by_height, starting_codes
from training.reconstruction.hulls import Hulls, carve
from training.reconstruction.pictures import reconstruction_grid
from training.reconstruction.prior import FittedCodes, fit_codes
from training.reconstruction.schedule import moment
from training.reconstruction.score import Score, score
from training.reconstruction.state import ReconstructionState
from training.reconstruction.steps import StepReport, step
from training.reconstruction.views import ObjectViews, group_views
from training.tracking import Tracker

log = logging.getLogger(__name__)

TELL_EVERY = 64  # steps
SCORES = 8
"""How often, over the whole of it, views that never taught are compared and known objects shown."""


@dataclass(frozen=True)
class Reconstruction:
    """What was learned, and how its codes are distributed."""

    state: ReconstructionState
    fitted: FittedCodes


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


def prepared(config: Config, views: ObjectViews) -> Config:
    """The configuration of a run whose codes are learned, with a generator as symmetric as the objects are."""
    generator = dataclasses.replace(
        config.generator,
        framed_codes=True,
        mapping_rate=config.reconstruction.mapping_rate,
        mirror=config.generator.mirror or views.mirror,
    )
    return dataclasses.replace(config, generator=generator)


def reconstruct(
    views: ObjectViews,
    config: Config,
    out: Path,
    budget: Budget,
    device: torch.device,
    seed: int,
    keep: Callable[[Reconstruction], object],
    solids_only: bool = False,
) -> Reconstruction:
    """Reconstruct until the budget is spent, or with `solids_only` until rays come in.

    Whenever known objects are compared, and before an interrupt goes on, the prior of what was learned so far is left
    in `out`, and `keep` makes of it what can be used.
    """
    log.info("reconstructing %d objects from %d pictures each", views.objects, views.taught)
    hulls = carve(views)
    state = fresh_state(views, hulls, config, device, seed)
    if state.restore(out):
        log.info("resuming at %d steps, %.1f minutes", state.step, state.seconds / 60)

    def fitted() -> Reconstruction:
        found = fit_codes(state.codes, seed)
        for packed, name in ((found.priors.shape, "shape"), (found.priors.appearance, "appearance")):
            if packed is not None:
                with replacing(out / MEMBERS[name]) as file:
                    file.write(packed.packed())
        return Reconstruction(state, found)

    until = config.reconstruction.solids_until if solids_only else 1.0
    try:
        _teach(state, views, hulls, config, out, budget, until, lambda: keep(fitted()))
    except KeyboardInterrupt:
        if state.images:
            keep(fitted())
        raise
    return fitted()


def fresh_state(
    views: ObjectViews, hulls: Hulls, config: Config, device: torch.device, seed: int
) -> ReconstructionState:
    """Untrained networks, and codes by what hulls and colours have in common."""
    sizes = config.generator.shape_dim, config.generator.appearance_dim
    started = starting_codes(hulls.coarse, sizes[0]), starting_codes(colours_by_height(views), sizes[1])
    codes = CodeTable(*started, config.reconstruction.code_noise)
    return ReconstructionState.fresh(config, views.prior, codes, device, seed)


def _teach(
    state: ReconstructionState,
    views: ObjectViews,
    hulls: Hulls,
    config: Config,
    out: Path,
    budget: Budget,
    until: float,
    keep: Callable[[], object],
) -> None:
    tracker = Tracker(out, state.images)
    loop = BudgetedLoop[ReconstructionState](budget, "reconstruction", lambda state: state.save(out))
    report, before = None, 0.0

    def teach(state: ReconstructionState, progress: float) -> ReconstructionState:
        nonlocal report, before
        before = progress
        report = step(state, views, hulls, config, moment(progress, state.step, config.reconstruction))
        return state

    def after(state: ReconstructionState) -> None:
        if report is not None and (state.step % TELL_EVERY == 0 or budget.progress(state) >= until):
            tracker.record(state.images, _log_values(report, state, before))
        if int(budget.progress(state) * SCORES) > int(before * SCORES):
            found = score(state, views)
            tracker.record(state.images, dataclasses.asdict(found))
            loop.tell(_told(found))
            _show(state, views, out)
            if budget.progress(state) < until:
                keep()

    try:
        loop.run(state, teach, after, until)
    finally:
        tracker.close()


def _show(state: ReconstructionState, views: ObjectViews, out: Path) -> None:
    folder = make_folder(out / "reconstructions")
    with replacing(folder / f"{state.images // 1000:06d}k.png") as file:
        reconstruction_grid(state, views).save(file, format="PNG")


def _told(found: Score) -> str:
    return (
        f"overlap {found.overlap:.3f}, PSNR {found.psnr:.1f}, one part {found.whole:.0%} of known objects, "
        f"{found.whole_new:.0%} of new ones"
    )


def _log_values(report: StepReport, state: ReconstructionState, progress: float) -> dict[str, float | None]:
    values = {f"reconstruction_{name}": value for name, value in dataclasses.asdict(report).items()}
    return {**values, "minutes": state.seconds / 60, "progress": progress}
