"""Reads a data set folder into memory: pictures, and where known the angles of their cameras."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from gen3d_core import limits
from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.files import read_regular
from gen3d_core.model.cameras import read_prior
from gen3d_core.pictures.opening import UnreadablePicture, open_picture, to_rgba
from training.data.camera_files import TRANSFORMS, has_labels, read_folder_cameras
from training.data.recentring import recentre
from training.data.staging import DatasetError
from training.data.transforms import Frame, Transforms, camera_angles, parse_object, read_bounded
from training.data.visible import shows_nothing

_SUFFIXES = {".png", ".webp", ".tif", ".tiff", ".jpg", ".jpeg"}
_SIZES = (8, 1024)
_MAX_BYTES = 16 * 2**30
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PictureDataset:
    """Pictures (N,S,S,4) uint8 RGBA with straight alpha; camera azimuth and elevation (N,) float32 in radians, or None.

    `models` (N) names what each picture shows, "" where that is not told. `mirror`: a picture flipped left-right stays
    true when its azimuth changes sign. `attribution` credits the authors of what is shown, `skipped` names, with the
    reason, pictures that could not be read.
    """

    pictures: NDArray[np.uint8]
    azimuth: NDArray[np.float32] | None
    elevation: NDArray[np.float32] | None
    models: tuple[str, ...]
    size: int
    category: str
    mirror: bool
    prior: PosePrior
    source: str
    licence: str
    attribution: tuple[str, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    """Decoded pictures (N,S,S,4), their places in the list of paths, and what was skipped."""

    pictures: NDArray[np.uint8]
    places: list[int]
    skipped: tuple[str, ...]


def load_dataset(folder: Path, progress: Callable[[int, int], None] | None = None) -> PictureDataset:
    """Read a data set; `progress(done, total)` is called after each picture.

    Without dataset.json the category is the folder's name and the pose prior the default. Pictures that cannot be
    decoded are skipped, counted and named in a warning. Raises DatasetError for anything that makes the whole set
    unusable: nothing to read, pictures of different or impossible sizes, cameras that disagree with the pose prior.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder: make one with 'gen3d-train render' or 'gen3d-train prepare'")
    about = _description(folder / "dataset.json")
    prior = _prior(about, folder)
    cameras = folder / TRANSFORMS
    transforms = read_folder_cameras(folder)
    if transforms is not None:
        transforms = recentre(transforms, prior.distance)
    paths = [folder / frame.path for frame in transforms.frames] if transforms else _list_pictures(folder)
    angles = _angles(transforms, prior, cameras) if transforms else None
    objects = about.get("objects")
    objects = {str(path): str(name) for path, name in objects.items()} if isinstance(objects, dict) else {}
    read = _read_pictures(folder, paths, progress)
    if read.skipped:
        shown = "; ".join(read.skipped[:20]) + ("; ..." if len(read.skipped) > 20 else "")
        _log.warning("skipped %d of %d pictures: %s", len(read.skipped), len(paths), shown)
    return PictureDataset(
        pictures=read.pictures,
        azimuth=None if angles is None else angles[read.places, 0],
        elevation=None if angles is None else angles[read.places, 1],
        models=tuple(
            transforms.frames[place].model
            if transforms
            else objects.get(paths[place].relative_to(folder).as_posix(), "")
            for place in read.places
        ),
        size=read.pictures.shape[1],
        category=str(about.get("category", folder.resolve().name)),
        mirror=about.get("mirror", False) is True,
        prior=prior,
        source=str(about.get("source", folder.resolve().name)),
        licence=str(about.get("licence", "not stated")),
        attribution=_lines(about.get("attribution")),
        skipped=read.skipped,
    )


