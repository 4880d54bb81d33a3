"""One message as one line of JSON: what all messages share, and how a line becomes the message that it is.

Standard library only, see `gen3d_core.protocol`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from gen3d_core import limits
from gen3d_core.errors import Gen3DError, first_line
from gen3d_core.protocol.json_objects import as_object, from_object

MAX_LINE = 1 << 20
"""Bytes of the longest line, its newline included."""
MAX_ID = 2**53 - 1
ARRAYS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,100}\.npz")


class ProtocolError(Gen3DError):
    """A line that is not a message. `id` is the request's where it could be read, else None."""

    def __init__(self, text: str, id: int | None = None) -> None:
        super().__init__(text)
        self.id = id


def encode(message: dict[str, Any]) -> bytes:
    """A message as one line that ends with a newline. Raises `ProtocolError` for what JSON cannot hold and for
    over-long lines."""
    try:
        line = json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"message cannot be written as JSON: {error}") from error
    if len(line) > MAX_LINE:
        raise ProtocolError(f"message has {len(line)} bytes: the limit is {MAX_LINE}")
    return line


def decode(line: bytes) -> dict[str, Any]:
    """The message in a line. Raises `ProtocolError` unless it is a JSON object with a `type`, within `MAX_LINE`
    bytes."""
    if len(line) > MAX_LINE:
        raise ProtocolError(f"line is longer than {MAX_LINE} bytes")
    try:
        message = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"line is not JSON: {first_line(error)}") from error
    if not isinstance(message, dict):
        raise ProtocolError(f"line holds a JSON {type(message).__name__}: expected an object")
    if not isinstance(message.get("type"), str):
        raise ProtocolError("message has no 'type'", id=_id_of(message))
    return message


@dataclass(frozen=True)
class Message:
    """Base of all messages: `type` is the word on the wire, the fields are the other keys."""

    type: ClassVar[str]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of this message."""
        return {"type": self.type, **as_object(self)}

    def line(self) -> bytes:
        """This message as a line to send."""
        return encode(self.as_dict())


def parse(message: dict[str, Any], kinds: tuple[type[Message], ...], what: str) -> Any:
    kind = next((kind for kind in kinds if kind.type == message.get("type")), None)
    if kind is None:
        words = ", ".join(kind.type for kind in kinds)
        raise ProtocolError(
            f"unknown {what} {str(message.get('type'))[:40]!r}: expected one of {words}", id=_id_of(message)
        )
    given = {key: value for key, value in message.items() if key != "type"}
    try:
        return from_object(kind, given, kind.type)
    except Gen3DError as error:
        raise ProtocolError(str(error), id=_id_of(message)) from error


def _id_of(message: dict[str, Any]) -> int | None:
    value = message.get("id")
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ID else None


def check_id(value: object) -> None:
    limits.check_whole("id", value, (0, MAX_ID))


def check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value or len(value) > 4096 or "\0" in value:
        raise ProtocolError(f"{name} is not a text of 1 to 4096 characters")


def check_numbers(name: str, values: object, bounds: tuple[float, float]) -> list[float]:
    if not isinstance(values, list):
        raise ProtocolError(f"{name} is not a list of numbers")
    return [limits.check_real(name, value, bounds) for value in values]


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a number in JSON")
