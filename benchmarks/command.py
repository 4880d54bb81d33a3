"""How a benchmark is called from the command line."""

from __future__ import annotations

import sys
from typing import Protocol

import tyro

from gen3d_core.errors import Gen3DError


class Benchmark(Protocol):
    """Options, and what is measured with them."""

    def run(self) -> str:
        """A table in Markdown."""
        ...


def main(benchmark: type[Benchmark], arguments: list[str] | None = None) -> int:
    """Measure and print. The exit code: 0 done, 2 a mistake named in one line on stderr."""
    try:
        table = tyro.cli(benchmark, prog=f"python -m benchmarks.{benchmark.__name__.lower()}", args=arguments).run()
    except Gen3DError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(table + "\n")
    return 0
