"""How full generated and real bodies are: chairs whose legs have grown together with their seats are solids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from tqdm import tqdm

from gen3d_core.mesh.mesh import Mesh
from training.evaluation.results import Estimate, Row
from training.metrics.body import SOLID, Body, carve

GROUP = "Bodies"


def solid_rows(generated: Sequence[Body], real: Sequence[Body], seed: int) -> Iterator[Row]:
    """How full bodies are and the share of solids; best is what `real` ones have, which may be none."""
    fills, others = (np.array([body.fill for body in bodies]) for bodies in (generated, real))
    solids, other_solids = fills > SOLID, others > SOLID
    yield Row(
        "bodies.fill",
        GROUP,
        "share of the convex hull filled",
        Estimate.of_mean(fills, [seed, 60]),
        Estimate.of_mean(others, [seed, 61]) if real else None,
        "nearest" if real else "none",
        float(others.mean()) if real else None,
        note="Volume of the body that is seen from all around, over that of its convex hull. Floor: real meshes.",
    )
    yield Row(
        "bodies.solids",
        GROUP,
        "solids",
        Estimate.of_mean(solids, [seed, 62]),
        Estimate.of_mean(other_solids, [seed, 63]) if real else None,
        "nearest" if real else "lowest",
        float(other_solids.mean()) if real else None,
        note=f"Share of meshes that fill more than {SOLID:g} of their convex hull. Floor: real meshes.",
    )


def carve_all(meshes: Sequence[Mesh], what: str) -> list[Body]:
    """The body of each mesh; `what` names the progress."""
    return [carve(mesh) for mesh in tqdm(meshes, desc=what, unit="mesh", leave=False)]
