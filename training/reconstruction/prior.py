"""From learned codes to a distribution that new objects are drawn from: the *prior* stage.

First a frame: mean and spread of the codes become part of the networks, so that codes outside are normal to second
order. Then a mixture of Gaussians for what is left, kept as `gen3d_core.codes.prior` reads it. Both are those of codes
blurred by the noise that they were taught with, the *aggregated posterior*: numbers that tell nothing are noise there
too, and no pattern in them is taken for one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch

from gen3d_core.codes.prior import CodePrior, CodePriors
from gen3d_core.networks.fields.triplane import TriplaneField
from training.reconstruction.codes import CodeTable
from training.reconstruction.mixture import Mixture, choose, fit

log = logging.getLogger(__name__)

BLURRED = 4
"""Blurrings of each code that a distribution is fitted to."""
LEAST_VARIANCE = 1e-3
"""Of codes along any axis, where their mean square is 1: the sphere on which they lie has no thickness."""


@dataclass(frozen=True)
class Frame:
    """`centre` (d,) and `spread` (d, d), symmetric, float32: a code is `centre + spread @ normal`."""

    centre: np.ndarray
    spread: np.ndarray

    def normal(self, codes: np.ndarray) -> np.ndarray:
        """Codes (n, d) as they look from outside: mean 0, covariance near 1, float32."""
        return np.linalg.solve(self.spread.astype(np.float64), (codes - self.centre).T).T.astype(np.float32)


@dataclass(frozen=True)
class FittedCodes:
    """The frames of both codes, their distributions in these frames, and the known objects' codes there."""

    shape: Frame
    appearance: Frame
    priors: CodePriors
    shape_codes: np.ndarray
    appearance_codes: np.ndarray


def fit_codes(codes: CodeTable, seed: int) -> FittedCodes:
    """Frames and distributions of all objects' codes."""
    everything, rng = torch.arange(codes.shape.num_embeddings), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        known = codes.shapes(everything).cpu().numpy(), codes.appearances(everything).cpu().numpy()
        blurred = [
            np.stack([blur(everything, rng).cpu().numpy() for _ in range(BLURRED)])
            for blur in (codes.blurred_shapes, codes.blurred_appearances)
        ]
    frames = [frame_of(each.reshape(-1, each.shape[-1])) for each in blurred]
    normal = [frame.normal(each) for frame, each in zip(frames, known, strict=True)]
    shape, appearance = (
        _distribution(name, frame.normal(each.reshape(-1, each.shape[-1])).reshape(each.shape), seed)
        for name, frame, each in zip(("shape", "appearance"), frames, blurred, strict=True)
    )
    return FittedCodes(frames[0], frames[1], CodePriors(shape, appearance), normal[0], normal[1])


def frame_of(codes: np.ndarray) -> Frame:
    """Mean and symmetric root of the covariance of codes (n, d)."""
    codes = codes.astype(np.float64)
    return Frame(codes.mean(0).astype(np.float32), _root(np.cov(codes.T)).astype(np.float32))


def set_frames(field: TriplaneField, fitted: FittedCodes) -> None:
    """Let the networks take codes as they look from outside."""
    for mapping, frame in ((field.shape_mapping, fitted.shape), (field.appearance_mapping, fitted.appearance)):
        mapping.centre.copy_(torch.from_numpy(frame.centre))
        mapping.spread.copy_(torch.from_numpy(frame.spread))


def as_prior(mixture: Mixture) -> CodePrior:
    """A fitted mixture as a model file keeps it."""
    roots = np.stack([_root(covariance, 0.0) for covariance in mixture.covariances])
    return CodePrior(*(part.astype(np.float32) for part in (mixture.weights, mixture.means, roots)))


def _distribution(name: str, codes: np.ndarray, seed: int) -> CodePrior:
    """Of codes (`BLURRED`, n, d): one blurring of each object tells how many Gaussians pay, all of them where these
    lie."""
    choice = choose(codes[0], seed)
    every = fit(codes.reshape(-1, codes.shape[-1]), choice.components, choice.strength * BLURRED, seed)
    log.info(
        "%s codes: %d Gaussians explain held-out ones with a log density of %.2f, one with %.2f",
        name,
        choice.components,
        choice.held_out,
        choice.single,
    )
    return as_prior(every)


def _root(covariance: np.ndarray, least: float = LEAST_VARIANCE) -> np.ndarray:
    """The symmetric square root, no variance below `least`."""
    variance, axes = np.linalg.eigh(covariance)
    return (axes * np.sqrt(np.maximum(variance, least))) @ axes.T
