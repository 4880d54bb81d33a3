"""The averaged weights that a run keeps beside each sample grid, so that its quality can be followed over time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch

from gen3d_core.errors import Gen3DError
from gen3d_core.files import make_folder, replacing
from gen3d_core.rendering.generator import Generator

FOLDER = "snapshots"


@dataclass(frozen=True)
class Snapshot:
    """Where the averaged weights lie, after how many pictures shown and how many minutes of training."""

    path: Path
    images: int
    minutes: float

    def load_into(self, generator: Generator) -> None:
        """Give the generator these weights. Raises Gen3DError when the file is damaged or of another configuration."""
        try:
            weights = safetensors.torch.load_file(self.path)
            generator.load_state_dict({name: value.float() for name, value in weights.items()})
        except (safetensors.SafetensorError, RuntimeError, OSError) as error:
            raise Gen3DError(f"{self.path} is damaged or of another configuration: remove it") from error


def keep_snapshot(folder: Path, generator: Generator, images: int, seconds: float) -> None:
    """Write the weights as float16, about 2 MB for the preset `fast`."""
    place = make_folder(folder / FOLDER)
    weights = {name: value.detach().cpu().half().contiguous() for name, value in generator.state_dict().items()}
    told = {"images": str(images), "minutes": f"{seconds / 60:.3f}"}
    with replacing(place / f"{images // 1000:06d}k.safetensors") as file:
        file.write(safetensors.torch.save(weights, told))


def snapshots(folder: Path) -> list[Snapshot]:
    """What a run kept, in the order of training."""
    found = []
    for path in sorted((folder / FOLDER).glob("*.safetensors")):
        try:
            with safetensors.safe_open(path, "pt") as file:
                told = file.metadata()
            found.append(Snapshot(path, int(told["images"]), float(told["minutes"])))
        except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
            raise Gen3DError(f"{path} is not a snapshot: remove it") from error
    return sorted(found, key=lambda snapshot: snapshot.images)
