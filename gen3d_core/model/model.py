"""The front door: a model by name or file, and meshes from seeds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from gen3d_core import limits
from gen3d_core.codes.codes import Codes, codes
from gen3d_core.codes.directions import Direction, read_directions
from gen3d_core.config import PosePrior
from gen3d_core.mesh.extract import extract
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.archive import GRAPHS, PRIORS, SUFFIX, ModelFileError, read_model
from gen3d_core.model.cameras import recorded_prior
from gen3d_core.model.onnx_model import OnnxField, OnnxModel, nobody_asks
from gen3d_core.model.sessions import OnWait
from gen3d_core.progress import OnProgress, ignore_progress

SHIPPED = Path(__file__).parents[1] / "models"
"""The folder of models that come with the package."""
PREVIEW = "preview.png"


class Model:
    """A model that makes meshes. Equal seed, options and file give equal meshes on one machine.

    `load` opens one. Resolutions are samples of the field along each side of the cube that holds the object, 16 to
    512; seeds are 0 to 2^31 - 1.

    >>> import gen3d_core
    >>> model = gen3d_core.load("chairs")
    >>> mesh = model.sample(seed=7, resolution=32, truncation=0.8)
    >>> [direction.name for direction in model.directions][:3]
    ['depth', 'width', 'top-heaviness']
    >>> wider = model.directions[0].move(model.codes(seed=7), 1.5)
    >>> mesh = model.build(wider, resolution=32)
    """

    def __init__(self, runtime: OnnxModel, hash: str, identity: str = "") -> None:
        self.runtime = runtime
        self.hash = hash
        """SHA-256 of the file as it was read."""
        self.identity = identity
        """SHA-256 of the graphs that make the object: what codes and seeds mean depends on nothing else."""

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

    @property
    def cameras(self) -> PosePrior:
        """Where the cameras stood that it was trained with; the default where the file does not say."""
        return recorded_prior(self.manifest)

    def codes(self, seed: int, appearance_seed: int | None = None) -> Codes:
        """The codes that `sample` uses for a seed."""
        seed = limits.check_whole("seed", seed, limits.SEED)
        if appearance_seed is not None:
            appearance_seed = limits.check_whole("appearance_seed", appearance_seed, limits.SEED)
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
        progress: OnProgress = ignore_progress,
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
        progress: OnProgress = ignore_progress,
    ) -> Mesh:
        """The mesh of given codes; otherwise as `sample`."""
        mesh = self.surface(codes, resolution, truncation=truncation, floaters=floaters, progress=progress)
        return mesh.normalised()

    def surface(
        self,
        codes: Codes,
        resolution: int = 128,
        *,
        truncation: float | None = None,
        floaters: float = 1.0,
        progress: OnProgress = ignore_progress,
    ) -> Mesh:
        """The same mesh where the model's cameras see it: in the canonical frame, inside the unit sphere."""
        resolution = limits.check_whole("resolution", resolution, limits.RESOLUTION)
        progress(0.0, "model")
        return extract(self.field(codes, truncation), resolution, floaters=floaters, progress=progress)

    def field(self, codes: Codes, truncation: float | None = None) -> OnnxField:
        """The object of given codes as functions of position in the canonical frame."""
        amount = limits.check_real(
            "truncation", self.manifest["truncation"] if truncation is None else truncation, limits.TRUNCATION
        )
        return self.runtime.field(codes, amount)


def load(name_or_path: str | os.PathLike[str], threads: int | None = None, on_wait: OnWait = nobody_asks) -> Model:
    """A shipped model by its name, or any `.gen3d` file by its path.

    `threads` are those of the processor: as many as it has, at most 4, unless told. `on_wait` is called now and then
    while a graph runs; what it raises ends the run. Raises `ModelFileError`, one line, for what is no usable model
    file.

    >>> import gen3d_core
    >>> gen3d_core.load("cars").manifest["category"]
    'cars'
    """
    path = find(name_or_path)
    archive = read_model(path, only=(*GRAPHS, *PRIORS))
    runtime = OnnxModel.of(path, archive, threads, on_wait)
    return Model(runtime, archive.file_hash, archive.identity)


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
