"""Training runs on the CPU: what a run leaves, that it repeats, resumes, is locked, and raises the alarm.

One file because all stands on one tiny run.
"""

import dataclasses
import json
import logging
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gen3d_core.config import Config, IntervalConfig, PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.pictures.pinhole import camera_to_world
from tests.tiny_run import TINY, write_pictures
from training.data.dataset import load_dataset
from training.data.poses import covered, covered_azimuths
from training.gan import trainer
from training.gan.run_folder import load_run, lock_folder
from training.gan.session import train_session
from training.gan.state import FILE_NAME, TrainState
from training.tracking import curve

pytestmark = pytest.mark.usefixtures("single_thread")


def run(pictures: Path, out: Path, images: int, config: Config = TINY, seed: int = 1) -> Path:
    train_session(pictures, out, config, images=images, device="cpu", seed=seed)
    return out


def state_of(folder: Path) -> TrainState:
    record = load_run(folder)
    state = TrainState.fresh(record.config, record.prior, torch.device("cpu"), record.seed)
    assert state.restore(folder)
    return state


def log_of(folder: Path) -> list[dict]:
    path = folder / "log.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def one_line(error: pytest.ExceptionInfo[Gen3DError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_two_steps_move_every_weight_and_leave_a_whole_run(tiny_pictures: Path, tmp_path: Path) -> None:
    folder = run(tiny_pictures, tmp_path / "run", 16)
    state = state_of(folder)
    fresh = TrainState.fresh(TINY, load_dataset(tiny_pictures).prior, torch.device("cpu"), 1)
    assert (state.images, state.step, state.reseeds) == (16, 2, 0) and state.seconds > 0
    for name in ("generator", "discriminator"):
        before, after = getattr(fresh, name).state_dict(), getattr(state, name).state_dict()
        still = [key for key in after if torch.equal(before[key], after[key]) and not key.endswith("mapping.mean")]
        assert still == [] and all(torch.isfinite(value).all() for value in after.values())
    record = json.loads((folder / "run.json").read_text())
    assert record["category"] == "blobs" and record["dataset"]["pictures"] == 64 and record["machine"]["versions"]
    (grid,) = (folder / "samples").glob("*.png")
    with Image.open(grid) as image:
        assert image.size == (12 * 64, 6 * 64) and np.ptp(np.asarray(image)) > 50
    assert list((folder / "tensorboard").iterdir()) and not list(folder.glob(".*"))


def test_the_average_lies_between_the_start_and_the_present(tiny_run: Path, tiny_pictures: Path) -> None:
    """Part of the way from the first weights to the last, in the direction of the last."""
    state = state_of(tiny_run)
    start = TrainState.fresh(TINY, load_dataset(tiny_pictures).prior, torch.device("cpu"), 1).generator
    name = "field.occupancy_in.weight"
    first, now, mean = (part.state_dict()[name] for part in (start, state.generator, state.average))
    assert 0 < (mean - first).norm() < (now - first).norm() * 1.5
    assert torch.nn.functional.cosine_similarity((mean - first).flatten(), (now - first).flatten(), dim=0) > 0.5


def test_a_wide_step_renders_as_a_wide_interval_would(tiny_pictures: Path, tmp_path: Path) -> None:
    """With every step wide, it does not matter how narrow the others would have been."""

    def weights(**values: float) -> dict[str, torch.Tensor]:
        interval = IntervalConfig(wide_share=1.0, **values)
        config = dataclasses.replace(TINY, renderer=dataclasses.replace(TINY.renderer, interval=interval))
        name = "-".join(f"{value:g}" for value in values.values())
        return state_of(run(tiny_pictures, tmp_path / name, 16, config)).generator.state_dict()

    narrow, wide = weights(start=0.06, end=0.06, wide=0.25), weights(start=0.25, end=0.25, wide=0.1)
    other = weights(start=0.06, end=0.06, wide=0.01)
    assert all(torch.equal(narrow[key], wide[key]) for key in wide)
    assert not all(torch.equal(narrow[key], other[key]) for key in other)


def test_the_log_holds_numbers_at_known_places(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "CHECK_EVERY", 2)
    folder = run(tiny_pictures, tmp_path / "run", 32)
    lines = log_of(folder)
    assert [line["images"] for line in lines] == [16, 32]
    assert {"discriminator", "generator", "foreground", "images_per_second", "interval", "learning_rate"} <= set(
        lines[0]
    )
    assert all(math.isfinite(value) for value in lines[0].values())
    assert lines[0]["interval"] == pytest.approx(0.5 * math.exp(-0.016 / 15), abs=1e-5)
    assert lines[1]["learning_rate"] < lines[0]["learning_rate"] == 4e-3


def test_a_short_session_leaves_its_numbers(tiny_pictures: Path, tmp_path: Path) -> None:
    folder = run(tiny_pictures, tmp_path / "run", 16)
    run(tiny_pictures, folder, 24)
    assert [line["images"] for line in log_of(folder)] == [16, 24]


