"""A run's folder: what is not the run's own is nobody's to delete."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gen3d_core.errors import Gen3DError
from tests.tiny_run import TINY
from training.gan.run_folder import check_place, clear_leftovers
from training.gan.session import train_session
from training.tracking import Tracker, curve


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def scatter(folder: Path) -> list[Path]:
    """Other people's unfinished files, in the folder and below it."""
    names = (".download.partial", ".film.mp4.1234567.partial", ".state.pt.partial", ".thesis.docx.99999999.partial")
    places = [folder, folder / "mine" / "deep", folder / "samples"]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    paths = [place / name for place in places for name in names]
    for path in paths:
        path.write_bytes(b"precious")
    return paths


def test_a_folder_that_is_refused_is_left_as_it_was(tiny_pictures: Path, tmp_path: Path) -> None:
    foreign = scatter(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(Gen3DError, match=r"run\.json is damaged"):
        train_session(tiny_pictures, tmp_path, TINY, images=8, device="cpu")
    assert all(path.exists() for path in foreign)


def test_a_folder_of_other_things_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    """Before the data are read, which are not even there."""
    (tmp_path / "holiday").mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg", ".DS_Store"):
        (tmp_path / name).write_bytes(b"precious")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(
        Gen3DError, match=r"holds other things \(a.jpg, b.jpg, c.jpg, ...\) and no run: give --out"
    ) as error:
        train_session(tmp_path / "nowhere", tmp_path, TINY, images=8, device="cpu")
    assert sorted(tmp_path.iterdir()) == before and "\n" not in str(error.value)
    with pytest.raises(Gen3DError, match="a.jpg is a file: give --out a new folder"):
        train_session(tmp_path / "nowhere", tmp_path / "a.jpg", TINY, images=8, device="cpu")


def test_a_name_that_is_not_utf_8_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(Gen3DError, match="cannot be told in UTF-8.*: choose another --out"):
        train_session(tmp_path / "nowhere", tmp_path / "st\udcfchle", TINY, images=8, device="cpu")
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_and_one_in_which_a_run_had_just_begun_are_taken(tmp_path: Path) -> None:
    for name in (".DS_Store", "run.lock", ".run.json.12.partial"):
        check_place(tmp_path)
        (tmp_path / name).touch()
    check_place(tmp_path)
    check_place(tmp_path / "new" / "folder")


def test_only_the_runs_own_remains_are_cleared(tmp_path: Path) -> None:
    foreign = scatter(tmp_path)
    number = dead_process()
    (tmp_path / "snapshots").mkdir()
    own = [
        tmp_path / f".state.pt.{number}.partial",
        tmp_path / f".run.json.{os.getpid()}.partial",  # a container gives every run the same number
        tmp_path / "samples" / f".000010k.png.{number}.partial",
        tmp_path / "snapshots" / f".000010k.safetensors.{number}.partial",
    ]
    living = tmp_path / f".state.pt.{os.getppid()}.partial"
    for path in (*own, living):
        path.write_bytes(b"half")
    clear_leftovers(tmp_path)
    assert not any(path.exists() for path in own)
    assert living.exists() and all(path.exists() for path in foreign)


@pytest.mark.parametrize(
    "cut", ['{"images": 30, "r', '{"images": 3', "[3]", "\x00\x00", '{"images": 30, "r1": 2.0}{"imag']
)
def test_a_log_that_was_cut_in_mid_line_is_read_without_that_line(tmp_path: Path, cut: str) -> None:
    rows = [{"images": 10, "r1": 1.0}, {"images": 20, "r1": 0.5}]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "log.jsonl").write_text(text + cut)
    assert curve(tmp_path) == {"images": [10, 20], "r1": [1.0, 0.5]}
    (tmp_path / "log.jsonl").write_bytes(text.encode() + b"\xff{")
    Tracker(tmp_path, 15).close()
    assert (tmp_path / "log.jsonl").read_text() == json.dumps(rows[0]) + "\n"
