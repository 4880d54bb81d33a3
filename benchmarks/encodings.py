"""How well pictures are encoded: over many objects whose shape and cameras are known, as tables.

Seconds and memory say something of one machine; everything else is the same wherever the model file is.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from benchmarks.command import main
from benchmarks.encoding_subjects import (
    EXTRACTED,
    SIDE,
    Subject,
    generated_subjects,
    pictures_of,
    real_subjects,
    surface,
)
from gen3d_core import limits
from gen3d_core.codes.codes import Codes
from gen3d_core.inversion.encode import Encoded, encode
from gen3d_core.mesh.extract import extract
from gen3d_core.model.model import Model, load
from gen3d_core.refinement.refine import refine_encoding
from gen3d_core.rendering.generator import Generator
from gen3d_core.weights.load import load_generator
from training.data.dataset import load_with_bar
from training.data.poses import check_cameras_agree
from training.evaluation.pictures import rgb_over_white
from training.metrics.points import chamfer_matrix

REFINED = 20
"""Objects that are refined unless told."""
ASTRAY_DEG = 45
"""From here on a camera counts as mistaken, not as found imprecisely."""


@dataclass(frozen=True)
class Score:
    """Of one object, or means over several. `overlap` of silhouettes (intersection over union) and `psnr` over white
    in decibels, both over views that were not encoded; `chamfer` times 1000, of meshes with longest side 1;
    `camera_deg` between the true and the found direction to the camera; `confidence` as `Encoded` has it."""

    overlap: float
    psnr: float
    chamfer: float
    camera_deg: float
    confidence: float


def encoding_benchmark(
    name: str, count: int, refine: int | None, data: Path | None, meshes: Path | None, threads: int | None
) -> str:
    """Tables in Markdown: of `count` generated objects, or of models of a data set whose meshes are in a folder, the
    first `refine` of them (None: 20) refined too; and what one picture costs.

    Raises:
        Gen3DError: a number is out of range, the model has no encoder, or the data do not fit.
    """
    limits.check_whole("--count", count, limits.COUNT)
    refine = min(REFINED, count) if refine is None else limits.check_whole("--refine", refine, (0, count))
    if threads:
        torch.set_num_threads(threads)
    model = load(name, threads)
    generator = load_generator(model.path, torch.device("cpu"))
    if data is None:
        what, subjects = "generated objects", generated_subjects(model, generator, count)
    else:
        loaded = load_with_bar(data)
        check_cameras_agree(model.cameras, loaded.prior, data)
        what, subjects = f"of {loaded.source}", real_subjects(loaded, meshes or data / "meshes", count)
    judge = _Judge(model, generator)
    mean: list[Score] = []
    encoded: list[Score] = []
    better: list[Score] = []
    picture = None
    for subject in tqdm(subjects, total=count, desc=model.name, unit="object", leave=False):
        picture = subject.picture if picture is None else picture
        found = encode(model, [subject.picture])
        mean.append(judge.average(subject))
        encoded.append(judge.score(subject, found))
        if len(better) < refine:
            better.append(judge.score(subject, refine_encoding(model, [subject.picture], found)))
    rows = [("mean code", mean), ("encoder", encoded)]
    if 0 < len(better) < len(encoded):
        rows.append((f"encoder, the first {len(better)}", encoded[: len(better)]))
    if better:
        rows.append(("refined, the same", better))
    lines = [
        f"| {model.name}: {len(encoded)} {what} | silhouettes overlap | PSNR | Chamfer x 1000 | camera error, median "
        "| confidence |",
        "|---|---|---|---|---|---|",
        *(_row(label, scores) for label, scores in rows),
    ]
    if picture is not None:
        lines += ["", *_costs(name, picture, threads, bool(better))]
    return "\n".join(lines)


class _Judge:
    """Compares what was found with what is true."""

    def __init__(self, model: Model, generator: Generator) -> None:
        self.model, self.generator = model, generator
        self.truncation = float(model.manifest["truncation"])
        self.middle = model.codes(0)  # truncated to nothing it is the average object, as any codes are
        self.middle_points = self._points(self.middle, 0.0)

    def score(self, subject: Subject, found: Encoded) -> Score:
        camera = [found.cameras[0].azimuth, found.cameras[0].elevation]
        angle = np.rad2deg(np.arccos(np.clip(_direction(camera) @ _direction(subject.pose.numpy()), -1, 1)))
        views = pictures_of(self.generator, found.codes, subject.poses, SIDE, self.truncation)
        points = self._points(found.codes, self.truncation)
        return _compared(subject, views, points, float(angle), found.confidence)

    def average(self, subject: Subject) -> Score:
        """Of the model's average object."""
        views = pictures_of(self.generator, self.middle, subject.poses, SIDE, 0.0)
        return _compared(subject, views, self.middle_points, float("nan"), float("nan"))

    def _points(self, codes: Codes, truncation: float) -> np.ndarray:
        return surface(extract(self.model.field(codes, truncation), EXTRACTED))


