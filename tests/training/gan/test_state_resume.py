"""An interrupted run goes on as if nothing had happened."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from tests.tiny_run import TINY, TINY_TOML
from tests.training.checkpoints import assert_equal, content
from training.budget import Budget
from training.gan import trainer
from training.gan.session import train_session
from training.gan.state import FILE_NAME, TrainState

pytestmark = pytest.mark.usefixtures("single_thread")
ROOT = Path(__file__).resolve().parents[3]


def train(pictures: Path, out: Path, images: int, snapshot_kimg: float = 10.0) -> Path:
    train_session(pictures, out, TINY, images=images, device="cpu", seed=1, threads=1, snapshot_kimg=snapshot_kimg)
    return out


class Interrupted(Exception):
    """Ends a run in the middle, as a crash would."""


def test_a_run_that_crashed_ends_like_one_that_did_not(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps after the last checkpoint are lost and made again, to the same bits: weights, optimisers, randomness."""
    whole = train(tiny_pictures, tmp_path / "whole", 96, snapshot_kimg=0.04)
    real, steps = trainer.train_step, []

    def crashing(*arguments, **options):  # type: ignore[no-untyped-def]
        steps.append(options["step"])
        if len(steps) == 8:
            raise Interrupted
        return real(*arguments, **options)

    monkeypatch.setattr(trainer, "train_step", crashing)
    with pytest.raises(Interrupted):
        train(tiny_pictures, tmp_path / "broken", 96, snapshot_kimg=0.04)
    assert content(tmp_path / "broken")["images"] == 40
    train(tiny_pictures, tmp_path / "broken", 96, snapshot_kimg=0.04)
    assert steps == [*range(8), *range(5, 12)], "the steps after the checkpoint at 40 pictures were made again"
    assert_equal(content(tmp_path / "broken"), content(whole))


def test_a_finished_run_stays_finished(tiny_pictures: Path, tmp_path: Path) -> None:
    folder = train(tiny_pictures, tmp_path / "run", 24)
    before = content(folder)
    train(tiny_pictures, folder, 24)
    assert_equal(content(folder), before)


def until(condition: Callable[[], object], child: subprocess.Popen[bytes], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert child.poll() is None, f"the training ended by itself with {child.returncode}"
        assert time.monotonic() < end, "the training did not get that far"
        time.sleep(0.005)


STALLS_IN_MID_WRITE = f"""
import os, sys, time
replace = os.replace
def stalled(source, target):
    if str(target).endswith({FILE_NAME!r}):
        time.sleep(600)
    replace(source, target)
os.replace = stalled
from training.cli import main
sys.exit(main())
"""
"""The real command, held between writing its next checkpoint and putting it into place."""


@pytest.mark.slow
def test_training_killed_at_three_moments_ends_with_the_same_count_and_weights(
    tiny_pictures: Path, tmp_path: Path
) -> None:
    """The real command, killed before its first checkpoint, between two, and while it writes one; then resumed."""
    out, images = tmp_path / "run", 480
    (tmp_path / "tiny.toml").write_text(TINY_TOML)
    command = ["train", str(tiny_pictures), "--out", str(out)]
    command += ["--config", str(tmp_path / "tiny.toml"), "--images", str(images), "--snapshot-kimg", "0.08"]
    command += ["--device", "cpu", "--seed", "1", "--threads", "1"]

    def start(*program: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, *(program or ("-m", "training.cli")), *command],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stderr=subprocess.DEVNULL,
        )

    state = out / FILE_NAME

    def checkpoint() -> int:
        return state.stat().st_mtime_ns if state.exists() else 0

    def seen() -> int:
        return content(out)["images"] if state.exists() else 0

    child = start()
    until((out / "run.json").exists, child)
    with pytest.raises(Gen3DError, match="another training is writing"):
        train(tiny_pictures, out, images)
    child.kill()
    child.wait()

    first = checkpoint()
    child = start()
    until(lambda: checkpoint() > first, child)
    child.kill()
    child.wait()
    between = seen()
    assert 0 < between < images

    child = start("-c", STALLS_IN_MID_WRITE)
    until(lambda: list(out.glob(f".{FILE_NAME}.*.partial")), child)
    child.kill()
    child.wait()
    assert seen() == between, "the old checkpoint stays until the new one is whole"

    train(tiny_pictures, out, images, snapshot_kimg=0.08)
    assert seen() == images
    assert not list(out.glob(".*.partial")), "what a killed process had half written is cleared away"
    assert_equal(content(out), content(train(tiny_pictures, tmp_path / "whole", images, snapshot_kimg=0.08)))


@pytest.mark.parametrize("kept", [0.5, 0.0])
def test_a_truncated_checkpoint_is_named_in_one_line(tiny_pictures: Path, tmp_path: Path, kept: float) -> None:
    folder = train(tiny_pictures, tmp_path / "run", 8)
    data = (folder / FILE_NAME).read_bytes()
    (folder / FILE_NAME).write_bytes(data[: int(kept * len(data))])
    with pytest.raises(Gen3DError, match="cannot resume from .*state.pt") as error:
        train(tiny_pictures, folder, 16)
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_other_networks_is_refused(tmp_path: Path) -> None:
    import dataclasses

    cpu = torch.device("cpu")
    TrainState.fresh(TINY, PosePrior(), cpu, 0).save(tmp_path)
    other = dataclasses.replace(TINY, generator=dataclasses.replace(TINY.generator, hidden=8))
    with pytest.raises(Gen3DError, match="cannot resume") as error:
        TrainState.fresh(other, PosePrior(), cpu, 0).restore(tmp_path)
    assert "\n" not in str(error.value)


def test_a_checkpoint_is_data_and_never_code(tmp_path: Path) -> None:
    """A pickle that would run a function when loaded is refused."""

    class Attack:
        def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
            return Path.touch, (str(tmp_path / "ran"),)  # type: ignore[return-value]

    torch.save({"version": 1, "generator": Attack()}, tmp_path / FILE_NAME)
    with pytest.raises(Gen3DError, match="cannot resume"):
        TrainState.fresh(TINY, PosePrior(), torch.device("cpu"), 0).restore(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_folder_without_a_checkpoint_starts_afresh(tmp_path: Path) -> None:
    assert not TrainState.fresh(TINY, PosePrior(), torch.device("cpu"), 0).restore(tmp_path)


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    cpu = torch.device("cpu")
    saved = TrainState.fresh(TINY, PosePrior(), cpu, 0)
    saved.images, saved.step, saved.seconds, saved.reseeds = 4096, 128, 12.5, 2
    torch.rand(5, generator=saved.rng)
    saved.save(tmp_path)
    loaded = TrainState.fresh(TINY, PosePrior(), cpu, 99)
    assert loaded.restore(tmp_path)
    assert (loaded.images, loaded.step, loaded.seconds, loaded.reseeds) == (4096, 128, 12.5, 2)
    assert torch.equal(torch.rand(5, generator=loaded.rng), torch.rand(5, generator=saved.rng))
    for one, two in zip(saved.generator.parameters(), loaded.generator.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_budget_is_the_larger_share_of_pictures_and_minutes() -> None:
    state = TrainState.fresh(TINY, PosePrior(), torch.device("cpu"), 0)
    state.images, state.seconds = 250, 30.0
    assert Budget(images=1000).progress(state) == 0.25
    assert Budget(minutes=1.0).progress(state) == 0.5
    assert Budget(images=1000, minutes=1.0).progress(state) == 0.5
    assert Budget(images=100).progress(state) == 1.0
