"""Pictures of one object to its codes, and a measured answer to how well they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from gen3d_core import limits
from gen3d_core.codes.codes import Codes
from gen3d_core.errors import Gen3DError
from gen3d_core.inversion.appearance_fit import fit_appearance, sample_colours
from gen3d_core.inversion.pose_search import CameraPose, search_pose
from gen3d_core.mesh.extract import extract
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.model import Model
from gen3d_core.model.prediction import SIDE, AzimuthPeak, Prediction, parse_prediction
from gen3d_core.pictures.framing import network_input, read_framed
from gen3d_core.progress import OnProgress, ignore_progress

_READ_SIDE = 256
"""Pixels along a side of a picture that was read from a file."""
RESOLUTION = 48
"""Samples a side of the mesh that is held against the pictures."""
LOW_CONFIDENCE, LOW_CERTAINTY = 0.6, 0.0
"""What counts as low for a model that does not record it."""


@dataclass(frozen=True)
class Encoded:
    """Codes of one object and, for each picture of it, where its camera stood. `certainty` is the mean of the
    predictions'."""

    codes: Codes
    cameras: tuple[CameraPose, ...]
    certainty: float = 1.0

    @property
    def confidence(self) -> float:
        """How far the object, made again and seen from where the pictures were taken, covers the same pixels: mean
        intersection over union of silhouettes, in [0, 1]."""
        return float(np.mean([camera.overlap for camera in self.cameras]))


def encode(
    model: Model, pictures: Sequence[np.ndarray | str | PathLike[str]], progress: OnProgress = ignore_progress
) -> Encoded:
    """The codes of one object, from one picture of it or more.

    A picture is a file, whose object is cut out by its alpha or by its plain background, or an array (S, S, 4) uint8,
    RGBA with straight alpha, that is framed already. Raises `ModelFileError` where the model's file has no encoder,
    `Gen3DError` for a picture that cannot be used, `MeshError` where the object has no surface.

    >>> import gen3d_core
    >>> from gen3d_core.pictures.preview import render_framed
    >>> model = gen3d_core.load("cars")
    >>> car = model.surface(model.codes(seed=3), resolution=48)
    >>> picture = render_framed(car, azimuth=40, elevation=20, size=96, distance=model.cameras.distance)
    >>> found = gen3d_core.encode(model, [picture])
    >>> found.confidence > 0.8
    True
    >>> mesh = model.build(found.codes, resolution=32)
    """
    if isinstance(pictures, (str, PathLike)):
        raise Gen3DError(f"pictures is {limits.abbreviate(pictures)}: expected a list of them, even of one")
    limits.check_whole("pictures: how many", len(pictures), limits.PICTURES)
    progress(0.0, "encoding")
    small = network_input([_framed_picture(each) for each in pictures], SIDE)
    sizes = model.manifest["shape_dim"], model.manifest["appearance_dim"]
    predictions = [parse_prediction(answer, *sizes) for answer in model.runtime.predict(small)]
    codes = mean_codes([each.codes for each in predictions])
    progress(0.2, "comparing")
    field = model.field(codes)
    mesh = extract(field, RESOLUTION)
    channels_last = np.moveaxis(small, 1, -1)
    cameras = _search_poses(model, mesh, channels_last, predictions)
    progress(0.6, "painting")
    seen = sample_colours(mesh, channels_last, cameras, model.cameras.distance)
    if seen is not None:
        codes = Codes(codes.shape, fit_appearance(field, codes.appearance, seen))
    return Encoded(codes, cameras, _certainty(predictions))


def _framed_picture(picture: np.ndarray | str | PathLike[str]) -> np.ndarray:
    if not isinstance(picture, np.ndarray):
        return read_framed(Path(picture), _READ_SIDE)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 4 or picture.shape[0] != picture.shape[1]:
        raise Gen3DError(f"a picture is {picture.dtype} {picture.shape}: expected uint8 (S, S, 4), or a file's path")
    limits.check_whole("a picture's side", len(picture), limits.ENCODED_SIDE)
    return picture


def is_doubtful(model: Model, found: Encoded) -> bool:
    """Whether the pictures probably show something else: the object covers less of them, or the encoder is less certain
    of their direction, than is hardly ever met with pictures of the model's own kind."""
    low = _recorded_low(model, "low_confidence", LOW_CONFIDENCE), _recorded_low(model, "low_certainty", LOW_CERTAINTY)
    return found.confidence < low[0] or found.certainty < low[1]


def _recorded_low(model: Model, name: str, otherwise: float) -> float:
    about = model.manifest.get("encoder")
    value = about.get(name) if isinstance(about, dict) else None
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if usable else otherwise  # pyright: ignore[reportArgumentType]


def _certainty(predictions: Sequence[Prediction]) -> float:
    return float(np.mean([each.certainty for each in predictions]))


def match_cameras(model: Model, codes: Codes, pictures: np.ndarray, predictions: Sequence[Prediction]) -> Encoded:
    """These codes with the cameras that fit them best, among and around those of the predictions. `pictures` as
    `network_input` gives them."""
    mesh = extract(model.field(codes), RESOLUTION)
    return Encoded(
        codes, _search_poses(model, mesh, np.moveaxis(pictures, 1, -1), predictions), _certainty(predictions)
    )


def _search_poses(
    model: Model, mesh: Mesh, pictures: np.ndarray, predictions: Sequence[Prediction]
) -> tuple[CameraPose, ...]:
    distance = model.cameras.distance
    return tuple(
        search_pose(mesh, picture, each.azimuths, each.elevation, distance)
        for picture, each in zip(pictures, predictions, strict=True)
    )


def rematch_cameras(model: Model, found: Encoded, pictures: Sequence[np.ndarray]) -> Encoded:
    """The same codes and, near where they were, cameras, measured with another model."""
    predictions = [
        Prediction(found.codes, (AzimuthPeak(each.azimuth),), each.elevation, found.certainty) for each in found.cameras
    ]
    return match_cameras(model, found.codes, network_input(list(pictures), SIDE), predictions)


def mean_codes(found: Sequence[Codes]) -> Codes:
    """Codes in the mean direction of several, as long as draws are: the root of their dimension."""

    def mean(codes: list[np.ndarray]) -> np.ndarray:
        total = np.sum(codes, axis=0, dtype=np.float64)
        return (total * (len(total) ** 0.5 / max(float(np.linalg.norm(total)), 1e-9))).astype(np.float32)

    return Codes(mean([each.shape for each in found]), mean([each.appearance for each in found]))
