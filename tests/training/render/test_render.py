"""Rendering data sets with Blender: colours, light, cameras and axes as geometry predicts them; and its failures.

One file because all is one command.
"""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image
from trimesh.visual import ColorVisuals, TextureVisuals
from trimesh.visual.material import PBRMaterial

from gen3d_core.pictures.pinhole import camera_to_world
from training.data.attribution import credit
from training.data.dataset import PictureDataset, load_dataset
from training.data.staging import DatasetError
from training.render import blender_farm
from training.render.blender_farm import RenderModel, RenderView, blender_command, render_models
from training.render.dataset import LIGHT, render

FOV = np.radians(30)
RED, BLUE = (220, 40, 40), (40, 60, 220)


def blender_is_there() -> bool:
    try:
        return bool(blender_command())
    except DatasetError:
        return False


needs_blender = pytest.mark.skipif(not blender_is_there(), reason="neither Blender nor the bpy module is installed")


def two_boxes() -> trimesh.Trimesh:
    """2 x 1 x 0.5 with a red front half (+X) and a blue rear half, Z up, off centre."""
    halves = []
    for x, colour in ((0.5, RED), (-0.5, BLUE)):
        half = trimesh.creation.box((1, 1, 0.5))
        half.apply_translation((x + 3, 2, 1))
        half.visual = ColorVisuals(half, vertex_colors=np.tile((*colour, 255), (len(half.vertices), 1)))
        halves.append(half)
    joined = trimesh.util.concatenate(halves)
    assert isinstance(joined, trimesh.Trimesh)
    return joined


