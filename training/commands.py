"""The commands of `gen3d-train`: what each takes, and whom it calls. Libraries that take long to import come with the
call."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gen3d_core.config import Config


@dataclasses.dataclass(frozen=True)
class Render:
    """Render a folder of meshes, or procedural:chairs / procedural:cars, to a data set of pictures with cameras."""

    source: tyro.conf.Positional[str]
    """Folder of GLB, OBJ, PLY, STL, OFF or FBX files, one such file, or procedural:FAMILY."""
    out: Path
    """New folder for the data set."""
    views: int = 12
    """Pictures of each model, from so many random cameras."""
    size: int = 64
    """Pixels along a side."""
    count: int = 2000
    """Shapes of a procedural family."""
    heldout: int = 200
    """Further shapes of the family, as meshes only."""
    seed: int = 0
    """Seed of shapes and cameras."""
    leave_out: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Name of a part that is not drawn, such as ground or 'helper*'; may be given again."""
    blender: Path | None = None
    """Blender's program; otherwise the one on PATH or in GEN3D_BLENDER, or the bpy module."""

    def run(self) -> None:
        from training.render.dataset import render

        render(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})


@dataclasses.dataclass(frozen=True)
class Prepare:
    """Turn anyone's pictures, a folder or a zip, into a data set."""

    source: tyro.conf.Positional[Path]
    """Folder or zip of pictures of any size, with or without alpha."""
    out: Path
    """New folder for the data set."""
    size: int = 64
    """Pixels along a side."""
    category: str | None = None
    """What the pictures show (default: the source's name)."""
    azimuth: tuple[float, float] | None = None
    """Degrees around the object from which the pictures were taken; 0 is its front (default: 0 360, all around)."""
    elevation: tuple[float, float] | None = None
    """Degrees above the horizon (default: 5 40)."""
    turntable: tuple[float, float] | None = None
    """Each object's pictures, in the order of their names, were taken on a turntable: azimuth of the first, degrees to
    the next; with --elevation 20 20 or whatever the camera's height was."""

    def run(self) -> None:
        from training.data.prepare import prepare

        prepare(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})


@dataclasses.dataclass(frozen=True)
class Train:
    """Train a model on a data set; the same command again goes on where it stopped."""

    dataset: tyro.conf.Positional[Path]
    """Folder made by `render` or `prepare`."""
    out: Path
    """Folder of the run."""
    minutes: float | None = None
    """Stop after this much training, all sessions together."""
    images: int | None = None
    """Stop after this many pictures shown."""
    preset: str = "fast"
    """Name of a preset."""
    config: Path | None = None
    """TOML file with settings over the preset's."""
    device: str = "auto"
    """cpu, cuda, cuda:1, ... (auto: cuda where there is one)."""
    threads: int | None = None
    """Processor threads (default: all)."""
    seed: int = 0
    """Seed of weights, codes and batches."""
    snapshot_kimg: float = 10.0
    """Thousands of pictures between sample grids."""
    stage: Literal["solids", "reconstruction", "adversary"] = "adversary"
    """Where to stop for now: data with several pictures of each object teach solids, then reconstruction, before the
    adversary."""
    settings: Annotated[Config, tyro.conf.arg(name="")] = dataclasses.field(default_factory=Config)
    """Any single setting over the preset's."""

    def run(self) -> None:
        from training.gan.session import train_session

        train_session(
            self.dataset,
            self.out,
            self.settings,
            preset=self.preset,
            minutes=self.minutes,
            images=self.images,
            device=self.device,
            threads=self.threads,
            seed=self.seed,
            snapshot_kimg=self.snapshot_kimg,
            stage=self.stage,
        )


