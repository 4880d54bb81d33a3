"""Refinement and the measures of encodings: exact answers score best, and refining does not make worse."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.command import main
from benchmarks.encoding_subjects import FIRST_SEED, Subject, generated_subjects, judging_poses
from benchmarks.encodings import Encodings, _Judge
from gen3d_core.cli.encode import model_file_name
from gen3d_core.cli.main import main as gen3d
from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.inversion.encode import Encoded, match_cameras
from gen3d_core.inversion.pose_search import CameraPose
from gen3d_core.model.archive import read_model
from gen3d_core.model.model import Model, load
from gen3d_core.model.prediction import SIDE, AzimuthPeak, Prediction
from gen3d_core.pictures.cutout import VISIBLE
from gen3d_core.pictures.framing import network_input
from gen3d_core.pictures.pinhole import FILL
from gen3d_core.refinement import pivotal_tuning as tuning
from gen3d_core.refinement import refine as refinement
from gen3d_core.refinement.fit import Descent, Fit, load_field
from gen3d_core.refinement.pivotal_tuning import tune_model
from gen3d_core.refinement.refine import refine_encoding
from gen3d_core.weights.load import load_generator
from tests.tiny_run import one_thread
from training.cli import main as gen3d_train


@pytest.fixture(scope="module", autouse=True)
def few_steps() -> Iterator[None]:
    """As many as it takes to tell up from down."""
    with pytest.MonkeyPatch.context() as patched, one_thread():
        patched.setattr(refinement, "ROUNDS", ((3, 2), (5, 1)))
        patched.setattr(refinement, "FINE_STEPS", 8)
        patched.setattr(tuning, "STEPS", 6)
        yield


@pytest.fixture(scope="module")
def model(encoding_model: Path) -> Model:
    return load(encoding_model)


@pytest.fixture(scope="module")
def subject(model: Model) -> Subject:
    return next(generated_subjects(model, load_generator(model.path, torch.device("cpu")), 1))


def exact(model: Model, subject: Subject) -> Encoded:
    azimuth, elevation = subject.pose.tolist()
    return Encoded(model.codes(FIRST_SEED), (CameraPose(azimuth, elevation, 1.0),))


def test_the_truth_scores_best(model: Model, subject: Subject):
    judge = _Judge(model, load_generator(model.path, torch.device("cpu")))
    score = judge.score(subject, exact(model, subject))
    assert score.overlap == 1 and score.psnr > 90 and score.camera_deg == pytest.approx(0, abs=0.1)
    average = judge.average(subject)
    assert average.overlap < 1 and average.psnr < score.psnr and average.chamfer > score.chamfer
    assert not np.isfinite(average.camera_deg)


def test_a_camera_on_the_other_side_is_half_a_turn_off(model: Model, subject: Subject):
    judge = _Judge(model, load_generator(model.path, torch.device("cpu")))
    azimuth = subject.pose[0].item()
    score = judge.score(subject, Encoded(model.codes(0), (CameraPose(azimuth + np.pi, 0.0, 1.0),)))
    assert score.camera_deg == pytest.approx(180 - np.rad2deg(subject.pose[1].item()), abs=0.1)


def test_the_input_is_framed_and_shows_the_object(model: Model, subject: Subject):
    seen = subject.picture[..., 3] >= VISIBLE
    assert max(seen.any(0).sum(), seen.any(1).sum()) == pytest.approx(SIDE * FILL, abs=2)
    assert unlikeness(model, subject, exact(model, subject)) < 0.25


def unlikeness(model: Model, subject: Subject, found: Encoded, placing: int = 1) -> float:
    """The loss that refining minimises, at what was found; the least of so many steps in which cameras are placed."""
    generator, field = load_field(model.path)
    pose = torch.tensor([[each.azimuth, each.elevation] for each in found.cameras], dtype=torch.float32)
    fit = Fit(generator, field, 1.0, found.codes, pose)
    placed = Descent(fit.groups()[1:])
    for _ in range(placing):
        placed.step(fit.loss(torch.from_numpy(network_input([subject.picture], SIDE))))
    return placed.best


def test_refining_makes_it_more_alike_or_leaves_it(model: Model, subject: Subject):
    seen = network_input([subject.picture], SIDE)
    start = match_cameras(model, model.codes(3), seen, [Prediction(model.codes(3), (AzimuthPeak(0.0),), 0.3)])
    fractions: list[float] = []
    better = refine_encoding(model, [subject.picture], start, lambda fraction, stage: fractions.append(fraction))
    assert unlikeness(model, subject, better) < unlikeness(model, subject, start)
    assert fractions == sorted(fractions) and fractions[-1] <= 1
    # Codes come back as long as draws are.
    assert np.linalg.norm(better.codes.shape) == pytest.approx(8**0.5, rel=1e-3)


def test_cameras_have_the_gradient_of_what_they_see(model: Model, subject: Subject):
    """Against differences: the loss falls as fast as the gradient says when a camera turns."""
    generator, field = load_field(model.path)
    target = torch.from_numpy(network_input([subject.picture], SIDE))

    def fit(turn: float) -> Fit:
        return Fit(generator, field, 1.0, model.codes(FIRST_SEED), subject.pose[None] + torch.tensor([turn, 0.0]))

    here = fit(0.2)
    here.loss(target, 0.15).backward()
    assert here.pose.grad is not None
    losses = []
    for turn in (-0.01, 0.01):
        near = fit(0.2)
        with torch.no_grad():
            near.pose += torch.tensor([turn, 0.0])
            losses.append(near.loss(target, 0.15).item())
    assert here.pose.grad[0, 0].item() == pytest.approx((losses[1] - losses[0]) / 0.02, rel=0.5, abs=0.05)


def test_several_pictures_are_refined_together(model: Model, subject: Subject):
    seen = network_input([subject.picture] * 2, SIDE)
    codes = model.codes(3)
    start = match_cameras(model, codes, seen, [Prediction(codes, (AzimuthPeak(turn),), 0.3) for turn in (0.0, 2.0)])
    better = refine_encoding(model, [subject.picture] * 2, start)
    assert len(better.cameras) == 2 and better.confidence > 0.5


def test_refining_can_be_cancelled(model: Model, subject: Subject):
    def cancel(fraction: float, stage: str) -> None:
        if fraction > 0.02:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        refine_encoding(model, [subject.picture], exact(model, subject), cancel)


def test_refining_needs_weights_for_torch(subject: Subject, tmp_path: Path):
    from tests.analytic import write_ellipsoid_model

    bare = load(write_ellipsoid_model(tmp_path / "bare.gen3d"))
    with pytest.raises(Gen3DError, match="holds no weights"):
        refine_encoding(bare, [subject.picture], Encoded(bare.codes(0), (CameraPose(0.0, 0.3, 0.5),)))


def test_the_command_refines_and_tunes(
    model: Model, subject: Subject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from PIL import Image

    Image.fromarray(subject.picture).save(tmp_path / "a.png")
    arguments = ["--model", str(model.path), "--out", str(tmp_path / "out"), "--resolution", "32", "--tune"]
    assert gen3d(["encode", str(tmp_path / "a.png"), *arguments]) == 0
    assert "confidence" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "a.glb", "a.json", "a_encoded.png", "tuned-a.gen3d"
    }  # fmt: skip


@pytest.mark.parametrize("seed", [FIRST_SEED, FIRST_SEED + 1], ids=["exact codes", "other codes"])
def test_a_tuned_model_is_a_file_of_its_own(model: Model, subject: Subject, seed: int, tmp_path: Path):
    start = dataclasses.replace(exact(model, subject), codes=model.codes(seed))
    before = unlikeness(model, subject, start, tuning.PLACING_STEPS)
    adjusted = tune_model(model, [subject.picture], start, tmp_path / "tuned-a.gen3d")
    after = unlikeness(adjusted, subject, start, tuning.PLACING_STEPS)
    assert after < before
    assert adjusted.name == "tuned-a" and adjusted.manifest["tuned"]["hash"] == model.hash
    # What was measured and drawn was another model; that it is of its kind stays.
    old_file, new_file = read_model(model.path), read_model(adjusted.path)
    assert adjusted.manifest["metrics"] == {} and adjusted.identity != model.identity
    assert new_file.members["preview.png"].startswith(b"\x89PNG")
    assert new_file.members["preview.png"] != old_file.members.get("preview.png")
    assert adjusted.runtime.predict(network_input([subject.picture], SIDE)).shape[0] == 1
    # Mappings stay: what a code means relative to others does.
    old, new = (load_generator(each.path, torch.device("cpu")).field.shape_mapping for each in (model, adjusted))
    assert all(bool((a == b).all()) for a, b in zip(old.parameters(), new.parameters(), strict=True))


def test_names_of_tuned_models_are_names():
    assert model_file_name("my chair (2)") == "tuned-mychair2.gen3d"


def test_a_table_of_generated_objects(model: Model, capsys: pytest.CaptureFixture[str]):
    assert main(Encodings, [str(model.path), "--count", "2", "--refine", "1"]) == 0
    told = capsys.readouterr().out
    for row in ("mean code", "encoder", "encoder, the first 1", "refined, the same", "gen3d encode", "--refine"):
        assert f"| {row}" in told or row in told
    widths = {line.count("|") for line in told.splitlines()[:6]}
    assert len(widths) == 1


def test_fewer_objects_than_are_usually_refined(model: Model, capsys: pytest.CaptureFixture[str]):
    assert main(Encodings, [str(model.path), "--count", "1"]) == 0
    assert "| refined, the same" in capsys.readouterr().out


def test_views_that_judge_lie_where_the_model_was_shown():
    prior = PosePrior(azimuth_deg=(-40.0, 40.0), elevation_deg=(30.0, 60.0))
    azimuth, elevation = torch.rad2deg(judging_poses(prior)).T
    assert azimuth.tolist() == pytest.approx([-35, -25, -15, -5, 5, 15, 25, 35])
    assert elevation.tolist() == pytest.approx([30.0] * 8)


def test_data_from_other_cameras_are_refused(
    model: Model, tiny_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = tmp_path / "data"
    shutil.copytree(tiny_pictures, data)
    (data / "transforms.json").unlink()
    (data / "dataset.json").write_text('{"format": "gen3d-dataset", "version": 1, "poses": {"distance": 2.0}}')
    assert main(Encodings, [str(model.path), "--data", str(data), "--count", "2"]) == 2
    assert "the model was trained with 4 and 30" in capsys.readouterr().err
    out = tmp_path / "a.gen3d"
    assert gen3d_train(["encoder", str(model.path), "--out", str(out), "--data", str(data), "--images", "64"]) == 2
    assert "the model was trained with 4 and 30" in capsys.readouterr().err and not out.exists()


def test_data_without_names_of_models_are_refused(
    model: Model, tiny_pictures: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(Encodings, [str(model.path), "--data", str(tiny_pictures), "--count", "2", "--refine", "0"]) == 2
    assert "names no models" in capsys.readouterr().err


def test_a_table_of_a_data_set(model: Model, tiny_pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    import json

    data = tmp_path / "data"
    shutil.copytree(tiny_pictures, data)
    (data / "meshes").mkdir()
    model.sample(0, 32).save(data / "meshes" / "a.ply")
    model.sample(1, 32).save(data / "meshes" / "b.ply")
    (data / "meshes" / "c").mkdir()
    model.sample(2, 32).save(data / "meshes" / "c" / "a.ply")
    transforms = json.loads((data / "transforms.json").read_text())
    transforms["frames"] = [
        {**frame, "model": ("a.ply", "b.ply", "c/a.ply")[place // 2]}
        for place, frame in enumerate(transforms["frames"][:6])
    ]
    (data / "transforms.json").write_text(json.dumps(transforms))
    assert main(Encodings, [str(model.path), "--data", str(data), "--count", "5", "--refine", "0"]) == 0
    assert "3 of data" in capsys.readouterr().out
    (data / "meshes" / "b.ply").unlink()
    assert main(Encodings, [str(model.path), "--data", str(data), "--count", "5", "--refine", "0"]) == 2
    assert "holds no b.ply" in capsys.readouterr().err
