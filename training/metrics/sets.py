"""How a set of shapes compares with a reference set: fidelity, diversity, and whether the two can be told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SetScores:
    """Scores of N samples against M references, with what each is the mean of, so that intervals can be resampled.

    `nearest` (M,): distance from each reference to its nearest sample. `covered` (M,) bool: whether the reference is
    the nearest one of some sample. `correct` (N + M,) bool, samples first: whether the nearest neighbour of a shape
    among all others is of its own set. Means over several comparisons have float64 in the place of bool.
    """

    nearest: np.ndarray
    covered: np.ndarray
    correct: np.ndarray

    @property
    def mmd(self) -> float:
        """Minimum matching distance (Achlioptas et al., ICML 2018): how well the references are met; lower is better.
        It has the unit of the distances."""
        return float(self.nearest.mean())

    @property
    def cov(self) -> float:
        """Coverage (Achlioptas et al., ICML 2018), 0 to 1: the share of references that samples come near to."""
        return float(self.covered.mean())

    @property
    def one_nna(self) -> float:
        """Accuracy of the leave-one-out 1-nearest-neighbour classifier (Lopez-Paz and Oquab, ICLR 2017), 0 to 1: about
        0.5 for two sets of one size from one distribution, 1 for sets that lie apart, below 0.5 for copies."""
        return float(self.correct.mean())


def compare_sets(between: np.ndarray, within_samples: np.ndarray, within_references: np.ndarray) -> SetScores:
    """Scores from distances: samples to references (N, M), among samples (N, N), among references (M, M).

    The metrics and their use on shapes are those of Yang et al., *PointFlow*, ICCV 2019, section 5. What a shape is to
    itself is never looked at. Two ties need a rule, and neither depends on an order. Every reference at a sample's
    least distance is covered. A shape as near to the other set as to its own counts as told wrongly, for it cannot be
    told apart; hence a set against itself has MMD 0, COV 1 and 1-NNA 0: the nearest neighbour of each is its copy in
    the other set.
    """
    samples, references = between.shape
    if within_samples.shape != (samples, samples) or within_references.shape != (references, references):
        raise ValueError(f"{between.shape} distances between sets of other sizes than those within")
    if not between.size or any(np.isnan(part).any() for part in (between, within_samples, within_references)):
        raise ValueError("distances between two sets that are not empty, none of them NaN, are needed")
    own = np.concatenate([_nearest_other(within_samples), _nearest_other(within_references)])
    other = np.concatenate([between.min(axis=1), between.min(axis=0)])
    return SetScores(
        nearest=between.min(axis=0),
        covered=(between == between.min(axis=1, keepdims=True)).any(axis=0),
        correct=own < other,
    )


def _nearest_other(within: np.ndarray) -> np.ndarray:
    """Distance (N,) of each member to the nearest other one; infinite for a set of one."""
    return np.where(np.eye(len(within), dtype=bool), np.inf, within).min(axis=1)