def y_up(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The same object as glTF and OBJ hold it: Y up, front +Z."""
    turned = mesh.copy()
    turned.vertices = mesh.vertices[:, [1, 2, 0]]
    return turned


def project(points: np.ndarray, azimuth: float, elevation: float, size: int) -> np.ndarray:
    """Pixel coordinates (N,2) of points (N,3), column then row."""
    local = (points - camera_to_world(azimuth, elevation, 4.0)[:3, 3]) @ camera_to_world(azimuth, elevation, 4.0)[
        :3, :3
    ]
    ndc = local[:, :2] / -local[:, 2:] / np.tan(FOV / 2)
    return np.stack([(ndc[:, 0] + 1) / 2 * size, (1 - ndc[:, 1]) / 2 * size], 1)


def linear(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def encoded(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * np.maximum(value, 1e-9) ** (1 / 2.4) - 0.055)


def shade(normal: tuple[float, float, float]) -> float:
    lamps = sum(lamp["strength"] * max(0.0, float(np.dot(normal, lamp["direction"]))) for lamp in LIGHT["lamps"])
    return min(1.0, LIGHT["ambient"] + lamps)


def angles(dataset: PictureDataset) -> tuple[np.ndarray, np.ndarray]:
    assert dataset.azimuth is not None and dataset.elevation is not None
    return dataset.azimuth, dataset.elevation


def test_the_light_tells_every_side_of_a_box_apart_and_is_symmetric() -> None:
    sides = {name: float(encoded(np.array(shade(n)))) for name, n in {
        "top": (0, 0, 1), "front": (1, 0, 0), "back": (-1, 0, 0), "left": (0, 1, 0)}.items()}  # fmt: skip
    values = sorted(sides.values())
    assert min(b - a for a, b in zip(values, values[1:], strict=False)) > 0.08
    assert all(lamp["direction"][1] == 0 for lamp in LIGHT["lamps"])
    assert shade((0, 1, 0)) == shade((0, -1, 0))


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> PictureDataset:
    """The same two-coloured box from every kind of file, three views each, and one file that is no mesh."""
    source = tmp_path_factory.mktemp("boxes")
    mesh = two_boxes()
    for suffix in ("ply", "off", "stl"):
        mesh.export(source / f"box_{suffix}.{suffix}")
    for suffix in ("glb", "obj"):
        y_up(mesh).export(source / f"box_{suffix}.{suffix}")
    (source / "broken.glb").write_bytes(b"glTF but not really")
    (source / "manifest.json").write_text(json.dumps([{"licence": "CC0-1.0"}, {"licence": "CC-BY-3.0"}]))
    out = tmp_path_factory.mktemp("out") / "dataset"
    render(str(source), out, views=3, size=32, seed=5)
    return load_dataset(out)


@needs_blender
def test_every_format_comes_in_upright_with_its_front_at_x(boxes: PictureDataset) -> None:
    assert boxes.pictures.shape == (15, 32, 32, 4) and not boxes.mirror
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-0.5, 0.5) for z in (-0.25, 0.25)])
    corners *= 0.95 / np.linalg.norm(corners[0])
    for picture, azimuth, elevation in zip(boxes.pictures, *angles(boxes), strict=True):
        expected = project(corners, azimuth, elevation, 32)
        rows, columns = np.nonzero(picture[..., 3] > 0)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(seen - np.concatenate([expected.min(0), expected.max(0)])).max() < 1.2
        pixels = picture.astype(int)
        solid = picture[..., 3] == 255
        if np.ptp(pixels[..., :3], axis=-1)[solid].max() < 5:
            continue  # STL holds no colours
        centres = project(np.array([(0.4, 0, 0), (-0.4, 0, 0)]), azimuth, elevation, 32)
        red, blue = (np.argwhere(solid & mask)[:, ::-1].mean(0) if (solid & mask).any() else None for mask in (
            pixels[..., 0] > pixels[..., 2], pixels[..., 2] > pixels[..., 0]))  # fmt: skip
        if red is not None and blue is not None:
            assert np.dot(red - blue, centres[0] - centres[1]) > 0, "front and rear are exchanged"


@needs_blender
def test_pictures_hold_base_colour_times_shade(boxes: PictureDataset) -> None:
    """Nothing else, no noise and no shadow; the PLY's pictures are looked at."""
    for first, channel, base in ((RED, 0, np.array(RED)), (BLUE, 2, np.array(BLUE))):
        allowed = [np.rint(255 * encoded(linear(base / 255) * shade(n))) for n in
                   ((0, 0, 1), (1, 0, 0), (-1, 0, 0), (0, 1, 0))]  # fmt: skip
        ply = boxes.pictures[9:12].reshape(-1, 4).astype(int)
        pixels = ply[(ply[:, 3] == 255) & (ply[:, channel] == ply[:, :3].max(1))][:, :3]
        exact = np.min([np.abs(pixels - colour).max(1) for colour in allowed], axis=0) <= 2
        assert len(pixels) > 20 and exact.mean() > 0.8, f"{first}: only pixels on an inner edge may mix two faces"


def test_models_that_were_used_are_credited_by_author_and_origin(tmp_path: Path) -> None:
    def entry(name: str, author: str, licence: str) -> dict[str, str]:
        return {"file": name, "author": author, "licence": licence, "source_repo": "a/b", "source_commit": "12ab"}

    manifest = [entry("kit/van.glb", "Ann", "CC0-1.0"), entry("kit/bus.glb", "Ann", "CC0-1.0"),
                entry("car.obj", "Bob", "CC-BY-3.0"), entry("unused.obj", "Cy", "MIT"), "nonsense"]  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    used = [tmp_path / "kit" / "van.glb", tmp_path / "kit" / "bus.glb", tmp_path / "car.obj"]
    assert credit(tmp_path, used) == (
        "CC-BY-3.0, CC0-1.0",
        ["Ann, CC0-1.0, a/b@12ab: bus, van", "Bob, CC-BY-3.0, a/b@12ab: car"],
    )
    (tmp_path / "manifest.json").write_text("[{")
    assert credit(tmp_path, used) == ("not stated by the source", [])


@needs_blender
def test_unusable_models_are_named_and_licences_listed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = tmp_path / "props"
    source.mkdir()
    two_boxes().export(source / "good.ply")
    (source / "broken.glb").write_bytes(b"glTF but not really")
    (source / "bad.off").write_text("OFF\nnonsense\n")
    (source / "manifest.json").write_text(json.dumps([{"licence": "CC0-1.0"}, {"licence": "CC-BY-3.0"}]))
    with caplog.at_level(logging.WARNING):
        render(str(source), tmp_path / "out", views=2, size=16)
    about = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert set(about["skipped_models"]) == {"broken.glb", "bad.off"} and about["pictures"] == 2
    assert "skipped broken.glb" in caplog.text and "skipped bad.off" in caplog.text
    assert about["licence"] == "CC-BY-3.0, CC0-1.0" and about["source"] == "props"
    assert str(tmp_path) not in (tmp_path / "out" / "dataset.json").read_text()
    assert str(tmp_path) not in (tmp_path / "out" / "transforms.json").read_text()


@needs_blender
def test_nothing_usable_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.glb").write_bytes(b"glTF but not really")
    with pytest.raises(DatasetError, match="none of the 1 models.*broken.glb") as error:
        render(str(tmp_path / "in"), tmp_path / "out")
    assert "\n" not in str(error.value) and [p.name for p in tmp_path.iterdir()] == ["in"]


@needs_blender
def test_a_procedural_family_comes_with_its_meshes(tmp_path: Path) -> None:
    out = tmp_path / "chairs"
    render("procedural:chairs", out, views=1, size=32, count=3, heldout=2, seed=1)
    dataset = load_dataset(out)
    assert dataset.pictures.shape == (3, 32, 32, 4)
    assert dataset.mirror and dataset.category == "chairs" and dataset.source == "procedural:chairs"
    for picture, azimuth, elevation, path in zip(
        dataset.pictures, *angles(dataset), sorted((out / "meshes" / "train").iterdir()), strict=True
    ):
        mesh = trimesh.load(path, process=False)
        assert isinstance(mesh, trimesh.Trimesh) and mesh.volume > 0 and getattr(mesh.visual, "kind", None) == "vertex"
        assert np.linalg.norm(mesh.vertices, axis=1).max() == pytest.approx(0.95, abs=1e-5)
        expected = project(np.asarray(mesh.vertices), azimuth, elevation, 32)
        rows, columns = np.nonzero(picture[..., 3] > 0)
        seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(seen - np.concatenate([expected.min(0), expected.max(0)])).max() < 1.2
    held = sorted((out / "meshes" / "heldout").iterdir())
    assert [p.name for p in held] == ["000000.ply", "000001.ply"]
    assert not {p.read_bytes() for p in held} & {p.read_bytes() for p in (out / "meshes" / "train").iterdir()}


def test_mistakes_are_told_before_any_work(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    cases: list[tuple[str, dict[str, Any], str]] = [
        (str(tmp_path / "nowhere"), {}, "does not exist"),
        (str(empty), {}, "holds no mesh"),
        ("procedural:boats", {}, "'boats': there are chairs, cars"),
        ("procedural:chairs", {"size": 1}, "--size is 1"),
        ("procedural:chairs", {"count": 0}, "--count is 0"),
        (str(empty), {"views": 0}, "--views is 0"),
        ("procedural:chairs", {"blender": tmp_path / "no_blender"}, "no Blender program"),
        ("procedural:chairs", {"count": 1_000_000, "size": 1024}, "not enough space"),
    ]
    for source, changes, words in cases:
        with pytest.raises(DatasetError, match=words) as error:
            render(source, tmp_path / "out", **changes)
        assert "\n" not in str(error.value) and [p.name for p in tmp_path.iterdir()] == ["empty"]


# A stand-in that speaks the renderer's lines, to let a process die at will: dies on every second picture it is given
# until it has been started `deaths` times, and always on a model called "deadly".
FRAGILE = """
import json, pathlib, sys, os
job = json.loads(pathlib.Path(sys.argv[sys.argv.index("--") + 1]).read_text())
here = pathlib.Path(job["folder"])
starts = here / f"starts_{os.getpid()}"
starts.touch()
young = len(list(here.glob("starts_*"))) <= job["size"]
done = 0
for model in job["models"]:
    for picture in model["pictures"]:
        if "deadly" in model["file"] or (young and done == 1):
            print("about to crash", flush=True)
            os._exit(11)
        print("noise from Blender")
        print("GEN3D picture " + picture["name"], flush=True)
        done += 1
print("GEN3D done", flush=True)
"""


def run_fragile(folder: Path, files: list[str], deaths: int) -> tuple[blender_farm.Outcome, int]:
    script = folder / "fragile.py"
    script.write_text(FRAGILE)
    models = [RenderModel(file, tuple(RenderView(f"{file}_{i}.png", []) for i in range(3))) for file in files]
    counted = []
    outcome = render_models(
        models,
        {"folder": str(folder), "size": deaths},
        [sys.executable, str(script)],
        lambda: counted.append(1),
        folder,
        1,
    )
    return outcome, len(counted)


def test_a_process_that_dies_is_started_again_for_what_it_left(tmp_path: Path) -> None:
    outcome, counted = run_fragile(tmp_path, ["a", "b"], deaths=1)
    assert len(outcome.pictures) == 6 == counted and outcome.skipped == {}
    assert len(list(tmp_path.glob("starts_*"))) == 2


def test_a_model_on_which_it_dies_twice_is_skipped(tmp_path: Path) -> None:
    outcome, counted = run_fragile(tmp_path, ["a", "deadly", "b"], deaths=0)
    assert len(outcome.pictures) == 6 == counted
    assert list(outcome.skipped) == ["deadly"] and "exit status 11; about to crash" in outcome.skipped["deadly"]


def test_a_program_that_never_renders_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="without rendering anything.*about to crash") as error:
        run_fragile(tmp_path, ["deadly", "b"], deaths=0)
    assert "\n" not in str(error.value)


def test_a_process_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blender_farm, "SILENCE_LIMIT", 0.5)
    script = tmp_path / "hang.py"
    script.write_text("import time\ntime.sleep(60)\n")
    models = [RenderModel("a", (RenderView("a.png", []),))]
    with pytest.raises(DatasetError, match="no picture for"):
        render_models(models, {"folder": str(tmp_path)}, [sys.executable, str(script)], lambda: None, tmp_path, 1)


