"""The front door: a model by name or file, and meshes from seeds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gen3d_core import limits
from gen3d_core.directions import Direction, read_directions
from gen3d_core.errors import Gen3DError
from gen3d_core.latent import Codes, codes
from gen3d_core.lattice import Progress, ignore_progress
from gen3d_core.mesh import Mesh, extract
from gen3d_core.model_file import SUFFIX, ModelFileError, read_model, sha256
from gen3d_core.runtime import RuntimeField, RuntimeModel

SHIPPED = Path(__file__).parent / "models"
"""The folder of models that come with the package."""


class Model:
    """A model that makes meshes. Equal seed, options and file give equal meshes on one machine."""

    def __init__(self, runtime: RuntimeModel, hash: str) -> None:
        self.runtime = runtime
        self.hash = hash

    @property
    def name(self) -> str:
        """Short name, fit for file names."""
        return self.runtime.manifest["name"]

    @property
    def manifest(self) -> dict[str, Any]:
        """What the file says of itself: category, sizes, training record, metrics, licence."""
        return self.runtime.manifest

    @property
    def path(self) -> Path:
        """The file this model was read from."""
        return self.runtime.path

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The principal directions of shape and of appearance that the file lists."""
        return read_directions(self.manifest)

    def codes(self, seed: int, appearance_seed: int | None = None) -> Codes:
        """The codes that `sample` uses for a seed."""
        limits.whole("seed", seed, limits.SEED)
        if appearance_seed is not None:
            limits.whole("appearance_seed", appearance_seed, limits.SEED)
        sizes = self.manifest["shape_dim"], self.manifest["appearance_dim"]
        return codes(seed, *sizes, appearance_seed=appearance_seed, priors=self.runtime.priors)

    def sample(
        self,
        seed: int = 0,
        resolution: int = 128,
        *,
        truncation: float | None = None,
        appearance_seed: int | None = None,
        floaters: float = 1.0,
        progress: Progress = ignore_progress,
    ) -> Mesh:
        """A coloured, closed mesh: Z up, front +X, longest side 1, base at the origin.

        `truncation` scales styles around their mean (None: the model's own); `appearance_seed` paints it like another;
        `floaters` is the share of the largest part's area from which loose parts stay; raising from `progress`
        cancels. Raises `Gen3DError`.
        """
        return self.build(
            self.codes(seed, appearance_seed), resolution, truncation=truncation, floaters=floaters, progress=progress
        )

    def build(
        self,
        codes: Codes,
        resolution: int = 128,
        *,
        truncation: float | None = None,
        floaters: float = 1.0,
        progress: Progress = ignore_progress,
    ) -> Mesh:
        """The mesh of given codes; otherwise as `sample`."""
        limits.whole("resolution", resolution, limits.RESOLUTION)
        progress(0.0, "model")
        mesh = extract(self.field(codes, truncation), resolution, floaters=floaters, progress=progress)
        return mesh.placed()

    def field(self, codes: Codes, truncation: float | None = None) -> RuntimeField:
        """The object of given codes as functions of position in the canonical frame."""
        amount = limits.real(
            "truncation", self.manifest["truncation"] if truncation is None else truncation, limits.TRUNCATION
        )
        return self.runtime.field(codes, amount)


def load(name_or_path: str | os.PathLike[str], threads: int | None = None) -> Model:
    """A shipped model by its name, or any `.gen3d` file by its path. Raises `ModelFileError` with one line."""
    path = find(name_or_path)
    runtime = RuntimeModel.open(path, threads)
    return Model(runtime, sha256(path))


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """The file of a model: a path when it ends in `.gen3d` or has folders in it, else the name of a shipped model."""
    text = os.fspath(name_or_path)
    path = Path(text)
    if path.suffix.lower() == SUFFIX or path.name != text:
        return path.absolute()
    shipped = {file.stem: file for file in shipped_models()}
    if text in shipped:
        return shipped[text]
    if path.exists():
        return path.absolute()
    there = ", ".join(sorted(shipped)) or "none"
    raise ModelFileError(f"no model {text[:80]!r}: shipped models are {there}; or give the path of a {SUFFIX} file")


def shipped_models() -> list[Path]:
    """The files of the shipped models, by name."""
    return sorted(SHIPPED.glob(f"*{SUFFIX}"), key=lambda path: path.stem)


def models_at(place: Path) -> list[Path]:
    """The model files of a folder, by name, or the file itself. Raises `ModelFileError` where there is neither."""
    if place.is_dir():
        return sorted(place.glob(f"*{SUFFIX}"))
    if not place.is_file():
        raise ModelFileError(f"{place}: there is no such file or folder")
    return [place]


def describe(path: Path) -> dict[str, Any]:
    """What a list of models says of one file, without loading its graphs; a file that cannot be read has `error`."""
    try:
        manifest = read_model(path, only=()).manifest
    except (Gen3DError, OSError) as error:
        return {"name": path.stem, "category": "", "file": str(path), "error": str(error)}
    entry = {key: manifest[key] for key in ("name", "category", "shape_dim", "appearance_dim", "truncation")}
    directions = [
        {"name": each.name, "code": each.code, "low": each.low, "high": each.high, "share": each.share}
        for each in read_directions(manifest)
    ]
    credits = manifest.get("attribution", [])
    return {
        **entry,
        "licence": str(manifest.get("licence", "")),
        "attribution": [str(line) for line in credits] if isinstance(credits, list) else [],
        "directions": directions,
        "file": str(path),
        "hash": sha256(path),
    }


def preview_of(path: Path) -> bytes | None:
    """The PNG that shows what a model makes, where its file holds one. Raises `ModelFileError`."""
    return read_model(path, only={"preview.png"}).members.get("preview.png")
