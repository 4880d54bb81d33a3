"""Anyone's pictures to a data set: cut out where the background is plain, centred, squared, named and counted."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from gen3d_core.config import PosePrior
from gen3d_core.pictures.cutout import (
    UnreadablePicture,
    centre_square,
    decode,
    frame_object,
    has_alpha,
    remove_background,
)
from training.data.camera_files import TRANSFORMS, find_root, read_cameras, unread_cameras
from training.data.picture_source import PictureSource, open_source
from training.data.recentring import recentre
from training.data.staging import DatasetError, stage_folder
from training.data.transforms import Frame, Transforms, camera_angles, write_transforms
from training.data.visible import shows_nothing

_WORK_SIDE = 1024  # pixels in which a background is looked for
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What became of the pictures: how many are in the set, how many of them kept their background, and what was
    skipped (name and reason)."""

    pictures: int
    opaque: int
    skipped: tuple[str, ...]
    cameras: bool


@dataclass(frozen=True)
class _Item:
    name: str
    frame: Frame | None


def prepare(
    source: Path,
    out: Path,
    size: int = 64,
    category: str | None = None,
    azimuth: tuple[float, float] | None = None,
    elevation: tuple[float, float] | None = None,
) -> Prepared:
    """Make the data set folder `out` from a folder or zip of pictures of any size and format.

    Pictures with alpha, or on a plain background, are cropped to the object and centred; others stay opaque and are
    counted. A source with its own transforms.json, or one for each split, keeps its cameras, moved around the origin
    where they look elsewhere, and its pictures are only resized; of another,
    `azimuth` and `elevation` are the ranges in degrees from which it was taken, as far as they are known. Pictures
    that cannot be used are skipped by name. Raises DatasetError when nothing is left or the cameras make no sense.
    """
    if not 8 <= size <= 1024:
        raise DatasetError(f"--size is {size}: it must lie between 8 and 1024")
    assumed = _assume_prior(azimuth, elevation)
    source, out = Path(source), Path(out)
    with open_source(source) as pictures:
        transforms = _cameras(pictures, source)
        items = [_Item(name, None) for name in pictures.names]
        if transforms is not None:
            items = [_Item(frame.path, frame) for frame in transforms.frames]
            if azimuth or elevation:
                raise DatasetError(
                    f"{source} says in {TRANSFORMS} where its cameras stood: leave --azimuth, --elevation out"
                )
        prior = assumed if transforms is None else _prior(transforms)
        with stage_folder(out, needed_bytes=len(items) * (size * size * 3 + 500)) as folder:
            result, kept = _convert(pictures, items, folder, size, transforms is not None)
            if not kept:
                raise DatasetError(
                    f"none of the {len(items)} pictures in {source} can be used; the first: {result.skipped[0]}"
                )
            if transforms is not None:
                frames = [
                    {"file_path": f"images/{i:06d}.png", "transform_matrix": item.frame.matrix.tolist(),
                     **({"model": item.frame.model} if item.frame.model else {})}
                    for i, item in enumerate(kept) if item.frame is not None
                ]  # fmt: skip
                write_transforms(folder / TRANSFORMS, transforms.fov, size, frames)
            description = {
                "format": "gen3d-dataset", "version": 1, "category": category or source.resolve().stem,
                "source": source.resolve().name, "size": size, "pictures": result.pictures, "mirror": False,
                "poses": asdict(prior), "opaque_pictures": result.opaque, "skipped": list(result.skipped[:1000]),
                "licence": "not stated by the source",
            }  # fmt: skip
            (folder / "dataset.json").write_text(json.dumps(description, indent=1), encoding="utf-8")
    _report(result, len(items))
    return result


