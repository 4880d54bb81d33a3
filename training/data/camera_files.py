"""Which files of a source tell where its cameras stood: transforms.json, or one for each split."""

import json
import logging
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from training.data.staging import DatasetError
from training.data.transforms import Frame, Transforms, read_bounded

TRANSFORMS = "transforms.json"
SPLITS = ("transforms_train.json", "transforms_val.json", "transforms_test.json")
_EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
_LAYOUTS = (
    (r"(.*/)?pose/[^/]+\.txt|(.*/)?intrinsics\.txt", "SRN"),
    (r"(.*/)?poses_bounds\.npy", "LLFF"),
    (r"(.*/)?cameras(_sphere)?\.npz", "NeuS"),
    (r"(.*/)?(cameras|images)\.(bin|txt)", "COLMAP"),
)
_log = logging.getLogger(__name__)


def read_cameras(
    exists: Callable[[str], bool], read: Callable[[str], bytes], where: str, root: str = ""
) -> Transforms | None:
    """The cameras of a folder's transforms.json, or of its splits together; None where it has none of them.

    `root` is the folder's path with a '/' at its end, which the frames' paths get too; names without extension get
    that of the file that is there.

    Raises:
        DatasetError: a file that cannot be read or says what Gen3D's cameras cannot be; it is named.
    """
    names = [name for name in (TRANSFORMS, *SPLITS) if exists(root + name)]
    if not names:
        return None
    used = names[:1] if names[0] == TRANSFORMS else names
    parts = {name: Transforms.parse(read(root + name), f"{where}: {root}{name}", empty=len(used) > 1) for name in used}
    frames: list[Frame] = []
    for part in parts.values():
        seen = {frame.path for frame in frames}  # some tools list a picture in two splits
        frames += [frame for frame in part.frames if frame.path not in seen]
    if not frames:
        raise DatasetError(f"{where}: {', '.join(used)} list no pictures")
    fov = next(part.fov for part in parts.values() if part.frames)
    for name, part in parts.items():
        if part.frames and abs(part.fov - fov) > 2e-3:
            raise DatasetError(f"{where}: {root}{name} has another field of view than {used[0]}: Gen3D needs one")
    if names != [TRANSFORMS]:
        told = ", ".join(f"{name} ({len(part.frames)})" for name, part in parts.items())
        left = [name for name in names if name not in used]
        _log.info("cameras from %s%s", told, f"; not from {', '.join(left)}" if left else "")
    placed = (replace(frame, path=_placed(root + frame.path, exists)) for frame in frames)
    return Transforms(fov, tuple(placed))


def read_folder_cameras(folder: Path) -> Transforms | None:
    """As `read_cameras`, of a folder on the disk; frames' paths are relative to it."""
    return read_cameras(lambda name: (folder / name).is_file(), lambda name: read_bounded(folder / name), str(folder))


def find_root(files: Collection[str]) -> str:
    """The folder, '' or with a '/' at its end, where a source's camera files lie: its top, or below its only folders,
    as zips of a folder have them."""
    root = ""
    while not any(root + name in files for name in (TRANSFORMS, *SPLITS)):
        inside = {name[len(root) :].partition("/") for name in files if name.startswith(root)}
        tops = {top for top, _, _ in inside}
        if len(tops) != 1 or not all(slash for _, slash, _ in inside):
            return ""
        root += tops.pop() + "/"
    return root


def unread_cameras(files: Sequence[str], root: str, read: Callable[[str], bytes]) -> str | None:
    """What else a source says of cameras that is not read, in words; None where there is nothing."""
    other = [
        name
        for name in files
        if name.rpartition("/")[2] in (TRANSFORMS, *SPLITS) and name.rpartition("/")[0] != root.rstrip("/")
    ]
    if other:
        return f"{other[0]} is not read: prepare its folder by itself to keep its cameras"
    for pattern, layout in _LAYOUTS:
        for name in files:
            if re.fullmatch(pattern, name):
                return f"{name}: cameras in {layout}'s layout are not read: write them as {TRANSFORMS} to keep them"
    for name in files:
        if name.rpartition("/")[2] == "dataset.json" and has_labels(read(name)):
            return f"{name}: cameras in EG3D's layout are not read: write them as {TRANSFORMS} to keep them"
    return None


def has_labels(text: bytes) -> bool:
    """Whether a dataset.json is that of StyleGAN and EG3D, with the cameras as labels."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and isinstance(content.get("labels"), list)


def _placed(path: str, exists: Callable[[str], bool]) -> str:
    if exists(path):
        return path
    found = (path + extension for extension in _EXTENSIONS if exists(path + extension))
    return next(found, path if path.lower().endswith(_EXTENSIONS) else path + ".png")
