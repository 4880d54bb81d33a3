import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

import gen3d_core
from gen3d_core.cli.main import main
from gen3d_core.model import model as sampler
from gen3d_core.model.archive import sha256
from tests.analytic import half_axes, write_ellipsoid_model

ROOT = Path(__file__).resolve().parents[3]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line that a mistake gets."""
    capsys.readouterr()
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as error:
        code = error.code
    said = capsys.readouterr()
    assert code == 2 and said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("gen3d") and ": error: " in lines[0]
    return lines[0]


@pytest.mark.parametrize("format", ["glb", "ply", "obj", "stl"])
def test_sample(ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], format: str):
    out = tmp_path / "new" / "folder"
    arguments = ["sample", "--model", str(ellipsoids), "--seed", "7", "--count", "2", "--resolution", "32"]
    assert main([*arguments, "--format", format, "--out", str(out)]) == 0
    names = [f"ellipsoids_{seed:04d}.{format}" for seed in (7, 8)]
    assert sorted(path.name for path in out.iterdir()) == sorted([*names, "contact_sheet.png"])
    model = gen3d_core.load(ellipsoids)
    for seed, name in zip((7, 8), names, strict=True):
        mesh = trimesh.load_mesh(out / name)
        axes = half_axes(model.codes(seed))
        assert mesh.is_watertight and mesh.euler_number == 2
        assert mesh.volume == pytest.approx(4 / 3 * np.pi * np.prod(axes / (2 * axes.max())), rel=0.03)
    with Image.open(out / "contact_sheet.png") as sheet:
        assert sheet.width > 500 and np.asarray(sheet).std() > 10
    said = capsys.readouterr()
    assert said.err == "" and all(name in said.out for name in [*names, "contact_sheet.png"])


def test_equal_commands_write_equal_files(ellipsoids: Path, tmp_path: Path):
    for folder in ("one", "two"):
        assert main(["sample", "--model", str(ellipsoids), "--resolution", "24", "--out", str(tmp_path / folder)]) == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_options_reach_the_mesh(tmp_path: Path):
    model = write_ellipsoid_model(tmp_path / "a.gen3d", floater=True)
    common = ["sample", "--model", str(model), "--resolution", "48", "--format", "ply", "--out", str(tmp_path)]
    assert main([*common, "--truncation", "0", "--floaters", "0"]) == 0
    mesh = trimesh.load_mesh(tmp_path / "ellipsoids_0000.ply")
    assert mesh.body_count == 2
    ball = max(mesh.split(), key=lambda part: part.volume)
    assert np.ptp(ball.extents) < 0.01


def test_a_file_is_written_as_large_as_its_reader_needs_it(
    ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    common = ["sample", "--model", str(ellipsoids), "--resolution", "24", "--format", "stl"]
    assert main([*common, "--out", str(tmp_path / "one")]) == 0
    assert "STL has no unit: the longest side is 1" in capsys.readouterr().out
    assert main([*common, "--out", str(tmp_path / "many"), "--scale", "900"]) == 0
    assert "no unit" not in capsys.readouterr().out
    small, large = (trimesh.load_mesh(tmp_path / folder / "ellipsoids_0000.stl") for folder in ("one", "many"))
    assert large.extents.max() == pytest.approx(900, abs=0.1)
    assert np.allclose(large.bounds, 900 * small.bounds, atol=0.01) and large.is_watertight
    assert (tmp_path / "one" / "contact_sheet.png").read_bytes() == (
        tmp_path / "many" / "contact_sheet.png"
    ).read_bytes()


@pytest.mark.parametrize("command", [["sample"], ["directions"], ["morph", "--seeds", "1", "2"], ["encode", "a.png"]])
def test_a_file_is_no_folder_for_files(
    ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
):
    line = refused(capsys, *command, "--model", ellipsoids, "--out", tmp_path / "chair.glb")
    assert "chair.glb: a folder is expected" in line and list(tmp_path.iterdir()) == []
    assert ("--format" in line) == (command != ["directions"])


def test_a_folder_of_such_a_name_that_is_there_is_used(ellipsoids: Path, tmp_path: Path):
    (tmp_path / "chair.glb").mkdir()
    options = ["--resolution", "16", "--out", str(tmp_path / "chair.glb")]
    assert main(["sample", "--model", str(ellipsoids), *options]) == 0
    assert (tmp_path / "chair.glb" / "ellipsoids_0000.glb").is_file()


def test_seeds_without_a_surface_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model = write_ellipsoid_model(tmp_path / "a.gen3d", empty=True)
    out = tmp_path / "out"
    assert main(["sample", "--model", str(model), "--count", "2", "--resolution", "16", "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert "seed 0: " in said.out and "seed 1: " in said.out
    assert said.err == "gen3d: error: 2 of 2 seeds gave no mesh, the first is 0\n"
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--seed", "-1"), ("--seed", str(2**31)), ("--seed", "x"), ("--count", "0"), ("--count", "100001"),
        ("--resolution", "15"), ("--resolution", "1024"), ("--resolution", "1e2"), ("--format", "fbx"),
        ("--truncation", "nan"), ("--truncation", "-1"), ("--floaters", "2"), ("--threads", "0"), ("--colour", "red"),
        ("--scale", "0"), ("--scale", "nan"),
    ],
)  # fmt: skip
def test_bad_options(ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str):
    line = refused(capsys, "sample", "--model", ellipsoids, "--out", tmp_path / "out", option, value)
    assert option in line
    assert not (tmp_path / "out").exists()


def test_the_last_seed_must_exist_too(ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    assert "last seed" in refused(
        capsys, "sample", "--model", ellipsoids, "--seed", str(2**31 - 1), "--count", "2", "--out", out
    )


def test_bad_models(ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    (tmp_path / "cut.gen3d").write_bytes(ellipsoids.read_bytes()[:1000])
    (tmp_path / "text.gen3d").write_text("hello")
    expected = {
        "nothing": "no model 'nothing'",
        "no.gen3d": "no such file",
        "cut.gen3d": "cut short",
        "text.gen3d": "not a Gen3D",
    }
    for name, said in expected.items():
        model = tmp_path / name if name.endswith(".gen3d") else name
        assert said in refused(capsys, "sample", "--model", model, "--out", out)
        assert said in refused(capsys, "info", model)
    assert not out.exists()


def test_bad_places(ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("")
    assert "cannot write" in refused(capsys, "sample", "--model", ellipsoids, "--out", tmp_path / "file")
    assert "cannot write" in refused(capsys, "sample", "--model", ellipsoids, "--out", tmp_path / "file" / "below")


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are a POSIX thing")
def test_a_disk_that_refuses_leaves_nothing_half_written(ellipsoids: Path, tmp_path: Path):
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "from gen3d_core.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [
        sys.executable,
        "-c",
        script,
        "sample",
        "--model",
        str(ellipsoids),
        "--resolution",
        "48",
        "--out",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == ""
    assert re.fullmatch(r"gen3d: error: cannot write .*ellipsoids_0000.glb: File too large\n", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_info(ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["info", str(ellipsoids)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("ellipsoids: a Gen3D model of ellipsoids\n")
    assert sha256(ellipsoids) in text and "CC0-1.0" in text and "analytic" in text
    assert main(["info", "--json", str(ellipsoids)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "ellipsoids" and told["shape_dim"] == 4 and told["sha256"] == sha256(ellipsoids)
    write_ellipsoid_model(tmp_path / "owed.gen3d", attribution=["Ann, CC-BY-3.0", "Bob"])
    assert main(["info", str(tmp_path / "owed.gen3d")]) == 0
    assert "learned from the work of\n  Ann, CC-BY-3.0\n  Bob\n" in capsys.readouterr().out


def test_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sampler, "SHIPPED", tmp_path)
    assert main(["models"]) == 0
    assert "no models are shipped" in capsys.readouterr().err
    write_ellipsoid_model(tmp_path / "eggs.gen3d", name="eggs")
    assert main(["models"]) == 0
    assert capsys.readouterr().out.split() == ["eggs", "ellipsoids", str(tmp_path / "eggs.gen3d")]
    (tmp_path / "zzz.gen3d").write_text("not a model")
    assert main(["models"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[1].startswith("zzz ") and "not a Gen3D model file" in told[1] and len(told) == 2


def test_commands(capsys: pytest.CaptureFixture[str]):
    assert "--model, --out" in refused(capsys, "sample")
    assert "invalid choice: 'smaple'" in refused(capsys, "smaple")
    assert "COMMAND" in refused(capsys)
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0 and capsys.readouterr().out == f"gen3d {gen3d_core.__version__}\n"


@pytest.mark.parametrize("command", ["gen3d_core info MODEL", "gen3d_core --help", "training.cli train --help"])
def test_a_reader_that_leaves(ellipsoids: Path, command: str):
    command = f'"{sys.executable}" -m {command.replace("MODEL", str(ellipsoids))}'
    process = subprocess.Popen(command, cwd=ROOT, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    process.wait(timeout=20)
    process.stderr.close()
