"""What jobs end in, typed as the requests are, see `gen3d_core.protocol`. Standard library only.

Arrays lie in an .npz file of the client's folder; the rest says what they are and what made them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gen3d_core.protocol.json_objects import check_types
from gen3d_core.protocol.messages import ARRAYS_NAME, Message, ProtocolError, check_id
from gen3d_core.protocol.requests import MorphSettings


@dataclass(frozen=True)
class Typed:
    """Base of what replies hold: raises `Gen3DError` for a field of another type than its own."""

    def __post_init__(self) -> None:
        check_types(self)


@dataclass(frozen=True)
class ModelIdentity(Typed):
    """Which model made something: its short name, the path of its file, that file's SHA-256, what it makes, and the
    SHA-256 of the graphs that do: see `gen3d_core.model.archive.identify`."""

    name: str
    file: str
    hash: str
    category: str
    identity: str


@dataclass(frozen=True)
class ObjectSummary(Typed):
    """What is known of one object: codes, `positions` (value along each direction of the model), samples a side and
    share of loose parts that made its mesh, numbers of `vertices` and `faces`."""

    shape_code: list[float]
    appearance_code: list[float]
    positions: dict[str, float]
    resolution: int
    floaters: float
    vertices: int
    faces: int


@dataclass(frozen=True)
class Camera(Typed):
    """Where the camera of a picture stood, radians, and the `overlap` of silhouettes seen from there, in [0, 1]: see
    `gen3d_core.inversion.pose_search.CameraPose`. `matrix` (4, 4), `half` and `shift` (2,) are the view in which the
    mesh of the result is framed as in its picture: see `gen3d_core.pictures.pinhole.View`."""

    azimuth: float
    elevation: float
    overlap: float
    matrix: list[list[float]]
    half: float
    shift: list[float]


@dataclass(frozen=True)
class MorphSegment(Typed):
    """Steps of a morph that share triangles: `steps` from `first` on, each of so many `vertices` and `faces`."""

    first: int
    steps: int
    vertices: int
    faces: int


@dataclass(frozen=True)
class StepReport(Typed):
    """How well the mesh of a step follows the surface: see `gen3d_core.morphing.report.KeyReport`."""

    residual_logit: float
    residual: float
    worst_residual: float
    distance: float
    apart: float
    flipped: float
    degenerate: float
    euler: int
    fresh_euler: int


@dataclass(frozen=True)
class Result(Message):
    """What all results have: `arrays`, the bare name of an .npz in the client's folder, `model` and `version` of the
    worker that made them, and the `truncation` that was used."""

    id: int
    arrays: str
    model: ModelIdentity
    version: str
    truncation: float

    def __post_init__(self) -> None:
        check_id(self.id)
        if not isinstance(self.arrays, str) or not ARRAYS_NAME.fullmatch(self.arrays):
            raise ProtocolError(f"result names {self.arrays!r}: expected a plain .npz file name", id=self.id)
        check_types(self)


@dataclass(frozen=True)
class MeshResult(Result):
    """Of `generate`. Arrays: vertices (V,3) f32, faces (F,3) i32, colours (V,3) f32 sRGB; Z up, front +X, longest side
    1, base at the origin."""

    type: ClassVar[str] = "mesh_result"
    summary: ObjectSummary
    seed: int


@dataclass(frozen=True)
class EncodedResult(Result):
    """Of `encode`. Arrays: those of a `MeshResult` and pictures (N,S,S,4) u8, framed. `confidence` in [0, 1],
    `doubtful`, whether the pictures probably show something else, and for each picture its camera."""

    type: ClassVar[str] = "encoded_result"
    summary: ObjectSummary
    confidence: float
    doubtful: bool
    cameras: list[Camera]


@dataclass(frozen=True)
class ThumbnailsResult(Result):
    """Of `thumbnails`. Arrays: pictures (N,S,S,4) u8, straight alpha, in the order of the recipes."""

    type: ClassVar[str] = "thumbnails_result"


@dataclass(frozen=True)
class MorphResult(Result):
    """Of `morph` with S steps. Arrays: shape_codes (S,D) f32, appearance_codes (S,A) f32, and for each segment n, from
    0 on, faces_n (F,3) i32, vertices_n (K,V,3) f32, colours_n (K,V,3) f32, each of its K meshes as in a `MeshResult`.

    `times` are S parameters of the path; steps in no segment were left out after a change; `reports` are those of the
    steps covered, in order; `changes` are steps whose topology is not their mesh's.
    """

    type: ClassVar[str] = "morph_result"
    settings: MorphSettings
    times: list[float]
    segments: list[MorphSegment]
    reports: list[StepReport]
    changes: list[int]


@dataclass(frozen=True)
class ModelDirection(Typed):
    """A principal direction of a model: see `gen3d_core.codes.directions.Direction`."""

    name: str
    code: str
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class ModelEntry(Typed):
    """A model that can be asked for: `hash` and `identity` as in `ModelIdentity`; `preview` is the bare name of a PNG
    in the client's folder, or empty."""

    name: str
    category: str
    file: str
    hash: str
    identity: str
    shape_dim: int
    appearance_dim: int
    truncation: float
    licence: str
    attribution: list[str]
    directions: list[ModelDirection]
    preview: str


@dataclass(frozen=True)
class BrokenModel(Typed):
    """A file or folder of models that cannot be read, and why, in one line."""

    name: str
    file: str
    error: str


@dataclass(frozen=True)
class ModelList(Message):
    """Of `models`: shipped ones first, the others in the order in which they were asked for."""

    type: ClassVar[str] = "models"
    id: int
    models: list[ModelEntry]
    broken: list[BrokenModel]

    def __post_init__(self) -> None:
        check_id(self.id)
        check_types(self)
