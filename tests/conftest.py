"""One tiny data set, one tiny training and one export serve every test that needs the real thing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

TENSOR_CODE = [
    f"gen3d_core.{name}"
    for name in """
        camera patch encoding raycast search normals sampling compositing layers fields renderer generator discriminator
        losses encoder fitting
    """.split()
] + [
    f"training.{name}"
    for name in """
        batches health steps augmentation rendered_pool encoder_steps evaluation.pictures metrics.wasserstein
        metrics.features metrics.inception reconstruction.views reconstruction.silhouettes reconstruction.hulls
        reconstruction.solids reconstruction.rays reconstruction.codes reconstruction.steps
    """.split()
]

# From here on every call into these modules is checked against its signature, shapes too; an int may stand for a float.
install_import_hook(TENSOR_CODE, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")


@pytest.fixture(scope="session")
def tiny_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 64 drawn pictures with cameras."""
    from tests.tiny_run import write_pictures

    return write_pictures(tmp_path_factory.mktemp("data") / "blobs")


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, tiny_pictures: Path) -> Path:
    """The folder of a run of 20 steps on `tiny_pictures`. Not to be written to."""
    from tests.tiny_run import TINY, one_thread
    from training.session import train_session

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    with one_thread():
        train_session(tiny_pictures, folder, TINY, images=160, device="cpu", seed=1)
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory, tiny_run: Path) -> Path:
    """The model file of `tiny_run`. Not to be written to."""
    from training.export import export

    path = tmp_path_factory.mktemp("models") / "blobs.gen3d"
    export(tiny_run, path)
    return path


@pytest.fixture
def single_thread() -> Iterator[None]:
    """Sums in one order, so that runs are equal bit for bit wherever they resume."""
    from tests.tiny_run import one_thread

    with one_thread():
        yield
