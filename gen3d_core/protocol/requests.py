"""What a client asks of the worker, see `gen3d_core.protocol`. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from gen3d_core import limits
from gen3d_core.protocol.messages import ARRAYS_NAME, Message, ProtocolError, check_id, check_text
from gen3d_core.protocol.recipe import Recipe


@dataclass(frozen=True)
class Generate(Message):
    """Make a mesh. `truncation` None takes the model's own. Ranges are those of `gen3d_core.limits`."""

    type: ClassVar[str] = "generate"
    id: int
    model: str
    recipe: Recipe
    resolution: int
    truncation: float | None = None
    floaters: float = 1.0

    def __post_init__(self) -> None:
        check_id(self.id)
        check_text("model", self.model)
        if not isinstance(self.recipe, Recipe):
            raise ProtocolError("recipe is not one of an object")
        limits.check_whole("resolution", self.resolution, limits.RESOLUTION)
        _check_truncation(self.truncation)
        limits.check_real("floaters", self.floaters, limits.FLOATERS)


@dataclass(frozen=True)
class Encode(Message):
    """Make what pictures show, one object from one picture or more.

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
    """Draw what `recipes` give, each in a picture of `size` pixels a side."""

    type: ClassVar[str] = "thumbnails"
    id: int
    model: str
    recipes: list[Recipe]
    size: int = 128
    truncation: float | None = None

    def __post_init__(self) -> None:
        check_id(self.id)
        check_text("model", self.model)
        _check_recipes("recipes", self.recipes, limits.THUMBNAILS)
        limits.check_whole("size", self.size, limits.THUMBNAIL_SIZE)
        _check_truncation(self.truncation)


@dataclass(frozen=True)
class MorphSettings:
    """How the meshes of `steps` objects on a path are made.

    `path` and `closed` are those of `gen3d_core.codes.path.Path`; `kind`, `timing`, `base` (a step's index) and
    `after_change` those of `gen3d_core.morphing.interpolate.interpolate`. Raises `Gen3DError` for what is out of range.
    """

    steps: int
    resolution: int
    kind: str = "morph"
    path: str = "slerp"
    closed: bool = False
    timing: str = "uniform"
    base: int = 0
    after_change: str = "segment"

    def __post_init__(self) -> None:
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


@dataclass(frozen=True)
class Morph(Message):
    """Make the meshes of objects on a path through the `keys`, two or more objects."""

    type: ClassVar[str] = "morph"
    id: int
    model: str
    keys: list[Recipe]
    settings: MorphSettings
    truncation: float | None = None

    def __post_init__(self) -> None:
        check_id(self.id)
        check_text("model", self.model)
        _check_recipes("keys", self.keys, limits.MORPH_KEYS)
        if not isinstance(self.settings, MorphSettings):
            raise ProtocolError("settings is not those of a morph")
        _check_truncation(self.truncation)


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


def _check_truncation(value: object) -> None:
    if value is not None:
        limits.check_real("truncation", value, limits.TRUNCATION)


def _check_recipes(name: str, values: object, bounds: tuple[int, int]) -> None:
    if not isinstance(values, list) or not all(isinstance(each, Recipe) for each in values):
        raise ProtocolError(f"{name} is not a list of objects")
    limits.check_whole(f"the number of {name}", len(values), bounds)
