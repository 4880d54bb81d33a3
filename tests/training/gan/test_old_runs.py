"""A run that an older program started, whose settings stand under other names there, goes on."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from gen3d_core.errors import Gen3DError
from tests.training.gan.test_baselines import tiny
from training.gan.run_folder import check, load_run
from training.gan.session import train_session

pytestmark = pytest.mark.usefixtures("single_thread")
OLD_RUN = Path(__file__).with_name("old_run.json")


@pytest.fixture
def old_run(tmp_path: Path, tiny_pictures: Path) -> Path:
    """A step of training, with the configuration recorded as the older program did."""
    folder = tmp_path / "run"
    go_on(tiny_pictures, folder, 4)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    record["config"] = json.loads(OLD_RUN.read_text(encoding="utf-8"))["config"]
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def go_on(pictures: Path, folder: Path, images: int) -> None:
    train_session(pictures, folder, tiny("paper-small"), preset="paper-small", images=images, device="cpu", seed=1)


def test_it_goes_on_and_no_setting_counts_as_changed(old_run: Path, tiny_pictures: Path) -> None:
    go_on(tiny_pictures, old_run, 8)
    run = load_run(old_run)
    assert not [change for change in run.changes if change["setting"].startswith("config.")]
    assert "method" not in json.loads((old_run / "run.json").read_text(encoding="utf-8"))["config"]["renderer"]


def test_what_an_old_run_is_fixed_to_is_still_fixed(tmp_path: Path) -> None:
    shutil.copy(OLD_RUN, tmp_path / "run.json")
    run = load_run(tmp_path)
    assert run.config == tiny("paper-small")
    check(tmp_path, run)
    wider = dataclasses.replace(run.config.baseline.mlp, width=48)
    other = dataclasses.replace(run.config, baseline=dataclasses.replace(run.config.baseline, mlp=wider))
    with pytest.raises(Gen3DError, match=r"was started with baseline\.mlp\.width = 40, not 48"):
        check(tmp_path, dataclasses.replace(run, config=other))
