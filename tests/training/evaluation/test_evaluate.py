"""`gen3d-train evaluate` on the shipped model: complete, repeatable, shown on a page that stands alone.

One file because all stands on one evaluation.
"""

import base64
import dataclasses
import io
import json
import logging
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import gen3d_core
from gen3d_core.errors import Gen3DError, OutputError
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.archive import read_model, write_model
from gen3d_core.model.model import find
from gen3d_core.weights.load import load_generator
from tests.tiny_run import one_thread, write_pictures
from tests.training.evaluation.page_tags import PageTags
from training.cli import main
from training.data import meshes as mesh_files
from training.data.meshes import RealMeshes, read_mesh, read_meshes, real_meshes
from training.evaluation.evaluate import evaluate
from training.evaluation.folder import write_together
from training.evaluation.page import number
from training.evaluation.results import STRIPS, Estimate, Evaluation, Row, read_evaluation, to_json
from training.evaluation.sampled import Sampled
from training.evaluation.score_codes import code_rows, colour_leak, silhouette_change
from training.evaluation.score_meshes import mesh_rows, set_rows
from training.evaluation.score_pictures import picture_rows
from training.procedural.family import make_shape

SMALL: dict[str, Any] = {"count": 6, "points": 64, "resolution": 24, "threads": 1}
FLAGS = ["--count", "6", "--points", "64", "--resolution", "24", "--threads", "1"]
CATEGORY = "chairs <b>& stools</b>"
pytestmark = pytest.mark.usefixtures("single_thread")


def write_meshes(folder: Path, first: int, count: int) -> Path:
    folder.mkdir(parents=True)
    for seed in range(first, first + count):
        make_shape("chairs", seed).save(folder / f"{seed}.ply")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 drawn pictures and the meshes of ten procedural chairs, in a category that a page has to escape."""
    folder = write_pictures(tmp_path_factory.mktemp("data") / "chairs", count=24, size=16)
    about = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({**about, "category": CATEGORY, "source": CATEGORY}))
    write_meshes(folder / "meshes" / "heldout", 0, 6)
    write_meshes(folder / "meshes" / "train", 6, 6)
    return folder


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one evaluation. Not to be written to."""
    folder = tmp_path_factory.mktemp("out") / "chairs"
    with one_thread():
        evaluate("chairs", data, folder, **SMALL)
    return folder


@pytest.fixture(scope="module")
def found(out: Path) -> Evaluation:
    return read_evaluation(out)


def by_key(rows: tuple[Row, ...] | list[Row]) -> dict[str, Row]:
    assert len({row.key for row in rows}) == len(rows)
    return {row.key: row for row in rows}


def test_every_measure_is_there_with_its_floor(found: Evaluation) -> None:
    rows = by_key(found.rows)
    with_floor = "pictures.swd.16 pictures.swd.8 pictures.density pictures.coverage set.mmd set.cov set.nna"
    for key in [*with_floor.split(), "meshes.roughness"]:
        assert rows[key].result is not None and rows[key].floor is not None, key
    for key in "missing watertight intersections components single".split():
        assert rows[f"meshes.{key}"].result is not None, key
    assert rows["pictures.fid"].result is None and "no Inception weights" in rows["pictures.fid"].note
    for row in found.rows:
        for estimate in (row.result, row.floor):
            if estimate is not None and estimate.low is not None and estimate.high is not None:
                assert estimate.low <= estimate.high and math.isfinite(estimate.value), row.key


def test_what_is_known_of_the_shipped_model_comes_out(found: Evaluation) -> None:
    """Its meshes are closed and whole, and its appearance codes cannot move its geometry."""
    rows = by_key(found.rows)
    moved = rows["codes.geometry"].result
    assert moved and moved.value < 1e-9  # a picture's place in its batch may change how sums are rounded
    assert rows["meshes.watertight"].result == Estimate(1.0) and rows["meshes.missing"].result == Estimate(0.0)
    manifest = gen3d_core.load("chairs").manifest
    assert found.options.truncation == manifest["truncation"]
    assert found.cost.pictures_shown == manifest["training"]["pictures_shown"]
    assert found.cost.parameters > 100_000 and found.cost.seconds_per_picture > 0
    assert any("the model's own" in remark for remark in found.remarks)
    assert any(f"the data show {CATEGORY}" in remark for remark in found.remarks)


