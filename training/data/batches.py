"""Pictures of a data set, ready for the discriminator: premultiplied, mirrored where that stays true, on the device."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.rendering.camera import draw_poses
from training.data.dataset import PictureDataset


class Batches:
    """Random access to a `PictureDataset`; holds the pictures as bytes."""

    def __init__(self, dataset: PictureDataset, device: torch.device) -> None:
        self.device = device
        self.size = dataset.size
        self.mirror = dataset.mirror
        self.prior = dataset.prior
        self.pictures = torch.from_numpy(dataset.pictures).permute(0, 3, 1, 2)
        self.pose: Tensor | None = None
        if dataset.azimuth is not None and dataset.elevation is not None:
            angles = [torch.from_numpy(dataset.azimuth), torch.from_numpy(dataset.elevation)]
            self.pose = torch.stack(angles, -1).float()

    def foreground(self) -> Float[Tensor, "n"]:
        """Mean alpha of each picture."""
        parts = self.pictures[:, 3].split(1024)
        return torch.cat([part.flatten(1).float().mean(1) for part in parts]) / 255

    def draw(self, count: int, rng: torch.Generator) -> tuple[Float[Tensor, "n 4 s s"], Float[Tensor, "n 2"]]:
        """Premultiplied pictures in [0, 1] with their cameras' azimuth and elevation (of the prior where unknown)."""
        which = torch.randint(len(self.pictures), (count,), generator=rng)
        rgba = self.pictures[which].float() / 255
        rgba[:, :3] *= rgba[:, 3:]
        pose = self.pose[which].clone() if self.pose is not None else draw_poses(self.prior, count, rng)
        if self.mirror:
            flipped = torch.rand(count, generator=rng) < 0.5
            rgba[flipped] = rgba[flipped].flip(-1)
            pose[flipped, 0] = -pose[flipped, 0]
        return rgba.to(self.device), pose.to(self.device)

    def draw_poses(self, count: int, rng: torch.Generator) -> Float[Tensor, "n 2"]:
        """Cameras for generated pictures: the data's own distribution, or the prior's."""
        if self.pose is None:
            return draw_poses(self.prior, count, rng).to(self.device)
        return self.pose[torch.randint(len(self.pose), (count,), generator=rng)].to(self.device)
