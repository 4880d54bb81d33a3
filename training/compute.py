"""What a training computes on: device, precision, memory, numbers next to nothing, and how a record names it."""

from __future__ import annotations

import ctypes
import datetime
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from gen3d_core.errors import Gen3DError, first_line
from gen3d_core.version import __version__

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Let torch treat denormal numbers as zero within the context.

    The tails of softplus are full of them, and some processors take a hundred times as long for one: on an Intel Xeon
    they were half of the time of the preset paper-small. Torch's other threads inherit this where they start within
    the context. Only for training itself: SciPy's KDTree crashes without denormal numbers.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def keep_freed_memory() -> None:
    """Tell glibc not to return memory from now on: a step frees and asks for the same hundreds of megabytes again and
    again. Not before the steps: what is made ready for them leaves small things among large ones, and these would stay.

    Faulting them in again cost 5 to 15 % of a training step on two quiet cores and half of it on busy ones. Other
    platforms' allocators keep them of their own accord.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 256 << 20)


def chosen_device(name: str) -> torch.device:
    """The device of `--device`; `auto` takes cuda where there is one. Raises Gen3DError for one that cannot be used."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise Gen3DError(f"--device {name} cannot be used here: {first_line(error)}") from error
    return device


def autocast(device: torch.device) -> torch.autocast:
    """bf16 where products profit; master weights stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16)


def describe_machine(device: torch.device) -> dict[str, Any]:
    """The processor and versions that a record names."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "device": device.type,
        "name": name,
        "threads": torch.get_num_threads(),
        "versions": {"gen3d": __version__, "torch": torch.__version__, "python": platform.python_version()},
        "date": datetime.date.today().isoformat(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
