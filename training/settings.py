"""A preset is data: TOML over the defaults of `gen3d_core.config`, checked key by key."""

from __future__ import annotations

import codecs
import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from gen3d_core.config import Config
from gen3d_core.weights.checked_config import MOVED, SettingsError, merge, validate

PRESETS = Path(__file__).parent / "presets"


def preset_names() -> list[str]:
    """What `--preset` takes."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def load_settings(preset: str, extra: Path | None = None) -> Config:
    """A preset, with the values of a user's TOML file over it.

    Raises:
        SettingsError: no such preset or file, no TOML, an unknown key (the nearest known one is named), or a value of
            the wrong kind.
    """
    if preset not in preset_names():
        raise SettingsError(f"there is no preset {preset!r}: choose one of {', '.join(preset_names())}")
    values = _read(PRESETS / f"{preset}.toml")
    if extra is not None:
        values = merge(values, _read(extra))
    return validate(values, str(extra or preset))


def flags(config: Config, preset: str) -> list[str]:
    """What has to be added to `--preset` on the command line for this configuration, two equal ones giving none."""
    return list(_flags(config, load_settings(preset), "--"))


def _flags(part: Any, base: Any, prefix: str) -> Iterator[str]:
    for item in fields(part):
        value, given = getattr(part, item.name), getattr(base, item.name)
        name = item.name.replace("_", "-")
        if is_dataclass(value):
            yield from _flags(value, given, f"{prefix}{name}.")
        elif value == given:
            continue
        elif isinstance(value, bool):
            yield f"{prefix}{name}" if value else f"{prefix}no-{name}"
        else:
            yield from (f"{prefix}{name}", *(map(str, value) if isinstance(value, tuple) else (str(value),)))


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(_text(path.read_bytes()))
    except OSError as error:
        raise SettingsError(f"cannot read settings {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    for key, names in _unknown(values, Config()):
        raise SettingsError(f"{path} has an unknown key {key!r}: {_hint(key, names)}")
    return values


def _hint(key: str, names: list[str]) -> str:
    if key in MOVED:
        now = MOVED[key]
        return f"it is {now!r} now" if now else "it follows from 'generator.kind' now"
    near = difflib.get_close_matches(key.rpartition(".")[2], names, 1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(names)}"


def _text(data: bytes) -> str:
    """What an editor or PowerShell wrote: UTF-8 with or without a byte order mark, or UTF-16 with one."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if wide else "utf-8-sig")


def _unknown(values: Mapping[str, Any], known: Any, prefix: str = "") -> Iterator[tuple[str, list[str]]]:
    names = [item.name for item in fields(known)]
    for key, value in values.items():
        if key not in names:
            yield prefix + key, names
        elif isinstance(value, Mapping) and is_dataclass(part := getattr(known, key)):
            yield from _unknown(value, part, f"{prefix}{key}.")
