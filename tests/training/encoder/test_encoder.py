"""Encoders: what they are taught with, that teaching helps, that it resumes, and the file that carries them.

One file because all stands on one taught encoder.
"""

from __future__ import annotations

import logging
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gen3d_core.errors import Gen3DError
from gen3d_core.inversion.encode import LOW_CONFIDENCE, Encoded, encode, is_doubtful
from gen3d_core.inversion.pose_search import CameraPose
from gen3d_core.model.archive import OBJECT_GRAPHS, read_model, write_model
from gen3d_core.model.model import load
from gen3d_core.model.onnx_model import OnnxModel
from gen3d_core.model.prediction import AZIMUTHS, SIDE
from gen3d_core.networks.encoder import Encoder
from gen3d_core.pictures.cutout import VISIBLE
from gen3d_core.pictures.pinhole import FILL
from gen3d_core.rendering import patch, picture_losses
from gen3d_core.weights.load import load_generator
from gen3d_core.weights.onnx_export import export_encoder
from tests.analytic import Box, Sphere
from tests.core.torch_solids import SolidBatch
from tests.tiny_run import TINY, small_encoder_training
from training.cli import main
from training.code_source import CodeSource
from training.encoder import session as encoder_session
from training.encoder.augmentation import augment, frame_pictures
from training.encoder.occupancy_probes import POINTS, SolidProbes
from training.encoder.pool import CodeBatch, Pool, frame_data_pictures, render_objects
from training.encoder.state import EncoderState, average_decay, rate
from training.encoder.steps import StyleDistance, azimuth_shares
from training.lock import hold