@pytest.mark.parametrize("line", ["Fra:1 Mem:50M", "GEN3D skip {broken", "GEN3D ", ""], ids=str)
def test_a_process_that_talks_and_renders_nothing_is_ended(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blender_farm, "SILENCE_LIMIT", 0.5)
    script = tmp_path / "chatty.py"
    script.write_text(f"import time\nwhile True:\n    print({line!r}, flush=True)\n    time.sleep(0.01)\n")
    models = [RenderModel("a", (RenderView("a.png", []),))]
    with pytest.raises(DatasetError, match="no picture for 0.5 seconds"):
        render_models(models, {"folder": str(tmp_path)}, [sys.executable, str(script)], lambda: None, tmp_path, 1)


@needs_blender
def test_what_the_user_s_python_is_told_to_write_in_does_not_reach_the_renderer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-16")
    two_boxes().export(tmp_path / "box.ply")
    render(str(tmp_path / "box.ply"), tmp_path / "set", views=2, size=16)
    assert len(load_dataset(tmp_path / "set").pictures) == 2


@needs_blender
def test_a_picture_that_cannot_be_written_ends_the_rendering(tmp_path: Path) -> None:
    two_boxes().export(tmp_path / "box.ply")
    (tmp_path / "images" / "a.png").mkdir(parents=True)
    settings = {"folder": str(tmp_path / "images"), "size": 8, "samples": 1, "radius": 0.95, "fov": FOV, "light": LIGHT,
                "leave_out": []}  # fmt: skip
    models = [RenderModel(str(tmp_path / "box.ply"), (RenderView("a.png", camera_to_world(0, 0.3, 4).tolist()),))]
    with pytest.raises(DatasetError, match="a.png"):
        render_models(models, settings, blender_command(), lambda: None, tmp_path, 1)