def test_the_same_again_but_for_the_times(data: Path, out: Path, tmp_path: Path) -> None:
    evaluate("chairs", data, tmp_path, **SMALL)

    def timeless(folder: Path) -> Evaluation:
        result = read_evaluation(folder)
        cost = dataclasses.replace(result.cost, seconds_per_mesh=None, seconds_per_picture=0.0)
        return dataclasses.replace(result, cost=cost)

    assert timeless(tmp_path) == timeless(out)
    for name in (*STRIPS, "contact_sheet.png"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes(), name


def assert_stands_alone(page: str) -> None:
    parser = PageTags()
    parser.feed(page)
    assert "script" not in parser.tags and "link" not in parser.tags and "@import" not in page and "url(" not in page
    assert parser.addresses and all(each.startswith("data:image/png;base64,") for each in parser.addresses)


def test_the_page_stands_alone_and_escapes_what_strangers_wrote(out: Path) -> None:
    page = (out / "evaluation.html").read_text()
    assert_stands_alone(page)
    assert "<b>" not in page and "chairs &lt;b&gt;&amp; stools&lt;/b&gt;" in page


def test_pictures_of_the_folder_can_be_looked_at(out: Path) -> None:
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["evaluation.json", "evaluation.html", "contact_sheet.png", *STRIPS]
    )
    for name in (*STRIPS, "contact_sheet.png"):
        with Image.open(out / name) as image:
            assert min(image.size) >= 128 and np.ptp(np.asarray(image)) > 100, name


def test_a_data_set_without_meshes_is_measured_without_them(data: Path, tmp_path: Path) -> None:
    """Fewer pictures than asked for are halved for the floor; both are said."""
    bare = write_pictures(tmp_path / "bare", count=13, size=16)
    found = evaluate("chairs", bare, tmp_path / "out", **{**SMALL, "count": 7})
    keys = by_key(found.rows)
    assert not [key for key in keys if key.startswith("set.")] and keys["meshes.roughness"].floor is None
    assert found.options.pictures == 6 and found.data.references == 0
    assert any("no reference meshes" in remark for remark in found.remarks)
    assert any("13 pictures: 6 of each kind" in remark for remark in found.remarks)


def test_an_evaluation_reads_back_as_it_was_written(found: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "evaluation.json").write_bytes(to_json(found))
    assert read_evaluation(tmp_path) == found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: "{", "is not JSON"),
        (lambda text: "[]", "is not a Gen3D evaluation"),
        (lambda text: text.replace('"version": 1', '"version": 7', 1), "version 7"),
        (lambda text: text.replace('"value": ', '"value": NaN, "x": ', 1), "NaN"),
        (lambda text: text.replace('"points": 64', '"points": "many"'), "options.points"),
    ],
)
def test_a_damaged_evaluation_is_named(found: Evaluation, tmp_path: Path, change, words: str) -> None:
    (tmp_path / "evaluation.json").write_text(change(to_json(found).decode()))
    with pytest.raises(Gen3DError, match=words) as error:
        read_evaluation(tmp_path)
    assert "\n" not in str(error.value)


def test_files_appear_together_or_the_first_is_left_alone(tmp_path: Path) -> None:
    """What cannot be moved to its place leaves the old record, and no half-written file."""
    (tmp_path / "record").write_bytes(b"old")
    (tmp_path / "page").mkdir()
    with pytest.raises(OutputError):
        write_together(tmp_path, {"record": b"new", "page": b"new"})
    assert (tmp_path / "record").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page", "record"]


# Real meshes


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply", ".stl"])
def test_every_format_comes_in_the_canonical_frame(tmp_path: Path, suffix: str) -> None:
    mesh = make_shape("cars", 3)
    mesh.save(tmp_path / f"car{suffix}")
    read = read_mesh(tmp_path / f"car{suffix}")
    assert np.allclose(read.vertices[read.faces], mesh.vertices[mesh.faces], atol=1e-6)


def test_references_are_drawn_by_the_seed_and_bounded_in_number(data: Path) -> None:
    first, again, other = (real_meshes(data, None, 4, seed) for seed in (0, 0, 1))
    assert first is not None and again is not None and other is not None and first.others is not None
    assert len(first.references) == len(first.others) == 4
    assert all(np.array_equal(a.vertices, b.vertices) for a, b in zip(first.references, again.references, strict=True))
    assert any(
        a.vertices.shape != b.vertices.shape or not np.array_equal(a.vertices, b.vertices)
        for a, b in zip(first.references, other.references, strict=True)
    )


