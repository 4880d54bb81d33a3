"""Stages of a training: solids, reconstruction, adversary; one by one or in one go, where the data have them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from gen3d_core.errors import Gen3DError
from gen3d_core.model.model import load
from tests.tiny_run import write_pictures
from tests.training.checkpoints import assert_equal, content
from tests.training.reconstruction.known_objects import write_ellipsoids
from tests.training.reconstruction.tiny_reconstruction import CONFIG, IMAGES, SMALL, train
from training.export.export import export
from training.reconstruction import session
from training.reconstruction.state import FILE_NAME

pytestmark = pytest.mark.usefixtures("single_thread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ellipsoids(tmp_path_factory.mktemp("data") / "ellipsoids")


def test_the_discriminator_goes_on_where_reconstruction_ends(data: Path, tmp_path: Path) -> None:
    shared = dataclasses.replace(CONFIG, reconstruction=dataclasses.replace(SMALL, share=0.75))
    out = train(data, tmp_path / "both", shared)
    known, both = content(out, FILE_NAME), content(out, "state.pt")
    assert known["images"] >= 0.75 * IMAGES and both["images"] >= IMAGES and both["step"] > 0
    centre = both["generator"]["field.shape_mapping.centre"]
    assert centre.abs().max() > 0, "codes are framed"


def test_stages_one_by_one_make_what_one_run_makes(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = dataclasses.replace(CONFIG, reconstruction=dataclasses.replace(SMALL, share=0.75, solids_until=0.4))
    whole, out = train(data, tmp_path / "whole", config), tmp_path / "parts"
    with caplog.at_level("INFO", logger="training"):
        train(data, out, config, stage="solids")
        assert 0.4 <= content(out, FILE_NAME)["images"] / (0.75 * IMAGES) < 0.5
        assert not content(out, FILE_NAME)["picture_steps"]
        export(out, tmp_path / "solids.gen3d", shapes=12)
        assert "the stage solids is over" in caplog.text
        train(data, out, config, stage="solids")
        train(data, out, config, stage="reconstruction")
        assert (out / "shape_prior.f32").exists() and content(out, "state.pt")["step"] == 0
        export(out, tmp_path / "reconstructed.gen3d", shapes=12)
    train(data, out, config)
    for name in (FILE_NAME, "state.pt"):
        assert_equal(content(out, name), content(whole, name))


def test_a_reconstruction_that_is_stopped_can_be_exported_and_goes_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As whoever stops a training early expects, in Blender too; and going on makes what was to be made."""
    whole, out = train(data, tmp_path / "whole"), tmp_path / "stopped"
    real = session.step

    def stopping(*arguments, **options):  # type: ignore[no-untyped-def]
        if arguments[0].step == 17:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(session, "step", stopping)
    with pytest.raises(KeyboardInterrupt):
        train(data, out)
    export(out, tmp_path / "stopped.gen3d", shapes=12)
    assert len(load(tmp_path / "stopped.gen3d", 1).sample(0, 24).faces) > 20
    assert list((out / "samples").glob("*.png")) and list((out / "reconstructions").glob("*.png"))
    monkeypatch.setattr(session, "step", real)
    train(data, out)
    for name in (FILE_NAME, "state.pt"):
        assert_equal(content(out, name), content(whole, name))


def test_a_stage_that_the_data_do_not_have_is_refused(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "single", count=16)
    with pytest.raises(Gen3DError, match="--stage solids: these data have no such stage"):
        train(pictures, tmp_path / "run", images=8, stage="solids")
    assert not (tmp_path / "run").exists()


def test_data_with_one_picture_of_each_object_go_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pictures = write_pictures(tmp_path / "single", count=16)
    with caplog.at_level("INFO", logger="training"):
        out = train(pictures, tmp_path / "run", images=8)
    assert "no reconstruction: it takes several pictures of each object" in caplog.text
    assert not (out / FILE_NAME).exists() and content(out, "state.pt")["step"] == 1
    assert "field.shape_mapping.centre" not in content(out, "state.pt")["generator"]
