"""What the commands are tried on: tiny, real, and made once, when the first case asks for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from tests.analytic import write_ellipsoid_model
from tests.tiny_run import TINY_TOML, write_pictures
from tests.training.reconstruction.known_objects import write_ellipsoids

RECONSTRUCTION_TOML = f"""{TINY_TOML}
[reconstruction]
share = 0.5
solid_objects = 4
solid_points = 128
objects = 2
views = 2
rays = 48
points = 64
warm_steps = 5
"""


class Inputs:
    """Files and folders below `folder` that cases read and never write to; `make` runs a command for them."""

    def __init__(self, folder: Path, make: Callable[[list[str]], None]) -> None:
        self.folder, self._make = folder, make

    @cached_property
    def model(self) -> Path:
        """A model of ellipsoids, which torch knows nothing of."""
        return write_ellipsoid_model(self.folder / "own.gen3d", encoder=True)

    @cached_property
    def pictures(self) -> Path:
        return write_pictures(self.folder / "blobs")

    @cached_property
    def views(self) -> Path:
        """Several pictures of each object, from known cameras."""
        return write_ellipsoids(self.folder / "views", objects=4, views=4)

    @cached_property
    def picture(self) -> Path:
        return self.pictures / "images" / "000000.png"

    @cached_property
    def settings(self) -> Path:
        path = self.folder / "tiny.toml"
        path.write_text(RECONSTRUCTION_TOML, encoding="utf-8")
        return path

    @cached_property
    def mesh(self) -> Path:
        from training.procedural.family import make_shape

        path = self.folder / "meshes" / "chair.ply"
        path.parent.mkdir()
        make_shape("chairs", 0).save(path)
        return path.parent

    @cached_property
    def run(self) -> Path:
        """A finished training."""
        return self._made("run", "train", str(self.pictures), *self.training(), "--out")

    @cached_property
    def exported(self) -> Path:
        """A model with weights for torch."""
        return self._made("blobs.gen3d", "export", str(self.run), "--out")

    @cached_property
    def evaluation(self) -> Path:
        return self._made("evaluation", "evaluate", "chairs", "--data", str(self.pictures), *JUDGED, "--out")

    @cached_property
    def heldout(self) -> Path:
        """A data set with held-out meshes."""
        from training.procedural.family import make_shape

        for seed in range(8):
            path = self.folder / "heldout" / "meshes" / "heldout" / f"{seed}.ply"
            path.parent.mkdir(parents=True, exist_ok=True)
            make_shape("chairs", seed).save(path)
        return self.folder / "heldout"

    def training(self) -> list[str]:
        """Options of a training that takes seconds."""
        return ["--config", str(self.settings), "--images", "64", "--device", "cpu", "--threads", "1"]

    def _made(self, name: str, *arguments: str) -> Path:
        self._make(["gen3d-train", *arguments, str(self.folder / name)])
        return self.folder / name


JUDGED = ["--count", "6", "--points", "16", "--resolution", "16", "--threads", "1"]
