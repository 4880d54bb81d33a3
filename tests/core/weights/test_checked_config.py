"""What an older program recorded is read under today's names, value by value."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from gen3d_core.config import Config
from gen3d_core.model.archive import read_model
from gen3d_core.weights.checked_config import MOVED, from_manifest

ROOT = Path(__file__).resolve().parents[3]
MODELS = {path.stem: path for path in (ROOT / "gen3d_core" / "models").glob("*.gen3d")}
OLDER = ("cars", "cars-kit", "chairs-former")
OLD_RUN = ROOT / "tests" / "training" / "gan" / "old_run.json"


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted name and value of each setting; tuples as JSON holds them."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, list(value) if isinstance(value, tuple) else value


def today(name: str) -> str | None:
    """Where a setting of the older program stands."""
    for old, new in MOVED.items():
        if name == old or name.startswith(old + "."):
            return None if new is None else new + name.removeprefix(old)
    return name


def assert_every_value_is_kept(record: dict[str, Any]) -> None:
    found = dict(leaves(asdict(from_manifest(record))))
    expected = {today(name): value for name, value in leaves(record)}
    expected.pop(None, None)
    assert expected.keys() <= found.keys()
    assert {name: found[name] for name in expected if name} == expected


def test_four_models_are_shipped() -> None:
    assert sorted(MODELS) == sorted(("chairs", *OLDER))


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_records_of_the_shipped_models_keep_every_value(name: str) -> None:
    record = read_model(MODELS[name], only=set()).manifest["config"]
    assert ("method" in record["renderer"]) == (name in OLDER), "written by the older program"
    assert_every_value_is_kept(record)


def test_the_record_of_an_old_run_keeps_every_value() -> None:
    record = json.loads(OLD_RUN.read_text(encoding="utf-8"))["config"]
    assert all(name in dict(leaves(record)) for name in MOVED if name != "generator.mlp")
    assert_every_value_is_kept(record)


def test_what_moved_is_not_taken_for_a_default() -> None:
    """Every moved setting, at a value that is no default."""
    record = {
        "generator": {"kind": "radiance", "mlp": {"width": 17, "skip": 3}},
        "renderer": {
            **{"method": "volume", "colour": "literal", "search": "dense", "free_samples": 5},
            **{"free_from_kimg": 2.0, "prune": 0.5, "noise": 0.25, "noise_kimg": 7.0},
        },
        "patch": {"first_least_scale": 0.8, "least_scale": 0.125, "scale_step_kimg": 3.0},
        "optim": {"optimiser": "rmsprop", "halve_at_kimg": [4.0, 5.0]},
    }
    assert_every_value_is_kept(record)
    default = dict(leaves(asdict(Config())))
    expected = {today(name): value for name, value in leaves(record)}
    assert not [name for name, value in expected.items() if name and default[name] == value]


def test_every_name_of_the_table_is_known_today_and_none_of_the_old_ones() -> None:
    sections = asdict(Config())
    for old, new in MOVED.items():
        section, name = old.split(".")
        assert name not in sections[section]
        if new is not None:
            assert [known for known in dict(leaves(sections)) if known == new or known.startswith(new + ".")]
