"""What commands say: whatever files hold, and with streams that are not there."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from gen3d_core.cli import terminal
from gen3d_core.cli.main import main
from gen3d_core.cli.terminal import Meter
from gen3d_core.errors import OutputError
from gen3d_core.files import replacing
from tests.analytic import write_ellipsoid_model

ROOT = Path(__file__).resolve().parents[3]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_that_a_terminal_would_obey_comes_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = write_ellipsoid_model(
        tmp_path / "a.gen3d",
        category="chairs\x1b[2J",
        licence="\x9b31mCC0",
        attribution=["Ann\x07\nBob\r"],
        training={"k\x1b]0;title\x07": {"x": "\x1b[8m", "y": ["\x08\x08"]}},
    )
    for extra in ([], ["--json"]):
        assert main(["info", str(path), *extra]) == 0
        said = capsys.readouterr().out
        assert not [letter for letter in said if letter != "\n" and (ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0)]
        assert "chairs" in said and "CC0" in said


def test_nothing_that_a_terminal_would_obey_comes_with_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["info", str(tmp_path / "a\x1b[2J.gen3d")]) == 2
    with pytest.raises(SystemExit):
        main(["info", "a", "\x1b[2J"])
    said = capsys.readouterr()
    assert "\x1b" not in said.err and len(said.err.splitlines()) == 2 and said.out == ""


def test_a_seed_of_thousands_of_digits_is_one_short_line(capsys: pytest.CaptureFixture[str]):
    for digits in (400, 5000):
        try:
            code = main(["sample", "--model", "chairs", "--out", "no", "--seed", "9" * digits])
        except SystemExit as error:
            code = error.code
        said = capsys.readouterr()
        assert code == 2 and "--seed" in said.err and len(said.err) < 600 and len(said.err.splitlines()) == 1


@pytest.mark.parametrize("count", [1, 3])
def test_the_meter_never_shows_more_than_all(monkeypatch: pytest.MonkeyPatch, count: int):
    shown = Terminal()
    monkeypatch.setattr(terminal.sys, "stderr", shown)
    monkeypatch.setattr(terminal.sys, "stdout", io.StringIO())
    meter = Meter(count)
    for _ in range(count + 2):
        for fraction in (0.0, 0.5, 1.0, 1.5):
            meter._drawn = 0.0
            meter.report(fraction, "shape")
        meter.line("one more")
    meter.note("and that was it")
    percents = [int(part.split()[-1]) for part in shown.getvalue().split(" %")[:-1]]
    assert percents and max(percents) == 100 and percents[:3] == sorted(percents[:3])
    assert f"{count + 1} of" not in shown.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="shells close streams elsewhere")
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_end_a_command(ellipsoids: Path, tmp_path: Path, closed: str):
    for name, streams in (("closed", closed), ("open", "")):
        command = (
            f'"{sys.executable}" -m gen3d_core sample --model "{ellipsoids}" --resolution 16 --out "{tmp_path / name}"'
        )
        assert (
            subprocess.run(f"{command} {streams}", cwd=ROOT, shell=True, capture_output=True, timeout=60).returncode
            == 0
        )
    for path in (tmp_path / "open").iterdir():
        assert path.read_bytes() == (tmp_path / "closed" / path.name).read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="shells close streams elsewhere")
def test_a_mistake_does_not_reach_stdout_where_stderr_is_closed(tmp_path: Path):
    command = f'"{sys.executable}" -m gen3d_core info "{tmp_path / "no.gen3d"}" 2>&-'
    done = subprocess.run(command, cwd=ROOT, shell=True, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, b"")


def test_errors_name_the_file_that_was_asked_for(tmp_path: Path):
    """Never the one beside it that takes its place, also where that cannot be removed any more."""
    (tmp_path / "sub").mkdir()
    with pytest.raises(OutputError) as caught, replacing(tmp_path / "sub" / "a.glb"):
        for left in (tmp_path / "sub").iterdir():
            left.unlink()
            left.mkdir()  # neither to be moved into place nor to be unlinked
        (tmp_path / "sub" / "a.glb").write_text("")
    assert "a.glb" in str(caught.value) and ".partial" not in str(caught.value)
