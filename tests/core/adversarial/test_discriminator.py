"""What the critic sees, and what it must not."""

import dataclasses

import pytest
import torch

from gen3d_core.adversarial.discriminator import Discriminator
from gen3d_core.config import DiscriminatorConfig
from gen3d_core.rendering import patch

SMALL = DiscriminatorConfig(channels=(8, 12, 16))


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def critic(config: DiscriminatorConfig = SMALL, size: int = 16) -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(config, size)


def inputs(rng: torch.Generator, count: int = 4, size: int = 16) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    pictures = torch.rand(count, 4, size, size, generator=rng)
    pictures[:, :3] *= pictures[:, 3:]
    return pictures, torch.rand(count, 2, generator=rng), patch.whole_picture(size, count).description()


@pytest.mark.parametrize("size", [16, 18, 32])
def test_scores_are_one_number_per_picture_of_about_unit_size(rng: torch.Generator, size: int) -> None:
    scores = critic(size=size)(*inputs(rng, 32, size))
    assert scores.shape == (32,) and scores.dtype == torch.float32
    assert 0.01 < scores.abs().mean() < 10


def test_pictures_of_a_batch_do_not_mix(rng: torch.Generator) -> None:
    """The shared backward pass of both players stands on this."""
    pictures, pose, view = inputs(rng)
    scores = critic()(pictures, pose, view)
    alone = torch.cat([critic()(pictures[i : i + 1], pose[i : i + 1], view[i : i + 1]) for i in range(4)])
    assert torch.allclose(scores, alone, atol=1e-5)


def test_the_silhouette_tells_a_white_object_from_nothing(rng: torch.Generator) -> None:
    """Over white both look alike: only the fourth channel differs."""
    _, pose, view = inputs(rng, 2)
    pictures = torch.zeros(2, 4, 16, 16)
    pictures[1, :, 4:12, 4:12] = 1
    seeing = critic()(pictures, pose[:1].expand(2, 2), view)
    blind = critic(dataclasses.replace(SMALL, silhouette=False))(pictures, pose[:1].expand(2, 2), view)
    assert seeing[0] != seeing[1]
    assert blind[0] == blind[1]


def test_the_pose_counts_only_where_it_is_told(rng: torch.Generator) -> None:
    pictures, pose, view = inputs(rng)
    told, untold = critic(), critic(dataclasses.replace(SMALL, pose=False))
    assert not torch.allclose(told(pictures, pose, view), told(pictures, pose + 1, view))
    assert torch.equal(untold(pictures, pose, view), untold(pictures, pose + 1, view))


def test_a_full_turn_of_the_camera_changes_nothing(rng: torch.Generator) -> None:
    pictures, pose, view = inputs(rng)
    turned = pose + torch.tensor([2 * torch.pi, 0.0])
    assert torch.allclose(critic()(pictures, pose, view), critic()(pictures, turned, view), atol=1e-4)


def test_the_place_of_the_patch_is_told(rng: torch.Generator) -> None:
    pictures, pose, view = inputs(rng)
    assert not torch.allclose(critic()(pictures, pose, view), critic()(pictures, pose, view * 0.5))


def test_weights_depend_on_the_seed_alone() -> None:
    first, second = critic().state_dict(), critic().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
