"""Whether another process of this machine is there, asked without touching it. Standard library only."""

from __future__ import annotations

import os
import sys

_QUERY_LIMITED_INFORMATION = 0x1000
_STILL_ACTIVE = 259
_INVALID_PARAMETER = 87


def is_running(number: int) -> bool:
    """Whether a process of this number lives; true where that cannot be told."""
    if number <= 0 or number > 0x7FFFFFFF:
        return False
    if sys.platform == "win32":
        return _is_running_on_windows(number)
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _is_running_on_windows(number: int) -> bool:
    """There os.kill would end the process."""
    import ctypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # pyright: ignore[reportAttributeAccessIssue]
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = kernel.OpenProcess(_QUERY_LIMITED_INFORMATION, False, number)
    if not handle:
        return ctypes.get_last_error() != _INVALID_PARAMETER  # pyright: ignore[reportAttributeAccessIssue]
    code = ctypes.c_ulong()
    told = kernel.GetExitCodeProcess(ctypes.c_void_p(handle), ctypes.byref(code))
    kernel.CloseHandle(ctypes.c_void_p(handle))
    return not told or code.value == _STILL_ACTIVE
