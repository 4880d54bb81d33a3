"""Messages between a client (the Blender add-on) and the worker: one JSON object per line, UTF-8, over stdin and
stdout.

Standard library only, so that Blender's own process can import it. Every job (`generate`, `encode`, `thumbnails`,
`morph`, `models`) ends in exactly one of its own kind of result, `cancelled` or `error`, that carries its `id`. A
`cancel` names the job to stop; for a job that has already ended it is ignored. Arrays travel as `.npz` files in the
private folder that the client made.
"""

from __future__ import annotations

from typing import Any

from gen3d_core import limits
from gen3d_core.errors import Gen3DError
from gen3d_core.protocol.messages import MAX_ID, MAX_LINE, Message, ProtocolError, decode, encode, parse
from gen3d_core.protocol.recipe import Parent, Recipe
from gen3d_core.protocol.replies import (
    PROTOCOL_VERSION,
    REPLIES,
    Cancelled,
    Error,
    Hello,
    JobResult,
    Progress,
    Reply,
)
from gen3d_core.protocol.requests import (
    REQUESTS,
    Cancel,
    Encode,
    Generate,
    Job,
    Models,
    Morph,
    MorphSettings,
    Request,
    Shutdown,
    Thumbnails,
)
from gen3d_core.protocol.results import (
    BrokenModel,
    Camera,
    EncodedResult,
    MeshResult,
    ModelDirection,
    ModelEntry,
    ModelIdentity,
    ModelList,
    MorphResult,
    MorphSegment,
    ObjectSummary,
    Result,
    StepReport,
    ThumbnailsResult,
)

__all__ = [
    "BrokenModel",
    "Camera",
    "Cancel",
    "Cancelled",
    "Encode",
    "EncodedResult",
    "Error",
    "Gen3DError",
    "Generate",
    "Hello",
    "Job",
    "JobResult",
    "MAX_ID",
    "MAX_LINE",
    "MeshResult",
    "Message",
    "ModelDirection",
    "ModelEntry",
    "ModelIdentity",
    "ModelList",
    "Models",
    "Morph",
    "MorphResult",
    "MorphSegment",
    "MorphSettings",
    "ObjectSummary",
    "PROTOCOL_VERSION",
    "Parent",
    "Progress",
    "ProtocolError",
    "REPLIES",
    "REQUESTS",
    "Recipe",
    "Reply",
    "Request",
    "Result",
    "Shutdown",
    "StepReport",
    "Thumbnails",
    "ThumbnailsResult",
    "decode",
    "encode",
    "limits",
    "parse_reply",
    "parse_request",
]


def parse_request(message: dict[str, Any]) -> Request:
    """The typed request in a decoded message. Raises `ProtocolError`, with the request's `id` where it has one."""
    return parse(message, REQUESTS, "request")


def parse_reply(message: dict[str, Any]) -> Reply:
    """The typed reply in a decoded message. Raises `ProtocolError`, with the request's `id` where it has one."""
    return parse(message, REPLIES, "reply")
