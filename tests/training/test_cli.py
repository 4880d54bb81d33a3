"""The command `gen3d-train`: what was mistaken gets one line and exit code 2, and nothing is left behind."""

import json
import logging
from pathlib import Path

import pytest
from PIL import Image

from tests.tiny_run import TINY_TOML, write_pictures
from training.cli import main

pytestmark = pytest.mark.usefixtures("single_thread")


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY_TOML)
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: object, out: Path | None = None) -> str:
    """The one line that a mistaken command answers with."""
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    told = capsys.readouterr()
    lines = [line for part in told.err.split("\r") for line in part.splitlines() if line.startswith("gen3d-train: ")]
    assert code == 2 and len(lines) == 1 and "Traceback" not in told.err and not told.out
    assert out is None or not out.exists(), "nothing was begun"
    return lines[0]


def test_train_and_train_on(tiny_pictures: Path, settings: Path, tmp_path: Path) -> None:
    """The same command with a larger budget goes on; its numbers stand in the run's record."""
    out = tmp_path / "run"
    command = [
        "train",
        str(tiny_pictures),
        "--out",
        str(out),
        "--config",
        str(settings),
        "--device",
        "cpu",
        "--threads",
    ]
    command += ["1", "--optim.rate", "0.001"]
    assert main([*command, "--images", "16"]) == 0
    assert main([*command, "--images", "24"]) == 0
    record = json.loads((out / "run.json").read_text())
    assert record["config"]["optim"]["rate"] == 0.001 and record["config"]["patch"]["size"] == 16


def test_minutes_are_a_budget_too(tiny_pictures: Path, settings: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = ["train", str(tiny_pictures), "--out", str(out), "--config", str(settings), "--device", "cpu"]
    assert main([*command, "--minutes", "0.005"]) == 0
    assert (out / "state.pt").exists()


def test_a_budget_is_asked_for(tiny_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "train", tiny_pictures, "--out", tmp_path / "run", out=tmp_path / "run")
    assert "--minutes or --images" in line


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--images", "0"),
        ("--minutes", "-1"),
        ("--minutes", "nan"),
        ("--snapshot-kimg", "0"),
        ("--threads", "-2"),
        ("--seed", "-1"),
        ("--seed", "99999999999999999999"),
        ("--threads", "9999"),
        ("--optim.batch", "0"),
        ("--optim.rate", "nan"),
        ("--loss.r1-gamma", "inf"),
        ("--generator.hidden", "0"),
        ("--generator.synthesis-channels", "-16"),
        ("--patch.size", "0"),
        ("--patch.size", "2"),
        ("--renderer.lattice", "7"),
        ("--renderer.lattice", "300"),
        ("--renderer.march-steps", "1"),
        ("--optim.views", "3"),
        ("--reconstruction.share", "1.5"),
        ("--device", "warp"),
        ("--device", "cuda:99"),
    ],
)
def test_a_number_out_of_range_is_named(
    tiny_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, value: str
) -> None:
    out = tmp_path / "run"
    budget = [] if flag == "--images" else ["--images", "16"]
    line = refused(capsys, "train", tiny_pictures, "--out", out, *budget, flag, value, out=out)
    assert flag in line and (value in line or "digits" in line or "from 8 to" in line or "at least 2" in line)


def test_bad_data_is_named(settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No folder, no pictures, a picture of one pixel, pictures smaller than the patch."""
    out = tmp_path / "run"

    def told(data: Path) -> str:
        return refused(capsys, "train", data, "--out", out, "--images", 16, "--config", settings, out=out)

    assert "nowhere is not a folder" in told(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    assert "holds no pictures" in told(tmp_path / "bare")
    (tmp_path / "dot" / "images").mkdir(parents=True)
    Image.new("RGBA", (1, 1)).save(tmp_path / "dot" / "images" / "dot.png")
    assert "dot.png is 1x1 pixels" in told(tmp_path / "dot")
    small = write_pictures(tmp_path / "small", count=4, size=8)
    assert "has pictures of 8 pixels: this preset needs 16 or more" in told(small)


def test_a_truncated_picture_among_many_is_named_counted_and_skipped(
    settings: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = write_pictures(tmp_path / "data", count=30)
    path = data / "images" / "000007.png"
    path.write_bytes(path.read_bytes()[:60])
    command = ["train", str(data), "--out", str(tmp_path / "run"), "--config", str(settings), "--images", "8"]
    with caplog.at_level(logging.WARNING):
        assert main([*command, "--device", "cpu"]) == 0
    assert "skipped 1 of 30 pictures: 000007.png" in caplog.text
    assert json.loads((tmp_path / "run" / "run.json").read_text())["dataset"]["pictures"] == 29


def test_bad_settings_are_named(tiny_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, path = tmp_path / "run", tmp_path / "wrong.toml"

    def told(*arguments: object) -> str:
        return refused(capsys, "train", tiny_pictures, "--out", out, "--images", 16, *arguments, out=out)

    path.write_text("[optim]\nbacth = 8\n")
    assert "wrong.toml has an unknown key 'optim.bacth': did you mean 'batch'?" in told("--config", path)
    path.write_text("[optim\n")
    assert "wrong.toml is not valid TOML" in told("--config", path)
    path.write_text("[optim]\nbatch = 'many'\n")
    assert "optim.batch is 'many'" in told("--config", path)
    assert "nowhere.toml" in told("--config", tmp_path / "nowhere.toml")
    assert "there is no preset 'slow': choose one of" in told("--preset", "slow")


def test_an_unknown_flag_ends_with_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["train", str(tmp_path), "--out", str(tmp_path / "run"), "--images", "16", "--optim.bacth", "8"])
    assert end.value.code == 2 and "--optim.bacth" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(
    tiny_pictures: Path, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    line = refused(capsys, "train", tiny_pictures, "--out", tmp_path / "file", "--images", 8, "--config", settings)
    assert "is a file: give --out a new folder" in line
    line = refused(
        capsys, "train", tiny_pictures, "--out", tmp_path / "file" / "run", "--images", 8, "--config", settings
    )
    assert "cannot write" in line


def test_exporting_what_is_no_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.gen3d"
    assert "is not a training run" in refused(capsys, "export", tmp_path, "--out", out, out=out)


def test_help_explains_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in {
        ("--help",): ("render", "prepare", "train", "export", "evaluate", "compare", "follow", "encoder"),
        ("train", "--help"): ("--minutes", "--optim.rate", "--renderer.interval.end", "goes on where it stopped"),
        ("export", "--help"): ("RUN", "NAME.gen3d", "--validation"),
        ("evaluate", "--help"): ("--data", "--reference", "--inception"),
    }.items():
        with pytest.raises(SystemExit) as end:
            main(list(arguments))
        told = " ".join(capsys.readouterr().out.replace("│", " ").split())
        assert end.value.code == 0 and [word for word in words if word not in told] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["render", "procedural:chairs", "--out", "chairs.zip"], ["prepare", "pictures", "--out", "set.zip"],
        ["train", "data", "--out", "chairs.gen3d"], ["evaluate", "chairs", "--data", "data", "--out", "page.html"],
    ],
)  # fmt: skip
def test_a_file_is_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert capsys.readouterr().err == (
        f"gen3d-train: {arguments[-1]}: a folder is expected, which files with names of their own go into\n"
    )
    assert list(tmp_path.iterdir()) == []