@dataclasses.dataclass(frozen=True)
class Export:
    """Write a run's generator as one .gen3d file."""

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Folder of the run."""
    out: Path
    """NAME.gen3d."""
    truncation: float = 1.0
    """Variety that the model offers unless asked: 1 all of it, less is nearer to its average object."""
    level: float | None = None
    """Density at which a radiance field's meshes are cut."""
    validation: Path | None = None
    """Folder of meshes that choose the level: the one with which generated meshes resemble them most."""
    shapes: int = 1024
    """Where codes were learned: how many shapes in one piece seeds name, looked for among what can be drawn."""

    def run(self) -> None:
        from training.export.export import export

        export(self.run_folder, self.out, self.truncation, self.level, self.validation, self.shapes)


@dataclasses.dataclass(frozen=True)
class Encoder:
    """Teach a model to read pictures, for `gen3d encode`; the same command again goes on where it stopped."""

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")]
    """A .gen3d file, or the name of a shipped model."""
    out: Path
    """NAME.gen3d: the model with its encoder; may be the model itself."""
    data: Path | None = None
    """Data set with cameras whose pictures are learned from too (default: generated pictures alone)."""
    known: Path | None = None
    """Folder of the run that made the model: codes of its known objects teach too, by the data's pictures."""
    minutes: float | None = None
    """Stop after this much training, all sessions together."""
    images: int | None = None
    """Stop after this many pictures shown."""
    threads: int | None = None
    """Processor threads (default: all)."""
    seed: int = 0
    """Seed of weights, codes and batches."""

    def run(self) -> None:
        from training.encoder.session import train_encoder

        train_encoder(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Measure a model against its data: numbers with their floors, as JSON, a page and pictures."""

    model: tyro.conf.Positional[str]
    """A .gen3d file, or the name of a shipped model."""
    data: Path
    """Data set to measure against, made by `render` or `prepare`."""
    out: Path
    """Folder for the results; earlier ones in it are replaced."""
    reference: Path | None = None
    """Folder of real meshes (default: meshes/heldout of the data set, where there is one)."""
    count: int = 200
    """Meshes, and pictures of each kind; fewer pictures where the data hold less than twice as many."""
    points: int = 2048
    """Points of each mesh that is compared with others."""
    resolution: int = 96
    """Samples a side of each mesh."""
    wholes: int | None = None
    """Seeds whose parts before cleaning are counted, at 128 samples a side, as users get them (default: as --count)."""
    seed: int = 0
    """First seed of the meshes; seed of whatever is drawn."""
    truncation: float | None = None
    """Variety of meshes and pictures (default: the model's own, what its users get)."""
    inception: Path | None = None
    """File of Inception's weights, for FID and KID."""
    record: bool = False
    """Write the measures into the model file too, where `gen3d info` shows them."""
    device: str = "cpu"
    """What renders pictures: cpu, cuda, cuda:1, ... or auto."""
    threads: int | None = None
    """Processor threads (default: all)."""

    def run(self) -> None:
        from training.evaluation.evaluate import evaluate

        options = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        evaluate(**options)


@dataclasses.dataclass(frozen=True)
class Compare:
    """Put evaluations of several models side by side, on a page, as JSON and as one picture."""

    evaluations: tyro.conf.Positional[tuple[Path, ...]]
    """Two or more folders made by `evaluate`."""
    out: Path
    """Folder for the comparison."""

    def run(self) -> None:
        from training.evaluation.compare import compare

        compare(self.evaluations, self.out)


@dataclasses.dataclass(frozen=True)
class Follow:
    """Measure how good training runs were after how many minutes, from the weights kept with their sample grids."""

    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUN")]
    """Folders of runs."""
    data: Path
    """Data set with held-out meshes, made by `render procedural:...`."""
    out: Path
    """Folder for the results; earlier ones in it are replaced."""
    count: int = 100
    """Meshes of each kind."""
    points: int = 2048
    """Points of each mesh."""
    resolution: int = 64
    """Samples a side of each mesh."""
    every: int = 1
    """Measure one in so many of the snapshots."""
    seed: int = 0
    """Seed of codes, points and the choice of real meshes."""
    threads: int | None = None
    """Processor threads (default: all)."""

    def run(self) -> None:
        from training.evaluation.follow import follow

        follow(**{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})