def test_a_file_that_is_no_mesh_is_named_and_another_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write_meshes(tmp_path / "meshes", 0, 3)
    (folder / "0.ply").write_bytes(
        b"ply\nformat ascii 1.0\nelement vertex 1000000000000\nproperty float x\nend_header\n"
    )
    with caplog.at_level(logging.WARNING):
        found = real_meshes(tmp_path, folder, 10, 0)
    assert found is not None and len(found.references) == 2 and found.others is None
    assert "skipped 0.ply" in caplog.text


def test_a_single_mesh_is_no_set(tmp_path: Path) -> None:
    folder = write_meshes(tmp_path / "meshes", 0, 1)
    with pytest.raises(Gen3DError, match="needs two or more, and 1 of its 1 can be read"):
        read_meshes(folder, 5)


def test_absurd_sizes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_meshes(tmp_path / "meshes", 0, 2)
    monkeypatch.setattr(mesh_files, "MAX_FACES", 10)
    with pytest.raises(Gen3DError, match="triangles: a reference mesh may have 10"):
        real_meshes(tmp_path, folder, 2, 0)
    monkeypatch.setattr(mesh_files, "MAX_BYTES", 100)
    with pytest.raises(Gen3DError, match="MB: a reference mesh may have"):
        real_meshes(tmp_path, folder, 2, 0)


def chairs(first: int, count: int) -> tuple[Mesh, ...]:
    return tuple(make_shape("chairs", seed) for seed in range(first, first + count))


def test_copies_of_the_references_beat_the_floor_and_cars_do_not() -> None:
    real = RealMeshes(chairs(0, 8), chairs(8, 8))
    copies = by_key([*set_rows(Sampled(real.references, 0.1), real, 512, 0)])
    cars = tuple(make_shape("cars", seed) for seed in range(8))
    others = by_key([*set_rows(Sampled(cars, 0.1), real, 512, 0)])
    for rows in (copies, others):
        assert rows["set.mmd"].floor == copies["set.mmd"].floor, "the floor does not depend on the model"
    mmd = copies["set.mmd"]
    assert mmd.result and mmd.floor and mmd.result.value < 0.5 * mmd.floor.value
    assert copies["set.cov"].result == Estimate(1.0) and copies["set.nna"].result == Estimate(0.0)
    bad = others["set.mmd"].result
    assert bad and bad.value > 2 * mmd.floor.value and others["set.nna"].result == Estimate(1.0)


def test_without_further_real_meshes_the_references_are_halved_for_the_floor() -> None:
    real = RealMeshes(chairs(0, 6), None)
    rows = by_key([*set_rows(Sampled(chairs(6, 5), 0.1), real, 64, 0)])
    assert "the 5 references are halved at random" in rows["set.mmd"].note
    assert "2 generated, 2 references" in rows["set.mmd"].note


def test_a_model_without_any_mesh_is_told_so() -> None:
    rows = by_key([*mesh_rows(Sampled((None, None), None), None, np.ones(2), 0)])
    assert list(rows) == ["meshes.missing"] and rows["meshes.missing"].result == Estimate(1.0)


def test_loose_parts_are_counted() -> None:
    found = by_key([*mesh_rows(Sampled(chairs(0, 4), 0.1), None, np.array([1, 1, 3, 1]), 0)])
    assert found["meshes.components"].result and found["meshes.components"].result.value == 1.5
    assert found["meshes.single"].result and found["meshes.single"].result.value == 0.75


# Pictures


def test_real_against_real_is_the_floor_and_noise_is_far_above_it() -> None:
    """With a network of features named, FID and KID join the rows; copies are at distance 0."""
    rng = torch.Generator().manual_seed(0)
    real, floor, noise = (torch.rand(12, 3, 16, 16, generator=rng) for _ in range(3))
    real, floor = (pictures.cumsum(2) / 16 for pictures in (real, floor))
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 5, stride=4), torch.nn.Flatten()).eval()
    copies = by_key([*picture_rows(real, floor, real, 0, network, None)])
    noisy = by_key([*picture_rows(real, floor, noise, 0, network, None)])
    for key in ("pictures.swd.16", "pictures.swd.8", "pictures.fid"):
        best, worst = copies[key], noisy[key]
        assert best.result and best.floor and worst.result and best.floor == worst.floor
        assert best.result.value == pytest.approx(0, abs=1e-6) and worst.result.value > best.floor.value > 0
    assert copies["pictures.coverage"].result == Estimate(1.0)
    assert noisy["pictures.coverage"].result == Estimate(0.0) and noisy["pictures.kid"].result is not None