@needs_blender
def test_textures_and_base_colours_are_kept(tmp_path: Path) -> None:
    """A textured and a plainly coloured GLB show exactly their colour times the shade of each face."""
    source = tmp_path / "in"
    source.mkdir()
    colour = np.array((180, 90, 30))
    box = trimesh.creation.box((1, 1, 1))
    picture = Image.new("RGB", (4, 4), tuple(colour.tolist()))
    material = PBRMaterial(baseColorTexture=picture, metallicFactor=0.0)
    box.visual = TextureVisuals(uv=box.vertices[:, :2], material=material)
    box.export(source / "textured.glb")
    plain = trimesh.creation.box((1, 1, 1))
    factor = [*linear(colour / 255).tolist(), 1.0]
    plain.visual = TextureVisuals(material=PBRMaterial(baseColorFactor=factor))
    plain.export(source / "plain.glb")
    render(str(source), tmp_path / "out", views=2, size=24)
    allowed = [
        np.rint(255 * encoded(linear(colour / 255) * shade(n))) for n in ((0, 0, 1), (1, 0, 0), (-1, 0, 0), (0, 1, 0))
    ]
    for image in load_dataset(tmp_path / "out").pictures:
        pixels = image[image[..., 3] == 255][:, :3].astype(int)
        exact = np.min([np.abs(pixels - a).max(1) for a in allowed], axis=0) <= 3
        assert exact.mean() > 0.8
