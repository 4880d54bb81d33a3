"""What the worker answers its client, see `gen3d_core.protocol`. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gen3d_core import limits
from gen3d_core.protocol.json_objects import check_types
from gen3d_core.protocol.messages import Message, ProtocolError, check_id
from gen3d_core.protocol.results import EncodedResult, MeshResult, ModelList, MorphResult, ThumbnailsResult

PROTOCOL_VERSION = 3


@dataclass(frozen=True)
class Hello(Message):
    """First line of every worker. `protocol` must equal the client's `PROTOCOL_VERSION`."""

    type: ClassVar[str] = "hello"
    protocol: int
    version: str
    python: str

    def __post_init__(self) -> None:
        check_types(self)
        if self.protocol != PROTOCOL_VERSION:
            raise ProtocolError(
                f"the worker speaks protocol {self.protocol}, its client {PROTOCOL_VERSION}: install equal versions"
            )


@dataclass(frozen=True)
class Progress(Message):
    """`fraction` in [0, 1] of the job, `stage` a few words for the user."""

    type: ClassVar[str] = "progress"
    id: int
    fraction: float
    stage: str

    def __post_init__(self) -> None:
        check_id(self.id)
        check_types(self)
        limits.check_real("fraction", self.fraction, (0.0, 1.0))


@dataclass(frozen=True)
class Cancelled(Message):
    """The job was stopped on request; nothing was written."""

    type: ClassVar[str] = "cancelled"
    id: int

    def __post_init__(self) -> None:
        check_id(self.id)


@dataclass(frozen=True)
class Error(Message):
    """`message` is one line for the user, `detail` a traceback for a log. `id` is None for a line that named no
    request."""

    type: ClassVar[str] = "error"
    id: int | None
    message: str
    detail: str = ""

    def __post_init__(self) -> None:
        if self.id is not None:
            check_id(self.id)
        if not isinstance(self.message, str) or not isinstance(self.detail, str):
            raise ProtocolError("an error's message and detail are text", id=self.id)


JobResult = MeshResult | EncodedResult | ThumbnailsResult | MorphResult | ModelList
"""What a job ends in that went well."""
Reply = Hello | Progress | JobResult | Cancelled | Error
REPLIES: tuple[type[Message], ...] = (
    *(Hello, Progress, Cancelled, Error),
    *(MeshResult, EncodedResult, ThumbnailsResult, MorphResult, ModelList),
)
