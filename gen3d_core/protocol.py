"""Messages between a client (the Blender add-on) and the worker: one JSON object per line, UTF-8, over stdin and
stdout.

Standard library only, so that Blender's own process can import it. Every `generate`, `encode`, `thumbnails` and `morph`
request ends in exactly one of `result`, `cancelled` or `error` that carries its `id`. A `cancel` names the job to stop;
for a job that has already ended it is ignored. Arrays travel as `.npz` files in the private folder that the client
made.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from gen3d_core import limits
from gen3d_core.errors import Gen3DError

PROTOCOL_VERSION = 2
MAX_LINE = 1 << 20
"""Bytes of the longest line, its newline included."""
MAX_ID = 2**53 - 1

_ARRAYS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,100}\.npz")


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
        raise ProtocolError(f"line is not JSON: {str(error).splitlines()[0]}") from error
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
        return {"type": self.type, **asdict(self)}

    def line(self) -> bytes:
        """This message as a line to send."""
        return encode(self.as_dict())


# ---- requests: client to worker


@dataclass(frozen=True)
class Generate(Message):
    """Make a mesh. `truncation` None takes the model's own. Ranges are those of `gen3d_core.limits`.

    Without parents, `seed` draws the codes and `appearance_seed`, where given, those of the appearance. Up to four
    `parents`, {"shape": [...], "appearance": [...]}, take their place, mixed by a weight for each in `shape_weights`
    and `appearance_weights`, and then varied towards what the seeds draw by `shape_strength` and
    `appearance_strength`. `moves` at last puts the object at values along directions of the model.
    """

    type: ClassVar[str] = "generate"
    id: int
    model: str
    seed: int
    resolution: int
    truncation: float | None = None
    floaters: float = 1.0
    appearance_seed: int | None = None
    parents: list[dict[str, list[float]]] = field(default_factory=list)
    shape_weights: list[float] = field(default_factory=list)
    appearance_weights: list[float] = field(default_factory=list)
    shape_strength: float = 0.0
    appearance_strength: float = 0.0
    moves: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_id(self.id)
        _check_text("model", self.model)
        limits.whole("seed", self.seed, limits.SEED)
        if self.appearance_seed is not None:
            limits.whole("appearance_seed", self.appearance_seed, limits.SEED)
        limits.whole("resolution", self.resolution, limits.RESOLUTION)
        if self.truncation is not None:
            limits.real("truncation", self.truncation, limits.TRUNCATION)
        limits.real("floaters", self.floaters, limits.FLOATERS)
        limits.real("shape_strength", self.shape_strength, limits.STRENGTH)
        limits.real("appearance_strength", self.appearance_strength, limits.STRENGTH)
        self._check_parents()
        if not isinstance(self.moves, dict):
            raise ProtocolError("moves is not an object of values by direction")
        for name, value in self.moves.items():
            limits.real(f"moves: {name[:40]}", value, limits.CODE)

    def _check_parents(self) -> None:
        if not isinstance(self.parents, list) or len(self.parents) > limits.PARENTS[1]:
            raise ProtocolError(f"parents is not a list of at most {limits.PARENTS[1]}")
        for parent in self.parents:
            if not isinstance(parent, dict) or parent.keys() != {"shape", "appearance"}:
                raise ProtocolError("a parent is not an object with shape and appearance")
            for name, code in parent.items():
                _check_numbers(f"a parent's {name}", code, limits.CODE)
        for name in ("shape_weights", "appearance_weights"):
            weights = _check_numbers(name, getattr(self, name), (0.0, 1.0))
            if len(weights) != len(self.parents) or (weights and not sum(weights) > 0):
                raise ProtocolError(f"{name} has no weight for each parent, or none above zero")
        if (self.shape_strength or self.appearance_strength) and not self.parents:
            raise ProtocolError("a strength varies parents, and there are none")


@dataclass(frozen=True)
class Encode(Message):
    """Make what pictures show, one object from one picture or more. Ends like `generate`.

    `pictures` are bare names of .npz files in the client's folder: pixels (H, W, 4) u8, straight alpha, the top row
    first, at most `limits.ENCODED_SIDE` wide and high. They are cut out by their alpha where that is meant, else by
    their plain background, and framed.
    """

    type: ClassVar[str] = "encode"
    id: int
    model: str
    pictures: list[str]
    resolution: int
    floaters: float = 1.0

    def __post_init__(self) -> None:
        _check_id(self.id)
        _check_text("model", self.model)
        limits.whole("resolution", self.resolution, limits.RESOLUTION)
        limits.real("floaters", self.floaters, limits.FLOATERS)
        if not isinstance(self.pictures, list):
            raise ProtocolError("pictures is not a list of names")
        limits.whole("the number of pictures", len(self.pictures), limits.PICTURES)
        for name in self.pictures:
            if not isinstance(name, str) or not _ARRAYS_NAME.fullmatch(name):
                raise ProtocolError(f"pictures names {str(name)[:80]!r}: expected a plain .npz file name")


@dataclass(frozen=True)
class Models(Message):
    """Ask for the models shipped with the worker's package, and for those in further `places`: folders or files."""

    type: ClassVar[str] = "models"
    id: int
    places: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        _check_id(self.id)
        if not isinstance(self.places, list) or len(self.places) > 64:
            raise ProtocolError("places is not a list of at most 64 paths")
        for place in self.places:
            _check_text("a place", place)


