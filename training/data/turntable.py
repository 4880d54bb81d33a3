"""Cameras of pictures that were taken on a turntable: told by the angle of the first and from each to the next."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gen3d_core.config import PosePrior
from gen3d_core.pictures.pinhole import camera_to_world
from training.data.grouping import natural
from training.data.staging import DatasetError
from training.data.transforms import Frame, Transforms


@dataclass(frozen=True)
class Turntable:
    """In degrees: the azimuth from which each object's first picture was taken, how much further round the next one
    (negative: the other way), and how high above the horizon the camera stands."""

    first: float
    step: float
    elevation: float

    @classmethod
    def of(
        cls, angles: tuple[float, float], azimuth: tuple[float, float] | None, elevation: tuple[float, float] | None
    ) -> "Turntable":
        """From what a user says. Raises DatasetError."""
        first, step = angles
        if azimuth is not None:
            raise DatasetError("--turntable says where the cameras stood: leave --azimuth out")
        if elevation is None or elevation[0] != elevation[1]:
            raise DatasetError("--turntable needs one height of the camera in degrees, such as --elevation 20 20")
        if not (-360 <= first <= 360 and 0 < abs(step) <= 180):
            raise DatasetError(
                f"--turntable is {first:g} {step:g}: expected the azimuth of the first picture within -360 to 360, and "
                "degrees to the next one, at most 180 either way"
            )
        return cls(first, step, elevation[0])

    def cameras(self, objects: Mapping[str, Sequence[str]]) -> Transforms:
        """The cameras of each object's pictures, in the order of their names. Raises DatasetError for an object with
        more pictures than go around once."""
        prior = PosePrior()
        frames: list[Frame] = []
        for name, paths in objects.items():
            if abs(self.step) * (len(paths) - 1) >= 360 + abs(self.step) / 2:
                raise DatasetError(
                    f"{len(paths)} pictures of '{name}', {abs(self.step):g} degrees apart, go around more than once: "
                    "mend --turntable's step, or give each object a folder of its own"
                )
            for i, path in enumerate(sorted(paths, key=natural)):
                azimuth = math.radians(self.first + i * self.step)
                matrix = camera_to_world(azimuth, math.radians(self.elevation), prior.distance)
                frames.append(Frame(path, np.asarray(matrix, np.float64), name))
        return Transforms(math.radians(prior.fov_deg), tuple(frames))