def test_cameras_that_are_not_told_are_drawn_where_the_data_have_some(tmp_path: Path) -> None:
    """Pictures of the front alone do not teach that there is nothing behind."""
    pictures = write_pictures(tmp_path / "data", count=24)
    transforms = json.loads((pictures / "transforms.json").read_text())
    for number, frame in enumerate(transforms["frames"]):
        matrix = camera_to_world(math.radians(-45 + 90 * number / 23), math.radians(50 + number), 4.0)
        frame["transform_matrix"] = matrix.tolist()
    (pictures / "transforms.json").write_text(json.dumps(transforms))
    untold = dataclasses.replace(TINY, discriminator=dataclasses.replace(TINY.discriminator, pose=False))
    prior = load_run(run(pictures, tmp_path / "run", 8, untold)).prior
    assert prior.azimuth_deg == pytest.approx((-45, 45), abs=0.1) and prior.elevation_deg == pytest.approx(
        (50, 73), abs=0.1
    )


def test_cameras_all_around_leave_the_prior_as_it_is() -> None:
    around = np.radians(np.arange(0, 360, 15))
    for prior in (PosePrior(), PosePrior(azimuth_deg=(-180.0, 180.0))):
        assert covered(around, np.radians(np.linspace(6, 39, 24)), prior) == prior
    assert covered_azimuths(np.radians([350, 10, 30])) == pytest.approx((-10, 30))
    assert covered_azimuths(np.radians([170, 200])) == pytest.approx((170, 200))
    assert covered_azimuths(np.radians([90])) == pytest.approx((90, 90))


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tiny_pictures: Path, tmp_path: Path) -> None:
    first, again, other = (run(tiny_pictures, tmp_path / n, 24, seed=s) for n, s in (("a", 5), ("b", 5), ("c", 6)))
    assert same(first, again)
    assert not same(first, other)


def same(first: Path, second: Path) -> bool:
    """Whether two runs hold equal networks, averages, optimisers and randomness, bit for bit."""
    one, two = (torch.load(folder / FILE_NAME, weights_only=True) for folder in (first, second))
    assert one.keys() == two.keys()
    return all(equal(one[key], two[key]) for key in one if key != "seconds")


