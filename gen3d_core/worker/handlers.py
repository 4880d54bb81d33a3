"""What the worker is asked for, done: from a request to its reply, with large arrays left in the client's folder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gen3d_core import protocol
from gen3d_core.files import replacing
from gen3d_core.version import __version__

if TYPE_CHECKING:
    import numpy as np

    from gen3d_core.codes.codes import Codes
    from gen3d_core.inversion.pose_search import CameraPose
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
                from gen3d_core.worker.listing import list_models

                return list_models(request, self._folder)

    def _generate(self, request: protocol.Generate, progress: OnProgress) -> protocol.MeshResult:
        from gen3d_core.worker.recipe import codes_for

        progress(0.0, "loading")
        model = self._model(request.model)
        codes = codes_for(request.recipe, model)
        mesh = model.build(
            codes, request.resolution, truncation=request.truncation, floaters=request.floaters, progress=progress
        )
        progress(0.99, "sending")
        return protocol.MeshResult(
            request.id,
            self._write(request, **vars(mesh)),
            _identity(model),
            __version__,
            _truncation(model, request),
            _summary(request, model, codes, mesh),
            request.recipe.seed,
        )

    def _encode(self, request: protocol.Encode, progress: OnProgress) -> protocol.EncodedResult:
        import numpy as np

        from gen3d_core.inversion.encode import encode, is_doubtful
        from gen3d_core.pictures.framing import read_framed_array

        progress(0.0, "loading")
        model = self._model(request.model)
        pictures = [read_framed_array(self._folder / name, FRAMED_SIDE) for name in request.pictures]
        found = encode(model, pictures, lambda fraction, stage: progress(0.5 * fraction, stage))
        mesh = model.surface(
            found.codes,
            request.resolution,
            floaters=request.floaters,
            progress=lambda fraction, stage: progress(0.5 + 0.49 * fraction, stage),
        )
        progress(0.99, "sending")
        return protocol.EncodedResult(
            request.id,
            self._write(request, **vars(mesh.normalised()), pictures=np.stack(pictures)),
            _identity(model),
            __version__,
            model.manifest["truncation"],
            _summary(request, model, found.codes, mesh),
            found.confidence,
            is_doubtful(model, found),
            [_camera(mesh, each, model.cameras.distance) for each in found.cameras],
        )

    def _thumbnails(self, request: protocol.Thumbnails, progress: OnProgress) -> protocol.ThumbnailsResult:
        import numpy as np

        from gen3d_core.pictures.preview import front_view
        from gen3d_core.worker.recipe import codes_for

        progress(0.0, "loading")
        model = self._model(request.model)
        pictures = []
        for done, recipe in enumerate(request.recipes):
            progress(done / len(request.recipes), "drawing")
            mesh = model.build(codes_for(recipe, model), THUMBNAIL_RESOLUTION, truncation=request.truncation)
            pictures.append(front_view(mesh, request.size))
        name = self._write(request, pictures=np.stack(pictures))
        return protocol.ThumbnailsResult(request.id, name, _identity(model), __version__, _truncation(model, request))

    def _morph(self, request: protocol.Morph, progress: OnProgress) -> protocol.MorphResult:
        import numpy as np

        from gen3d_core.codes.path import Path as CodePath
        from gen3d_core.morphing.interpolate import interpolate
        from gen3d_core.worker.recipe import codes_for

        progress(0.0, "loading")
        model, settings = self._model(request.model), request.settings
        made = interpolate(
            model,
            CodePath(tuple(codes_for(key, model) for key in request.keys), settings.path, settings.closed),
            settings.steps,
            settings.resolution,
            kind=settings.kind,
            timing=settings.timing,
            truncation=request.truncation,
            base=settings.base,
            after_change=settings.after_change,
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
            segments.append(protocol.MorphSegment(segment.first, count, vertices, len(segment.faces)))
        return protocol.MorphResult(
            request.id,
            self._write(request, **arrays),
            _identity(model),
            __version__,
            _truncation(model, request),
            settings,
            made.times.tolist(),
            segments,
            [protocol.StepReport(**vars(report)) for report in made.morph.reports],
            list(made.morph.changes),
        )

    def _write(self, request: protocol.Job, **arrays: np.ndarray) -> str:
        """Leave a job's arrays in the client's folder. Returns the file's name there."""
        import numpy as np

        name = f"result-{request.id}.npz"
        with replacing(self._folder / name) as file:
            np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]
        return name

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


def _camera(mesh: Mesh, found: CameraPose, distance: float) -> protocol.Camera:
    """Where a picture of a mesh in the canonical frame was taken from, and that camera's view where the mesh is
    normalised."""
    from gen3d_core.pictures.pinhole import framed_view

    view = framed_view(mesh.vertices, found.azimuth, found.elevation, distance).placed(mesh.base(), mesh.longest_side())
    return protocol.Camera(
        found.azimuth, found.elevation, found.overlap, view.matrix.tolist(), view.half, view.shift.tolist()
    )


def _truncation(model: Model, request: protocol.Generate | protocol.Thumbnails | protocol.Morph) -> float:
    """What was asked for, or the model's own."""
    return model.manifest["truncation"] if request.truncation is None else request.truncation


def _identity(model: Model) -> protocol.ModelIdentity:
    """Which model made something, as every object remembers it."""
    return protocol.ModelIdentity(model.name, str(model.path), model.hash, model.manifest["category"], model.identity)


def _summary(
    request: protocol.Generate | protocol.Encode, model: Model, codes: Codes, mesh: Mesh
) -> protocol.ObjectSummary:
    """What is known of the object of these codes."""
    return protocol.ObjectSummary(
        shape_code=[float(value) for value in codes.shape],
        appearance_code=[float(value) for value in codes.appearance],
        positions={each.name: each.value(codes) for each in model.directions},
        resolution=request.resolution,
        floaters=request.floaters,
        vertices=len(mesh.vertices),
        faces=len(mesh.faces),
    )
