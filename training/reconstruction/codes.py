"""One shape code and one appearance code for every object of the data, learned with the generator (GLO: Bojanowski et
al., *Optimizing the Latent Space of Generative Networks*, ICML 2018), and how exactly its numbers matter: a
*variational auto-decoder* (Zadeh et al. 2019; Hao et al., *DualSDF*, CVPR 2020).

Codes start from the principal components of what silhouettes and colours say, so that like objects begin alike. What
is taught is taught for codes blurred by noise whose strength, one for each number and all objects, is learned too: a
term for how many nats a code tells widens it, what gets worse by it narrows it. So neighbours overlap, and what
lies between them has been taught.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gen3d_core.networks.layers import pixel_norm
from training.reconstruction.views import ObjectViews

BANDS = 8
"""Parts of a picture's height whose mean colours tell looks apart."""
SPREAD = 0.5
"""Share of a starting code's squared length that varies; the rest is the same for all objects."""
MOST = 0.9


class CodeTable(nn.Module):
    """Learned codes; only those of a batch's objects get gradients. On the sphere that mappings normalise to."""

    def __init__(
        self, shape: Float[Tensor, "objects d"], appearance: Float[Tensor, "objects a"], noise: float = 0.1
    ) -> None:
        super().__init__()
        self.shape_noise = nn.Parameter(torch.full(shape.shape[1:], math.log(noise)))
        self.appearance_noise = nn.Parameter(torch.full(appearance.shape[1:], math.log(noise)))
        self.shape = nn.Embedding.from_pretrained(shape, freeze=False, sparse=True)
        self.appearance = nn.Embedding.from_pretrained(appearance, freeze=False, sparse=True)

    def shapes(self, objects: Int[Tensor, "n"]) -> Float[Tensor, "n d"]:
        return pixel_norm(self.shape(objects.to(self.shape.weight.device)))

    def appearances(self, objects: Int[Tensor, "n"]) -> Float[Tensor, "n a"]:
        return pixel_norm(self.appearance(objects.to(self.appearance.weight.device)))

    def blurred_shapes(self, objects: Int[Tensor, "n"], rng: torch.Generator) -> Float[Tensor, "n d"]:
        """Codes with noise of the learned strength."""
        return _blurred(self.shapes(objects), self.shape_noise, rng)

    def blurred_appearances(self, objects: Int[Tensor, "n"], rng: torch.Generator) -> Float[Tensor, "n d"]:
        return _blurred(self.appearances(objects), self.appearance_noise, rng)

    @torch.no_grad()
    def renormalise(self) -> None:
        """Bring codes that drifted in length back to the sphere."""
        for table in (self.shape, self.appearance):
            table.weight.copy_(pixel_norm(table.weight))


def nats(noise: Float[Tensor, "d"]) -> Float[Tensor, ""]:
    """What a code of length sqrt(d) tells at that logarithm of its noise: its divergence from a standard normal one."""
    return (0.5 * (2 * noise).exp() - noise).sum()


def _blurred(codes: Float[Tensor, "n d"], noise: Float[Tensor, "d"], rng: torch.Generator) -> Float[Tensor, "n d"]:
    return codes + noise.exp() * torch.randn(codes.shape, generator=rng).to(codes)


def starting_codes(described: Float[Tensor, "objects numbers"], size: int) -> Float[Tensor, "objects size"]:
    """Codes of mean square 1 whose first `size` - 1 numbers are the principal components of descriptions, the strong
    ones wider by the square root; the last one fills the length up."""
    centred = described - described.mean(0)
    left, strength, _ = torch.linalg.svd(centred, full_matrices=False)
    kept = min(size - 1, len(strength))
    scores = left[:, :kept] * len(described) ** 0.5 * (strength[:kept] / strength[0].clamp_min(1e-9)).sqrt()
    scores = torch.cat([scores, scores.new_zeros(len(described), size - 1 - kept)], 1)
    scores = scores * (size * SPREAD / scores.square().sum(1).mean().clamp_min(1e-9)).sqrt()
    scores = scores * (size * MOST / scores.square().sum(1, keepdim=True).clamp_min(1e-9)).sqrt().clamp_max(1.0)
    return torch.cat([scores, (size - scores.square().sum(1, keepdim=True)).clamp_min(0).sqrt()], 1)


def colours_by_height(views: ObjectViews) -> Float[Tensor, "objects numbers"]:
    """What is seen of every object: mean colour in bands of the pictures' height, and over all, which counts thrice."""
    found = []
    for objects in torch.arange(views.objects).split(64):
        seen = views.pictures[views.rows[objects, : views.taught]].float() / 255
        covered = seen[..., 3:]
        premultiplied = seen[..., :3] * covered
        height = views.size // BANDS * BANDS
        colour, weight = (
            each[:, :, :height].unflatten(2, (BANDS, -1)).sum((1, 3, 4)) for each in (premultiplied, covered)
        )
        bands = colour / weight.clamp_min(1e-3)
        whole = colour.sum(1) / weight.sum(1).clamp_min(1e-3)
        found.append(torch.cat([bands.flatten(1), 3 * whole], 1))
    return torch.cat(found)