def load_with_bar(folder: Path) -> PictureDataset:
    """As `load_dataset`, with a bar that shows how far it is."""
    with tqdm(desc="loading", unit="picture", leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return load_dataset(folder, progress)


def _description(path: Path) -> dict[str, Any]:
    """The content of dataset.json, {} where there is none."""
    if not path.is_file():
        return {}
    text = read_bounded(path)
    if has_labels(text):
        raise DatasetError(f"{path} is in EG3D's layout, which is not read: write its cameras as {TRANSFORMS}")
    content = parse_object(text, str(path))
    if (content.get("format"), content.get("version")) != ("gen3d-dataset", 1):
        raise DatasetError(f"{path} is not a version 1 gen3d-dataset description: make the data set anew")
    return content


def _lines(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _prior(about: dict[str, Any], folder: Path) -> PosePrior:
    try:
        return read_prior(about.get("poses", {}), "poses")
    except Gen3DError as error:
        raise DatasetError(f"{folder / 'dataset.json'}: {error}") from error


def _list_pictures(folder: Path) -> list[Path]:
    images = folder / "images"
    paths = sorted(p for p in images.iterdir() if p.suffix.lower() in _SUFFIXES) if images.is_dir() else []
    if not paths:
        raise DatasetError(f"{folder} holds no pictures: expected PNG files in {images}, or a transforms.json")
    return paths


def _angles(transforms: Transforms, prior: PosePrior, where: Path) -> NDArray[np.float32]:
    """Azimuth and elevation (N,2) of all cameras, after checking that the pose prior describes them."""
    fov = math.degrees(transforms.fov)
    if abs(fov - prior.fov_deg) > 0.1:
        raise DatasetError(
            f"{where}: field of view {fov:.2f} degrees, but the data set's pose prior says {prior.fov_deg:g}: "
            "'gen3d-train prepare' measures it"
        )
    cameras = camera_angles(transforms.frames)
    for frame, camera in zip(transforms.frames, cameras, strict=True):
        if abs(camera.distance - prior.distance) > 0.01 * prior.distance:
            raise DatasetError(_distance_error(frame, camera.distance, prior))
    return np.array([(camera.azimuth, camera.elevation) for camera in cameras], np.float32)


def _distance_error(frame: Frame, distance: float, prior: PosePrior) -> str:
    return (
        f"{frame.path}: its camera is {distance:.3f} from the origin, but the data set's pose prior says "
        f"{prior.distance:g}: 'gen3d-train prepare' measures it"
    )


def _read_pictures(folder: Path, paths: list[Path], progress: Callable[[int, int], None] | None) -> _Read:
    pictures: NDArray[np.uint8] | None = None
    places: list[int] = []
    skipped: list[str] = []
    for i, path in enumerate(paths):
        try:
            with open_picture(_bytes(path)) as image:
                side = _check_side(path, image.size, None if pictures is None else pictures.shape[1])
                if pictures is None:
                    if len(paths) * side * side * 4 > _MAX_BYTES:
                        raise DatasetError(f"{len(paths)} pictures of {side}x{side} do not fit into memory")
                    pictures = np.empty((len(paths), side, side, 4), np.uint8)
                pixels = np.asarray(to_rgba(image))
            if nothing := shows_nothing(pixels):
                raise UnreadablePicture(nothing)
            pictures[len(places)] = pixels
            places.append(i)
        except DatasetError:
            raise
        except UnreadablePicture as error:
            skipped.append(f"{path.relative_to(folder).as_posix().removeprefix('images/')} ({error})")
        if progress:
            progress(i + 1, len(paths))
    if pictures is None or not places:
        raise DatasetError(f"none of the {len(paths)} pictures can be read; the first: {skipped[0]}")
    return _Read(pictures[: len(places)], places, tuple(skipped))


def _bytes(path: Path) -> bytes:
    try:
        data = read_regular(path, limits.PICTURE_BYTES)
    except FileNotFoundError as error:
        raise UnreadablePicture("missing") from error
    except OSError as error:
        raise UnreadablePicture(error.strerror or str(error)) from error
    if len(data) > limits.PICTURE_BYTES:
        raise UnreadablePicture(f"larger than {limits.PICTURE_BYTES >> 20} MB")
    return data


def _check_side(path: Path, size: tuple[int, int], expected: int | None) -> int:
    """The side of a square picture; DatasetError when it is not square, out of range, or unlike the others."""
    width, height = size
    if width != height or not _SIZES[0] <= width <= _SIZES[1]:
        raise DatasetError(
            f"{path} is {width}x{height} pixels: pictures must be square and {_SIZES[0]} to {_SIZES[1]} wide; "
            "'gen3d-train prepare' makes them so"
        )
    if expected is not None and width != expected:
        raise DatasetError(f"{path} is {width}x{width} pixels, but those before it are {expected} wide")
    return width
