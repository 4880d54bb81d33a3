"""Keep freed memory in the process: a training step frees and asks for the same hundreds of megabytes again and again.

glibc hands large blocks back to the kernel at once, and faulting them in again cost 5 to 15 % of a training step on two
quiet cores and half of it on busy ones. Other platforms' allocators keep them of their own accord.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8


def keep_freed_memory() -> None:
    """Tell glibc not to return memory; does nothing elsewhere."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(_M_TOP_PAD, 256 << 20)
