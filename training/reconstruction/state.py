"""Everything a reconstruction is, in one object: what its checkpoint saves and what resuming restores."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gen3d_core.config import Config, PosePrior
from gen3d_core.errors import Gen3DError, first_line
from gen3d_core.networks.layers import pixel_norm
from gen3d_core.rendering.generator import Generator
from training.checkpoint import RunCheckpoint, Stateful
from training.reconstruction.codes import CodeTable
from training.reconstruction.hard_points import HardPoints

FILE_NAME = "reconstruction.pt"


def read_codes(folder: Path) -> tuple[Float[Tensor, "objects d"], Float[Tensor, "objects a"]]:
    """Shape and appearance codes of the objects that the run in a folder knows. Raises `Gen3DError`."""
    codes = _read(folder / FILE_NAME, "codes")
    return pixel_norm(codes["shape.weight"]), pixel_norm(codes["appearance.weight"])


def read_frame(folder: Path) -> Float[Tensor, "d"]:
    """The centre of the shape codes' frame in what the run in a folder makes of its codes. Raises `Gen3DError`."""
    return _read(folder / "state.pt", "average")["field.shape_mapping.centre"]


def _read(path: Path, part: str) -> Any:
    if not path.exists():
        raise Gen3DError(f"{path.parent} holds no reconstruction: give the folder of a run that knows its objects")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)[part]
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise Gen3DError(f"{path} cannot be read ({first_line(error)})") from error


@dataclass
class ReconstructionState(RunCheckpoint):
    """Networks, codes, optimisers, randomness and how far reconstruction is. `order` lists the objects that come next,
    `images` counts pictures whose rays or silhouettes were compared, `seconds` training over all sessions."""

    file_name: ClassVar[str] = FILE_NAME

    generator: Generator
    average: Generator
    codes: CodeTable
    hard: HardPoints
    optimiser: torch.optim.Optimizer
    code_optimiser: torch.optim.Optimizer
    rng: torch.Generator
    order: Int[Tensor, "waiting"] = field(default_factory=lambda: torch.empty(0, dtype=torch.long))
    images: int = 0
    step: int = 0
    picture_steps: int = 0
    seconds: float = 0.0

    @classmethod
    def fresh(
        cls, config: Config, prior: PosePrior, codes: CodeTable, device: torch.device, seed: int
    ) -> ReconstructionState:
        """Untrained networks whose weights depend on `seed` alone, with codes to begin with."""
        settings = config.reconstruction
        torch.manual_seed(seed)
        layout: dict[str, Any] = {"device": device, "memory_format": torch.channels_last}
        generator = Generator(config, prior).to(**layout)
        codes = codes.to(device)
        average = copy.deepcopy(generator).requires_grad_(False)
        noise = {"params": [codes.shape_noise, codes.appearance_noise], "lr": settings.noise_rate}
        learned = [{"params": list(generator.parameters()), "lr": settings.rate}, noise]
        optimiser = torch.optim.Adam(learned, betas=(0.9, 0.99))
        tables = [codes.shape.weight, codes.appearance.weight]
        code_optimiser = torch.optim.SparseAdam(tables, settings.code_rate, betas=(0.8, 0.99))
        hard = HardPoints(codes.shape.num_embeddings)
        return cls(generator, average, codes, hard, optimiser, code_optimiser, torch.Generator().manual_seed(seed))

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.generator.parameters()).device

    def next_objects(self, count: int) -> Int[Tensor, "count"]:
        """Objects whose turn it is: each comes once before any comes again."""
        objects = self.codes.shape.num_embeddings
        while len(self.order) < count:
            self.order = torch.cat([self.order, torch.randperm(objects, generator=self.rng)])
        taken, self.order = self.order[:count], self.order[count:].clone()
        return taken

    def counters(self) -> tuple[str, ...]:
        return ("order", "images", "step", "picture_steps", "seconds")

    def parts(self) -> dict[str, Stateful]:
        return {
            "generator": self.generator,
            "average": self.average,
            "codes": self.codes,
            "hard": self.hard,
            "optimiser": self.optimiser,
            "code_optimiser": self.code_optimiser,
        }
