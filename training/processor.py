"""How a process that trains uses the processor: memory, and numbers next to nothing."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

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
