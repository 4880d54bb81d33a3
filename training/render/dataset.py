"""Meshes to a data set: a folder of models, or a procedural family, rendered from random cameras.

The light is a fixed, known function of the world normal and symmetric in y, see `LIGHT`; there are no shadows and no
noise. A picture's colour is base colour x shade(normal), both in linear light, then sRGB-encoded.
"""

import json
import logging
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from tqdm import tqdm

from gen3d_core.config import PosePrior
from gen3d_core.mesh.files import ply
from gen3d_core.pictures.pinhole import camera_to_world
from training.data.attribution import credit
from training.data.poses import draw_angles
from training.data.staging import DatasetError, stage_folder
from training.procedural.family import DATASET_SEEDS, FAMILIES, RADIUS, SOURCE, make_shape
from training.render.blender_farm import RenderModel, RenderView, blender_command, render_models

SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off", ".fbx")
SAMPLES = 16
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
    views: int | None = None,
    size: int = 64,
    count: int = 4000,
    heldout: int = 200,
    seed: int = 0,
    blender: Path | None = None,
) -> None:
    """Render `source` (a folder of meshes, one mesh file, or "procedural:FAMILY") into the new data set folder `out`.

    `views` pictures of `size` x `size` per model (20 for files, 1 for a family unless given). `count` and `heldout`
    concern families only: shapes rendered, and further shapes kept as meshes only. Raises DatasetError.
    """
    for name, value, low, high in (
        ("size", size, 8, 1024), ("count", count, 1, 1_000_000), ("heldout", heldout, 0, 1_000_000),
        ("views", 1 if views is None else views, 1, 10_000), ("seed", seed, 0, 2**31),
    ):  # fmt: skip
        if not low <= value <= high:
            raise DatasetError(f"--{name} is {value}: it must lie between {low} and {high}")
    procedural = source.startswith(SOURCE)
    family = source.removeprefix(SOURCE)
    if procedural and family not in FAMILIES:
        raise DatasetError(f"unknown procedural family '{family}': there are {', '.join(FAMILIES)}")
    files = [] if procedural else mesh_files(Path(source))
    views = views or (1 if procedural else 20)
    command = blender_command(blender)
    models = count if procedural else len(files)
    with stage_folder(out, needed_bytes=models * views * (size * size * 2 + 500) + (models + heldout) * 9000) as folder:
        if procedural:
            files = _write_family(folder, family, count, heldout, seed)
        written, skipped = _render_files(files, folder, views, size, seed, command)
        licence, attribution = "CC0-1.0, made by Gen3D's procedural families", list[str]()
        if not procedural:
            licence, attribution = credit(Path(source), [file for file in files if file.name not in skipped])
        name = family if procedural else Path(source).resolve().stem
        description = {
            "format": "gen3d-dataset", "version": 1, "category": name,
            "source": source if procedural else Path(source).resolve().name,
            "size": size, "pictures": written, "mirror": procedural, "poses": asdict(PosePrior()),
            "light": LIGHT, "seed": seed, "skipped_models": skipped, "licence": licence,
            "attribution": attribution,
        }  # fmt: skip
        (folder / "dataset.json").write_text(json.dumps(description, indent=1), encoding="utf-8")


def mesh_files(source: Path) -> list[Path]:
    """All mesh files at or below `source`, sorted. Raises DatasetError when there are none."""
    if not source.exists():
        raise DatasetError(
            f"{source} does not exist: SOURCE is a folder of meshes or procedural:{{{','.join(FAMILIES)}}}"
        )
    files = [source] if source.is_file() else sorted(p for p in source.rglob("*") if p.is_file())
    files = [path for path in files if path.suffix.lower() in SUFFIXES]
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


def _render_files(
    files: list[Path], folder: Path, views: int, size: int, seed: int, command: list[str]
) -> tuple[int, dict[str, str]]:
    """Render all views of all files and write transforms.json; returns the picture count and what was skipped."""
    (folder / "images").mkdir()
    prior = PosePrior()
    fov = float(np.radians(prior.fov_deg))
    settings = {"folder": str(folder / "images"), "size": size, "samples": SAMPLES, "radius": RADIUS, "fov": fov,
                "light": LIGHT}  # fmt: skip
    skipped: dict[str, str] = {}
    models: list[RenderModel] = []
    origins: dict[str, Path] = {}
    frames: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="gen3d-meshes-") as scratch:
        for i, file in enumerate(files):
            try:
                readable = _for_blender(file, Path(scratch) / f"{i}.ply")
            except (ValueError, IndexError, KeyError, TypeError, PermissionError) as error:
                skipped[file.name] = f"not a valid {file.suffix[1:].upper()} file: {error}"
                continue
            matrices = [
                camera_to_world(azimuth, elevation, prior.distance).tolist()
                for azimuth, elevation in zip(
                    *draw_angles(prior, np.random.default_rng([seed, 1, i]), views), strict=True
                )
            ]
            pictures = tuple(RenderView(f"{i * views + view:06d}.png", matrix) for view, matrix in enumerate(matrices))
            frames += [
                {"file_path": f"images/{p.name}", "model": file.name, "transform_matrix": p.camera} for p in pictures
            ]
            models.append(RenderModel(str(readable.resolve()), pictures))
            origins[models[-1].file] = file
        with tqdm(total=len(frames), desc="rendering", unit="picture", smoothing=0.05) as bar:
            outcome = render_models(models, settings, command, lambda: _count(bar))
    skipped |= {origins[file].name: reason for file, reason in outcome.skipped.items()}
    for name, reason in skipped.items():
        _log.warning("skipped %s: %s", name, reason)
    kept = [frame for frame in frames if Path(frame["file_path"]).name in outcome.pictures]
    if not kept:
        name, reason = next(iter(skipped.items()))
        raise DatasetError(f"none of the {len(files)} models can be used; {name}: {reason}")
    transforms = {"camera_angle_x": fov, "w": size, "h": size, "frames": kept}
    (folder / "transforms.json").write_text(json.dumps(transforms), encoding="utf-8")
    return len(kept), skipped


def _count(bar: tqdm) -> None:
    bar.update(1)


def _for_blender(file: Path, converted: Path) -> Path:
    """The file itself, or for OFF, which Blender does not read, a PLY of its surface (without OFF colours)."""
    if file.suffix.lower() != ".off":
        return file
    mesh = trimesh.load(file, force="mesh", process=False)
    mesh.export(converted)
    return converted
