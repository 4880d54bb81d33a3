"""Meshes to a data set: a folder of models, or a procedural family, rendered from random cameras.

The light is a fixed, known function of the world normal and symmetric in y, see `LIGHT`; there are no shadows and no
noise. A picture's colour is base colour x shade(normal), both in linear light, then sRGB-encoded.
"""

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gen3d_core.config import PosePrior
from gen3d_core.mesh.files import ply
from gen3d_core.pictures.opening import open_picture, to_rgba
from gen3d_core.pictures.pinhole import camera_to_world
from training.data.attribution import credit
from training.data.camera_files import TRANSFORMS
from training.data.mesh_files import find_meshes, mesh_name
from training.data.poses import draw_angles
from training.data.staging import DatasetError, stage_folder
from training.data.transforms import write_transforms
from training.data.visible import shows_nothing
from training.procedural.family import DATASET_SEEDS, FAMILIES, RADIUS, SOURCE, make_shape
from training.render.blender_farm import RenderModel, RenderView, blender_command, render_models
from training.render.notes import LEFT_OUT, LIBRARY, lines
from training.render.readable import make_readable, missing_libraries

SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off", ".fbx")
SAMPLES = 16
VIEWS = 12
"""Pictures of each model: enough to teach its shape (training.reconstruction) and to hold one back as judge."""
COUNT = 2000
LIGHT: dict[str, Any] = {
    "ambient": 0.32,
    "lamps": [
        {"direction": [0.4472136, 0.0, 0.8944272], "strength": 0.75},
        {"direction": [-0.9938837, 0.0, 0.1104315], "strength": 0.16},
    ],
}
_log = logging.getLogger(__name__)


def render(
    source: str,
    out: Path,
    views: int = VIEWS,
    size: int = 64,
    count: int = COUNT,
    heldout: int = 200,
    seed: int = 0,
    blender: Path | None = None,
    leave_out: Sequence[str] = (),
) -> None:
    """Render `source` (a folder of meshes, one mesh file, or "procedural:FAMILY") into the new data set folder `out`.

    `views` pictures of `size` x `size` per model. `count` and `heldout` concern families only: shapes rendered, and
    further shapes kept as meshes only. `leave_out` are patterns for names of parts that are not drawn. Raises
    DatasetError.
    """
    for name, value, low, high in (
        ("size", size, 8, 1024), ("count", count, 1, 1_000_000), ("heldout", heldout, 0, 1_000_000),
        ("views", views, 1, 10_000), ("seed", seed, 0, 2**31),
    ):  # fmt: skip
        if not low <= value <= high:
            raise DatasetError(f"--{name} is {value}: it must lie between {low} and {high}")
    procedural = source.startswith(SOURCE)
    family = source.removeprefix(SOURCE)
    if procedural and family not in FAMILIES:
        raise DatasetError(f"unknown procedural family '{family}': there are {', '.join(FAMILIES)}")
    files = [] if procedural else mesh_files(Path(source))
    command = blender_command(blender)
    models = count if procedural else len(files)
    with stage_folder(out, needed_bytes=models * views * (size * size * 2 + 500) + (models + heldout) * 9000) as folder:
        top = folder / "meshes" / "train" if procedural else Path(source)
        if procedural:
            files = _write_family(folder, family, count, heldout, seed)
        made = _Rendering(folder, views, size, seed, command, tuple(leave_out)).run(files, top)
        licence, attribution = "CC0-1.0, made by Gen3D's procedural families", list[str]()
        if not procedural:
            licence, attribution = credit(top, [file for file in files if mesh_name(file, top) not in made.skipped])
        description = {
            "format": "gen3d-dataset", "version": 1,
            "category": family if procedural else Path(source).resolve().stem,
            "source": source if procedural else Path(source).resolve().name,
            "size": size, "pictures": made.pictures, "mirror": procedural, "poses": asdict(PosePrior()),
            "light": LIGHT, "seed": seed, "skipped_models": made.skipped, "remarks": made.remarks,
            "licence": licence, "attribution": attribution,
        }  # fmt: skip
        (folder / "dataset.json").write_text(json.dumps(description, indent=1), encoding="utf-8")


def mesh_files(source: Path) -> list[Path]:
    """All mesh files at or below `source`, sorted. Raises DatasetError when there are none."""
    if not source.exists():
        raise DatasetError(
            f"{source} does not exist: SOURCE is a folder of meshes or procedural:{{{','.join(FAMILIES)}}}"
        )
    files = find_meshes(source, SUFFIXES)
    if not files:
        raise DatasetError(f"{source} holds no mesh that can be read ({', '.join(s[1:].upper() for s in SUFFIXES)})")
    return files


