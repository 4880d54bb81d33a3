# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that outlives Blender, stopped and killed at moments of all kinds. No Blender but where one renders."""

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, Timeout

from tests.addon.measures import kill
from tests.tiny_run import TINY_TOML, write_pictures

TRAIN = Path(__file__).resolve().parents[3] / "blender_addon" / "train"


def room(name: str) -> Any:
    """A module of the add-on's room `train` that needs no Blender."""
    if "addon_train" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "addon_train", TRAIN / "__init__.py", submodule_search_locations=[str(TRAIN)]
        )
        assert spec is not None and spec.loader is not None
        sys.modules["addon_train"] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"addon_train.{name}")


def wait_until(condition: Callable[[], object], what: str, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.02)


def progress_of(folder: Path) -> Any:
    """What the panel shows."""
    return room("progress").Progress(folder).update()


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the job of a folder on a tiny data set, as the add-on does; ends what is left of it."""
    started: list[subprocess.Popen[bytes]] = []
    data = write_pictures(tmp_path / "data")
    (tmp_path / "tiny.toml").write_text(TINY_TOML)

    def begin(*settings: str) -> "subprocess.Popen[bytes]":
        folder = tmp_path / "job"
        (folder / "meshes").mkdir(parents=True)
        command = [sys.executable, "-I", room("job").__file__, "--folder", str(folder), "--blender", ""]
        options = ["--data", str(data), "--model", str(tmp_path / "blobs.gen3d"), "--minutes", "60", "--views", "1"]
        settings = ("--config", str(tmp_path / "tiny.toml"), "--threads", "1", *settings)
        started.append(subprocess.Popen([*command, *options, "--settings", *settings], cwd=folder))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def trains(folder: Path) -> bool:
    return progress_of(folder).images > 0


@pytest.mark.slow
def test_what_was_learned_within_the_first_minute_is_kept_at_a_stop(start: Start, tmp_path: Path) -> None:
    job, folder = start(), tmp_path / "job"
    wait_until(lambda: trains(folder), "it trains")
    assert not progress_of(folder).ended and not (folder / "run" / "state.pt").exists()
    progress_of(folder).stop()
    wait_until(lambda: progress_of(folder).stage == "exporting", "the training is stopped")
    progress_of(folder).stop()  # once more, when there is nothing to stop any more
    assert job.wait(240) == 0
    assert progress_of(folder).stage == "done" and (tmp_path / "blobs.gen3d").exists()


@pytest.mark.slow
def test_a_stop_before_anything_was_learned_says_so(start: Start, tmp_path: Path) -> None:
    job, folder = start(), tmp_path / "job"
    wait_until(lambda: progress_of(folder).stage == "training", "it begins")
    progress_of(folder).stop()
    assert job.wait(240) == 1
    assert progress_of(folder).message == "Stopped before anything was learned"
    assert not (tmp_path / "blobs.gen3d").exists()


@pytest.mark.slow
def test_a_killed_job_is_seen_as_dead_and_its_trainer_saves_and_ends(start: Start, tmp_path: Path) -> None:
    job, folder = start(), tmp_path / "job"
    wait_until(lambda: trains(folder), "it trains")
    kill(job.pid)
    job.wait()
    wait_until((folder / "run" / "state.pt").exists, "the trainer saves", seconds=60)
    dead = progress_of(folder)
    assert dead.ended and str(folder / "run") in dead.message, dead.message

    def is_free() -> bool:
        try:
            with FileLock(folder / "run" / "run.lock", timeout=0):
                return True
        except Timeout:
            return False

    wait_until(is_free, "the trainer ends", seconds=60)


@pytest.mark.slow
def test_nothing_is_imported_from_the_working_folder(tmp_path: Path) -> None:
    for name in ("torch", "gen3d_core", "training", "json", "site"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('from the working folder')")
    for options in (["--about"], ["train", "--help"]):
        command = [sys.executable, "-I", "-c", room("job").TRAINER, *options]
        done = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert done.wait(60) == 0, done.stderr and done.stderr.read()
        for pipe in (done.stdin, done.stderr):
            assert pipe is not None
            pipe.close()


def test_a_job_that_is_gone_is_no_other_process_of_its_number(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text(json.dumps({"pid": os.getpid(), "stage": "training"}))
    assert progress_of(tmp_path).ended
    (tmp_path / "job.lock").touch()
    assert progress_of(tmp_path).ended
    held = room("job").hold(tmp_path)
    assert not progress_of(tmp_path).ended
    held.close()
    assert "is gone" in progress_of(tmp_path).message


def test_the_last_word_of_a_job_that_ended_stays(tmp_path: Path) -> None:
    (tmp_path / "job.lock").touch()
    (tmp_path / "job.json").write_text(json.dumps({"stage": "done", "message": "The new model is in the list"}))
    assert (progress_of(tmp_path).stage, progress_of(tmp_path).message) == ("done", "The new model is in the list")


def test_a_job_that_never_began_is_waited_for_and_then_seen_as_dead(tmp_path: Path) -> None:
    (tmp_path / "meshes").mkdir()
    (tmp_path / "job.log").write_text("Traceback\nSyntaxError: of another Python\n")
    assert not progress_of(tmp_path).ended
    os.utime(tmp_path / "meshes", (time.time() - 1000, time.time() - 1000))
    assert progress_of(tmp_path).message == "The training did not start: SyntaxError: of another Python"


def test_rubbish_in_place_of_the_status_is_no_exception(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for rubbish in (b"", b"{", b'{"stage": [1], "message": {}}', b"[1, 2]", b"\xff\x00" * 3000, b"1" * 5000):
        (tmp_path / "job.json").write_bytes(rubbish)
        (tmp_path / "run" / "log.jsonl").write_bytes(rubbish)
        assert isinstance(progress_of(tmp_path).stage, str)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="the module bpy is not installed")
def test_a_rendering_whose_parent_is_gone_ends_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-c", room("job").TRAINER, "render", "procedural:chairs", "--count", "3000"]
    child = subprocess.Popen(
        [*command, "--heldout", "0", "--out", str(tmp_path / "out")],
        env={**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))},
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdin is not None
    wait_until(lambda: list((tmp_path / "out.partial").glob("images/*.png")), "it renders")
    child.stdin.close()
    assert child.wait(60) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"] and not list(temporary.iterdir())
