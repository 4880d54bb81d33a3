"""What training sets about the processor ends with it."""

from pathlib import Path

import pytest
import torch

from gen3d_core.errors import Gen3DError
from tests.tiny_run import TINY
from training.compute import denormals_as_zero
from training.gan import session
from training.gan.session import train_session

TINIEST = 1e-40
"""A denormal float32."""


def doubled() -> float:
    return (2 * torch.tensor([TINIEST])).item()


def test_denormals_count_as_zero_within_the_context_alone():
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor cannot do without them")
    assert doubled() == pytest.approx(2 * TINIEST, rel=1e-3)
    with pytest.raises(KeyError), denormals_as_zero():
        assert doubled() == 0
        raise KeyError
    assert doubled() == pytest.approx(2 * TINIEST, rel=1e-3)


def test_training_does_without_them_and_leaves_them_as_they_were(
    tiny_pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if not torch.set_flush_denormal(False):
        pytest.skip("this processor cannot do without them")
    seen = []

    def watched(*arguments: object) -> None:
        seen.append(doubled())
        raise Gen3DError("seen enough")

    monkeypatch.setattr(session, "train", watched)
    with pytest.raises(Gen3DError, match="seen enough"):
        train_session(tiny_pictures, tmp_path / "run", TINY, images=8, device="cpu")
    assert seen == [0] and doubled() > 0
