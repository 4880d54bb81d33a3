# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that can be chosen: shipped ones, those of the user's folder, files that were opened.

Which files there are is known at once, from their names alone, so that Blender never waits. What they hold, with their
previews, the worker tells later.
"""

import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

from gen3d_core import protocol

from .. import compat
from ..worker.job import Service
from .batch import Item

SUFFIX = ".gen3d"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slider:
    """A direction of a model: ``code`` is "shape" or "appearance", objects keep their kind from ``low`` to ``high``."""

    name: str
    code: str
    low: float
    high: float


@dataclass(frozen=True)
class Entry:
    """A model. ``key`` is what requests and .blend files call it: a shipped one's name, another's path."""

    key: str
    label: str
    about: str = ""
    truncation: float = 1.0
    sliders: tuple[Slider, ...] = ()
    error: str = ""
    hash: str = ""
    identity: str = ""


@dataclass(frozen=True)
class Maker:
    """The model that made something, as that remembers it: its name, its file's hash, and the identity of the graphs
    that make objects, which files of older versions do not have."""

    name: str
    hash: str
    identity: str = ""

    @classmethod
    def of(cls, held: Mapping[str, Any]) -> "Maker":
        """From an object's record."""
        return cls(str(held["model"]), str(held["model_hash"]), str(held.get("model_identity", "")))

    def is_the_same(self, file_hash: str, identity: str) -> bool:
        """Whether a model of this hash and identity makes the same of the same codes: a file that only tells more than
        it did has another hash."""
        return identity == self.identity if self.identity and identity else file_hash == self.hash


class Catalogue:
    """What is known of the models."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._asked: set[str] = set()
        self._known: dict[str, Entry] = {}
        self._entries: list[Entry] = []
        self._items: list[tuple[str, str, str, int, int]] = []  # Blender reads the texts without keeping them
        self._until = 0.0
        self._icons: Any = None

    def entries(self) -> list[Entry]:
        """All models, shipped ones first; folders are looked through at most once a second."""
        now = time.monotonic()
        if now > self._until:
            self._until = now + 1.0
            keys = [path.stem for path in _files(_shipped_folder())]
            for place in self.places():
                found = _files(place) if place.is_dir() else [place] if place.is_file() else []
                keys += [str(path) for path in found]
            self._entries = [self._known.get(key, Entry(key, _label(Path(key).stem))) for key in dict.fromkeys(keys)]
            self._items = [
                (each.key, each.label, each.error or each.about, self._icon(each.key), number)
                for number, each in enumerate(self._entries)
            ]
        return self._entries

    def entry(self, key: str) -> Entry | None:
        """The model of a key, None where it is gone."""
        return next((entry for entry in self.entries() if entry.key == key), None)

    def find(self, maker: Maker) -> Entry | None:
        """The model that made something: the very same where it is known to be there, else one of its name."""
        entries = self.entries()
        same = next((each for each in entries if each.hash and maker.is_the_same(each.hash, each.identity)), None)
        return same or next((each for each in entries if Path(each.key).stem == maker.name), None)

    def places(self) -> list[Path]:
        """Where models lie beside the shipped ones: the user's folder and single files."""
        files = (file.path for file in compat.preferences().files)
        return [models_folder(), *(Path(bpy.path.abspath(path)).absolute() for path in files if path)]

    def items(self) -> list[tuple[str, str, str, int, int]]:
        """For an EnumProperty."""
        self.entries()
        return self._items

    def look_again(self) -> None:
        """Look through the folders when the models are next asked for."""
        self._until = 0.0

    def forget(self) -> None:
        """Ask the worker again what the models hold: a file has changed."""
        self._asked = set()

    @property
    def has_news(self) -> bool:
        """Whether there are models of which the worker was never asked."""
        return not self._asked.issuperset(entry.key for entry in self.entries())

    def question(self) -> Item:
        """What asks the worker what the models hold, and learns from its answer."""
        self._asked = {entry.key for entry in self.entries()}
        return Item({"places": [str(path) for path in self.places()][:64]}, self._learn, protocol.Models)

    def _learn(self, answer: protocol.ModelList) -> None:
        self.look_again()
        folder = self._service.ready().folder
        for broken in answer.broken:
            key = _key(broken.file)
            self._known[key] = Entry(key, _label(broken.name), error=broken.error)
        for told in answer.models:
            try:
                entry = _entry(told)
                self._known[entry.key] = entry
                if told.preview:
                    self._keep_icon(entry.key, folder / Path(told.preview).name)
            except Exception:  # one model that cannot be shown does not hide the others
                log.exception("model %s", told.file)

    def picture(self, path: Path) -> int:
        """Number of an icon that shows a picture file; loaded when first asked for."""
        if self._icons is None:
            self._icons = bpy.utils.previews.new()
        key = str(path)
        if key not in self._icons:
            self._icons.load(key, key, "IMAGE")
        return self._icons[key].icon_id

    def close(self) -> None:
        self._asked = set()
        if self._icons is not None:
            bpy.utils.previews.remove(self._icons)
            self._icons = None

    def _keep_icon(self, key: str, picture: Path) -> None:
        """Pictures are loaded when they are first shown, when the worker's folder may be gone: keep a copy."""
        kept = Path(bpy.utils.extension_path_user(compat.ADDON, path="previews", create=True), picture.name)
        if not kept.is_file():
            shutil.copyfile(picture, kept)
        if self._icons is None:
            self._icons = bpy.utils.previews.new()
        if key not in self._icons:
            self._icons.load(key, str(kept), "IMAGE")

    def _icon(self, key: str) -> int:
        return self._icons[key].icon_id if self._icons is not None and key in self._icons else 0


def models_folder() -> Path:
    """Where new models go: the user's folder, or one of the add-on's own that is always looked through."""
    named = compat.preferences().models_folder
    own = bpy.utils.extension_path_user(compat.ADDON, path="models", create=True)
    return Path(bpy.path.abspath(named) if named else own).absolute()


def is_model_file(path: Path) -> bool:
    """Whether a path is named as models are, in capitals or not."""
    return path.suffix.lower() == SUFFIX


def _shipped_folder() -> Path:
    return compat.wheels_folder() / "gen3d_core" / "models"


def _files(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("*") if is_model_file(path)), key=lambda path: path.stem)


def _label(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()


def _key(file: str) -> str:
    path = Path(file)
    return path.stem if path.parent == _shipped_folder() else str(path)


def _entry(told: protocol.ModelEntry) -> Entry:
    sliders = tuple(Slider(each.name, each.code, each.low, each.high) for each in told.directions)
    about = f"Makes {told.category}. Licence: {told.licence or 'not stated'}"
    credits = told.attribution
    about += f". Learned from the work of {len(credits)} sources, see gen3d info" if credits else ""
    return Entry(
        _key(told.file),
        _label(Path(told.file).stem),
        about,
        told.truncation,
        sliders,
        hash=told.hash,
        identity=told.identity,
    )
