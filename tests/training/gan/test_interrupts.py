"""Whoever ends a training politely, at whatever moment, loses nothing, and it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.tiny_run import TINY, TINY_TOML
from tests.training.checkpoints import assert_equal, content
from training.gan import trainer
from training.gan.session import train_session
from training.gan.state import FILE_NAME

pytestmark = pytest.mark.usefixtures("single_thread")
ROOT = Path(__file__).resolve().parents[3]


def train(pictures: Path, out: Path, images: int) -> Path:
    train_session(pictures, out, TINY, images=images, device="cpu", seed=1, threads=1)
    return out


def test_ctrl_c_saves_before_it_leaves(tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = trainer.train_step

    def stopped(*arguments, **options):  # type: ignore[no-untyped-def]
        if options["step"] == 3:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(trainer, "train_step", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_pictures, tmp_path / "run", 96)
    assert content(tmp_path / "run")["images"] == 24
    monkeypatch.undo()
    train(tiny_pictures, tmp_path / "run", 40)
    assert_equal(content(tmp_path / "run"), content(train(tiny_pictures, tmp_path / "whole", 40)))


def test_what_was_stopped_before_its_first_step_leaves_no_checkpoint(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "train_step", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_pictures, tmp_path / "run", 96)
    assert not (tmp_path / "run" / FILE_NAME).exists()


def test_a_stop_after_the_last_step_loses_none(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the last samples are drawn, everything that was learned is already kept."""

    def stopped(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "sample_grid", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(tiny_pictures, tmp_path / "run", 24)
    assert content(tmp_path / "run")["images"] == 24


def test_an_interrupt_waits_for_the_end_of_the_step(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a step is in no checkpoint: what goes on from there ends in the same bits."""
    real = trainer.train_step

    def interrupted(*arguments, **options):  # type: ignore[no-untyped-def]
        if options["step"] == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)  # a parent that passes it on
        return real(*arguments, **options)

    monkeypatch.setattr(trainer, "train_step", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            train(tiny_pictures, tmp_path / "run", 96)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert content(tmp_path / "run")["images"] == 32
    monkeypatch.undo()
    train(tiny_pictures, tmp_path / "run", 40)
    assert_equal(content(tmp_path / "run"), content(train(tiny_pictures, tmp_path / "whole", 40)))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without a word")
def test_a_system_that_shuts_down_lets_it_save(tiny_pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    (tmp_path / "tiny.toml").write_text(TINY_TOML)
    command = ["train", str(tiny_pictures), "--out", str(out), "--config", str(tmp_path / "tiny.toml")]
    child = subprocess.Popen(
        [sys.executable, "-m", "training.cli", *command, "--images", "1000000", "--threads", "1"],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    log = out / "log.jsonl"
    try:
        while not (log.exists() and log.stat().st_size):
            assert child.poll() is None, f"the training ended by itself with {child.returncode}"
            time.sleep(0.01)
        assert not (out / FILE_NAME).exists()
        child.terminate()
        assert child.wait(60) == 130 and content(out)["images"] >= 512
    finally:
        child.kill()
        child.wait()