def _assume_prior(azimuth: tuple[float, float] | None, elevation: tuple[float, float] | None) -> PosePrior:
    prior = PosePrior()
    prior = PosePrior(
        azimuth_deg=prior.azimuth_deg if azimuth is None else azimuth,
        elevation_deg=prior.elevation_deg if elevation is None else elevation,
    )
    for flag, (low, high), least, most in (
        ("--azimuth", prior.azimuth_deg, -360.0, 360.0),
        ("--elevation", prior.elevation_deg, -89.0, 89.0),
    ):
        if not least <= low <= high <= most:
            raise DatasetError(f"{flag} is {low:g} {high:g}: expected a range of degrees within {least:g} to {most:g}")
    if prior.azimuth_deg[1] - prior.azimuth_deg[0] > 360:
        raise DatasetError("--azimuth goes around more than once: 360 degrees are all there are")
    return prior


def _cameras(pictures: PictureSource, source: Path) -> Transforms | None:
    """The source's cameras around the origin; None where it has none. What is not used of them is said."""

    def read(name: str) -> bytes:
        try:
            return pictures.read(name)
        except UnreadablePicture as error:
            raise DatasetError(f"{source}: {name} cannot be read: {error}") from error

    known = frozenset(pictures.files)
    root = find_root(known)
    transforms = read_cameras(known.__contains__, read, str(source), root)
    unread = unread_cameras(pictures.files, root, read)
    if unread:
        _log.warning("%s", unread)
    if transforms is None:
        return None
    without = known.intersection(pictures.names) - {frame.path for frame in transforms.frames}
    if without:
        _log.warning("left out %d pictures that have no camera, such as %s", len(without), min(without))
    return recentre(transforms)


def _prior(transforms: Transforms) -> PosePrior:
    """The ranges in which the given cameras stand; they must share one distance."""
    angles = camera_angles(transforms.frames)
    distances = np.array([camera.distance for camera in angles])
    distance = float(np.median(distances))
    worst = int(np.abs(distances - distance).argmax())
    if abs(distances[worst] - distance) > 0.01 * distance:
        raise DatasetError(
            f"{transforms.frames[worst].path}: its camera is {distances[worst]:.3f} from the origin, "
            f"most are {distance:.3f}: Gen3D needs cameras at one distance"
        )
    elevations = np.degrees([camera.elevation for camera in angles])
    return PosePrior(
        distance=distance,
        fov_deg=float(np.degrees(transforms.fov)),
        elevation_deg=(float(elevations.min()), float(elevations.max())),
    )


def _convert(
    pictures: PictureSource, items: list[_Item], folder: Path, size: int, cameras: bool
) -> tuple[Prepared, list[_Item]]:
    """Write images/000000.png and so on; also which items they came from."""
    (folder / "images").mkdir()
    place: Callable[[np.ndarray, int], np.ndarray] = _resize if cameras else frame_object
    kept: list[_Item] = []
    skipped: list[str] = []
    opaque = 0
    for item in tqdm(items, desc="preparing", unit="picture"):
        try:
            image = decode(pictures.read(item.name), max(_WORK_SIDE, 4 * size))
            cut = image if has_alpha(image) else remove_background(image)
            if cut is None:
                square = (_resize if cameras else centre_square)(image, size)
                square[..., 3] = 255
            else:
                square = place(cut, size)
            if nothing := shows_nothing(square):
                raise UnreadablePicture(nothing)
        except UnreadablePicture as error:
            skipped.append(f"{item.name} ({error})")
            continue
        opaque += cut is None
        Image.fromarray(square).save(folder / "images" / f"{len(kept):06d}.png")
        kept.append(item)
    return Prepared(len(kept), opaque, tuple(skipped), cameras), kept


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    height, width = image.shape[:2]
    if width != height:
        raise UnreadablePicture(f"{width}x{height} pixels: pictures with cameras must be square")
    return centre_square(image, size)


def _report(result: Prepared, total: int) -> None:
    if result.skipped:
        shown = "; ".join(result.skipped[:20]) + ("; ..." if len(result.skipped) > 20 else "")
        _log.warning("skipped %d of %d pictures: %s", len(result.skipped), total, shown)
    if result.opaque:
        _log.warning(
            "%d of %d pictures have neither alpha nor a plain background: they stay opaque, and a model "
            "trained on them learns the background too", result.opaque, result.pictures,
        )  # fmt: skip
