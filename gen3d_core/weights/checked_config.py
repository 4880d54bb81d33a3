"""Configurations that come from outside, a settings file or a model file's record, checked value by value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pydantic

from gen3d_core.config import Config
from gen3d_core.errors import Gen3DError
from gen3d_core.limits import abbreviate

MOVED: dict[str, str | None] = {
    "generator.mlp": "baseline.mlp",
    "renderer.method": None,  # follows from generator.kind
    "renderer.colour": None,  # follows from generator.kind
    "renderer.search": "baseline.search",
    "renderer.free_samples": "baseline.free_samples",
    "renderer.free_from_kimg": "baseline.free_from_kimg",
    "renderer.prune": "baseline.prune",
    "renderer.noise": "baseline.noise",
    "renderer.noise_kimg": "baseline.noise_kimg",
    "patch.first_least_scale": "patch.scaled.first_least",
    "patch.least_scale": "patch.scaled.least",
    "patch.scale_step_kimg": "patch.scaled.step_kimg",
    "optim.optimiser": "baseline.optimiser",
    "optim.halve_at_kimg": "baseline.halve_at_kimg",
}
"""Settings that older programs recorded under another name: where each stands now, None where nothing asks for it."""


class SettingsError(Gen3DError):
    """A setting that does not exist or does not fit."""


def from_manifest(values: Mapping[str, Any]) -> Config:
    """The configuration that a run or model file recorded, also under the names of an older program."""
    return validate(_rename(values), "the recorded configuration")


def validate(values: Mapping[str, Any], source: str) -> Config:
    """The default configuration with these values over it. Raises SettingsError for a value of the wrong kind."""
    try:
        return pydantic.TypeAdapter(Config).validate_python(merge(asdict(Config()), values))
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{source}: {where} is {abbreviate(first['input'])}: {first['msg'].lower()}") from error
    except (OverflowError, RecursionError) as error:  # a whole number that no float holds
        raise SettingsError(f"{source}: a value in it is too large or nested too deep") from error


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values with others over them."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        result[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def _rename(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values under today's names."""
    result = merge({}, values)
    for old, new in MOVED.items():
        section, name = old.split(".")
        part = result.get(section)
        if isinstance(part, Mapping) and name in part:
            result[section] = {key: value for key, value in part.items() if key != name}
            if new is not None:
                moved = part[name]
                for key in reversed(new.split(".")):
                    moved = {key: moved}
                result = merge(moved, result)
    return result
