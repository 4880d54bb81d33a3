"""The worker process: reads requests from stdin, makes meshes, writes replies to stdout. See `gen3d_core.protocol`.

Run as `python -m gen3d_core.worker --folder DIR`, where DIR is a private folder that the client has made for it.
The worker ends when its stdin closes, and the folder with it, so that neither outlives a client that was killed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gen3d_core import __version__, protocol
from gen3d_core.atomic import replacing
from gen3d_core.errors import Gen3DError
from gen3d_core.worker_io import Inbox, Outbox, Reader, claim_streams

if TYPE_CHECKING:
    from gen3d_core.latent import Codes
    from gen3d_core.lattice import Progress
    from gen3d_core.mesh import Mesh
    from gen3d_core.sampler import Model

KEPT_MODELS = 3
FRAMED_SIDE = 512
"""Pixels along a side of framed pictures that go back to the client."""
THUMBNAIL_RESOLUTION = 64
PROGRESS_SECONDS = 0.05


class JobCancelled(Exception):
    """Raised inside the progress callback of a job that the client no longer wants."""


class Worker:
    """Does the requests one by one."""

    def __init__(self, folder: Path, inbox: Inbox, outbox: Outbox, threads: int | None = None) -> None:
        self._folder, self._inbox, self._outbox, self._threads = folder, inbox, outbox, threads
        self._models: OrderedDict[tuple[Path, int, int], Model] = OrderedDict()

    def serve(self) -> None:
        """Until the inbox closes."""
        while request := self._inbox.take():
            try:
                self._outbox.send(self._do(request))
            except JobCancelled:
                self._outbox.send(protocol.Cancelled(request.id))
            except (Gen3DError, OSError) as error:
                self._outbox.send(protocol.Error(request.id, _one_line(error), traceback.format_exc()))
            except ImportError as error:
                message = f"the worker lacks a library ({_one_line(error)}): install it again"
                self._outbox.send(protocol.Error(request.id, message, traceback.format_exc()))
            except MemoryError:
                message = "not enough memory for this: try a lower resolution"
                self._outbox.send(protocol.Error(request.id, message, traceback.format_exc()))
            except Exception as error:  # noqa: BLE001 - the process serves on, the failure belongs to this job's reply
                message = f"unexpected {type(error).__name__}: {_one_line(error)}"
                self._outbox.send(protocol.Error(request.id, message, traceback.format_exc()))

    def _do(self, request: protocol.Job) -> protocol.Reply:
        match request:
            case protocol.Generate():
                return self._generate(request)
            case protocol.Encode():
                return self._encode(request)
            case protocol.Thumbnails():
                return self._thumbnails(request)
            case protocol.Morph():
                return self._morph(request)
            case protocol.Models():
                return self._list(request)

    def _generate(self, request: protocol.Generate) -> protocol.Result:
        from gen3d_core.ingredients import codes_for

        progress = self._progress(request.id)
        progress(0.0, "loading")
        model = self._model(request.model)
        codes = codes_for(request, model)
        mesh = model.build(
            codes, request.resolution, truncation=request.truncation, floaters=request.floaters, progress=progress
        )
        progress(0.99, "sending")
        info = {"seed": request.seed, "truncation": _truncation(model, request)}
        return self._object(request, model, codes, mesh, info)

    def _encode(self, request: protocol.Encode) -> protocol.Result:
        import numpy as np

        from gen3d_core.encode import doubtful, encode
        from gen3d_core.pictures import array_framed

        progress = self._progress(request.id)
        progress(0.0, "loading")
        model = self._model(request.model)
        pictures = [array_framed(self._folder / name, FRAMED_SIDE) for name in request.pictures]
        found = encode(model, pictures, lambda fraction, stage: progress(0.5 * fraction, stage))
        mesh = model.build(
            found.codes,
            request.resolution,
            floaters=request.floaters,
            progress=lambda fraction, stage: progress(0.5 + 0.49 * fraction, stage),
        )
        progress(0.99, "sending")
        cameras = [
            {"azimuth": each.azimuth, "elevation": each.elevation, "overlap": each.overlap} for each in found.sightings
        ]
        info = {
            "truncation": model.manifest["truncation"],
            "confidence": found.confidence,
            "doubtful": doubtful(model, found),
            "cameras": cameras,
        }
        return self._object(request, model, found.codes, mesh, info, pictures=np.stack(pictures))

    def _object(
        self,
        request: protocol.Generate | protocol.Encode,
        model: Model,
        codes: Codes,
        mesh: Mesh,
        info: dict[str, Any],
        **arrays: Any,
    ) -> protocol.Result:
        """A mesh and what is known of it, with further arrays."""
        name = f"result-{request.id}.npz"
        _write_arrays(self._folder / name, vertices=mesh.vertices, faces=mesh.faces, colours=mesh.colours, **arrays)
        known = {
            **_identity(model),
            "shape_code": [float(value) for value in codes.shape],
            "appearance_code": [float(value) for value in codes.appearance],
            "positions": {each.name: each.value(codes) for each in model.directions},
            "resolution": request.resolution,
            "floaters": request.floaters,
            "vertices": len(mesh.vertices),
            "faces": len(mesh.faces),
        }
        return protocol.Result(request.id, name, {**known, **info})

    def _thumbnails(self, request: protocol.Thumbnails) -> protocol.Result:
        import numpy as np

        from gen3d_core.preview import front

        progress = self._progress(request.id)
        progress(0.0, "loading")
        model = self._model(request.model)
        pictures = []
        for done, seed in enumerate(request.seeds):
            progress(done / len(request.seeds), "drawing")
            mesh = model.sample(seed, THUMBNAIL_RESOLUTION, truncation=request.truncation)
            pictures.append(front(mesh, request.size))
        name = f"result-{request.id}.npz"
        _write_arrays(self._folder / name, pictures=np.stack(pictures))
        info = {
            "model": model.name,
            "model_hash": model.hash,
            "seeds": request.seeds,
            "truncation": _truncation(model, request),
        }
        return protocol.Result(request.id, name, info)

    def _morph(self, request: protocol.Morph) -> protocol.Result:
        import dataclasses

        import numpy as np

        from gen3d_core.ingredients import codes_for
        from gen3d_core.interpolate import interpolate
        from gen3d_core.paths import Path as CodePath

        progress = self._progress(request.id)
        progress(0.0, "loading")
        model = self._model(request.model)
        made = interpolate(
            model,
            CodePath(tuple(codes_for(key, model) for key in request.objects()), request.path, request.closed),
            request.steps,
            request.resolution,
            kind=request.kind,
            timing=request.timing,
            truncation=request.truncation,
            base=request.base,
            after_change=request.after_change,
            progress=lambda fraction, stage: progress(0.99 * fraction, stage),
        )
        progress(0.99, "sending")
        arrays = {
            "shape_codes": np.stack([codes.shape for codes in made.codes]),
            "appearance_codes": np.stack([codes.appearance for codes in made.codes]),
        }
        segments = []
        for number, segment in enumerate(made.morph.segments):
            for name in ("faces", "vertices", "colours"):
                arrays[f"{name}_{number}"] = getattr(segment, name)
            count, vertices, _ = segment.vertices.shape
            segments.append({"first": segment.first, "steps": count, "vertices": vertices, "faces": len(segment.faces)})
        name = f"result-{request.id}.npz"
        _write_arrays(self._folder / name, **arrays)
        settings = ("resolution", "steps", "kind", "path", "closed", "timing", "base", "after_change")
        info = {
            **_identity(model),
            "truncation": _truncation(model, request),
            **{name: getattr(request, name) for name in settings},
            "times": made.times.tolist(),
            "segments": segments,
            "reports": [dataclasses.asdict(report) for report in made.morph.reports],
            "changes": list(made.morph.changes),
        }
        return protocol.Result(request.id, name, info)

    def _list(self, request: protocol.Models) -> protocol.ModelList:
        from gen3d_core.sampler import models_at, shipped_models

        entries = [self._described(path) for path in shipped_models()]
        for place in map(Path, request.places):
            try:
                entries += [self._described(path) for path in models_at(place)]
            except (Gen3DError, OSError) as error:
                entries.append({"name": place.stem, "category": "", "file": str(place), "error": _one_line(error)})
        return protocol.ModelList(request.id, entries)

    def _described(self, path: Path) -> dict[str, Any]:
        """What is known of a model file, its preview laid into the client's folder."""
        from gen3d_core.sampler import describe, preview_of

        entry = describe(path)
        if "error" in entry:
            return entry
        name = f"preview-{entry['hash'][:16]}.png"
        picture = preview_of(path)
        if picture is not None and not (self._folder / name).exists():
            with replacing(self._folder / name) as file:
                file.write(picture)
        return {**entry, "preview": name if picture is not None else ""}

    def _model(self, name: str) -> Model:
        from gen3d_core.sampler import find, load

        path = find(name)
        try:
            stat = path.stat()
            key = (path, stat.st_mtime_ns, stat.st_size)
        except OSError:
            return load(path, self._threads)  # says in one line what is wrong with the path
        if key not in self._models:
            self._models[key] = load(path, self._threads)
            while len(self._models) > KEPT_MODELS:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]

    def _progress(self, id: int) -> Progress:
        last_time, last_stage = 0.0, ""

        def report(fraction: float, stage: str) -> None:
            nonlocal last_time, last_stage
            if self._inbox.unwanted():
                raise JobCancelled
            now = time.monotonic()
            if stage != last_stage or now - last_time >= PROGRESS_SECONDS:
                last_time, last_stage = now, stage
                self._outbox.send(protocol.Progress(id, min(max(float(fraction), 0.0), 1.0), stage))

        return report


