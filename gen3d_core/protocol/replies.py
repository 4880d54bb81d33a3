"""What the worker answers its client, see `gen3d_core.protocol`. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gen3d_core import limits
from gen3d_core.protocol.messages import ARRAYS_NAME, Message, ProtocolError, check_id

PROTOCOL_VERSION = 2


@dataclass(frozen=True)
class Hello(Message):
    """First line of every worker. `protocol` must equal the client's `PROTOCOL_VERSION`."""

    type: ClassVar[str] = "hello"
    protocol: int
    version: str
    python: str

    def __post_init__(self) -> None:
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
        limits.check_real("fraction", self.fraction, (0.0, 1.0))


@dataclass(frozen=True)
class Result(Message):
    """`arrays` is the bare name of an .npz in the client's folder.

    Of `generate`: vertices (V,3) f32, faces (F,3) i32, colours (V,3) f32 sRGB, Z up, front +X, longest side 1, base at
    the origin; `info` has model, model_file, model_hash, category, seed, shape_code, appearance_code, positions (value
    along each direction), truncation, resolution, floaters, vertices, faces, version.

    Of `encode`: the same arrays and pictures (N,S,S,4) u8, framed; `info` has no seed, but confidence in [0, 1],
    doubtful, whether the picture probably shows something else, and cameras ({azimuth, elevation, overlap, matrix,
    half, shift} for each picture, radians: see `gen3d_core.inversion.pose_search.CameraPose` and, for the view of the
    mesh as it is framed in the picture, `gen3d_core.pictures.pinhole.View`).

    Of `thumbnails`: pictures (N,S,S,4) u8, straight alpha; `info` has model, model_hash, seeds, truncation.

    Of `morph` with S steps: shape_codes (S,D) f32, appearance_codes (S,A) f32, and for each segment n, from 0 on,
    faces_n (F,3) i32, vertices_n (K,V,3) f32, colours_n (K,V,3) f32, each of its K meshes as one of `generate`; `info`
    has model, model_file, model_hash, category, truncation, resolution, steps, kind, path, closed, timing, base,
    after_change, times (S parameters of the path), segments ({first, steps, vertices, faces} each: it covers `steps`
    from `first` on; those in no segment were left out after a change), reports (one for each step covered, in order:
    see `gen3d_core.morphing.track.KeyReport`), changes (steps whose topology is not their mesh's), version.
    """

    type: ClassVar[str] = "result"
    id: int
    arrays: str
    info: dict[str, Any]

    def __post_init__(self) -> None:
        check_id(self.id)
        if not isinstance(self.arrays, str) or not ARRAYS_NAME.fullmatch(self.arrays):
            raise ProtocolError(f"result names {self.arrays!r}: expected a plain .npz file name", id=self.id)
        if not isinstance(self.info, dict):
            raise ProtocolError("result has no 'info' object", id=self.id)


@dataclass(frozen=True)
class ModelList(Message):
    """Answer to `models`: each entry has name, category, file, hash, shape_dim, appearance_dim, truncation, licence,
    attribution, directions ({name, code, low, high, share} each) and preview, the bare name of a PNG in the client's
    folder or ""; a file that cannot be read has name, file and error."""

    type: ClassVar[str] = "models"
    id: int
    models: list[dict[str, Any]]

    def __post_init__(self) -> None:
        check_id(self.id)
        if not isinstance(self.models, list) or not all(isinstance(entry, dict) for entry in self.models):
            raise ProtocolError("'models' is not a list of objects", id=self.id)


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


Reply = Hello | Progress | Result | ModelList | Cancelled | Error
REPLIES: tuple[type[Message], ...] = (Hello, Progress, Result, ModelList, Cancelled, Error)
