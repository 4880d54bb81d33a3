"""Reconstruction of ellipsoids whose truth is known: it learns, resumes to the bit, reads no mesh, exports."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gen3d_core.codes.codes import codes
from gen3d_core.config import ReconstructionConfig
from gen3d_core.model.model import load
from gen3d_core.networks.fields.triplane import TriplaneField
from gen3d_core.rendering.patch import Places
from gen3d_core.rendering.renderer import Rendering
from gen3d_core.weights.load import load_generator
from tests.tiny_run import TINY, TINY_TOML
from tests.training.checkpoints import assert_equal, content
from tests.training.reconstruction.known_objects import semi_axes, silhouette, write_ellipsoids
from tests.training.reconstruction.tiny_reconstruction import SMALL, train
from training.data.dataset import load_dataset
from training.export.export import export
from training.reconstruction import session
from training.reconstruction.codes import colours_by_height, starting_codes
from training.reconstruction.hulls import carve
from training.reconstruction.rays import draw_rays, edge_weights
from training.reconstruction.schedule import average_decay, moment
from training.reconstruction.score import score
from training.reconstruction.state import FILE_NAME
from training.reconstruction.steps import picture_losses, step
from training.reconstruction.views import ObjectViews, group_views

pytestmark = pytest.mark.usefixtures("single_thread")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ellipsoids(tmp_path_factory.mktemp("data") / "ellipsoids")


@pytest.fixture(scope="module")
def views(data: Path) -> ObjectViews:
    found = group_views(load_dataset(data))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(data, tmp_path_factory.mktemp("runs") / "whole")


def test_ellipsoids_are_learned_from_their_pictures(views: ObjectViews) -> None:
    """From a sphere of another size to solids that fill the silhouettes of their own cameras."""
    quick = dataclasses.replace(
        SMALL, solid_points=256, rays=96, rate=1e-2, solids_until=0.4, interval=0.1, wide_share=0.0,
        wide_share_late=0.0, average_steps=10.0,
    )  # fmt: skip
    config = session.prepared(dataclasses.replace(TINY, reconstruction=quick), views)
    hulls = carve(views)
    state = session.fresh_state(views, hulls, config, torch.device("cpu"), seed=0)
    before = score(state, views)
    for number in range(240):
        step(state, views, hulls, config, moment(number / 240, number, quick))
    after = score(state, views)
    assert after.overlap > before.overlap + 0.1 and after.overlap > 0.75
    assert after.psnr > before.psnr + 3


def test_a_run_that_crashed_ends_like_one_that_did_not(
    data: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, codes, optimisers, randomness, the prior and what training goes on from, all to the same bits."""

    class Interrupted(Exception):
        pass

    real, made = session.step, []

    def crashing(*arguments, **options):  # type: ignore[no-untyped-def]
        made.append(arguments[0].step)
        if len(made) == 21:
            raise Interrupted
        return real(*arguments, **options)

    monkeypatch.setattr(session, "step", crashing)
    monkeypatch.setattr("training.budget.SAVE_SECONDS", 0.0)
    with pytest.raises(Interrupted):
        train(data, tmp_path / "broken")
    assert content(tmp_path / "broken", FILE_NAME)["step"] == 20
    train(data, tmp_path / "broken")
    assert made[20] == made[21] == 20, "the step that crashed was made again"
    for name in (FILE_NAME, "state.pt"):
        assert_equal(content(tmp_path / "broken", name), content(run, name))
    for name in ("shape_prior.f32", "appearance_prior.f32"):
        assert (tmp_path / "broken" / name).read_bytes() == (run / name).read_bytes()


def test_a_finished_reconstruction_stays_finished(data: Path, run: Path, tmp_path: Path) -> None:
    before = content(run, FILE_NAME)
    assert len(list((run / "reconstructions").glob("*.png"))) > 0
    train(data, run)
    assert_equal(content(run, FILE_NAME), before)


