"""Anyone's pictures to a data set: cut out where the background is plain, centred, squared, named and counted."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.model.cameras import read_prior
from gen3d_core.pictures.cutout import Box, UnreadablePicture, centre_square, decode, frame_object, visible_box
from gen3d_core.pictures.framing import looked_at, without_background
from training.data.camera_files import TRANSFORMS
from training.data.grouping import object_names
from training.data.picture_source import PictureSource, open_source
from training.data.poses import covered_azimuths
from training.data.source_cameras import source_cameras
from training.data.staging import DatasetError, stage_folder
from training.data.transforms import Frame, Transforms, camera_angles, write_transforms
from training.data.turntable import Turntable
from training.data.visible import shows_nothing

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
    object: str
    frame: Frame | None


class _Framing(Enum):
    ALONE = "each picture around its object"
    TOGETHER = "the pictures of an object alike, around all that is seen of it"
    AS_TAKEN = "not at all: the cameras say what is seen"


def prepare(
    source: Path,
    out: Path,
    size: int = 64,
    category: str | None = None,
    azimuth: tuple[float, float] | None = None,
    elevation: tuple[float, float] | None = None,
    turntable: tuple[float, float] | None = None,
) -> Prepared:
    """Make the data set folder `out` from a folder or zip of pictures of any size and format.

    Pictures with alpha, or on a plain background, are cropped to the object and centred; others stay opaque and are
    counted. A source with its own transforms.json, one for each split or one in each object's folder, keeps its
    cameras, moved around the origin where they look elsewhere, and its pictures are only resized. Of another, `azimuth`
    and `elevation` are the ranges in degrees from which it was taken, as far as they are known; or each object's
    pictures were taken on a `turntable`, the first from its first azimuth, the next its second number further round,
    and are cropped alike. Pictures of one object are told by `object_names`. Pictures that cannot be used are skipped
    by name. Raises DatasetError when nothing is left or the cameras make no sense.
    """
    if not 8 <= size <= 1024:
        raise DatasetError(f"--size is {size}: it must lie between 8 and 1024")
    assumed = _assume_prior(azimuth, elevation)
    turned = None if turntable is None else Turntable.of(turntable, azimuth, elevation)
    source, out = Path(source), Path(out)
    with open_source(source) as pictures:
        transforms = source_cameras(pictures, source)
        if transforms is not None and (azimuth or elevation):
            raise DatasetError(
                f"{source} says in {TRANSFORMS} where its cameras stood: leave --azimuth, --elevation"
                f"{', --turntable' if turned else ''} out"
            )
        names = pictures.names if transforms is None else [frame.path for frame in transforms.frames]
        told = [frame.model for frame in transforms.frames] if transforms else []
        objects = told if any(told) else object_names(names, views=turned is not None)
        if turned is not None:
            transforms = turned.cameras(_grouped(names, objects))
            names, objects = zip(*((frame.path, frame.model) for frame in transforms.frames), strict=True)
        frames = [None] * len(names) if transforms is None else transforms.frames
        items = [_Item(*each) for each in zip(names, objects, frames, strict=True)]
        framing = _Framing.TOGETHER if turned else _Framing.ALONE if transforms is None else _Framing.AS_TAKEN
        prior = assumed if transforms is None else _prior(transforms)
        with stage_folder(out, needed_bytes=len(items) * (size * size * 3 + 500)) as folder:
            result, kept = _convert(pictures, items, folder, size, framing)
            if not kept:
                raise DatasetError(
                    f"none of the {len(items)} pictures in {source} can be used; the first: {result.skipped[0]}"
                )
            if transforms is not None:
                frames = [
                    {"file_path": f"images/{i:06d}.png", "transform_matrix": item.frame.matrix.tolist(),
                     **({"model": item.object} if item.object else {})}
                    for i, item in enumerate(kept) if item.frame is not None
                ]  # fmt: skip
                write_transforms(folder / TRANSFORMS, transforms.fov, size, frames)
            description = {
                "format": "gen3d-dataset", "version": 1, "category": category or source.resolve().stem,
                "source": source.resolve().name, "size": size, "pictures": result.pictures, "mirror": False,
                "poses": asdict(prior), "opaque_pictures": result.opaque, "skipped": list(result.skipped[:1000]),
                "licence": "not stated by the source",
            }  # fmt: skip
            if transforms is None and any(objects):
                description["objects"] = {f"images/{i:06d}.png": item.object for i, item in enumerate(kept)}
            (folder / "dataset.json").write_text(json.dumps(description, indent=1), encoding="utf-8")
    _report(result, len(items))
    if any(objects) and not any(told):
        count = len({item.object for item in kept})
        _log.info("%d pictures of %d objects, such as %s", len(kept), count, kept[0].object)
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
    try:
        prior = read_prior({"distance": distance, "fov_deg": float(np.degrees(transforms.fov))}, "its cameras")
    except Gen3DError as error:
        raise DatasetError(f"{TRANSFORMS}: {error}") from error
    elevations = np.degrees([camera.elevation for camera in angles])
    return replace(
        prior,
        azimuth_deg=covered_azimuths(np.array([camera.azimuth for camera in angles])),
        elevation_deg=(float(elevations.min()), float(elevations.max())),
    )


def _grouped(names: Sequence[str], objects: Sequence[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name, each in zip(names, objects, strict=True):
        groups.setdefault(each, []).append(name)
    return groups


def _convert(
    pictures: PictureSource, items: list[_Item], folder: Path, size: int, framing: _Framing
) -> tuple[Prepared, list[_Item]]:
    """Write images/000000.png and so on; also which items they came from."""
    (folder / "images").mkdir()
    kept: list[_Item] = []
    skipped: list[str] = []
    opaque = 0
    boxes: dict[str, Box | str] = _common_boxes(pictures, items, size) if framing is _Framing.TOGETHER else {}
    for item in tqdm(items, desc="preparing", unit="picture"):
        try:
            box = boxes.get(item.name)
            if isinstance(box, str):
                raise UnreadablePicture(box)
            image, cut = _cut_out(pictures, item, size)
            if cut is None:
                square = (_resize if framing is _Framing.AS_TAKEN else centre_square)(image, size)
                square[..., 3] = 255
            else:
                square = _resize(cut, size) if framing is _Framing.AS_TAKEN else frame_object(cut, size, box)
            if nothing := shows_nothing(square):
                raise UnreadablePicture(nothing)
        except UnreadablePicture as error:
            skipped.append(f"{item.name} ({error})")
            continue
        opaque += cut is None
        Image.fromarray(square).save(folder / "images" / f"{len(kept):06d}.png")
        kept.append(item)
    return Prepared(len(kept), opaque, tuple(skipped), framing is not _Framing.ALONE), kept


def _cut_out(pictures: PictureSource, item: _Item, size: int) -> tuple[np.ndarray, np.ndarray | None]:
    """A picture, and it without its background; None where that is not plain."""
    image = decode(pictures.read(item.name), looked_at(size))
    return image, without_background(image)


def _common_boxes(pictures: PictureSource, items: list[_Item], size: int) -> dict[str, Box | str]:
    """For each picture the box around all that is seen of its object in any, or why it cannot be used: seen from the
    same distance, an object must not be enlarged where it shows its narrow side."""
    unusable: dict[str, str] = {}
    whole: dict[str, Box] = {}
    sizes: dict[str, tuple[int, ...]] = {}
    for item in tqdm(items, desc="looking", unit="picture"):
        try:
            image, cut = _cut_out(pictures, item, size)
            if cut is None:
                raise UnreadablePicture("its background is not plain: on a turntable the object must be told from it")
            expected = sizes.setdefault(item.object, image.shape[:2])
            if image.shape[:2] != expected:
                raise UnreadablePicture(f"its sides are not as those of the others of '{item.object}'")
            box = visible_box(cut)
            whole[item.object] = whole.get(item.object, box).union(box)
        except UnreadablePicture as error:
            unusable[item.name] = str(error)
    return {item.name: unusable.get(item.name) or whole[item.object] for item in items}


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