@dataclass(frozen=True)
class Thumbnails(Message):
    """Draw what `seeds` give, each in a picture of `size` pixels a side. Ends like `generate`."""

    type: ClassVar[str] = "thumbnails"
    id: int
    model: str
    seeds: list[int]
    size: int = 128
    truncation: float | None = None

    def __post_init__(self) -> None:
        _check_id(self.id)
        _check_text("model", self.model)
        if not isinstance(self.seeds, list):
            raise ProtocolError("seeds is not a list")
        limits.whole("the number of seeds", len(self.seeds), limits.THUMBNAILS)
        for seed in self.seeds:
            limits.whole("seed", seed, limits.SEED)
        limits.whole("size", self.size, limits.THUMBNAIL_SIZE)
        if self.truncation is not None:
            limits.real("truncation", self.truncation, limits.TRUNCATION)


@dataclass(frozen=True)
class Morph(Message):
    """Make the meshes of `steps` objects on a path through others. Ends like `generate`.

    `keys` are two or more objects, each the fields of a `Generate` that say which object: seed and, where wanted,
    appearance_seed, parents, shape_weights, appearance_weights, shape_strength, appearance_strength, moves. `path` and
    `closed` are those of `gen3d_core.paths.Path`; `kind`, `timing`, `base` (a step's index) and `after_change` those of
    `gen3d_core.interpolate.interpolate`.
    """

    type: ClassVar[str] = "morph"
    id: int
    model: str
    keys: list[dict[str, Any]]
    steps: int
    resolution: int
    kind: str = "morph"
    truncation: float | None = None
    path: str = "slerp"
    closed: bool = False
    timing: str = "uniform"
    base: int = 0
    after_change: str = "segment"

    def __post_init__(self) -> None:
        _check_id(self.id)
        _check_text("model", self.model)
        limits.whole("steps", self.steps, limits.MORPH_STEPS)
        limits.whole("resolution", self.resolution, limits.RESOLUTION)
        limits.whole("resolution² × steps", self.resolution**2 * self.steps, limits.MORPH_SIZE)
        limits.whole("base", self.base, (0, self.steps - 1))
        if not isinstance(self.closed, bool):
            raise ProtocolError("closed is neither true nor false")
        for name, known in (
            ("kind", limits.MORPH_KINDS),
            ("path", limits.MORPH_PATHS),
            ("timing", limits.MORPH_TIMINGS),
            ("after_change", limits.MORPH_AFTER_CHANGE),
        ):
            limits.one_of(name, getattr(self, name), known)
        if not isinstance(self.keys, list):
            raise ProtocolError("keys is not a list of objects")
        limits.whole("the number of keys", len(self.keys), limits.MORPH_KEYS)
        self.objects()

    def objects(self) -> list[Generate]:
        """The keys as requests of their own."""
        for key in self.keys:
            if not isinstance(key, dict) or "seed" not in key or not key.keys() <= _INGREDIENTS:
                raise ProtocolError(f"a key has seed and perhaps {', '.join(sorted(_INGREDIENTS - {'seed'}))}")
        return [
            Generate(self.id, self.model, resolution=self.resolution, truncation=self.truncation, **key)
            for key in self.keys
        ]


_INGREDIENTS = {field.name for field in fields(Generate)} - {"id", "model", "resolution", "truncation", "floaters"}


@dataclass(frozen=True)
class Cancel(Message):
    """Stop the job with this `id`, whether it runs or waits."""

    type: ClassVar[str] = "cancel"
    id: int

    def __post_init__(self) -> None:
        _check_id(self.id)


@dataclass(frozen=True)
class Shutdown(Message):
    """Stop whatever runs and end. Closing the worker's stdin does the same."""

    type: ClassVar[str] = "shutdown"


# ---- replies: worker to client


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
        _check_id(self.id)
        limits.real("fraction", self.fraction, (0.0, 1.0))


