"""A data set is made by one process at a time, and what is finished is never deleted."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gen3d_core.errors import Gen3DError, OutputError, output_error
from tests.training.data.test_prepare import disc_picture
from training.data.prepare import prepare
from training.data.staging import DatasetError, stage_folder

WORKS = """
import sys, time
from pathlib import Path
from tests.training.data.test_prepare import disc_picture
from training.data.prepare import prepare
from training.data.staging import stage_folder
with stage_folder(Path(sys.argv[1])) as folder:
    (folder / "picture.png").write_bytes(b"work")
    print("begun", flush=True)
    sys.stdin.readline()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def begin(out: Path) -> subprocess.Popen[str]:
    """Another process that makes the data set, in the middle of its work."""
    child = subprocess.Popen(
        [sys.executable, "-c", WORKS, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "begun\n"
    return child


def test_a_second_process_is_refused_and_the_first_one_finishes(tmp_path: Path) -> None:
    out = tmp_path / "set"
    child = begin(out)
    with pytest.raises(DatasetError, match="another prepare or render is writing to .*set: wait") as error:
        with stage_folder(out):
            raise AssertionError("no work may begin")
    assert "\n" not in str(error.value)
    child.communicate("go on\n", timeout=60)
    assert child.returncode == 0 and names(out) == ["picture.png"] and names(tmp_path) == ["set"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_remains_of_a_killed_process_are_cleared(tmp_path: Path) -> None:
    out = tmp_path / "set"
    child = begin(out)
    child.kill()
    child.communicate()
    assert (tmp_path / "set.partial" / "picture.png").exists()
    with stage_folder(out) as folder:
        assert not (folder / "picture.png").exists()
        (folder / "other.png").write_bytes(b"work")
    assert names(out) == ["other.png"] and names(tmp_path) == ["set"]


DIES = """
import os, sys
from pathlib import Path
from training.data.staging import stage_folder
def at(event, given):
    if event == sys.argv[2] and str(given[0]).endswith(sys.argv[3]):
        os._exit(9)
sys.addaudithook(at)
with stage_folder(Path(sys.argv[1])) as folder:
    (folder / "picture.png").write_bytes(b"hours")
"""


def die(out: Path, event: str, path: str) -> None:
    """Another process that makes the data set and ends without a word where it would do this to that path."""
    assert subprocess.run([sys.executable, "-c", DIES, str(out), event, path], timeout=60).returncode == 9


@pytest.mark.parametrize(("event", "path"), [("open", ".gen3d-unfinished"), ("open", ".gen3d-lock"), ("open", ".png")])
def test_a_death_at_any_moment_of_the_beginning_is_cleared(event: str, path: str, tmp_path: Path) -> None:
    die(tmp_path / "set", event, path)
    assert names(tmp_path) == ["set.partial"]
    with stage_folder(tmp_path / "set") as folder:
        (folder / "other.png").write_bytes(b"work")
    assert names(tmp_path / "set") == ["other.png"] and names(tmp_path) == ["set"]


def test_a_death_just_before_the_set_is_named_loses_nothing_and_is_told(tmp_path: Path) -> None:
    die(tmp_path / "set", "os.rename", "set.partial")
    with pytest.raises(DatasetError, match="is a finished data set that .* rename it"), stage_folder(tmp_path / "set"):
        raise AssertionError("no work may begin")
    assert names(tmp_path / "set.partial") == ["picture.png"]


def test_a_finished_set_that_cannot_be_named_stays_and_is_told(tmp_path: Path) -> None:
    out = tmp_path / "set"
    with pytest.raises(
        DatasetError, match=r"finished but cannot be named .*set .*lies whole in .*set\.partial"
    ) as error:
        with stage_folder(out) as folder:
            (folder / "picture.png").write_bytes(b"hours")
            out.mkdir()
            (out / "mine.txt").write_text("came meanwhile")
    assert "\n" not in str(error.value)
    assert names(out) == ["mine.txt"] and names(tmp_path / "set.partial") == ["picture.png"]
    (out / "mine.txt").unlink()
    out.rmdir()
    with pytest.raises(DatasetError, match=r"set\.partial is in the way"), stage_folder(out):
        raise AssertionError("no work may begin")
    assert names(tmp_path / "set.partial") == ["picture.png"], "what is finished is not taken for remains"


def test_a_folder_that_another_program_looks_into_is_renamed_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, attempts = os.replace, []

    def replace(source: Path, target: Path) -> None:
        attempts.append(time.monotonic())
        if len(attempts) < 4:
            raise PermissionError(13, "Access is denied")
        real(source, target)

    for name in ("replace", "rename"):
        monkeypatch.setattr(os, name, replace)
    with stage_folder(tmp_path / "set") as folder:
        (folder / "picture.png").write_bytes(b"work")
    assert names(tmp_path / "set") == ["picture.png"]


def test_errors_name_the_place_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"set.mesh\.ply") as error, stage_folder(tmp_path / "set") as folder:
        raise output_error(folder / "mesh.ply", OSError(28, "No space left on device"))
    assert ".partial" not in str(error.value) and names(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_gives_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(Gen3DError, match="no space left on the disk") as error,
        stage_folder(tmp_path / "set") as folder,
    ):
        (folder / "picture.png").write_bytes(b"first")
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"second")
    assert isinstance(error.value.__cause__, OSError) and error.value.__cause__.errno == errno.ENOSPC
    assert "\n" not in str(error.value) and names(tmp_path) == []


def test_a_disk_that_is_too_small_is_refused_before_any_work(tmp_path: Path) -> None:
    with (
        pytest.raises(DatasetError, match="not enough space") as error,
        stage_folder(tmp_path / "set", needed_bytes=1 << 60),
    ):
        raise AssertionError("no work may begin")
    assert "\n" not in str(error.value) and names(tmp_path) == []


def test_an_existing_target_is_left_alone(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "dataset"
    source.mkdir()
    disc_picture().save(source / "a.png")
    out.mkdir()
    (out / "mine.txt").write_text("keep")
    with pytest.raises(DatasetError, match="exists already"):
        prepare(source, out)
    assert [p.name for p in out.iterdir()] == ["mine.txt"]


def test_remains_of_a_killed_run_are_cleared_but_foreign_folders_are_not(tmp_path: Path) -> None:
    source, out = tmp_path / "source", tmp_path / "dataset"
    source.mkdir()
    disc_picture().save(source / "a.png")
    partial = out.with_name("dataset.partial")
    partial.mkdir()
    (partial / "mine.txt").write_text("keep")
    with pytest.raises(DatasetError, match="in the way"):
        prepare(source, out)
    assert names(partial) == ["mine.txt"]
    (partial / ".gen3d-unfinished").touch()
    (partial / "images").mkdir()
    prepare(source, out)
    assert not partial.exists() and sorted(p.name for p in out.iterdir()) == ["dataset.json", "images"]
