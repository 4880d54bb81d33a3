"""Files appear complete or not at all; what killed processes left goes, whatever is not ours stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gen3d_core import files
from gen3d_core.errors import OutputError
from gen3d_core.files import read_regular, replacing
from gen3d_core.processes import is_running


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, content: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(content)


def held(monkeypatch: pytest.MonkeyPatch, times: int) -> list[Path]:
    """Another program holds the target open, as it can on Windows, for so many attempts."""
    attempts: list[Path] = []
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if Path(target).name == "state.pt":
            attempts.append(Path(target))
            if len(attempts) <= times:
                raise PermissionError(13, "The process cannot access the file", str(source))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    monkeypatch.setattr(files, "_PAUSE", 0.001)
    return attempts


def test_a_file_that_another_program_reads_for_a_moment_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "state.pt").write_bytes(b"old")
    attempts = held(monkeypatch, 5)
    write(tmp_path / "state.pt")
    assert len(attempts) == 6 and (tmp_path / "state.pt").read_bytes() == b"new"
    assert names(tmp_path) == ["state.pt"]


def test_where_it_is_held_for_long_neither_state_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "state.pt").write_bytes(b"old")
    held(monkeypatch, 10**9)
    monkeypatch.setattr(files, "PATIENCE", 0.05)
    with pytest.raises(OutputError, match=r"cannot replace .*state\.pt: another program.*state\.pt\.new") as error:
        write(tmp_path / "state.pt")
    assert "\n" not in str(error.value) and ".partial" not in str(error.value)
    assert (tmp_path / "state.pt").read_bytes() == b"old" and (tmp_path / "state.pt.new").read_bytes() == b"new"
    assert len(names(tmp_path)) == 2


def test_what_killed_writers_left_is_swept_by_the_next_in_that_folder(tmp_path: Path, dead: int):
    (tmp_path / "below").mkdir()
    gone = tmp_path / f".chair_0001.glb.{dead}.partial"
    living = tmp_path / f".chair_0002.glb.{os.getppid()}.partial"
    elsewhere = tmp_path / "below" / gone.name
    foreign = [tmp_path / name for name in (".download.partial", "film.partial", f".{dead}.partial", ".a.b.partial")]
    for path in (gone, living, elsewhere, *foreign):
        path.write_bytes(b"half")
    write(tmp_path / "chair_0003.glb")
    assert not gone.exists() and all(path.exists() for path in (living, elsewhere, *foreign))


def test_which_processes_live(dead: int):
    assert is_running(os.getpid()) and is_running(os.getppid())
    assert not is_running(dead) and not is_running(0) and not is_running(10**30)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(OSError, match="no file"):
        read_regular(tmp_path / "pipe.png", 10)
