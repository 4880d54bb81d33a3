"""Frozen dataclasses as JSON objects and back, by the annotations of their fields.

Fields may be numbers, texts, booleans, lists and dictionaries of such, and further dataclasses, alone or in a list.
Standard library only, see `gen3d_core.protocol`.
"""

from __future__ import annotations

import sys
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from gen3d_core.errors import Gen3DError
from gen3d_core.limits import abbreviate

Kind = TypeVar("Kind")


def as_object(value: Any) -> dict[str, Any]:
    """The JSON object of a dataclass. What a nested one leaves at its default is not written: lines stay short."""
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def from_object(kind: type[Kind], given: object, name: str) -> Kind:
    """The dataclass in a JSON object, which `name` is called in errors.

    Raises `Gen3DError` for unknown and missing keys, and whatever `kind` raises for what they hold.
    """
    if not isinstance(given, dict):
        raise Gen3DError(f"{name} is {abbreviate(given)}: expected an object")
    kinds = _kinds(kind)
    unknown = sorted(set(given) - set(kinds))
    if unknown:
        raise Gen3DError(f"{name} has an unknown key {unknown[0][:40]!r}: known are {', '.join(sorted(kinds))}")
    missing = [field.name for field in fields(kind) if field.name not in given and not _has_default(field)]  # pyright: ignore[reportArgumentType]
    if missing:
        raise Gen3DError(f"{name} lacks {', '.join(missing)}")
    return kind(**{key: _nested(kinds[key], value, key) for key, value in given.items()})


def check_types(value: Any) -> None:
    """Hold every field of a dataclass against its annotation; a whole number does for a real one, which is finite.

    Raises `Gen3DError` that names the field."""
    for name, kind in _kinds(type(value)).items():
        _check(name, getattr(value, name), kind)


@cache
def _kinds(kind: type) -> dict[str, Any]:
    """Annotations of the fields by name."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        held = ((field, getattr(value, field.name)) for field in fields(value))
        return {
            field.name: _plain(inner) for field, inner in held if not _has_default(field) or inner != _default(field)
        }
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return dict(value) if isinstance(value, dict) else value


def _nested(kind: Any, value: object, name: str) -> Any:
    """What is no dataclass comes back as it is, for its owner to check."""
    if is_dataclass(kind):
        return from_object(kind, value, name)  # pyright: ignore[reportArgumentType]
    if get_origin(kind) is list and isinstance(value, list) and is_dataclass(get_args(kind)[0]):
        return [from_object(get_args(kind)[0], inner, f"{name}[{number}]") for number, inner in enumerate(value)]
    return value


def _check(name: str, value: object, kind: Any) -> None:
    origin = get_origin(kind)
    if origin is list:
        _expect(name, value, "a list", isinstance(value, list))
        for number, inner in enumerate(value):  # pyright: ignore[reportArgumentType]
            _check(f"{name}[{number}]", inner, get_args(kind)[0])
    elif origin is dict:
        _expect(name, value, "an object", isinstance(value, dict))
        for key, inner in value.items():  # pyright: ignore[reportAttributeAccessIssue]
            _check(f"{name}: {str(key)[:40]}", inner, get_args(kind)[1])
    elif kind is float:
        real = isinstance(value, int | float) and not isinstance(value, bool)
        _expect(name, value, "a number", real and abs(value) <= sys.float_info.max)  # pyright: ignore[reportArgumentType]
    elif kind is int:
        _expect(name, value, "a whole number", isinstance(value, int) and not isinstance(value, bool))
    else:
        called = {str: "a text", bool: "true or false"}.get(kind, f"a {kind.__name__}")
        _expect(name, value, called, isinstance(value, kind))


def _expect(name: str, value: object, what: str, fits: bool) -> None:
    if not fits:
        raise Gen3DError(f"{name} is {abbreviate(value)}: expected {what}")


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
