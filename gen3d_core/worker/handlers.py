"""What the worker is asked for, done: from a request to its reply, with large arrays left in the client's folder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gen3d_core import protocol
from gen3d_core.files import replacing
from gen3d_core.version import __version__

if TYPE_CHECKING:
    from gen3d_core.codes.codes import Codes
    from gen3d_core.mesh.mesh import Mesh
    from gen3d_core.model.model import Model
    from gen3d_core.progress import OnProgress

KEPT_MODELS = 3
FRAMED_SIDE = 512
"""Pixels along a side of framed pictures that go back to the client."""
THUMBNAIL_RESOLUTION = 64


class Jobs:
    """Does requests for a client whose private folder `folder` is; the models used last stay loaded. `on_wait` is
    called now and then while a graph runs; what it raises ends the run."""

    def __init__(self, folder: Path, threads: int | None = None, on_wait: Callable[[], None] = lambda: None) -> None:
        self._folder, self._threads, self._on_wait = folder, threads, on_wait
        self._models: OrderedDict[tuple[Path, int, int], Model] = OrderedDict()

    def do(self, request: protocol.Job, progress: OnProgress) -> protocol.Reply:
        """The reply to a request. Whatever `progress` raises stops it."""
        match request:
            case protocol.Generate():
                return self._generate(request, progress)
            case protocol.Encode():
                return self._encode(request, progress)
            case protocol.Thumbnails():
                return self._thumbnails(request, progress)
            case protocol.Morph():
                return self._morph(request, progress)
            case protocol.Models():
                return self._list(request)

    def _generate(self, request: protocol.Generate, progress: OnProgress) -> protocol.Result:
        from gen3d_core.worker.recipe import codes_for

        progress(0.0, "loading")
        model = self._model(request.model)
        codes = codes_for(request, model)
        mesh = model.build(
            codes, request.resolution, truncation=request.truncation, floaters=request.floaters, progress=progress
        )
        progress(0.99, "sending")
        info = {"seed": request.seed, "truncation": _truncation(model, request)}
        return self._object(request, model, codes, mesh, info)

    def _encode(self, request: protocol.Encode, progress: OnProgress) -> protocol.Result:
        import numpy as np

        from gen3d_core.inversion.encode import encode, is_doubtful
        from gen3d_core.pictures.framing import read_framed_array

        progress(0.0, "loading")
        model = self._model(request.model)
        pictures = [read_framed_array(self._folder / name, FRAMED_SIDE) for name in request.pictures]
        found = encode(model, pictures, lambda fraction, stage: progress(0.5 * fraction, stage))
        mesh = model.build(
            found.codes,
            request.resolution,
            floaters=request.floaters,
            progress=lambda fraction, stage: progress(0.5 + 0.49 * fraction, stage),
        )
        progress(0.99, "sending")
        cameras = [
            {"azimuth": each.azimuth, "elevation": each.elevation, "overlap": each.overlap} for each in found.cameras
        ]
        info = {
            "truncation": model.manifest["truncation"],
            "confidence": found.confidence,
            "doubtful": is_doubtful(model, found),
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

    def _thumbnails(self, request: protocol.Thumbnails, progress: OnProgress) -> protocol.Result:
        import numpy as np

        from gen3d_core.pictures.preview import front_view

        progress(0.0, "loading")
        model = self._model(request.model)
        pictures = []
        for done, seed in enumerate(request.seeds):
            progress(done / len(request.seeds), "drawing")
            mesh = model.sample(seed, THUMBNAIL_RESOLUTION, truncation=request.truncation)
            pictures.append(front_view(mesh, request.size))
        name = f"result-{request.id}.npz"
        _write_arrays(self._folder / name, pictures=np.stack(pictures))
        info = {
            "model": model.name,
            "model_hash": model.hash,
            "seeds": request.seeds,
            "truncation": _truncation(model, request),
        }
        return protocol.Result(request.id, name, info)

    def _morph(self, request: protocol.Morph, progress: OnProgress) -> protocol.Result:
        import dataclasses

        import numpy as np

        from gen3d_core.codes.path import Path as CodePath
        from gen3d_core.morphing.interpolate import interpolate
        from gen3d_core.worker.recipe import codes_for

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
        from gen3d_core.worker.model_list import list_models

        return protocol.ModelList(request.id, list_models(request.places, self._folder))

    def _model(self, name: str) -> Model:
        from gen3d_core.model.model import find, load

        path = find(name)
        try:
            stat = path.stat()
            key = (path, stat.st_mtime_ns, stat.st_size)
        except OSError:
            return load(path, self._threads, self._on_wait)  # says in one line what is wrong with the path
        if key not in self._models:
            self._models[key] = load(path, self._threads, self._on_wait)
            while len(self._models) > KEPT_MODELS:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]


def _truncation(model: Model, request: protocol.Generate | protocol.Thumbnails | protocol.Morph) -> float:
    """What was asked for, or the model's own."""
    return model.manifest["truncation"] if request.truncation is None else request.truncation


def _identity(model: Model) -> dict[str, Any]:
    """Which model made something, as every object remembers it."""
    return {
        "model": model.name,
        "model_file": str(model.path),
        "model_hash": model.hash,
        "model_identity": model.identity,
        "category": model.manifest["category"],
        "version": __version__,
    }


def _write_arrays(path: Path, **arrays: Any) -> None:
    import numpy as np

    with replacing(path) as file:
        np.savez(file, **arrays)
