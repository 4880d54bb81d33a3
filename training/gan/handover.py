"""From a reconstruction to a training against a discriminator."""

from __future__ import annotations

import torch

from gen3d_core.config import Config, PosePrior
from gen3d_core.networks.fields.triplane import TriplaneField
from training.gan.state import TrainState
from training.reconstruction.prior import set_frames
from training.reconstruction.session import Reconstruction


def taught_state(
    known: Reconstruction, config: Config, prior: PosePrior, device: torch.device, seed: int
) -> TrainState:
    """What training goes on from: the reconstruction's networks, with the frames of its codes in them, and a
    discriminator that has seen nothing."""
    state = TrainState.fresh(config, prior, device, seed)
    for theirs, ours in ((state.generator, known.state.generator), (state.average, known.state.average)):
        theirs.load_state_dict(ours.state_dict())
        if isinstance(theirs.field, TriplaneField):
            set_frames(theirs.field, known.fitted)
    state.images, state.seconds = known.state.images, known.state.seconds
    return state
