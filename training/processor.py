"""How a process that trains or measures uses the processor: threads, memory, and numbers next to nothing."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
import torch

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def set_up_processor(threads: int | None = None) -> None:
    """Use so many threads (None: all), and what speeds up work on a processor without changing what it learns."""
    if threads:
        torch.set_num_threads(threads)
    # The tails of softplus are full of denormal numbers, on which some processors take a hundred times as long: on an
    # Intel Xeon, half of the time of the preset paper-small. Before the first thread is started, which inherits it.
    # Remembered by numpy, which would otherwise warn of the lack of denormal numbers later.
    _ = np.finfo(np.float32), np.finfo(np.float64)
    torch.set_flush_denormal(True)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Tell glibc not to return memory: a step frees and asks for the same hundreds of megabytes again and again.

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