@dataclass(frozen=True)
class Result(Message):
    """`arrays` is the bare name of an .npz in the client's folder.

    Of `generate`: vertices (V,3) f32, faces (F,3) i32, colours (V,3) f32 sRGB, Z up, front +X, longest side 1, base at
    the origin; `info` has model, model_file, model_hash, category, seed, shape_code, appearance_code, positions (value
    along each direction), truncation, resolution, floaters, vertices, faces, version.

    Of `encode`: the same arrays and pictures (N,S,S,4) u8, framed; `info` has no seed, but confidence in [0, 1],
    low_confidence, below which the picture probably shows something else, and cameras ({azimuth, elevation, overlap}
    for each picture, radians: see `gen3d_core.sighting.Sighting`).

    Of `thumbnails`: pictures (N,S,S,4) u8, straight alpha; `info` has model, model_hash, seeds, truncation.

    Of `morph` with S steps: shape_codes (S,D) f32, appearance_codes (S,A) f32, and for each segment n, from 0 on,
    faces_n (F,3) i32, vertices_n (K,V,3) f32, colours_n (K,V,3) f32, each of its K meshes as one of `generate`; `info`
    has model, model_file, model_hash, category, truncation, resolution, steps, kind, path, closed, timing, base,
    after_change, times (S parameters of the path), segments ({first, steps, vertices, faces} each: it covers `steps`
    from `first` on; those in no segment were left out after a change), reports (one for each step covered, in order:
    see `gen3d_core.morph.KeyReport`), changes (steps whose topology is not their mesh's), version.
    """

    type: ClassVar[str] = "result"
    id: int
    arrays: str
    info: dict[str, Any]

    def __post_init__(self) -> None:
        _check_id(self.id)
        if not isinstance(self.arrays, str) or not _ARRAYS_NAME.fullmatch(self.arrays):
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
        _check_id(self.id)
        if not isinstance(self.models, list) or not all(isinstance(entry, dict) for entry in self.models):
            raise ProtocolError("'models' is not a list of objects", id=self.id)


@dataclass(frozen=True)
class Cancelled(Message):
    """The job was stopped on request; nothing was written."""

    type: ClassVar[str] = "cancelled"
    id: int

    def __post_init__(self) -> None:
        _check_id(self.id)


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
            _check_id(self.id)
        if not isinstance(self.message, str) or not isinstance(self.detail, str):
            raise ProtocolError("an error's message and detail are text", id=self.id)


Job = Generate | Encode | Models | Thumbnails | Morph
Request = Job | Cancel | Shutdown
Reply = Hello | Progress | Result | ModelList | Cancelled | Error

_REQUESTS: tuple[type[Message], ...] = (Generate, Encode, Models, Thumbnails, Morph, Cancel, Shutdown)
_REPLIES: tuple[type[Message], ...] = (Hello, Progress, Result, ModelList, Cancelled, Error)


def parse_request(message: dict[str, Any]) -> Request:
    """The typed request in a decoded message. Raises `ProtocolError`, with the request's `id` where it has one."""
    return _parse(message, _REQUESTS, "request")


def parse_reply(message: dict[str, Any]) -> Reply:
    """The typed reply in a decoded message. Raises `ProtocolError`, with the request's `id` where it has one."""
    return _parse(message, _REPLIES, "reply")


def _parse(message: dict[str, Any], kinds: tuple[type[Message], ...], what: str) -> Any:
    kind = next((kind for kind in kinds if kind.type == message.get("type")), None)
    if kind is None:
        words = ", ".join(kind.type for kind in kinds)
        raise ProtocolError(
            f"unknown {what} {str(message.get('type'))[:40]!r}: expected one of {words}", id=_id_of(message)
        )
    given = {key: value for key, value in message.items() if key != "type"}
    known = {field.name for field in fields(kind)}
    unknown = sorted(set(given) - known)
    if unknown:
        raise ProtocolError(
            f"{kind.type} has an unknown key {unknown[0][:40]!r}: known are {', '.join(sorted(known))}", _id_of(message)
        )
    try:
        return kind(**given)
    except TypeError as error:
        missing = sorted(known - set(given))
        raise ProtocolError(f"{kind.type} lacks {', '.join(missing)}", id=_id_of(message)) from error
    except Gen3DError as error:
        raise ProtocolError(str(error), id=_id_of(message)) from error


def _id_of(message: dict[str, Any]) -> int | None:
    value = message.get("id")
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ID else None


def _check_id(value: object) -> None:
    limits.whole("id", value, (0, MAX_ID))


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value or len(value) > 4096 or "\0" in value:
        raise ProtocolError(f"{name} is not a text of 1 to 4096 characters")


def _check_numbers(name: str, values: object, bounds: tuple[float, float]) -> list[float]:
    if not isinstance(values, list):
        raise ProtocolError(f"{name} is not a list of numbers")
    return [limits.real(name, value, bounds) for value in values]


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a number in JSON")