def main(arguments: list[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="gen3d_core.worker", description="Make meshes for a client over stdin and stdout."
    )
    parser.add_argument(
        "--folder",
        type=Path,
        required=True,
        help="private folder for the arrays, made by the client; deleted at the end",
    )
    parser.add_argument(
        "--threads", type=int, default=None, help="processor threads (default: the processors, at most 4)"
    )
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        sys.stderr.write(f"gen3d worker: {options.folder} is not a folder\n")
        return 2
    requests, replies = claim_streams()
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C in the client's terminal reaches us too; its closing pipe ends us
    inbox, outbox = Inbox(), Outbox(replies)
    outbox.send(protocol.Hello(protocol.PROTOCOL_VERSION, __version__, sys.version.split()[0]))

    def leave() -> None:
        # A client that was killed deletes nothing any more.
        os.chdir(tempfile.gettempdir())  # Windows keeps the folder that a process is in
        shutil.rmtree(options.folder, ignore_errors=True)

    Reader(requests, inbox, outbox, leave).start()
    Worker(options.folder, inbox, outbox, options.threads).serve()
    leave()
    return 0


def _truncation(model: Model, request: protocol.Generate | protocol.Thumbnails | protocol.Morph) -> float:
    """What was asked for, or the model's own."""
    return model.manifest["truncation"] if request.truncation is None else request.truncation


def _identity(model: Model) -> dict[str, Any]:
    """Which model made something, as every object remembers it."""
    return {
        "model": model.name,
        "model_file": str(model.path),
        "model_hash": model.hash,
        "category": model.manifest["category"],
        "version": __version__,
    }


def _write_arrays(path: Path, **arrays: Any) -> None:
    import numpy as np

    with replacing(path) as file:
        np.savez(file, **arrays)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
