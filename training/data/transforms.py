"""The transforms.json convention that NeRF tools share: which pictures there are and where their cameras stood."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.intrinsics import field_of_view
from training.data.poses import CameraAngles, angles_from_matrix
from training.data.staging import DatasetError

_SAME_ANGLE = math.radians(0.1)
_MAX_JSON_BYTES = 512 * 2**20


@dataclass(frozen=True)
class Frame:
    """A picture's path inside the data set ('/'-separated), its camera-to-world matrix (4,4), OpenGL axes, and the name
    of the model that it shows, "" where that is not told."""

    path: str
    matrix: NDArray[np.float64]
    model: str = ""


@dataclass(frozen=True)
class Transforms:
    """All frames and the horizontal field of view they share, in radians."""

    fov: float
    frames: tuple[Frame, ...]

    @classmethod
    def parse(cls, text: str | bytes, where: str, *, empty: bool = False) -> "Transforms":
        """From the text of a transforms.json. Raises DatasetError, beginning with `where`, for anything malformed, for
        lenses other than one pinhole, and where no pictures are listed unless it may be `empty`."""
        content = parse_object(text, where)
        try:
            entries = list(content["frames"])
            frames = tuple(_frame(entry) for entry in entries)
            shared = {name: value for name, value in content.items() if name != "frames"}
            fov = field_of_view(shared | entries[0]) if entries else 0.0
            for frame, entry in zip(frames, entries, strict=True):
                if not _agrees(fov, shared | entry, frame):
                    raise ValueError(f"'{frame.path}' has another field of view than the first: Gen3D needs one")
        except KeyError as error:
            raise DatasetError(f"{where}: '{error.args[0]}' is missing") from error
        except (TypeError, ValueError, OverflowError) as error:
            raise DatasetError(f"{where}: {error}") from error
        if not frames and not empty:
            raise DatasetError(f"{where} lists no pictures")
        return cls(fov, frames)


def camera_angles(frames: Sequence[Frame]) -> list[CameraAngles]:
    """Where each camera stands. Raises DatasetError naming the first that is not upright or misses the origin."""
    angles = []
    for frame in frames:
        try:
            angles.append(angles_from_matrix(frame.matrix))
        except ValueError as error:
            raise DatasetError(
                f"{frame.path}: {error}; Gen3D learns from cameras around an object at the origin"
            ) from error
    return angles


def write_transforms(path: Path, fov: float, size: int, frames: Sequence[dict[str, Any]]) -> None:
    """Write a transforms.json for square pictures `size` wide; `fov` in radians."""
    content = {"camera_angle_x": fov, "w": size, "h": size, "frames": list(frames)}
    path.write_text(json.dumps(content), encoding="utf-8")


def read_bounded(path: Path) -> bytes:
    """The bytes of a description file. Raises DatasetError when it is too large or unreadable."""
    try:
        if path.stat().st_size > _MAX_JSON_BYTES:
            raise DatasetError(
                f"{path} is larger than {_MAX_JSON_BYTES >> 20} MB: it cannot be a data set's description"
            )
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}") from error


def parse_object(text: str | bytes, where: str) -> dict[str, Any]:
    """The JSON object in a text; DatasetError, beginning with `where`, when it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{where} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise DatasetError(f"{where} must hold a JSON object")
    return value


def _frame(entry: Any) -> Frame:
    path = PurePosixPath(str(entry["file_path"]).replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in str(path):
        raise ValueError(f"'{entry['file_path']}' leaves the data set's folder")
    matrix = np.asarray(entry["transform_matrix"], float)
    if matrix.shape != (4, 4):
        raise ValueError(f"the transform_matrix of '{path}' is not 4x4")
    return Frame(str(path), matrix, str(entry.get("model", "")))


def _agrees(fov: float, given: dict[str, Any], frame: Frame) -> bool:
    try:
        return abs(field_of_view(given) - fov) <= _SAME_ANGLE
    except (TypeError, ValueError) as error:
        raise ValueError(f"'{frame.path}': {error}") from error
