"""Where the codes of new objects come from in training: standard normal draws, or the distribution fitted to known
objects' codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.codes.prior import MEMBERS, NORMAL, CodePrior, CodePriors
from gen3d_core.config import GeneratorConfig
from gen3d_core.model.archive import ModelArchive, read_priors


@dataclass(frozen=True)
class CodeSource:
    """Draws codes of these sizes, on the CPU."""

    shape_dim: int
    appearance_dim: int
    priors: CodePriors = NORMAL

    @classmethod
    def of_run(cls, config: GeneratorConfig, folder: Path) -> CodeSource:
        """That of a run's folder: what reconstruction left there, where it did. Raises `Gen3DError` for a damaged
        file."""
        sizes = {"shape": config.shape_dim, "appearance": config.appearance_dim}
        found = {
            code: CodePrior.unpacked((folder / name).read_bytes(), sizes[code])
            for code, name in MEMBERS.items()
            if config.framed_codes and (folder / name).exists()
        }
        return cls(config.shape_dim, config.appearance_dim, CodePriors(found.get("shape"), found.get("appearance")))

    @classmethod
    def of_model(cls, archive: ModelArchive) -> CodeSource:
        """That of a model file."""
        return cls(archive.manifest["shape_dim"], archive.manifest["appearance_dim"], read_priors(archive))

    def shapes(self, count: int, rng: torch.Generator) -> Float[Tensor, "count d"]:
        return _drawn(count, self.shape_dim, self.priors.shape, rng)

    def appearances(self, count: int, rng: torch.Generator) -> Float[Tensor, "count a"]:
        return _drawn(count, self.appearance_dim, self.priors.appearance, rng)


def _drawn(count: int, size: int, prior: CodePrior | None, rng: torch.Generator) -> Float[Tensor, "count size"]:
    z = torch.randn(count, size, generator=rng)
    if prior is None:
        return z
    component = torch.multinomial(torch.from_numpy(prior.weights), count, replacement=True, generator=rng)
    means, roots = torch.from_numpy(prior.means), torch.from_numpy(prior.roots)
    return means[component] + torch.einsum("nij,nj->ni", roots[component], z)
