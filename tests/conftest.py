"""One tiny data set, one tiny training and one export serve every test that needs the real thing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

from tests.once import WORKER, make_once

ROOT = Path(__file__).resolve().parents[1]


def names_shapes() -> list[str]:
    """The modules whose signatures name the shapes of tensors."""
    sources = [path for package in ("gen3d_core", "training") for path in sorted((ROOT / package).rglob("*.py"))]
    told = [path for path in sources if "from jaxtyping import" in path.read_text(encoding="utf-8")]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in told]


# Several processes share the cores: one thread each, in torch and in whatever the tests start.
if WORKER in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# From here on every call into these modules is checked against its signature, shapes too; an int may stand for a float.
install_import_hook(names_shapes(), "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands on the tiny training is marked `trained`."""
    for item in items:
        if "tiny_run" in getattr(item, "fixturenames", ()):
            item.add_marker("trained")


@pytest.fixture(scope="session")
def tiny_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 64 drawn pictures with cameras."""
    from tests.tiny_run import write_pictures

    return make_once(tmp_path_factory, "pictures", lambda folder: write_pictures(folder / "blobs")) / "blobs"


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, tiny_pictures: Path) -> Path:
    """The folder of a run of 20 steps on `tiny_pictures`. Not to be written to."""

    def make(folder: Path) -> None:
        from tests.tiny_run import TINY, one_thread
        from training.gan.session import train_session

        with one_thread():
            train_session(tiny_pictures, folder / "tiny", TINY, images=160, device="cpu", seed=1)

    return make_once(tmp_path_factory, "run", make) / "tiny"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The model file of `tiny_run`. Not to be written to."""

    def make(folder: Path) -> None:
        from training.export.export import export

        export(tiny_run, folder / "blobs.gen3d")

    return make_once(tmp_path_factory, "model", make) / "blobs.gen3d"


@pytest.fixture(scope="session")
def encoding_model(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, tiny_pictures: Path) -> Path:
    """The tiny model with an encoder of a few steps. Not to be written to."""

    def make(folder: Path) -> None:
        from tests.tiny_run import small_encoder_training
        from training.encoder.session import train_encoder

        with small_encoder_training():
            train_encoder(str(tiny_model), folder / "blobs.gen3d", tiny_pictures, None, None, 160, None, 0)

    return make_once(tmp_path_factory, "encoder", make) / "blobs.gen3d"


@pytest.fixture
def single_thread() -> Iterator[None]:
    """Sums in one order, so that runs are equal bit for bit wherever they resume."""
    from tests.tiny_run import one_thread

    with one_thread():
        yield
