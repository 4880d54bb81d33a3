"""One checkpoint for every training: networks, optimisers, randomness, and how far it is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch

from gen3d_core.errors import Gen3DError, first_line
from gen3d_core.files import replacing

VERSION = 1


@runtime_checkable
class Stateful(Protocol):
    """A network or an optimiser."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


class TrainingState(Protocol):
    """Everything a training is, in one object. `images` counts pictures shown, `seconds` training over all sessions."""

    rng: torch.Generator
    images: int
    step: int
    seconds: float

    def parts(self) -> dict[str, Stateful]:
        """What learns, by name."""
        ...

    def counters(self) -> tuple[str, ...]:
        """Names of the attributes that count."""
        ...


class RunState(TrainingState, Protocol):
    """One that a run's folder keeps."""

    file_name: ClassVar[str]


def save_checkpoint(state: TrainingState, path: Path) -> None:
    """Write the state beside the old file, then put it in its place. Raises `OutputError` when the disk is full."""
    content: dict[str, Any] = {"version": VERSION, "rng": state.rng.get_state()}
    content |= {name: part.state_dict() for name, part in state.parts().items()}
    content |= {name: getattr(state, name) for name in state.counters()}
    packed = io.BytesIO()  # torch's own writer answers a full disk with an internal error
    torch.save(content, packed)
    with replacing(path) as file:
        file.write(packed.getbuffer())


def restore_checkpoint(state: TrainingState, path: Path, advice: str) -> bool:
    """Give a fresh state what a file holds; False where there is none.

    Raises:
        Gen3DError: the file is damaged or of another configuration; its text ends with the `advice`.
    """
    if not path.exists():
        return False
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        version = content.get("version", VERSION)
        if version != VERSION:
            raise Gen3DError(f"{path} is a checkpoint of version {version}, this program reads {VERSION}")
        for name, part in state.parts().items():
            part.load_state_dict(content[name])
        state.rng.set_state(content["rng"])
        for name in state.counters():
            setattr(state, name, content[name])
    except Gen3DError:
        raise
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise Gen3DError(f"cannot resume from {path} ({first_line(error)}): {advice}") from error
    return True


class RunCheckpoint:
    """A state that is kept in the folder of a run, under a name of its own."""

    file_name: ClassVar[str]

    def save(self: RunState, folder: Path) -> None:
        """Write the checkpoint of a run's folder."""
        save_checkpoint(self, folder / self.file_name)

    def restore(self: RunState, folder: Path) -> bool:
        """Continue from the folder's checkpoint; False when there is none.

        Raises:
            Gen3DError: the checkpoint is damaged or of another configuration.
        """
        return restore_checkpoint(self, folder / self.file_name, "use the run's own settings or a new --out")
