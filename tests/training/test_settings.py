"""Settings come from preset, TOML file and flags, in rising order; what does not fit is named in one line."""

import dataclasses
import json
from pathlib import Path

import pytest

from gen3d_core.config import Config
from gen3d_core.weights.checked_config import SettingsError, from_manifest
from tests.tiny_run import TINY, TINY_TOML
from training.command_line import parse
from training.commands import Train
from training.settings import PRESETS, flags, load_settings, preset_names


def toml(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path, preset: str = "fast") -> str:
    with pytest.raises(SettingsError) as error:
        load_settings(preset, path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_there_are_presets_and_the_default_is_one() -> None:
    assert "fast" in preset_names()
    assert {path.stem for path in PRESETS.glob("*")} == set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads(name: str) -> None:
    config = load_settings(name)
    assert config.optim.batch % config.optim.views == 0
    assert config.generator.plane_size >= 16


def test_values_of_a_file_come_over_the_preset_and_leave_the_rest(tmp_path: Path) -> None:
    config = load_settings("fast", toml(tmp_path, "[optim]\nrate = 0.5\n[renderer.interval]\nend = 0.07\n"))
    plain = load_settings("fast")
    assert config.optim == dataclasses.replace(plain.optim, rate=0.5)
    assert config.renderer.interval == dataclasses.replace(plain.renderer.interval, end=0.07)
    assert config.generator == plain.generator and config.loss == plain.loss


def test_a_file_can_say_everything(tmp_path: Path) -> None:
    assert load_settings("fast", toml(tmp_path, TINY_TOML)) == TINY


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("[optim]\nrat = 1.0\n", "optim.rat", "'rate'"),
        ("[optin]\nrate = 1.0\n", "optin", "'optim'"),
        ("[renderer.interval]\ndecay_king = 1.0\n", "renderer.interval.decay_king", "'decay_kimg'"),
        ("[generator]\npallete = 4\n", "generator.pallete", "'palette'"),
        ("[patch]\nzzz = 4\n", "patch.zzz", "size, sampling"),
    ],
)
def test_an_unknown_key_is_refused_and_the_nearest_named(tmp_path: Path, text: str, key: str, nearest: str) -> None:
    path = toml(tmp_path, text)
    line = refused(path)
    assert str(path) in line and repr(key) in line and nearest in line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[renderer]\nprune = 1e-3\n", "unknown key 'renderer.prune': it is 'baseline.prune' now"),
        ("[generator]\nmlp = { width = 8 }\n", "unknown key 'generator.mlp': it is 'baseline.mlp' now"),
        ("[renderer]\nmethod = 'volume'\n", "unknown key 'renderer.method': it follows from 'generator.kind' now"),
    ],
)
def test_a_key_of_an_older_program_is_refused_with_its_new_place(tmp_path: Path, text: str, line: str) -> None:
    assert line in refused(toml(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[optim]\nbatch = "many"\n', "optim.batch is 'many'"),
        ("[optim]\nbatch = 32.5\n", "optim.batch is 32.5"),
        ("[optim]\nrate = [1, 2]\n", "optim.rate is [1, 2]"),
        ("[discriminator]\nsilhouette = 3\n", "discriminator.silhouette is 3"),
        ('[generator]\nsynthesis_channels = [16, "a"]\n', "generator.synthesis_channels.1 is 'a'"),
        ("optim = 3\n", "optim is 3"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_with_its_place(tmp_path: Path, text: str, where: str) -> None:
    path = toml(tmp_path, text)
    line = refused(path)
    assert str(path) in line and where in line


@pytest.mark.parametrize("text", ["[optim\n", "rate = \n", "\x00", "a = 1\na = 2\n"])
def test_what_is_not_toml_is_refused(tmp_path: Path, text: str) -> None:
    assert "is not valid TOML" in refused(toml(tmp_path, text))


def test_a_picture_is_not_toml(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    assert "is not valid TOML" in refused(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "cannot read settings" in refused(tmp_path / "nowhere.toml")
    assert "cannot read settings" in refused(tmp_path)


@pytest.mark.parametrize("name", ["nonsense", "../fast", "fast.toml", ""])
def test_an_unknown_preset_is_refused_and_the_known_ones_named(name: str) -> None:
    with pytest.raises(SettingsError, match="choose one of .*fast"):
        load_settings(name)


def test_flags_come_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    path = toml(tmp_path, "[optim]\nbatch = 16\nrate = 0.5\n[loss]\nr1_gamma = 3.0\n")
    command = parse(
        [
            "train",
            "data",
            "--out",
            "run",
            "--config",
            str(path),
            "--optim.batch",
            "64",
            "--renderer.interval.end",
            "0.1",
        ]
    )
    assert isinstance(command, Train)
    settings = command.settings
    assert settings.optim.batch == 64, "the flag"
    assert (settings.optim.rate, settings.loss.r1_gamma) == (0.5, 3.0), "the file"
    assert settings.renderer.interval == dataclasses.replace(load_settings("fast").renderer.interval, end=0.1)
    assert settings.generator == load_settings("fast").generator, "the preset"


def test_sequences_and_switches_are_flags_too() -> None:
    arguments = ["--generator.synthesis-channels", "16", "8", "--discriminator.no-silhouette"]
    command = parse(["train", "data", "--out", "run", *arguments])
    assert isinstance(command, Train)
    assert command.settings.generator.synthesis_channels == (16, 8)
    assert not command.settings.discriminator.silhouette


@pytest.mark.parametrize(
    "config", [TINY, load_settings("photos"), load_settings("graf")], ids=["tiny", "photos", "graf"]
)
def test_the_flags_of_a_configuration_parse_to_it(config: Config) -> None:
    command = parse(["train", "data", "--out", "run", *flags(config, "fast")])
    assert isinstance(command, Train)
    assert command.settings == config


def test_a_preset_needs_no_flags_and_a_change_only_its_own() -> None:
    fast = load_settings("fast")
    assert flags(fast, "fast") == []
    changed = dataclasses.replace(
        fast,
        discriminator=dataclasses.replace(fast.discriminator, pose=False),
        loss=dataclasses.replace(fast.loss, smoothness_late=0.2),
    )
    assert flags(changed, "fast") == ["--discriminator.no-pose", "--loss.smoothness-late", "0.2"]


def test_a_recorded_configuration_comes_back_from_json() -> None:
    for config in (Config(), TINY):
        assert from_manifest(json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_a_record_of_an_older_program_takes_today_s_defaults_where_it_says_nothing() -> None:
    recorded = dataclasses.asdict(TINY)
    del recorded["loss"]["smoothness_offset"]
    assert from_manifest(recorded) == TINY


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_mistake(tmp_path: Path, encoding: str) -> None:
    """PowerShell writes one, and in its older versions 16 bits for each character."""
    (tmp_path / "settings.toml").write_bytes("# Größe\r\n[optim]\r\nbatch = 12\r\n".encode(encoding))
    assert load_settings("fast", tmp_path / "settings.toml").optim.batch == 12
