"""One malformed file opened in every way there is, in a process of its own that is watched."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tests.faults.outcome import Outcome
from tests.memory import peak_mb

SECONDS = 30.0
"""Of one case, at most."""
MEGABYTES = 1000
_CODE = {
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.spawn", "socket.connect",
    "socket.bind", "ctypes.dlopen", "pickle.find_class", "webbrowser.open", "os.remove", "os.rename", "os.mkdir",
    "os.chmod", "os.link", "os.symlink", "os.truncate", "shutil.rmtree",
}  # fmt: skip
"""What reading a file never does, by the names of Python's audit events."""


def try_file(path: Path) -> Outcome:
    """Open the file in a forked process. `path` is alone in its folder."""
    with tempfile.TemporaryDirectory() as private:
        return _watched(path, Path(private))


def _watched(path: Path, private: Path) -> Outcome:
    report, answer = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(report)
        status = 1
        try:
            os.write(answer, json.dumps(asdict(_all_ways(path, private))).encode()[:60_000])
            status = 0
        finally:
            os._exit(status)
    os.close(answer)
    faults = []
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() - start > SECONDS:
            os.kill(child, signal.SIGKILL)
            ended = os.waitpid(child, 0)
            faults.append(f"took more than {SECONDS:.0f} s")
            break
        time.sleep(0.002)
    with os.fdopen(report, "rb") as told:
        text = told.read()
    if not text:
        return Outcome((*faults, f"the process died ({ended[1]})") if not faults else tuple(faults))
    found = json.loads(text)
    faults += found["faults"]
    if found["megabytes"] > MEGABYTES:
        faults.append(f"used {found['megabytes']} MB")
    return Outcome(tuple(faults), found["refused"], time.monotonic() - start, found["megabytes"])


def _all_ways(path: Path, private: Path) -> Outcome:
    faults: list[str] = []
    refused = 0
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # for the machine's sake
    with tempfile.TemporaryFile() as said:
        for number in (1, 2):
            os.dup2(said.fileno(), number)
        sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
        sys.stderr = os.fdopen(os.dup(2), "w", encoding="utf-8")
        watching = [True]
        sys.addaudithook(lambda event, given: _watch(event, given, private, faults) if watching[0] else None)
        for name, way in WAYS.items():
            try:
                refused += not way(path, private)
            except ValueError as error:
                refused += 1
                if not _is_refusal(error, path):
                    faults.append(f"{name}: {_where(error)}")
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is what this looks for
                faults.append(f"{name}: {_where(error)}")
        watching[0] = False
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        said.seek(0)
        faults += _heard(said.read(50 << 20).decode("utf-8", "replace"))
    if (left := sorted(each.name for each in path.parent.iterdir())) != [path.name]:
        faults.append(f"left files: {left}")
    return Outcome(tuple(dict.fromkeys(faults)), refused, 0.0, peak_mb())


def _is_refusal(error: ValueError, path: Path) -> bool:
    from gen3d_core.errors import Gen3DError

    text = str(error)
    return isinstance(error, Gen3DError) and "\n" not in text and len(text) < 1000 + len(str(path))


def _where(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}: {str(error)[:100]!r}"


def _watch(event: str, given: tuple, private: Path, faults: list[str]) -> None:
    """Previews are laid into the private folder of a client, and nothing else is written anywhere."""
    if given and str(given[0]).startswith(str(private)):
        return
    if event in _CODE:
        faults.append(f"{event} {str(given)[:80]}")
    elif event == "open" and isinstance(given[0], str) and isinstance(given[2], int):
        writes = given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and given[0] != os.devnull:
            faults.append(f"wrote {given[0][:80]!r}")


def _heard(text: str) -> list[str]:
    """What of all that was said no command may say."""
    faults = []
    if any(letter != "\n" and (ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0) for letter in text):
        faults.append("said control characters")
    if "Traceback" in text or "[E:onnx" in text or "[W:onnx" in text:
        faults.append(f"said {text[-200:]!r}")
    return faults


def _list(path: Path, private: Path) -> bool:
    from gen3d_core.protocol import Models
    from gen3d_core.worker.listing import list_models

    told = list_models(Models(1, [str(path)]), private)
    entries = [entry for entry in (*told.models, *told.broken) if entry.file == str(path)]
    if len(entries) != 1 or len(json.dumps(asdict(entries[0]))) > 120_000:
        raise AssertionError("an entry of a list is missing, there twice or too long")
    return not told.broken


def _info(path: Path, private: Path) -> bool:
    from gen3d_core.cli.main import main

    return main(["info", str(path)]) == 0 and main(["info", "--json", str(path)]) == 0


def _sample(path: Path, private: Path) -> bool:
    import numpy as np

    from gen3d_core.model.model import load

    mesh = load(path, threads=1).sample(0, 16)
    if not (np.isfinite(mesh.vertices).all() and np.isfinite(mesh.colours).all()):
        raise AssertionError("a mesh is not finite")
    return True


def _encode(path: Path, private: Path) -> bool:
    import numpy as np

    from gen3d_core.inversion.encode import encode
    from gen3d_core.model.model import load

    picture = np.zeros((64, 64, 4), np.uint8)
    picture[16:48, 16:48] = 200
    encode(load(path, threads=1), [picture])
    return True


def _weights(path: Path, private: Path) -> bool:
    import torch

    from gen3d_core.weights.load import load_generator

    load_generator(path, torch.device("cpu"))
    return True


WAYS: dict[str, Callable[[Path, Path], bool]] = {
    "list": _list, "info": _info, "sample": _sample, "encode": _encode, "weights": _weights,
}  # fmt: skip
