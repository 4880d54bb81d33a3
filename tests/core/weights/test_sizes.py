"""Configurations from strangers: nothing is allocated for what the weights of the file do not fill."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.model.archive import ModelArchive, read_model, write_model
from gen3d_core.rendering.generator import Generator
from gen3d_core.weights.load import load_generator
from gen3d_core.weights.sizes import check_config, least_weights
from training.settings import load_settings

PRESETS = sorted(path.stem for path in (Path(__file__).parents[3] / "training" / "presets").glob("*.toml"))


@pytest.fixture(scope="module")
def archive(tiny_model: Path) -> ModelArchive:
    return read_model(tiny_model)


def complaint(archive: ModelArchive, path: Path, **changes: Any) -> str:
    write_model(path, {**archive.manifest, **changes}, archive.members)
    with pytest.raises(Gen3DError) as caught:
        load_generator(path, torch.device("cpu"))
    text = str(caught.value)
    assert "\n" not in text and path.name in text and len(text) < 500
    return text


@pytest.mark.parametrize(
    ("part", "value", "expected"),
    [
        ({"hidden": 10**6}, "generator", "hidden"), ({"plane_channels": 10**9}, "generator", "plane_channels"),
        ({"hidden": 2000}, "generator", "do not fit"), ({"plane_channels": 4000}, "generator", "do not fit"),
        ({"hidden": -1}, "generator", "hidden"), ({"synthesis_channels": [4] * 40}, "generator", "40 levels"),
        ({"synthesis_channels": []}, "generator", "0 levels"), ({"mapping_width": 4096}, "generator", "do not fit"),
        ({"mlp": {"depth": 10**6}}, "baseline", "depth"), ({"noise": 1e300}, "baseline", "noise"),
        ({"sphere_radius": 1e300}, "generator", "sphere_radius"),
        ({"lattice": 10**6}, "renderer", "lattice"), ({"samples": 10**6}, "renderer", "samples"),
        ({"free_samples": 10**9}, "baseline", "free_samples"),
    ],
)  # fmt: skip
def test_sizes_that_no_model_has(archive: ModelArchive, tmp_path: Path, part: dict, value: str, expected: str):
    config = archive.manifest["config"]
    changed = {**config, value: {**config[value], **part}}
    assert expected in complaint(archive, tmp_path / "odd.gen3d", config=changed)


@pytest.mark.parametrize("section", ["baseline", "generator"])  # today's, and that of older programs
@pytest.mark.parametrize(
    ("kind", "mlp", "expected"),
    [
        ("unisurf", {"depth": 10**6}, "depth"), ("unisurf", {"width": 4096}, "do not fit"),
        ("unisurf", {"skip": 8}, "skip"), ("radiance", {"width": 10}, "width"),
    ],
)  # fmt: skip
def test_sizes_that_no_published_field_has(
    archive: ModelArchive, tmp_path: Path, kind: str, mlp: dict, expected: str, section: str
):
    config = {name: dict(values) for name, values in archive.manifest["config"].items() if name != "baseline"}
    config["generator"]["kind"] = kind
    config.setdefault(section, {})["mlp"] = mlp
    assert expected in complaint(archive, tmp_path / "odd.gen3d", config=config)


def test_weights_that_are_no_weights(archive: ModelArchive, tmp_path: Path):
    for data in (b"", b"\xff" * 100, b"\x02" + b"\0" * 7 + b"{}", b"\x08" + b"\0" * 7 + b'{"a":[]}'):
        members = {**archive.members, "weights.safetensors": data}
        assert "weights" in complaint(dataclasses.replace(archive, members=members), tmp_path / "odd.gen3d")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_allowed(preset: str):
    settings = load_settings(preset, None)
    check_config(settings)
    generator = Generator(settings, PosePrior())
    there = sum(value.numel() for value in generator.state_dict().values())
    assert 0.55 * there < least_weights(settings) <= there
