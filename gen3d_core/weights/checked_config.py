"""Configurations that come from outside, a settings file or a model file's record, checked value by value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pydantic

from gen3d_core.config import Config
from gen3d_core.errors import Gen3DError
from gen3d_core.limits import abbreviate


class SettingsError(Gen3DError):
    """A setting that does not exist or does not fit."""


def from_manifest(values: Mapping[str, Any]) -> Config:
    """The configuration that a run or model file recorded."""
    return validate(values, "the recorded configuration")


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