def test_an_exported_model_draws_its_seeds_from_the_prior(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "ellipsoids.gen3d"
    export(run, path, shapes=12)
    model = load(path, 1)
    drawn = model.codes(5)
    assert not np.array_equal(drawn.shape, codes(5, 8, 6).shape)
    assert np.array_equal(drawn.shape, load(path, 1).codes(5).shape)
    mesh, again = model.sample(5, 32), model.sample(5, 32)
    assert len(mesh.faces) > 50 and np.array_equal(mesh.vertices, again.vertices)
    assert len(model.directions) > 0
    field = load_generator(path, torch.device("cpu")).field
    assert isinstance(field, TriplaneField) and field.shape_mapping.centre.abs().max() > 0, "framed for torch too"


WATCHED = """
import sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
from training.cli import main
code = main()
meshes = [path for path in opened if "meshes" in path or path.endswith((".ply", ".glb", ".obj", ".stl", ".off"))]
print("READ", sum("images" in path for path in opened), meshes)
sys.exit(code)
"""


def test_training_reads_pictures_and_no_mesh(tmp_path: Path) -> None:
    """Every file that the process opens is watched; meshes lie in the data set, as `render` leaves them there."""
    data = write_ellipsoids(tmp_path / "data")
    for part in ("train", "heldout"):
        (data / "meshes" / part).mkdir(parents=True)
        (data / "meshes" / part / "000.ply").write_text("not even a mesh")
    (tmp_path / "tiny.toml").write_text(TINY_TOML + "[reconstruction]\nshare = 1.0\nsolid_points = 64\nrays = 16\n")
    command = ["train", str(data), "--out", str(tmp_path / "run"), "--config", str(tmp_path / "tiny.toml")]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *command, "--images", "80", "--device", "cpu", "--threads", "1"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "READ 48 []" in done.stdout


def test_rays_look_at_the_pixels_whose_colours_they_carry(views: ObjectViews) -> None:
    """Of ellipsoids in one colour: a ray's target is that colour where it meets the ellipsoid, else nothing."""
    objects = torch.tensor([2, 5])
    known = draw_rays(views, objects, 3, 200, torch.Generator().manual_seed(0))
    assert known.pose.shape == (6, 2) and isinstance(known.places, Places)
    axes = semi_axes(views.objects)
    for row in range(6):
        azimuth, elevation = known.pose[row].tolist()
        alpha = silhouette(axes[objects[row // 3]], azimuth, elevation, views.size)
        x, y = known.places.pixels()[row].unbind(-1)
        column, line = (((x + 1) * views.size - 1) / 2).round().long(), (((1 - y) * views.size - 1) / 2).round().long()
        assert np.allclose(known.target[row, :, 3], alpha[line, column], atol=0.07), "mirrored views stay true"
    solid = known.target[..., 3] == 1
    for i in range(2):
        colours = known.target[3 * i : 3 * i + 3][solid[3 * i : 3 * i + 3]][:, :3]
        assert (colours - colours[0]).abs().max() < 1e-6


def test_silhouettes_are_looked_at_most() -> None:
    alpha = torch.zeros(1, 64, 64)
    alpha[:, 20:44, 20:44] = 1
    weight = edge_weights(alpha)[0]
    assert weight[20, 30] > weight[32, 32] > weight[2, 2] == 1


def test_a_picture_seen_as_it_is_costs_nothing_but_its_soft_edge() -> None:
    target = torch.rand(2, 5, 4, generator=torch.Generator().manual_seed(0)).round()
    zeros = torch.zeros(10, 3)
    seen = Rendering(target[..., :3].reshape(-1, 3), target[..., 3:].reshape(-1, 1), zeros, zeros[:, :1], zeros)
    colour, edge = picture_losses(seen, target)
    assert colour == 0 and edge.item() == pytest.approx(-np.log(0.99), rel=1e-4)


def test_starting_codes_lie_on_the_sphere_and_like_objects_begin_alike(views: ObjectViews) -> None:
    described = torch.randn(50, 30, generator=torch.Generator().manual_seed(0))
    described[1] = described[0] + 0.01
    found = starting_codes(described, 16)
    assert torch.allclose(found.square().mean(1), torch.ones(50), atol=1e-4)
    apart = torch.cdist(found, found) + 1e3 * torch.eye(50)
    assert apart[0].argmin() == 1
    assert starting_codes(described, 64).shape == (50, 64), "more numbers than there are components"
    assert torch.isfinite(starting_codes(colours_by_height(views), 6)).all()


def test_the_schedule_is_a_function_of_how_far_it_is() -> None:
    settings = ReconstructionConfig()
    start, middle, end = (moment(progress, 10_000, settings) for progress in (0.0, 0.5, 1.0))
    assert start.solids_only == 1.0 and end.solids_only == pytest.approx(settings.solid_steps_end)
    assert start.rate == 1 and end.rate == pytest.approx(settings.final_rate) and start.rate > middle.rate > end.rate
    assert start.half_width == settings.interval and end.half_width == settings.interval_end
    assert start.nats_weight > end.nats_weight == pytest.approx(settings.nats_weight_end)
    assert start.pocket_weight == 1 and end.pocket_weight == settings.pocket_weight
    assert moment(0.0, 0, settings).rate == pytest.approx(1 / settings.warm_steps)
    assert average_decay(10**6, settings) == pytest.approx(0.5 ** (1 / settings.average_steps))
