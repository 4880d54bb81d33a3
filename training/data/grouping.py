"""Which pictures of a source show the same object: those of one folder, or of one name before the view's number."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

_NO_OBJECT = frozenset({
    "train", "training", "val", "valid", "validation", "test", "testing", "image", "images", "img", "imgs", "picture",
    "pictures", "rgb", "rgba", "color", "colour", "render", "renders", "rendering", "renderings", "view", "views",
})  # fmt: skip
"""Folders that say what pictures are for, or that they are pictures, but not what they show."""
_OBJECT_AND_VIEW = re.compile(r"(?P<object>.*\d)[_-](?P<view>\d{1,3})")
_VIEW = re.compile(r"(?P<object>.*?)[_ -]*(?P<view>\d{1,4})")


def object_names(paths: Sequence[str], *, views: bool = False) -> list[str]:
    """The object that each picture shows, by its '/'-separated path; all "" where the paths tell no two objects apart.

    An object has a folder of its own (chair/front.png), or a number before the view's (chair_001_03.png). Where the
    pictures are known to be `views`, a number alone is a view's too (mug-1.png), and pictures that nothing tells apart
    show one object, "object".
    """
    folders = [_object_folder(path) for path in paths]
    if len(set(folders)) > 1:
        return [folder or PurePosixPath(path).stem for folder, path in zip(folders, paths, strict=True)]
    pattern = _VIEW if views else _OBJECT_AND_VIEW
    found = [pattern.fullmatch(PurePosixPath(path).stem) for path in paths]
    names = [match["object"] if match else "" for match in found]
    several = len(set(names)) > 1 and len(set(names)) < len(names)
    if not views:
        return names if several else [""] * len(paths)
    return [name or "object" for name in names]


def natural(path: str) -> list[tuple[int, int, str]]:
    """A key that sorts r_2 before r_10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", path) if part]


def _object_folder(path: str) -> str:
    return "/".join(part for part in PurePosixPath(path).parts[:-1] if part.lower() not in _NO_OBJECT)
