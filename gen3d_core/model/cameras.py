"""The cameras of a model, as its file and its data record them: read, and within bounds."""

from __future__ import annotations

import dataclasses
from typing import Any

from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.limits import abbreviate, check_real

_REAL = {"distance": (1.05, 100.0), "fov_deg": (1.0, 170.0)}
_ANGLE = (-720.0, 720.0)


def recorded_prior(manifest: dict[str, Any]) -> PosePrior:
    """The cameras that a model was trained with; the default where its manifest does not say. Raises `Gen3DError`."""
    training = manifest.get("training")
    given = training.get("pose_prior") if isinstance(training, dict) else None
    return PosePrior() if given is None else read_prior(given, "pose_prior")


def read_prior(given: object, name: str) -> PosePrior:
    """Cameras from a JSON object called `name`; what it leaves out is the default. Raises `Gen3DError` for what is no
    such object and for cameras that nothing was ever seen with."""
    if not isinstance(given, dict):
        raise Gen3DError(f"{name} is {abbreviate(given)}: expected an object")
    values: dict[str, Any] = dataclasses.asdict(PosePrior())
    values |= {key: value for key, value in given.items() if key in values}
    for key, bounds in _REAL.items():
        values[key] = check_real(f"{name}.{key}", values[key], bounds)
    for key in ("azimuth_deg", "elevation_deg"):
        ends = values[key]
        if not isinstance(ends, (list, tuple)) or len(ends) != 2:
            raise Gen3DError(f"{name}.{key} is {abbreviate(ends)}: expected two numbers, the lower first")
        low, high = (check_real(f"{name}.{key}", end, _ANGLE) for end in ends)
        if low > high:
            raise Gen3DError(f"{name}.{key} is {low:g} to {high:g}: expected the lower first")
        values[key] = low, high
    return PosePrior(**values)