def equal(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def test_a_data_set_without_cameras_trains_and_the_critic_is_told_no_pose(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "data", count=16, cameras=False)
    folder = run(pictures, tmp_path / "run", 16)
    state = state_of(folder)
    assert state.discriminator.conditions == 3, "the patch only"
    assert not load_run(folder).config.discriminator.pose
    run(pictures, folder, 24)
    assert state_of(folder).images == 24, "the same settings resume"


def test_pictures_shown_to_the_critic_keep_their_poses_when_mirrored(tiny_pictures: Path) -> None:
    """A mirrored picture is the flip of one of the set, with the azimuth's sign changed."""
    from training.data.batches import Batches

    data = load_dataset(tiny_pictures)
    assert data.mirror and data.azimuth is not None
    batches = Batches(data, torch.device("cpu"))
    pictures, pose = batches.draw(64, torch.Generator().manual_seed(0))
    straight = data.pictures.astype(np.float32).transpose(0, 3, 1, 2) / 255
    premultiplied = torch.from_numpy(np.concatenate([straight[:, :3] * straight[:, 3:], straight[:, 3:]], 1))
    flips = 0
    for picture, (azimuth, _) in zip(pictures, pose, strict=True):
        plain = (premultiplied - picture).abs().amax((1, 2, 3)) < 1e-6
        flipped = (premultiplied - picture.flip(-1)).abs().amax((1, 2, 3)) < 1e-6
        angles = [float(data.azimuth[i]) for i in plain.nonzero()[:, 0]]
        angles += [-float(data.azimuth[i]) for i in flipped.nonzero()[:, 0]]
        assert any(abs(float(azimuth) - angle) < 1e-6 for angle in angles)
        flips += bool(flipped.any()) and not bool(plain.any())
    assert 16 < flips < 48


def test_a_second_training_on_the_same_folder_is_refused(tiny_pictures: Path, tmp_path: Path) -> None:
    with lock_folder(tmp_path / "run"), pytest.raises(Gen3DError, match="another training is writing") as error:
        run(tiny_pictures, tmp_path / "run", 16)
    assert str(tmp_path / "run") in one_line(error)
    run(tiny_pictures, tmp_path / "run", 16)


def test_a_run_with_other_networks_is_refused_by_name(tiny_pictures: Path, tiny_run: Path) -> None:
    other = dataclasses.replace(TINY, generator=dataclasses.replace(TINY.generator, hidden=32))
    with pytest.raises(Gen3DError, match=r"generator\.hidden = 16, not 32") as error:
        run(tiny_pictures, tiny_run, 160, config=other)
    assert "new --out" in one_line(error)


def test_what_a_later_session_changes_is_recorded(tiny_pictures: Path, tmp_path: Path) -> None:
    """Weights of terms and rates may change on the way; the record says when, from what and to what."""
    folder = run(tiny_pictures, tmp_path / "run", 16)
    other = dataclasses.replace(TINY, optim=dataclasses.replace(TINY.optim, rate=1e-3))
    run(tiny_pictures, folder, 32, config=other)
    record = load_run(folder)
    assert record.config.optim.rate == 1e-3
    changed = {change["setting"]: (change["images"], change["before"], change["after"]) for change in record.changes}
    assert changed["config.optim.rate"] == (16, 4e-3, 1e-3)
    assert "--images 16" in changed["command"][1] and "--images 32" in changed["command"][2]
    assert len(changed) == 2


def test_a_run_with_another_seed_or_other_pictures_is_refused(
    tiny_pictures: Path, tiny_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(Gen3DError, match="seed = 1, not 2"):
        run(tiny_pictures, tiny_run, 160, seed=2)
    fewer = write_pictures(tmp_path / "fewer", count=8)
    with pytest.raises(Gen3DError, match=r"started with dataset\.\w+ = "):
        run(fewer, tiny_run, 160)


def ill(tiny_pictures: Path, out: Path, config: Config, monkeypatch: pytest.MonkeyPatch, check_every: int) -> str:
    monkeypatch.setattr(trainer, "CHECK_EVERY", check_every)
    with pytest.raises(Gen3DError) as error:
        run(tiny_pictures, out, 8 * 64, config=config)
    return one_line(error)


def test_a_run_that_diverges_starts_again_and_then_stops_with_one_line(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wild = dataclasses.replace(TINY, optim=dataclasses.replace(TINY.optim, rate=1e9))
    with caplog.at_level(logging.WARNING):
        text = ill(tiny_pictures, tmp_path / "run", wild, monkeypatch, 2)
    assert "diverged" in text and "3 new starts" in text and "--optim.rate" in text
    assert caplog.text.count("starting again from other weights") == 3
    assert sum("diverged" in line.get("event", "") for line in log_of(tmp_path / "run")) == 4


def test_what_was_reconstructed_is_not_thrown_away(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New weights would know nothing of the codes that a distribution was fitted to."""
    generator = dataclasses.replace(TINY.generator, framed_codes=True)
    wild = dataclasses.replace(TINY, generator=generator, optim=dataclasses.replace(TINY.optim, rate=1e9))
    assert "0 new starts" in ill(tiny_pictures, tmp_path / "run", wild, monkeypatch, 2)


def test_every_new_start_has_the_full_patience(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects that stay empty: four checks agree each time before the alarm is raised."""
    nothing = dataclasses.replace(TINY, generator=dataclasses.replace(TINY.generator, sphere_radius=-3.0))
    text = ill(tiny_pictures, tmp_path / "run", nothing, monkeypatch, 1)
    assert "empty (pictures show 0.0% object" in text
    events = [line["images"] for line in log_of(tmp_path / "run") if "event" in line]
    assert events == [32, 32, 32, 32]


def test_a_late_divergence_stops_the_run_at_once(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not-a-number in the weights after 30 000 pictures: too late to start again unasked."""
    folder = run(tiny_pictures, tmp_path / "run", 16)
    state = state_of(folder)
    with torch.no_grad():
        state.generator.field.occupancy_out.bias.fill_(math.nan)
    state.images = 30_000
    state.save(folder)
    monkeypatch.setattr(trainer, "CHECK_EVERY", 1)
    with pytest.raises(Gen3DError, match="diverged .* after 30008 pictures") as error:
        run(tiny_pictures, folder, 60_000)
    one_line(error)


def test_nothing_visible_leaves_the_weights_finite(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A generator that shows nothing must survive until the alarm has named it."""
    nothing = dataclasses.replace(TINY, generator=dataclasses.replace(TINY.generator, sphere_radius=-3.0))
    monkeypatch.setattr(trainer, "CHECK_EVERY", 1)
    state = state_of(run(tiny_pictures, tmp_path / "run", 24, config=nothing))
    first = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[0], parse_constant=pytest.fail)
    assert first["foreground"] == 0
    for network in (state.generator, state.discriminator):
        assert all(torch.isfinite(parameter).all() for parameter in network.parameters())


def test_a_log_becomes_columns_thinned_and_without_events(tmp_path: Path) -> None:
    rows = [{"images": n, "generator": n / 2, **({"r1": 1.0} if n % 2 else {})} for n in range(10)]
    lines = [json.dumps(row) for row in rows] + [json.dumps({"images": 4, "event": "flat"})]
    (tmp_path / "log.jsonl").write_text("\n".join(lines) + "\n")
    assert curve(tmp_path, most=5) == {
        "images": [0, 2, 4, 6, 8],
        "generator": [0.0, 1.0, 2.0, 3.0, 4.0],
    }
    assert curve(tmp_path, most=10)["r1"] == [None, 1.0] * 5
    assert curve(tmp_path / "nowhere") == {}
