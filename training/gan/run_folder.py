"""A run's folder: what it was started with, and the lock that keeps a second training out of it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gen3d_core.config import Config, PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.files import make_folder, replacing, sweep
from gen3d_core.weights.checked_config import from_manifest
from training.lock import hold

FILE_NAME = "run.json"
LOCK = "run.lock"
_OF_THE_SYSTEM = r"\.DS_Store|desktop\.ini|Thumbs\.db"
_FIXED = (
    *("config.generator.", "config.discriminator.", "config.patch.", "config.baseline.mlp."),
    *("prior.", "seed", "dataset."),
)
_FREE = ("config.", "command")
_WRITTEN = r"run\.json|(state|reconstruction)\.pt|\w+_prior\.f32|log\.jsonl|\d+k\.(png|safetensors)"
"""Names of files that a run replaces."""


@dataclass(frozen=True)
class Run:
    """What a run was started with.

    `command` is how to start it again, `dataset` describes the data, `machine` where it trains. `changes` lists what
    later sessions changed: pictures shown by then, setting, value before and after.
    """

    config: Config
    prior: PosePrior
    seed: int
    preset: str
    command: str
    category: str
    dataset: dict[str, Any]
    machine: dict[str, Any]
    changes: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the run's folder, created where missing; the lock ends with the process, however that ends.

    Nothing in the folder is touched: it may turn out to be another run's, or none.

    Raises:
        Gen3DError: another training holds it, or it is full of other things.
    """
    check_place(folder)
    make_folder(folder)
    with hold(folder / LOCK, folder):
        yield


def check_place(folder: Path) -> None:
    """See that a run can be in this folder: there is none yet, it is empty, or it holds a run.

    Raises:
        Gen3DError: it is a file, holds other things, or has a name that TensorBoard cannot open.
    """
    try:
        str(folder.absolute()).encode()
    except UnicodeEncodeError as error:
        raise Gen3DError(
            f"the name of {folder} cannot be told in UTF-8, as training curves need it: choose another --out, or where "
            "the name is right set LC_ALL=C.UTF-8"
        ) from error
    if folder.exists() and not folder.is_dir():
        raise Gen3DError(f"{folder} is a file: give --out a new folder, or that of a run")
    if not folder.is_dir() or (folder / FILE_NAME).exists():
        return
    before_it = re.compile(rf"{re.escape(LOCK)}|\.{re.escape(FILE_NAME)}\..*\.partial|{_OF_THE_SYSTEM}")
    others = sorted(path.name for path in folder.iterdir() if not before_it.fullmatch(path.name))
    if others:
        raise Gen3DError(
            f"{folder} holds other things ({', '.join(others[:3])}{', ...' if len(others) > 3 else ''}) and no run: "
            "give --out a new folder, or that of a run"
        )


def clear_leftovers(folder: Path) -> None:
    """Remove what a killed training had half written: the run's own files, in its own folders. Call it when the folder
    is held and found to be this run's."""
    for place in (folder, folder / "samples", folder / "snapshots", folder / "reconstructions"):
        sweep(place, own=_WRITTEN)


def check(folder: Path, run: Run) -> None:
    """See that the folder is free or holds a run that can go on with these settings.

    Networks, patches, data and seed are fixed for good; how to render, weigh and optimise may change on the way.

    Raises:
        Gen3DError: the folder belongs to another run; the first difference is named.
    """
    if (folder / FILE_NAME).exists():
        for where, was, given in _differences(_plain(load_run(folder)), _plain(run)):
            if where.startswith(_FIXED):
                name = where.removeprefix("config.")
                raise Gen3DError(f"{folder} was started with {name} = {was!r}, not {given!r}: use that, or a new --out")


def record(folder: Path, run: Run, images: int) -> None:
    """Write down how the run goes on after `images` pictures shown; differences from before join its `changes`."""
    path = folder / FILE_NAME
    if path.exists():
        old = load_run(folder)
        changes = [
            {"images": images, "setting": where, "before": was, "after": given}
            for where, was, given in _differences(_plain(old), _plain(run))
            if where.startswith(_FREE)
        ]
        run = dataclasses.replace(old, config=run.config, command=run.command, changes=old.changes + changes)
    with replacing(path) as file:
        file.write(json.dumps(dataclasses.asdict(run), indent=1).encode())


def load_run(folder: Path) -> Run:
    """Read a run's record.

    Raises:
        Gen3DError: the folder is no run.
    """
    path = folder / FILE_NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        prior: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values["prior"].items()}
        return Run(**{**values, "config": from_manifest(values["config"]), "prior": PosePrior(**prior)})
    except FileNotFoundError as error:
        raise Gen3DError(
            f"{folder} is not a training run (no {FILE_NAME} in it): give the --out of gen3d-train train"
        ) from error
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        raise Gen3DError(f"{path} is damaged ({error}): start again in a new folder") from error


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value))  # type: ignore[arg-type]


def _differences(before: Any, now: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Dotted name, old and new value of each leaf that differs, in a fixed order."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in sorted(before.keys() | now.keys()):
            yield from _differences(before.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif before != now:
        yield name, before, now
