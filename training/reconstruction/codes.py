"""One shape code and one appearance code for every object of the data, learned with the generator (GLO: Bojanowski et
al., *Optimizing the Latent Space of Generative Networks*, ICML 2018).

They start from the principal components of what silhouettes and colours say, so that like objects begin alike.
"""

from __future__ import annotations

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

    def __init__(self, shape: Float[Tensor, "objects d"], appearance: Float[Tensor, "objects a"]) -> None:
        super().__init__()
        self.shape = nn.Embedding.from_pretrained(shape, freeze=False, sparse=True)
        self.appearance = nn.Embedding.from_pretrained(appearance, freeze=False, sparse=True)

    def shapes(self, objects: Int[Tensor, "n"]) -> Float[Tensor, "n d"]:
        return pixel_norm(self.shape(objects.to(self.shape.weight.device)))

    def appearances(self, objects: Int[Tensor, "n"]) -> Float[Tensor, "n a"]:
        return pixel_norm(self.appearance(objects.to(self.appearance.weight.device)))

    @torch.no_grad()
    def renormalise(self) -> None:
        """Bring codes that drifted in length back to the sphere."""
        for table in (self.shape, self.appearance):
            table.weight.copy_(pixel_norm(table.weight))


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
