"""How much faster than the published procedure: a generator step, a picture and a mesh, with the same weights and rays.

The published procedure searches every ray with 256 steps on the field, evaluates every sample, fills the whole grid of
a mesh, and computes in float32. Seconds say something of one machine on one day; the ratios are what is compared.
"""

from __future__ import annotations

import dataclasses
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from tqdm import tqdm

from benchmarks.command import main
from gen3d_core.adversarial.patches import draw_patch
from gen3d_core.config import Config, PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.lattice import sample_lattice
from gen3d_core.mesh.sparse_lattice import refine_lattice
from gen3d_core.networks.fields.unisurf import UnisurfField
from gen3d_core.rendering import patch
from gen3d_core.rendering.camera import draw_poses
from gen3d_core.rendering.generator import Generator, as_pictures
from gen3d_core.rendering.stage import Stage
from training.compute import autocast, denormals_as_zero, describe_machine, keep_freed_memory
from training.settings import load_settings

PICTURE_SIZE, MESH_RESOLUTION = 64, 128
WARM_UP = 3
"""Runs of the fast procedure before one that counts: the published one leaves memory in disorder."""
PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm", "aten::mkldnn_convolution", "aten::_convolution")


@dataclass(frozen=True)
class Timing:
    """Medians: seconds of both procedures. Of the fast one also the share of time inside matrix products and what these
    reach, in GFLOP/s."""

    what: str
    published: float
    fast: float
    product_share: float
    product_gflops: float

    @property
    def ratio(self) -> float:
        """How many times faster."""
        return self.published / self.fast


def published_config(config: Config) -> Config:
    """The same rendering by the published search, every sample evaluated (UNISURF, section 3.2 and published code)."""
    return dataclasses.replace(
        config,
        renderer=dataclasses.replace(config.renderer, march_steps=256, secant_steps=8),
        baseline=dataclasses.replace(config.baseline, search="dense", prune=0.0),
    )


def set_rendering(generator: Generator, config: Config) -> None:
    """Let networks that are there already be rendered as a configuration says."""
    generator.renderer, generator.baseline = config.renderer, config.baseline


def benchmark(preset: str = "paper", slope: float = 50.0, repeats: int = 3, threads: int | None = None) -> str:
    """Measure a preset of the UNISURF family, untrained but with a surface steepened towards what training makes it.

    Args:
        slope: logit per unit of distance at the surface; untrained it is `generator.sharpness`.

    Returns:
        A table, with the machine named.

    Raises:
        Gen3DError: the preset has another kind of field.
    """
    config = load_settings(preset)
    if config.generator.kind != "unisurf":
        raise Gen3DError(
            f"--preset {preset} has a {config.generator.kind} field: only unisurf ones have a dense reference"
        )
    if slope <= 0 or repeats < 1:
        raise Gen3DError(f"--slope is {slope:g} and --repeats {repeats}: both must be positive")
    if threads:
        torch.set_num_threads(threads)
    keep_freed_memory()  # as training does, for both procedures
    torch.manual_seed(0)
    generator = Generator(config, PosePrior()).eval()
    _steepen(generator.field, slope / config.generator.sharpness)  # type: ignore[arg-type]  # checked above
    jobs: list[tuple[str, Callable[[bool], object]]] = [
        (
            f"generator step, {config.optim.batch} patches of {config.patch.size}²",
            lambda fast: _step(generator, config, fast),
        ),
        (f"picture of {PICTURE_SIZE}²", lambda fast: _picture(generator, config, fast)),
        (f"mesh of {MESH_RESOLUTION}³", lambda fast: _mesh(generator, config, fast)),
    ]
    with tqdm(total=len(jobs) * (2 * repeats + 1), desc="benchmark", unit="run", leave=False) as bar:
        timings = [_time(what, job, repeats, bar) for what, job in jobs]
    return _table(timings, config, describe_machine(torch.device("cpu")), _reached(config))


@torch.no_grad()
def _steepen(field: UnisurfField, factor: float) -> None:
    """Scale f, the first output: the length of its row under weight normalisation, and its bias."""
    lengths = field.head.get_parameter("parametrizations.weight.original0")
    lengths[0] *= factor
    field.head.get_parameter("bias")[0] *= factor


def _codes(config: Config, count: int) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    shape = torch.randn(count, config.generator.shape_dim, generator=rng)
    appearance = torch.randn(count, config.generator.appearance_dim, generator=rng)
    return shape, appearance, draw_poses(PosePrior(), count, rng)


def _step(generator: Generator, config: Config, fast: bool) -> None:
    """Render the patches of a batch and go back from a gradient in them. The published way goes picture by picture: all
    samples of a batch at once do not fit an ordinary memory."""
    count = config.optim.batch
    shape, appearance, pose = _codes(config, count)
    view = draw_patch(count, PICTURE_SIZE, 0.0, config.patch, torch.Generator().manual_seed(0))
    stage = Stage(config.renderer.interval.end, config.baseline.free_samples)
    generator.zero_grad(set_to_none=True)
    set_rendering(generator, config if fast else published_config(config))
    rng = torch.Generator().manual_seed(0)
    if fast:
        with autocast(pose.device):
            seen = generator.render(generator.condition(shape, appearance), pose, view, stage, rng)
        pictures = as_pictures(seen, count)
        pictures.backward(torch.ones_like(pictures))
        return
    for n in range(count):
        one = slice(n, n + 1)
        part = dataclasses.replace(view, **_rows(view, one))
        pictures = as_pictures(
            generator.render(generator.condition(shape[one], appearance[one]), pose[one], part, stage, rng), 1
        )
        pictures.backward(torch.ones_like(pictures))


