"""The worker and files from strangers: one bad file is one entry, and a cancel ends a graph that runs."""

import json
import zipfile
from pathlib import Path

import pytest

from gen3d_core.progress import ignore_progress
from gen3d_core.protocol import MAX_LINE, BrokenModel, Generate, MeshResult, ModelEntry, ModelList, Models, Recipe
from gen3d_core.worker import listing, process
from gen3d_core.worker.handlers import Jobs
from gen3d_core.worker.pipe import Inbox
from tests.analytic import write_ellipsoid_model


def listed(place: Path, folder: Path) -> tuple[dict[str, ModelEntry], dict[str, BrokenModel]]:
    """Models and broken ones of a folder, by the stems of their files."""
    folder.mkdir(exist_ok=True)
    reply = Jobs(folder).do(Models(1, [str(place)]), ignore_progress)
    assert isinstance(reply, ModelList) and len(reply.line()) <= MAX_LINE
    models = {Path(entry.file).stem: entry for entry in reply.models if Path(entry.file).parent == place}
    return models, {Path(entry.file).stem: entry for entry in reply.broken}


def with_preview(path: Path, data: bytes) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("preview.png", data)


def test_one_bad_file_is_an_error_of_its_own(tmp_path: Path):
    place = tmp_path / "models"
    place.mkdir()
    write_ellipsoid_model(place / "good.gen3d")
    with_preview(write_ellipsoid_model(place / "text.gen3d"), b"no picture")
    with_preview(write_ellipsoid_model(place / "flipped.gen3d"), b"a" * 1000)
    data = (place / "flipped.gen3d").read_bytes()
    (place / "flipped.gen3d").write_bytes(data.replace(b"a" * 1000, b"a" * 999 + b"b"))
    long = write_ellipsoid_model(place / "long.gen3d", category="short")
    manifest = {"category": "x" * 3_000_000}
    with zipfile.ZipFile(long) as old, zipfile.ZipFile(place / "longer.gen3d", "w") as new:
        for name in old.namelist():
            text = old.read(name)
            new.writestr(name, json.dumps({**json.loads(text), **manifest}) if name == "model.json" else text)
    models, broken = listed(place, tmp_path / "private")
    assert set(models) == {"good", "long"} and set(broken) == {"text", "flipped", "longer"}
    assert models["good"].identity == models["long"].identity and models["good"].hash
    assert "preview" in broken["text"].error and "category" in broken["longer"].error


def test_more_models_than_one_line_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listing, "ROOM", 15_000)
    place = tmp_path / "models"
    place.mkdir()
    for number in range(30):
        write_ellipsoid_model(place / f"m{number:02d}.gen3d", attribution=["x" * 1000])
    models, broken = listed(place, tmp_path / "private")
    (left,) = broken.values()
    assert 3 < len(models) < 30 and left.error.startswith(f"{30 - len(models)} more models have no room")


def test_a_cancel_is_seen_while_a_graph_runs(tmp_path: Path):
    """No progress is reported inside of one box of the lattice, which takes seconds here."""
    path = write_ellipsoid_model(tmp_path / "slow.gen3d", work=200)
    inbox = Inbox()
    request = Generate(1, str(path), Recipe(1), 16)
    inbox.put(request)
    inbox.take()
    seen = []

    def on_wait() -> None:
        seen.append(1)
        inbox.cancel(1)
        process._check_wanted(inbox)

    with pytest.raises(process.JobCancelled):
        Jobs(tmp_path, 1, on_wait).do(request, ignore_progress)
    assert len(seen) == 1


def test_what_made_an_object_is_told(ellipsoids: Path, tmp_path: Path):
    reply = Jobs(tmp_path).do(Generate(1, str(ellipsoids), Recipe(1), 16), ignore_progress)
    assert isinstance(reply, MeshResult)
    assert len(reply.model.identity) == len(reply.model.hash) == 64
    assert reply.model.identity != reply.model.hash
