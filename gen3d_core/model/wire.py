"""The wire format of protocol buffers, as far as it takes to look into an ONNX graph without the library.

https://protobuf.dev/programming-guides/encoding: a message is a row of fields, each with a number and one of four
kinds of value. What a field of bytes holds, a text or a message, only its reader knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from gen3d_core.errors import Gen3DError

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT = 10
_LARGEST_NUMBER = (1 << 29) - 1


class WireError(Gen3DError):
    """Bytes that are no message."""


def read_fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message in their order: number and value, a whole number or the bytes, which are not copied.
    Numbers of fixed width come as bytes too. Raises `WireError`."""
    at, end = 0, len(message)
    while at < end:
        tag = message[at]
        at += 1
        if tag >= 0x80:
            tag, at = _varint(message, at - 1)
        number, kind = tag >> 3, tag & 7
        if not 0 < number <= _LARGEST_NUMBER:
            raise WireError("a field has no usable number")
        if kind == _BYTES:
            length = message[at] if at < end else 0x80
            at += 1
            if length >= 0x80:
                length, at = _varint(message, at - 1)
        elif kind == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        elif kind in (_EIGHT, _FOUR):
            length = 8 if kind == _EIGHT else 4
        else:
            raise WireError("a field is of no kind that is in use")
        if length > end - at:
            raise WireError("it is cut short")
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, lowest first, and where it ends."""
    value = 0
    for index, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & (1 << 64) - 1, at + index + 1
    raise WireError("a number in it does not end")
