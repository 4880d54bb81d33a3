"""Where a source of pictures says that its cameras stood: for all of them together, or in each object's folder."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gen3d_core.pictures.opening import UnreadablePicture
from training.data.camera_files import SPLITS, TRANSFORMS, find_root, read_cameras, unread_cameras
from training.data.picture_source import PictureSource
from training.data.recentring import recentre
from training.data.staging import DatasetError
from training.data.transforms import Transforms

_SAME_FOV = 2e-3
_log = logging.getLogger(__name__)


def source_cameras(pictures: PictureSource, source: Path) -> Transforms | None:
    """The source's cameras around the origin; None where it has none. What is not used of them is said."""

    def read(name: str) -> bytes:
        try:
            return pictures.read(name)
        except UnreadablePicture as error:
            raise DatasetError(f"{source}: {name} cannot be read: {error}") from error

    known = frozenset(pictures.files)
    root = find_root(known)
    transforms = read_cameras(known.__contains__, read, str(source), root)
    each = _of_each_object(pictures, known.__contains__, read, str(source)) if transforms is None else None
    unread = unread_cameras(pictures.files, root, read) if each is None else None
    if unread:
        _log.warning("%s", unread)
    transforms = each if transforms is None else recentre(transforms)
    if transforms is None:
        return None
    without = known.intersection(pictures.names) - {frame.path for frame in transforms.frames}
    if without:
        _log.warning("left out %d pictures that have no camera, such as %s", len(without), min(without))
    return transforms


def _of_each_object(
    pictures: PictureSource, exists: Callable[[str], bool], read: Callable[[str], bytes], where: str
) -> Transforms | None:
    """Where every picture lies below a folder with cameras of its own: all of them, each folder an object around the
    origin. None where that is not so."""
    files = (name.rpartition("/") for name in pictures.files)
    roots = sorted({folder + "/" for folder, _, name in files if folder and name in (TRANSFORMS, *SPLITS)})
    if not roots or not all(name.startswith(tuple(roots)) for name in pictures.names):
        return None
    fov, frames = 0.0, []
    for root in roots:
        part = read_cameras(exists, read, where, root)
        if part is None:
            continue
        part = recentre(part)
        if frames and abs(part.fov - fov) > _SAME_FOV:
            raise DatasetError(f"{where}: {root} has another field of view than {roots[0]}: Gen3D needs one")
        fov = fov or part.fov
        frames += [replace(frame, model=frame.model or root.rstrip("/")) for frame in part.frames]
    return Transforms(fov, tuple(frames))