def _write_family(folder: Path, family: str, count: int, heldout: int, seed: int) -> list[Path]:
    """Make the shapes as PLY files, training and held-out; returns those to render."""
    files = []
    first = seed * DATASET_SEEDS
    for part, total, start in (("train", count, first), ("heldout", heldout, first + DATASET_SEEDS // 2)):
        (folder / "meshes" / part).mkdir(parents=True)
        for i in tqdm(range(total), desc=f"shapes ({part})", unit="shape"):
            mesh = make_shape(family, start + i)
            path = folder / "meshes" / part / f"{i:06d}.ply"
            path.write_bytes(ply(mesh.vertices, mesh.faces, mesh.colours, path.stem))
            if part == "train":
                files.append(path)
    return files


@dataclass(frozen=True)
class _Made:
    """How many pictures there are, which models were skipped and why, and what else is to be said."""

    pictures: int
    skipped: dict[str, str]
    remarks: list[str]


@dataclass(frozen=True)
class _Rendering:
    folder: Path
    views: int
    size: int
    seed: int
    command: list[str]
    leave_out: tuple[str, ...]

    def run(self, files: list[Path], top: Path) -> _Made:
        """Render all views of all files, which lie at or below `top`, and write transforms.json."""
        images, scratch = self.folder / "images", self.folder / ".scratch"
        images.mkdir()
        scratch.mkdir()
        fov = float(np.radians(PosePrior.fov_deg))
        settings = {"folder": str(images), "size": self.size, "samples": SAMPLES, "radius": RADIUS, "fov": fov,
                    "light": LIGHT, "leave_out": list(self.leave_out)}  # fmt: skip
        skipped: dict[str, str] = {}
        models: list[RenderModel] = []
        names: dict[str, str] = {}
        for i, file in enumerate(files):
            try:
                readable = make_readable(file, scratch / f"mesh{i}")
            except (ValueError, PermissionError) as error:
                skipped[mesh_name(file, top)] = str(error)
                continue
            models.append(RenderModel(str(readable.resolve()), self._pictures(i)))
            names[models[-1].file] = mesh_name(file, top)
        with tqdm(total=len(models) * self.views, desc="rendering", unit="picture", smoothing=0.05) as bar:
            outcome = render_models(models, settings, self.command, lambda: _count(bar), scratch)
        shutil.rmtree(scratch, ignore_errors=True)
        skipped |= {names[file]: reason for file, reason in outcome.skipped.items()}
        frames = self._frames(models, names, outcome.pictures, skipped)
        for name, reason in skipped.items():
            _log.warning("skipped %s: %s", name, reason)
        if not frames:
            name, reason = next(iter(skipped.items()))
            raise DatasetError(f"none of the {len(files)} models can be used; {name}: {reason}")
        write_transforms(self.folder / TRANSFORMS, fov, self.size, frames)
        notes = {kind: {names[file]: what for file, what in each.items()} for kind, each in outcome.notes.items()}
        notes[LIBRARY] = {name: missing for file in files if (missing := missing_libraries(file))
                          and (name := mesh_name(file, top)) not in skipped}  # fmt: skip
        remarks = lines(notes, len(files))
        if self.leave_out and LEFT_OUT not in notes:
            remarks.append(f"no model has a part that --leave-out names: {', '.join(self.leave_out)}")
        for line in remarks:
            _log.warning("%s", line)
        return _Made(len(frames), skipped, remarks)

    def _pictures(self, model: int) -> tuple[RenderView, ...]:
        prior = PosePrior()
        angles = draw_angles(prior, np.random.default_rng([self.seed, 1, model]), self.views)
        return tuple(
            RenderView(f"{model * self.views + view:06d}.png", camera_to_world(*where, prior.distance).tolist())
            for view, where in enumerate(zip(*angles, strict=True))
        )

    def _frames(
        self, models: list[RenderModel], names: dict[str, str], written: set[str], skipped: dict[str, str]
    ) -> list[dict[str, Any]]:
        """What transforms.json lists. Pictures in which nothing is seen are removed, counted and named; models of which
        nothing else is left are added to the `skipped` ones."""
        frames, empty = [], []
        for model in models:
            seen = []
            for picture in (each for each in model.pictures if each.name in written):
                path = self.folder / "images" / picture.name
                with open_picture(path.read_bytes()) as image:
                    nothing = shows_nothing(np.asarray(to_rgba(image)))
                if nothing:
                    path.unlink()
                    empty.append(names[model.file])
                else:
                    seen.append({"file_path": f"images/{picture.name}", "model": names[model.file],
                                 "transform_matrix": picture.camera})  # fmt: skip
            if not seen and names[model.file] not in skipped:
                skipped[names[model.file]] = "nothing of it is seen in its pictures"
            frames += seen
        if empty:
            told = ", ".join(list(dict.fromkeys(empty))[:8])
            _log.warning("left out %d of %d pictures in which nothing is seen, of %s", len(empty), len(written), told)
        return frames


def _count(bar: tqdm) -> None:
    bar.update(1)