def test_sizes_without_a_pyramid_lose_a_row_and_nothing_else() -> None:
    real, floor, fake = torch.rand(3, 8, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    rows = by_key([*picture_rows(real, floor, fake, 0, None, None)])
    assert rows["pictures.swd"].result is None and "24 pixels" in rows["pictures.swd"].note
    assert rows["pictures.density"].result is not None


# Disentanglement


def test_silhouettes_that_flip_and_silhouettes_that_stay() -> None:
    alpha = np.zeros((2, 2, 4, 4))
    alpha[1, 1] = 1.0
    assert silhouette_change(alpha).tolist() == [0.0, 1.0]


def test_colours_of_the_shape_alone_of_the_appearance_alone_and_of_both() -> None:
    rng = np.random.default_rng(0)
    shape, look = rng.normal(size=(9, 1, 3)), rng.normal(size=(1, 9, 3))
    assert colour_leak(np.broadcast_to(look, (9, 9, 3))) == pytest.approx(0.0, abs=1e-12)
    assert colour_leak(shape + shape.transpose(1, 0, 2)) == pytest.approx(1.0)
    assert colour_leak(2 * shape + shape.transpose(1, 0, 2)) == pytest.approx(2.0)
    assert math.isnan(colour_leak(np.broadcast_to(shape, (9, 9, 3))))


def test_codes_that_keep_to_their_own_and_codes_that_do_not() -> None:
    """A drawn disc: its radius is the shape's, its colour the appearance's, or each the other's."""

    def disc(radius: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
        x = torch.linspace(-1, 1, 33)
        inside = (x[:, None] ** 2 + x**2 < (0.3 + 0.4 * radius.sigmoid()[:, None, None]) ** 2).float()
        return torch.stack([inside * colour.sigmoid()[:, None, None]] * 3 + [inside], 1)

    def kept(shape: torch.Tensor, looks: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
        return disc(shape[:, 0].repeat_interleave(len(looks) // len(shape)), looks[:, 0])

    def swapped(shape: torch.Tensor, looks: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
        return disc(looks[:, 0], shape[:, 0].repeat_interleave(len(looks) // len(shape)) + 0.1 * looks[:, 0])

    rng = torch.Generator().manual_seed(0)
    shape, looks = torch.randn(8, 1, generator=rng), torch.randn(5, 1, generator=rng)
    good, bad = (by_key([*code_rows(render, shape, looks, 0)]) for render in (kept, swapped))
    assert good["codes.geometry"].result == Estimate(0.0)
    leak, worse = good["codes.colour"].result, bad["codes.colour"].result
    assert leak and worse and leak.value < 1e-5 and worse.value > 3
    moved = bad["codes.geometry"].result
    assert moved and moved.value > 0.02


# The model's torch half, and mistakes


def test_pictures_show_the_object_that_the_mesh_is(out: Path) -> None:
    """The silhouettes of renders and meshes of the same seeds overlap: one frame, one set of codes."""
    renders, meshes = (np.asarray(Image.open(out / name).convert("L")) < 235 for name in ("renders.png", "meshes.png"))
    for column in range(6):
        one, two = (strip[:128, 128 * column : 128 * column + 128] for strip in (renders, meshes))
        places = [np.argwhere(mask).mean(0) for mask in (one, two)]
        assert np.abs(places[0] - places[1]).max() < 20


def test_a_file_without_weights_or_with_others_is_named(tmp_path: Path) -> None:
    archive = read_model(find("chairs"))
    members = dict(archive.members)
    config = archive.manifest["config"]
    other = {**config, "generator": {**config["generator"], "hidden": 32}}
    write_model(tmp_path / "other.gen3d", {**archive.manifest, "config": other}, members)
    del members["weights.safetensors"]
    write_model(tmp_path / "bare.gen3d", archive.manifest, members)
    for name, words in (("other", "do not fit its configuration"), ("bare", "holds no weights for torch")):
        with pytest.raises(Gen3DError, match=words) as error:
            load_generator(tmp_path / f"{name}.gen3d", torch.device("cpu"))
        assert "\n" not in str(error.value)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object, out: Path) -> str:
    """The one line that a mistaken command answers with."""
    capsys.readouterr()
    code = main(["evaluate", *(str(argument) for argument in arguments), "--out", str(out)])
    told = capsys.readouterr()
    lines = [line for part in told.err.split("\r") for line in part.splitlines() if line.startswith("gen3d-train: ")]
    assert code == 2 and len(lines) == 1 and "Traceback" not in told.err and not out.exists()
    return lines[0]


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--count", "5"),
        ("--count", "20000"),
        ("--points", "3"),
        ("--resolution", "8"),
        ("--wholes", "0"),
        ("--seed", "-1"),
        ("--threads", "0"),
        ("--truncation", "3"),
        ("--device", "warp"),
        ("--inception", "nowhere.pth"),
    ],
)
def test_an_argument_out_of_range_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, value: str
) -> None:
    line = refused(capsys, "chairs", "--data", data, flag, value, out=tmp_path / "out")
    assert value in line and (flag in line or flag == "--inception")


def test_models_and_data_that_do_not_fit_are_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert "no model 'sofas'" in refused(capsys, "sofas", "--data", data, *FLAGS, out=out)
    assert "is not a folder" in refused(capsys, "chairs", "--data", tmp_path / "no", *FLAGS, out=out)
    few = write_pictures(tmp_path / "few", count=11, size=16)
    assert "has 11 pictures: an evaluation needs 12" in refused(capsys, "chairs", "--data", few, *FLAGS, out=out)
    wide = write_pictures(tmp_path / "wide", count=12, size=16, cameras=False)
    about = json.loads((wide / "dataset.json").read_text())
    (wide / "dataset.json").write_text(json.dumps({**about, "poses": {"fov_deg": 50}}))
    assert "field of view of 50 degrees" in refused(capsys, "chairs", "--data", wide, *FLAGS, out=out)
    (tmp_path / "empty").mkdir()
    for folder, words in ((tmp_path / "empty", "holds no mesh"), (tmp_path / "no", "is not a folder of meshes")):
        assert words in refused(capsys, "chairs", "--data", data, "--reference", folder, *FLAGS, out=out)


def test_the_command_measures_other_seeds_against_named_meshes(data: Path, out: Path, tmp_path: Path) -> None:
    folder = write_meshes(tmp_path / "meshes", 20, 4)
    command = ["evaluate", "chairs", "--data", str(data), "--out", str(tmp_path / "out"), "--reference", str(folder)]
    assert main([*command, *FLAGS, "--seed", "50"]) == 0
    found = read_evaluation(tmp_path / "out")
    assert (tmp_path / "out" / "renders.png").read_bytes() != (out / "renders.png").read_bytes()
    assert found.data.references == 4 and any("There are 4 reference meshes" in remark for remark in found.remarks)


def test_a_model_file_carries_what_was_measured_of_it(data: Path, found: Evaluation, tmp_path: Path) -> None:
    """In a copy of the shipped model: the same numbers, the file otherwise the same."""
    path = tmp_path / "chairs.gen3d"
    path.write_bytes(find("chairs").read_bytes())
    assert main(["evaluate", str(path), "--data", str(data), "--out", str(tmp_path / "out"), *FLAGS, "--record"]) == 0
    before, after = read_model(find("chairs")), read_model(path)
    told = {"metrics": {}, "identity": before.identity}
    assert after.members == before.members and {**after.manifest, "metrics": {}} == {**before.manifest, **told}
    mmd = by_key(found.rows)["set.mmd"]
    assert mmd.result and mmd.floor
    assert after.manifest["metrics"]["set.mmd"] == {"value": mmd.result.value, "floor": mmd.floor.value}
    assert after.manifest["metrics"]["measured"]["meshes"] == found.options.count


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (1.0, "1"), (0.12345, "0.123"), (-0.5, "−0.500"), (12.34, "12.3"), (999.9, "1000"),
     (1092465, "1\u202f092\u202f465"), (0.00000123, "0.00000")],
)  # fmt: skip
def test_numbers_read_well(value: float | None, text: str) -> None:
    assert number(value) == text


def test_the_contact_sheet_is_inside_the_page(out: Path) -> None:
    """The very picture, not a scaled one."""
    page = (out / "evaluation.html").read_text()
    sheet = (out / "contact_sheet.png").read_bytes()
    assert base64.b64encode(sheet).decode() in page
    assert Image.open(io.BytesIO(sheet)).format == "PNG"
