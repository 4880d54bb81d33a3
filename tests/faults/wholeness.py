"""Whether every file that has its final name is whole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from PIL import Image

STRANGERS = {"notes.txt": b"mine", ".notes.txt.x.partial": b"not a name of ours", "old.partial": b"mine too"}
"""What others have laid into an output folder."""
_LITTER = re.compile(r".*\.partial")


def lay_strangers(folder: Path) -> None:
    """Files of others, in a folder that a command will write into."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in STRANGERS.items():
        (folder / name).write_bytes(content)


def check_strangers(folder: Path) -> list[str]:
    """Which of them are not as they were."""
    return [
        f"{name} of somebody else is changed or gone"
        for name, content in STRANGERS.items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != content
    ]


def litter(folder: Path) -> list[str]:
    """Names of what is half written and of nobody else."""
    return sorted(path.name for path in folder.rglob("*.partial") if path.name not in STRANGERS)


def temporary(folder: Path) -> list[str]:
    """Names of what was left among temporary files, but for torch's own folder, which it makes once for each user."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("torchinductor_"))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path relative to it; nothing where there is no folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def broken(folder: Path) -> list[str]:
    """What of the files below a folder that have their final names cannot be opened, and why."""
    found = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_dir() or any(_LITTER.fullmatch(part) for part in inside) or path.suffix not in _OPENED:
            continue
        try:
            _OPENED[path.suffix](path)
        except Exception as error:  # noqa: BLE001 - whatever a reader raises, the file is broken
            found.append(f"{path.name} does not open: {type(error).__name__}: {str(error)[:80]}")
    return found


def _picture(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


def _mesh(path: Path) -> None:
    import trimesh

    if not trimesh.load_mesh(path, process=False).faces.size:
        raise ValueError("no faces")


def _log(path: Path) -> None:
    """A kill may cut the last line of what grows by lines."""
    for line in path.read_text(encoding="utf-8").splitlines()[:-1]:
        json.loads(line)


def _model(path: Path) -> None:
    from gen3d_core.model.archive import read_model

    read_model(path)


def _state(path: Path) -> None:
    import torch

    torch.load(path, map_location="cpu", weights_only=True)


def _weights(path: Path) -> None:
    import safetensors.torch

    safetensors.torch.load_file(path)


def _page(path: Path) -> None:
    if not path.read_text(encoding="utf-8").rstrip().endswith("</html>"):
        raise ValueError("it has no end")


_OPENED: dict[str, Callable[[Path], object]] = {
    ".png": _picture, ".gif": _picture, ".glb": _mesh, ".ply": _mesh, ".gen3d": _model, ".pt": _state,
    ".safetensors": _weights, ".html": _page, ".jsonl": _log,
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
}  # fmt: skip