def _compared(
    subject: Subject, views: Float[Tensor, "views 4 s s"], points: np.ndarray, angle: float, confidence: float
) -> Score:
    found, there = views[:, 3] >= 0.5, subject.views[:, 3] >= 0.5
    overlap = (found & there).flatten(1).sum(1) / (found | there).flatten(1).sum(1).clamp_min(1)
    error = (rgb_over_white(views) - rgb_over_white(subject.views)).square().flatten(1).mean(1)
    return Score(
        overlap.float().mean().item(),
        (-10 * error.clamp_min(1e-10).log10()).mean().item(),
        1000 * float(chamfer_matrix(points[None], subject.points[None])[0, 0]),
        angle,
        confidence,
    )


_TOLD = """
import sys
from pathlib import Path
from gen3d_core.cli.main import main
code = main(sys.argv[1:])
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
print(*(line.split()[1] for line in lines if line.startswith("VmHWM")))
sys.exit(code)
"""
"""The command, and after it its peak memory in kB where the system tells. What it tells the parent process is no use:
that counts the parent's own."""


def _costs(name: str, picture: np.ndarray, threads: int | None, refine: bool) -> Iterator[str]:
    """Of the whole command, from its start to its end."""
    yield "| one picture | seconds | peak memory |"
    yield "|---|---|---|"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        Image.fromarray(picture).save(path)
        command = [sys.executable, "-c", _TOLD, "encode", str(path), "--model", name, "--out", folder]
        command += [] if threads is None else ["--threads", str(threads)]
        for label, flags in (("gen3d encode", []), ("gen3d encode --refine", ["--refine"]))[: 1 + refine]:
            began = time.monotonic()
            done = subprocess.run([*command, *flags], check=True, capture_output=True, text=True)
            seconds, kilobytes = time.monotonic() - began, done.stdout.splitlines()[-1]
            yield f"| {label} | {seconds:.1f} | {f'{int(kilobytes) / 1000:.0f} MB' if kilobytes else '-'} |"


def _row(label: str, scores: Sequence[Score]) -> str:
    def over(name: str, reduce: Callable[[list[float]], np.floating]) -> float:
        return float(reduce([getattr(score, name) for score in scores]))

    cells = [
        f"{over('overlap', np.mean):.3f}",
        f"{over('psnr', np.mean):.1f}",
        f"{over('chamfer', np.mean):.2f} (median {over('chamfer', np.median):.2f})",
        _camera(np.array([score.camera_deg for score in scores])),
        _or_none(over("confidence", np.mean), "{:.2f}"),
    ]
    return f"| {label} | {' | '.join(cells)} |"


def _camera(degrees: Float[np.ndarray, "n"]) -> str:
    """The median, and how often the camera was somewhere else altogether."""
    astray = f" ({np.mean(degrees > ASTRAY_DEG):.0%} over {ASTRAY_DEG}°)"
    return _or_none(float(np.median(degrees)), "{:.1f}°" + astray)


def _or_none(value: float, form: str) -> str:
    return form.format(value) if np.isfinite(value) else "-"


def _direction(pose: Sequence[float] | np.ndarray) -> np.ndarray:
    azimuth, elevation = pose
    return np.array(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)], np.float64
    )


@dataclass(frozen=True)
class Encodings:
    """Measure how well a model reads pictures: of its own objects, or of a data set's models."""

    model: tyro.conf.Positional[str]
    """A .gen3d file with an encoder, or the name of a shipped model."""
    count: int = 200
    """Objects."""
    refine: int | None = None
    """How many of them are refined too (default: 20, or all where there are fewer)."""
    data: Path | None = None
    """Data set made by `render MESHES --views 9`: one picture of each mesh is encoded, the others judge."""
    meshes: Path | None = None
    """The folder of these meshes."""
    threads: int | None = None
    """Processor threads (default: all)."""

    def run(self) -> str:
        return encoding_benchmark(self.model, self.count, self.refine, self.data, self.meshes, self.threads)


if __name__ == "__main__":
    sys.exit(main(Encodings))
