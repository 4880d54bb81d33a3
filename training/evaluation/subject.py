"""A model under evaluation: its torch half draws pictures, its ONNX half makes the meshes that users get."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from gen3d_core import limits
from gen3d_core.codes import codes as latent
from gen3d_core.codes.codes import Codes
from gen3d_core.model.model import Model, load
from gen3d_core.rendering.generator import Generator
from gen3d_core.weights.load import load_generator
from training.evaluation.pictures import render_pictures


@dataclass(frozen=True)
class JudgedModel:
    """Both halves of one file, used with one truncation."""

    model: Model
    generator: Generator
    truncation: float

    @classmethod
    def open(cls, name: str, truncation: float | None, device: torch.device, threads: int | None) -> JudgedModel:
        """A shipped model's name or a `.gen3d` file; `truncation` None takes the model's own. Raises Gen3DError."""
        model = load(name, threads)
        amount = model.manifest["truncation"] if truncation is None else truncation
        return cls(
            model, load_generator(model.path, device), limits.check_real("--truncation", amount, limits.TRUNCATION)
        )

    @property
    def training(self) -> dict[str, Any]:
        """The training record of the file, {} where there is none."""
        record = self.model.manifest.get("training")
        return record if isinstance(record, dict) else {}

    @property
    def kimg(self) -> float:
        """Thousands of pictures shown in training; where the file does not say, as many as end every schedule."""
        shown = self.training.get("pictures_shown")
        return shown / 1000 if isinstance(shown, (int, float)) else 1e6

    def codes(self, seeds: Iterable[int]) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n a"]]:
        """Shape and appearance codes of seeds: those of the meshes."""
        return stack_codes(self.model.codes(seed) for seed in seeds)

    def path(self, first: int, last: int, steps: int) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n a"]]:
        """Codes on the arc from one seed to another, ends included."""
        ends = self.model.codes(first), self.model.codes(last)
        return stack_codes(latent.slerp(*ends, float(share)) for share in np.linspace(0, 1, steps))

    def render(
        self, shape: Tensor, appearance: Tensor, pose: Tensor, size: int, what: str = "pictures"
    ) -> Float[Tensor, "pictures 4 s s"]:
        """See `render_pictures`; `what` names the progress."""
        with tqdm(total=len(pose), desc=what, unit="picture", leave=False) as bar:
            return render_pictures(
                self.generator,
                shape,
                appearance,
                pose,
                size,
                kimg=self.kimg,
                truncation=self.truncation,
                progress=bar.update,
            )


def stack_codes(codes: Iterable[Codes]) -> tuple[Float[Tensor, "n d"], Float[Tensor, "n a"]]:
    """Codes as tensors, shape and appearance."""
    listed = list(codes)
    return (
        torch.from_numpy(np.stack([each.shape for each in listed])),
        torch.from_numpy(np.stack([each.appearance for each in listed])),
    )
