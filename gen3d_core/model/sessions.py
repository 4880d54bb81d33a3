"""Graphs opened and run by onnxruntime: one budget of memory, silent, deterministic, and ended when nobody waits."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, wait

import numpy as np

# onnxruntime 1.29 and later report sessions to their makers unless told otherwise before the import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # noqa: E402
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state  # noqa: E402  # pyright: ignore[reportAttributeAccessIssue]

from gen3d_core.errors import Gen3DError, first_line  # noqa: E402

MEMORY = 512 << 20
"""Bytes that the graphs of a process may use beside their weights. The preset `fast` needs 320 MB at resolution 512."""
_SILENT = 4
"""onnxruntime's level of messages that are fatal: what fails is raised, and said once, by us."""
_BEYOND_BUDGET = "Available memory of"
"""What onnxruntime says where a graph needs more than `MEMORY`."""
_EXACT = 1
"""Its strategy to take as much memory as is asked for, not the next power of two."""
_LOOK_SECONDS = 0.05
"""Between two looks at whether anybody still waits."""


class GraphMemoryError(Gen3DError):
    """A graph needs more memory than `MEMORY` for what it was asked."""


OnWait = Callable[[], None]
"""Called now and then while a graph runs; whatever it raises ends the run."""


def open_session(graph: bytes, threads: int) -> onnxruntime.InferenceSession:
    """A graph, ready to run. Raises `Gen3DError`."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _SILENT
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    if _budget():
        options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except _failures() as error:
        raise Gen3DError(f"cannot be opened: {_reason(error)}") from error


def check_signature(session: onnxruntime.InferenceSession, inputs: frozenset[str], renamed: frozenset[str]) -> None:
    """Raises `Gen3DError` unless the graph takes these inputs, by one set of names or the other, and gives one answer,
    all of float32."""
    try:
        found = {value.name: value.type for value in session.get_inputs()}
        answers = [value.type for value in session.get_outputs()]
    except _failures() as error:
        raise Gen3DError(f"cannot be opened: {_reason(error)}") from error
    if found.keys() not in (inputs, renamed) or len(answers) != 1:
        raise Gen3DError(f"takes {', '.join(sorted(found))[:200]}: expected {', '.join(sorted(inputs))} and one output")
    for kind in [*found.values(), *answers]:
        if kind != "tensor(float)":
            raise Gen3DError(f"takes or gives {kind[:60]}: expected tensor(float)")


def run_session(
    session: onnxruntime.InferenceSession, feed: Mapping[str, np.ndarray], beside: Executor, on_wait: OnWait
) -> np.ndarray:
    """The only answer of a graph, float32. It runs on a thread of `beside`, so that Ctrl-C and `on_wait` can end it,
    between two of its operations. Raises `Gen3DError`."""
    try:
        try:
            answers = _run(session, feed, beside, on_wait, tidy=False)
        except _failures() as error:
            if _BEYOND_BUDGET not in str(error):
                raise
            # What earlier runs left in pieces is given back by a run that tidies up, whether it succeeds or not.
            with contextlib.suppress(*_failures()):
                _run(session, feed, beside, on_wait, tidy=True)
            answers = _run(session, feed, beside, on_wait, tidy=True)
    except _failures() as error:
        kind = GraphMemoryError if _is_memory(error) else Gen3DError
        raise kind(f"failed: {_reason(error)}") from error
    answer = answers[0] if isinstance(answers, list) and len(answers) == 1 else None
    if not isinstance(answer, np.ndarray) or answer.dtype != np.float32:
        raise Gen3DError("gave no array of float32: export the model again")
    return answer


def _run(
    session: onnxruntime.InferenceSession,
    feed: Mapping[str, np.ndarray],
    beside: Executor,
    on_wait: OnWait,
    *,
    tidy: bool,
) -> object:
    options = onnxruntime.RunOptions()
    options.log_severity_level = _SILENT
    if tidy:
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    running = beside.submit(session.run, None, dict(feed), options)
    try:
        while not wait((running,), _LOOK_SECONDS).done:
            on_wait()
    except BaseException:
        options.terminate = True
        wait((running,))  # it uses the feed until it has ended
        raise
    return running.result()


def check_answer(answer: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An answer that is as large as it must be, and finite. Raises `Gen3DError`."""
    if answer.shape != shape:
        raise Gen3DError(f"gave values of shape {answer.shape[:8]}: expected {shape}")
    if not np.isfinite(answer).all():
        raise Gen3DError("gave values that are not finite: the file is damaged or its training diverged")
    return answer


@functools.cache
def _budget() -> bool:
    """Have onnxruntime refuse what goes beyond `MEMORY`, once for the process; whether it does."""
    try:
        place = ort_state.OrtMemoryInfo(
            "Cpu", ort_state.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort_state.OrtMemType.DEFAULT
        )
        onnxruntime.create_and_register_allocator(
            place, ort_state.OrtArenaCfg({"max_mem": MEMORY, "arena_extend_strategy": _EXACT})
        )
    except (AttributeError, *_failures()):  # a build without, or a host program that has set its own
        return False
    return True


def _reason(error: BaseException) -> str:
    if _is_memory(error):
        return f"it needs more memory than {MEMORY >> 20} MB: try a lower resolution"
    return first_line(error)


def _is_memory(error: BaseException) -> bool:
    return _BEYOND_BUDGET in str(error) or isinstance(error, MemoryError)


@functools.cache
def _failures() -> tuple[type[Exception], ...]:
    """onnxruntime's exceptions have no common base but live in one module; its bindings raise some of Python's."""

    def own() -> Iterator[type[Exception]]:
        for value in vars(ort_state).values():
            if isinstance(value, type) and issubclass(value, Exception):
                yield value

    return (*own(), RuntimeError, ValueError, TypeError, IndexError, OverflowError, MemoryError)
