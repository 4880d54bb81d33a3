"""How much faster than the published procedure: a generator step, a picture and a mesh, with the same weights and rays.

The published procedure searches every ray with 256 steps on the field, evaluates every sample, fills the whole grid of
a mesh, and computes in float32. Seconds say something of one machine on one day; the ratios are what is compared.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from tqdm import tqdm

from benchmarks import published
from benchmarks.command import main
from gen3d_core.config import Config, PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.rendering.generator import Generator
from training.compute import denormals_as_zero, describe_machine, keep_freed_memory
from training.settings import load_settings

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
    published.steepen(generator.field, slope / config.generator.sharpness)  # type: ignore[arg-type]  # checked above
    jobs: list[tuple[str, Callable[[bool], object]]] = [
        (
            f"generator step, {config.optim.batch} patches of {config.patch.size}²",
            lambda fast: published.generator_step(generator, config, fast),
        ),
        (f"picture of {published.PICTURE_SIZE}²", lambda fast: published.render_picture(generator, config, fast)),
        (f"mesh of {published.MESH_RESOLUTION}³", lambda fast: published.extract_mesh(generator, config, fast)),
    ]
    with tqdm(total=len(jobs) * (2 * repeats + 1), desc="benchmark", unit="run", leave=False) as bar:
        timings = [_time(what, job, repeats, bar) for what, job in jobs]
    return _table(timings, config, describe_machine(torch.device("cpu")), _reached(config))


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