def _rows(view: Any, rows: slice) -> dict[str, Tensor]:
    return {name: value[rows] for name, value in vars(view).items() if isinstance(value, Tensor)}


@torch.no_grad()
def _picture(generator: Generator, config: Config, fast: bool) -> None:
    shape, appearance, pose = _codes(config, 1)
    set_rendering(generator, config if fast else published_config(config))
    stage = Stage(config.renderer.interval.end, config.baseline.free_samples)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast):
        generator.render(generator.condition(shape, appearance), pose, patch.whole_picture(PICTURE_SIZE), stage)


@torch.no_grad()
def _mesh(generator: Generator, config: Config, fast: bool) -> None:
    """The lattice of logits, in float32 either way: a mesh wants every bit of them."""
    shape, appearance, _ = _codes(config, 1)
    field = generator.condition(shape, appearance)

    def logit(points: np.ndarray) -> np.ndarray:
        at = torch.from_numpy(np.ascontiguousarray(points, np.float32))[:, None]
        return field.logit(at, torch.zeros(len(at), dtype=torch.long))[:, 0].numpy()

    def slab(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        points = np.stack(np.meshgrid(x, y, z, indexing="ij"), -1)
        return logit(points.reshape(-1, 3)).reshape(points.shape[:3])

    if fast:
        refine_lattice(logit, MESH_RESOLUTION)
    else:
        sample_lattice(slab, MESH_RESOLUTION)


def _time(what: str, job: Callable[[bool], object], repeats: int, bar: tqdm) -> Timing:
    """The fast procedure treats denormal numbers as zero, as training does (threads after the first were started before
    and do not); the published one does not."""

    def fast() -> float:
        with denormals_as_zero():
            began = time.perf_counter()
            job(True)
            return time.perf_counter() - began

    published_seconds, fast_seconds = [], []
    for _ in range(repeats):
        for _ in range(WARM_UP):
            fast()
        fast_seconds.append(fast())
        bar.update()
        began = time.perf_counter()
        job(False)
        published_seconds.append(time.perf_counter() - began)
        bar.update()
    fast()
    with profile(activities=[ProfilerActivity.CPU], with_flops=True) as watched:
        fast()
    bar.update()
    events = watched.key_averages()
    total = sum(event.self_cpu_time_total for event in events)
    products = [event for event in events if event.key in PRODUCTS]
    spent = max(sum(event.self_cpu_time_total for event in products), 1e-9)
    flops = sum(event.flops for event in products)
    return Timing(
        what,
        statistics.median(published_seconds),
        statistics.median(fast_seconds),
        spent / total,
        flops / spent / 1e3,
    )


def _reached(config: Config) -> dict[str, float]:
    """GFLOP/s of this processor on the fields' own products, tall and as wide as a layer, by precision."""
    width, rows = config.baseline.mlp.width, 1 << 15
    reached = {}
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        a, b = torch.randn(rows, width, dtype=kind), torch.randn(width, width, dtype=kind)
        torch.mm(a, b)
        began = time.perf_counter()
        for _ in range(20):
            torch.mm(a, b)
        reached[name] = 20 * 2 * rows * width**2 / (time.perf_counter() - began) / 1e9
    return reached


def _table(timings: list[Timing], config: Config, machine: dict[str, Any], reached: dict[str, float]) -> str:
    sizes = config.baseline.mlp
    lines = [
        f"{machine['name']}, {machine['threads']} threads, torch {machine['versions']['torch']}; "
        f"geometry {sizes.depth} x {sizes.width}, colour {sizes.colour_depth} x {sizes.colour_width}",
        f"products of {1 << 15} x {sizes.width} by {sizes.width} x {sizes.width} reach "
        + ", ".join(f"{value:.0f} GFLOP/s in {name}" for name, value in reached.items()),
        "",
        f"{'':<34}{'published':>12}{'fast':>10}{'ratio':>9}{'in products':>13}{'GFLOP/s':>9}",
    ]
    lines += [
        f"{each.what:<34}{each.published:>10.2f} s{each.fast:>8.3f} s{each.ratio:>8.1f}x"
        f"{each.product_share:>12.0%} {each.product_gflops:>8.0f}"
        for each in timings
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Speed:
    """Time a step, a picture and a mesh against the published dense procedure: same weights, same rays."""

    preset: str = "paper"
    """A preset of the UNISURF family."""
    slope: float = 50.0
    """How steep the surface is made, logit per unit of distance: it starts at 10, and training passes 100."""
    repeats: int = 3
    """Counted runs of each."""
    threads: int | None = None
    """Processor threads (default: all)."""

    def run(self) -> str:
        return benchmark(self.preset, self.slope, self.repeats, self.threads)


if __name__ == "__main__":
    sys.exit(main(Speed))