CPU = torch.device("cpu")
CODES = CodeSource(8, 6)


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Trainings take seconds."""
    with small_encoder_training():
        yield


def box(low: tuple[int, int], high: tuple[int, int], size: int = 40) -> torch.Tensor:
    """A premultiplied white picture (1, 4, size, size) of a rectangle, rows and columns from `low` to before `high`."""
    picture = torch.zeros(1, 4, size, size)
    picture[:, :, low[0] : high[0], low[1] : high[1]] = 1
    return picture


def test_the_square_around_an_object_is_exact():
    place = patch.frame_patch(box((10, 4), (20, 24))[:, 3], 1.0, 20)
    assert place.extent.item() == pytest.approx(20 / 40)
    assert place.centre[0].tolist() == pytest.approx([14 / 20 - 1, 1 - 15 / 20])
    taken = place.take(box((10, 4), (20, 24)))[0, 3]
    assert taken[6:14].mean() == 1 and taken[:4].sum() == 0


def test_around_nothing_is_everything():
    place = patch.frame_patch(torch.zeros(1, 8, 8), 0.5, 8)
    assert place.extent.item() == 1 and place.centre.tolist() == [[0, 0]]


def test_framed_pictures_are_framed_as_the_runtime_frames_them():
    seen = frame_pictures(box((10, 4), (20, 24)))[0, 3] > 0.5
    assert seen.any(0).sum() == pytest.approx(SIDE * FILL, abs=1) and seen.any(1).sum() == pytest.approx(
        SIDE * FILL / 2, abs=1
    )


def test_changed_pictures_are_still_pictures():
    rng = torch.Generator().manual_seed(0)
    pictures = box((5, 5), (35, 30), SIDE).expand(64, -1, -1, -1)
    changed = augment(pictures, rng)
    assert changed.shape == (64, 4, SIDE, SIDE) and changed.isfinite().all()
    assert changed.min() >= 0 and changed.max() <= 1
    assert (changed[:, :3] <= changed[:, 3:] + 1e-5).all()  # premultiplied
    assert picture_losses.silhouette_loss(changed[:, 3:], frame_pictures(pictures)[:, 3:]).median() < 0.2
    assert changed.std(0).max() > 0.1


def test_silhouette_and_picture_losses_are_overlap_and_mean_difference():
    one, other = box((0, 0), (10, 10)), box((0, 0), (10, 20))
    assert picture_losses.silhouette_loss(one[:, 3:], other[:, 3:]).item() == pytest.approx(0.5)
    assert picture_losses.picture_loss(one, other).item() == pytest.approx(0.5)
    assert (
        picture_losses.silhouette_loss(one[:, 3:], one[:, 3:]).item()
        == picture_losses.picture_loss(one, one).item()
        == 0
    )


def test_directions_are_shared_by_the_nearest_two():
    shares = azimuth_shares(torch.tensor([0.0, 2.25, -0.5]) * 2 * math.pi / AZIMUTHS)
    assert shares.sum(1).tolist() == pytest.approx([1, 1, 1])
    assert shares[0, 0] == pytest.approx(1) and shares[1, 2:4].tolist() == pytest.approx([0.75, 0.25], abs=1e-5)
    assert shares[2, [0, AZIMUTHS - 1]].tolist() == pytest.approx([0.5, 0.5], abs=1e-5)


def test_styles_are_compared_by_what_they_are_and_not_by_the_codes_length(tiny_model: Path):
    field = load_generator(tiny_model, CPU).field
    rng = torch.Generator().manual_seed(0)
    distance = StyleDistance(field, CODES, rng)  # type: ignore[arg-type]
    codes = CodeBatch(torch.randn(256, 8, generator=rng), torch.randn(256, 6, generator=rng))
    others = CodeBatch(torch.randn(256, 8, generator=rng), torch.randn(256, 6, generator=rng))
    assert distance(CodeBatch(3 * codes.shape, 3 * codes.appearance), codes).item() == pytest.approx(0, abs=1e-4)
    assert distance(others, codes).item() == pytest.approx(1, abs=0.25)


def test_a_pool_keeps_the_newest(tiny_model: Path):
    generator = load_generator(tiny_model, CPU)
    rng = torch.Generator().manual_seed(0)
    pool = Pool(6, 8, 6)
    probes = SolidProbes(generator, CODES, 1.0, rng)
    first, second = (render_objects(generator, CODES, probes, 2, 1.0, rng) for _ in range(2))
    pool.add(first)
    pool.add(second)
    drawn = pool.draw(200, rng)
    assert pool.count == 6
    known = {tuple(code.tolist()) for code in torch.cat([first.codes.appearance[2:], second.codes.appearance])}
    assert {tuple(code.tolist()) for code in drawn.codes.appearance} == known
    where = (drawn.codes.appearance == second.codes.appearance[0]).all(1).nonzero()[0, 0]
    assert (drawn.seen.pictures[where] - second.seen.pictures[0]).abs().max() <= 0.5 / 255 + 1e-6
    assert drawn.seen.pose[where].tolist() == second.seen.pose[0].tolist()
    assert (drawn.occupancy[where] - second.occupancy[0]).abs().max() <= 0.5 / 255 + 1e-6


def test_probes_tell_what_solids_fill(tiny_model: Path):
    probes = SolidProbes(load_generator(tiny_model, CPU), CODES, 1.0, torch.Generator().manual_seed(0))
    occupancy = probes.occupancy(SolidBatch([Sphere(0.5), Box((0.6, 0.3, 0.2))])) > 0.5
    assert torch.equal(occupancy[0], probes.points.norm(dim=1) < 0.5)
    assert torch.equal(occupancy[1], (probes.points.abs() < torch.tensor([0.6, 0.3, 0.2])).all(1))


def test_probes_lie_where_objects_differ(tiny_model: Path):
    generator = load_generator(tiny_model, CPU)
    rng = torch.Generator().manual_seed(0)
    probes, elsewhere = (SolidProbes(generator, CODES, 1.0, rng) for _ in range(2))
    assert probes.points.shape == (POINTS, 3) and probes.points.norm(dim=1).max() <= 1
    direction = torch.nn.functional.normalize(torch.randn(POINTS, 3, generator=rng))
    elsewhere.points = direction * torch.rand(POINTS, 1, generator=rng) ** (1 / 3)
    field = generator.condition(torch.randn(32, 8, generator=rng), torch.randn(32, 6, generator=rng))
    assert probes.occupancy(field).var(0).mean() > 2 * elsewhere.occupancy(field).var(0).mean()


def test_pictures_are_rendered_where_their_place_says(tiny_model: Path):
    """What the pool shows at a place is what the whole picture shows there."""
    generator = load_generator(tiny_model, CPU)
    probes = SolidProbes(generator, CODES, 1.0, torch.Generator().manual_seed(0))
    new = render_objects(generator, CODES, probes, 2, 1.0, torch.Generator().manual_seed(1))
    covered = new.seen.pictures[:, 3] >= VISIBLE / 255  # what framing calls seen: a tiny model's edges are haze
    for axis in (1, 2):
        assert covered.any(axis).sum(1).max() <= SIDE
    assert covered.any(2).sum(1).maximum(covered.any(1).sum(1)).float().mean() == pytest.approx(SIDE * FILL, rel=0.12)


def test_real_pictures_are_reduced_to_their_objects():
    seen = frame_data_pictures(box((10, 4), (20, 24)), torch.zeros(1, 2))
    assert seen.pictures.shape == (1, 4, SIDE, SIDE)
    assert (
        picture_losses.silhouette_loss(seen.pictures[:, 3:], frame_pictures(box((10, 4), (20, 24)))[:, 3:]).item()
        < 0.02
    )
    both = seen.join(seen)
    assert len(both.pictures) == len(both.pose) == len(both.place.centre) == 2


def test_rates_rise_stay_and_fall():
    assert rate(0, 0.0) < rate(50, 0.0) < rate(200, 0.1) == rate(400, 0.5) > rate(400, 0.8) > rate(400, 1.0) > 0
    assert average_decay(0) == 0 and 0.99 < average_decay(10**6) < 1


def test_the_graph_says_what_the_network_says(tmp_path: Path, tiny_model: Path):
    torch.manual_seed(0)
    encoder = Encoder(8, 6).eval()
    archive = read_model(tiny_model)
    graphs = {name: archive.members[name] for name in OBJECT_GRAPHS} | {"encoder.onnx": export_encoder(encoder)}
    runtime = OnnxModel(tmp_path / "x.gen3d", archive.manifest, graphs, 1)
    pictures = torch.rand(3, 4, SIDE, SIDE)
    with torch.no_grad():
        said = encoder(pictures).numpy()
    # Weights of eight bits: near, not equal.
    assert np.abs(runtime.predict(pictures.numpy()) - said).mean() < 0.05 * np.abs(said).mean()
    assert np.linalg.norm(said[:, :8], axis=1) == pytest.approx(8**0.5, rel=1e-3)


def test_only_the_encoder_is_added(encoding_model: Path, tiny_model: Path):
    with zipfile.ZipFile(encoding_model) as new, zipfile.ZipFile(tiny_model) as old:
        for name in set(old.namelist()) - {"model.json"}:
            assert new.read(name) == old.read(name)
        assert set(new.namelist()) - set(old.namelist()) == {"encoder.onnx"}
    before, after = read_model(tiny_model, only=()).manifest, read_model(encoding_model, only=()).manifest
    assert {key: value for key, value in after.items() if key != "encoder"} == before
    assert 0 < after["encoder"]["low_confidence"] < 1 and 0 <= after["encoder"]["low_certainty"] < 1
    assert after["encoder"]["pictures_shown"] == 160 and "--images 160" in after["encoder"]["command"]
    assert list(encoding_model.parent.iterdir()) == [encoding_model]


def test_doubtful_is_what_falls_short_of_the_files_lows_where_they_make_sense(encoding_model: Path, tmp_path: Path):
    archive = read_model(encoding_model)

    def doubts(record: object, overlap: float, certainty: float) -> bool:
        write_model(tmp_path / "x.gen3d", {**archive.manifest, "encoder": record}, archive.members)
        model = load(tmp_path / "x.gen3d")
        return is_doubtful(model, Encoded(model.codes(0), (CameraPose(0.0, 0.0, overlap),), certainty))

    lows = {"low_confidence": 0.3, "low_certainty": 0.5}
    assert not doubts(lows, 0.31, 0.51)
    assert doubts(lows, 0.29, 0.51) and doubts(lows, 0.31, 0.49)
    for senseless in ({"low_confidence": 7, "low_certainty": 7}, {"low_confidence": "much"}, None, "nothing"):
        assert doubts(senseless, LOW_CONFIDENCE - 0.01, 0.0) and not doubts(senseless, LOW_CONFIDENCE + 0.01, 0.0)


def test_pictures_can_be_encoded_with_it(encoding_model: Path, tiny_pictures: Path):
    model = load(encoding_model)
    picture = np.asarray(Image.open(tiny_pictures / "images" / "000000.png"))
    found = encode(model, [picture])
    assert 0 < found.confidence <= 1
    assert len(model.build(found.codes, 32).vertices) > 0


def test_it_goes_on_where_it_stopped(
    tmp_path: Path, tiny_model: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "blobs.gen3d"
    take = encoder_session.encoder_terms
    steps = []

    def interrupted(*arguments: object) -> object:
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return take(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(encoder_session, "encoder_terms", interrupted)
    command = ["encoder", str(tiny_model), "--out", str(out), "--images", "64"]
    assert main(command) == 130
    assert not out.exists()
    with caplog.at_level(logging.INFO):
        assert main(command) == 0
    assert "resuming at 32 pictures" in caplog.text and len(steps) == 3 + 2
    assert read_model(out, only=()).manifest["encoder"]["pictures_shown"] == 64


def test_one_training_at_a_time_writes_a_model(tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "blobs.gen3d"
    with hold(tmp_path / "blobs.encoder.lock", out, litter=True):
        assert main(["encoder", str(tiny_model), "--out", str(out), "--images", "64"]) == 2
    assert f"another training is writing to {out}" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_teaching_helps():
    """Directions of a bar that turns with the camera are learned in a few dozen steps."""
    state = EncoderState.fresh(TINY.generator, 0, "model")
    azimuth = torch.rand(24, generator=state.rng) * math.pi
    at = torch.linspace(-1, 1, SIDE)
    across = at * azimuth.sin()[:, None, None] - at[:, None] * azimuth.cos()[:, None, None]
    alpha = ((across.abs() < 0.2) & ((at.square() + at[:, None].square()) < 0.7)).float()[:, None]
    pictures = alpha.expand(-1, 4, -1, -1)

    def loss() -> torch.Tensor:
        *_, directions, _ = state.encoder(pictures).split(state.encoder.sizes, -1)
        return torch.nn.functional.cross_entropy(directions, azimuth_shares(azimuth))

    before = loss().item()
    for step in range(30):
        state.optimiser.param_groups[0]["lr"] = rate(100 + step, 0.0)
        state.optimiser.zero_grad()
        value = loss()
        value.backward()
        state.optimiser.step()
    assert loss().item() < 0.8 * before


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path):
    state = EncoderState.fresh(TINY.generator, 0, "model")
    state.images = 7
    state.save(tmp_path / "a.pt")
    other = EncoderState.fresh(TINY.generator, 1, "model")
    assert other.restore(tmp_path / "a.pt") and other.images == 7
    assert all(
        bool((a == b).all()) for a, b in zip(state.encoder.parameters(), other.encoder.parameters(), strict=True)
    )
    with pytest.raises(Gen3DError, match="a.pt belongs to the encoder of another model: remove it"):
        EncoderState.fresh(TINY.generator, 0, "another").restore(tmp_path / "a.pt")
    (tmp_path / "a.pt").write_bytes(b"damaged")
    with pytest.raises(Gen3DError, match="cannot resume from"):
        other.restore(tmp_path / "a.pt")


def test_mistakes_are_named(tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]):
    from tests.tiny_run import write_pictures

    write_pictures(tmp_path / "bare", count=2, cameras=False)
    out = ["--out", str(tmp_path / "x.gen3d")]
    for command, reason in (
        ([str(tiny_model), *out], "--minutes or --images"),
        ([str(tiny_model), *out, "--images", "0"], "--images is 0: it must be positive"),
        ([str(tiny_model), "--out", str(tmp_path / "x.zip"), "--images", "1"], "expected NAME.gen3d"),
        ([str(tmp_path / "none.gen3d"), *out, "--images", "1"], "there is no such file"),
        ([str(tiny_model), *out, "--images", "1", "--data", str(tmp_path / "bare")], "does not know its cameras"),
    ):
        assert main(["encoder", *command]) == 2
        told = capsys.readouterr().err.strip().splitlines()
        assert reason in told[-1]
