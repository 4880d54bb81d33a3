"""What a client asks of the worker, see `gen3d_core.protocol`. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from gen3d_core import limits
from gen3d_core.protocol.messages import ARRAYS_NAME, Message, ProtocolError, check_id, check_numbers, check_text


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
        check_id(self.id)
        check_text("model", self.model)
        limits.check_whole("seed", self.seed, limits.SEED)
        if self.appearance_seed is not None:
            limits.check_whole("appearance_seed", self.appearance_seed, limits.SEED)
        limits.check_whole("resolution", self.resolution, limits.RESOLUTION)
        if self.truncation is not None:
            limits.check_real("truncation", self.truncation, limits.TRUNCATION)
        limits.check_real("floaters", self.floaters, limits.FLOATERS)
        limits.check_real("shape_strength", self.shape_strength, limits.STRENGTH)
        limits.check_real("appearance_strength", self.appearance_strength, limits.STRENGTH)
        self._check_parents()
        if not isinstance(self.moves, dict):
            raise ProtocolError("moves is not an object of values by direction")
        for name, value in self.moves.items():
            limits.check_real(f"moves: {name[:40]}", value, limits.CODE)

    def _check_parents(self) -> None:
        if not isinstance(self.parents, list) or len(self.parents) > limits.PARENTS[1]:
            raise ProtocolError(f"parents is not a list of at most {limits.PARENTS[1]}")
        for parent in self.parents:
            if not isinstance(parent, dict) or parent.keys() != {"shape", "appearance"}:
                raise ProtocolError("a parent is not an object with shape and appearance")
            for name, code in parent.items():
                check_numbers(f"a parent's {name}", code, limits.CODE)
        for name in ("shape_weights", "appearance_weights"):
            weights = check_numbers(name, getattr(self, name), (0.0, 1.0))
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
        check_id(self.id)
        check_text("model", self.model)
        limits.check_whole("resolution", self.resolution, limits.RESOLUTION)
        limits.check_real("floaters", self.floaters, limits.FLOATERS)
        if not isinstance(self.pictures, list):
            raise ProtocolError("pictures is not a list of names")
        limits.check_whole("the number of pictures", len(self.pictures), limits.PICTURES)
        for name in self.pictures:
            if not isinstance(name, str) or not ARRAYS_NAME.fullmatch(name):
                raise ProtocolError(f"pictures names {str(name)[:80]!r}: expected a plain .npz file name")


@dataclass(frozen=True)
class Models(Message):
    """Ask for the models shipped with the worker's package, and for those in further `places`: folders or files."""

    type: ClassVar[str] = "models"
    id: int
    places: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_id(self.id)
        if not isinstance(self.places, list) or len(self.places) > 64:
            raise ProtocolError("places is not a list of at most 64 paths")
        for place in self.places:
            check_text("a place", place)


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
        check_id(self.id)
        check_text("model", self.model)
        if not isinstance(self.seeds, list):
            raise ProtocolError("seeds is not a list")
        limits.check_whole("the number of seeds", len(self.seeds), limits.THUMBNAILS)
        for seed in self.seeds:
            limits.check_whole("seed", seed, limits.SEED)
        limits.check_whole("size", self.size, limits.THUMBNAIL_SIZE)
        if self.truncation is not None:
            limits.check_real("truncation", self.truncation, limits.TRUNCATION)


@dataclass(frozen=True)
class Morph(Message):
    """Make the meshes of `steps` objects on a path through others. Ends like `generate`.

    `keys` are two or more objects, each the fields of a `Generate` that say which object: seed and, where wanted,
    appearance_seed, parents, shape_weights, appearance_weights, shape_strength, appearance_strength, moves. `path` and
    `closed` are those of `gen3d_core.codes.path.Path`; `kind`, `timing`, `base` (a step's index) and `after_change`
    those of `gen3d_core.morphing.interpolate.interpolate`.
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
        check_id(self.id)
        check_text("model", self.model)
        limits.check_whole("steps", self.steps, limits.MORPH_STEPS)
        limits.check_whole("resolution", self.resolution, limits.RESOLUTION)
        limits.check_whole("resolution² × steps", self.resolution**2 * self.steps, limits.MORPH_SIZE)
        limits.check_whole("base", self.base, (0, self.steps - 1))
        if not isinstance(self.closed, bool):
            raise ProtocolError("closed is neither true nor false")
        for name, known in (
            ("kind", limits.MORPH_KINDS),
            ("path", limits.MORPH_PATHS),
            ("timing", limits.MORPH_TIMINGS),
            ("after_change", limits.MORPH_AFTER_CHANGE),
        ):
            limits.check_choice(name, getattr(self, name), known)
        if not isinstance(self.keys, list):
            raise ProtocolError("keys is not a list of objects")
        limits.check_whole("the number of keys", len(self.keys), limits.MORPH_KEYS)
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
        check_id(self.id)


@dataclass(frozen=True)
class Shutdown(Message):
    """Stop whatever runs and end. Closing the worker's stdin does the same."""

    type: ClassVar[str] = "shutdown"


Job = Generate | Encode | Models | Thumbnails | Morph
Request = Job | Cancel | Shutdown
REQUESTS: tuple[type[Message], ...] = (Generate, Encode, Models, Thumbnails, Morph, Cancel, Shutdown)
