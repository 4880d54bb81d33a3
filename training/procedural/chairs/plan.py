"""What the parts of a procedural chair need to know of each other (metres, floor at z = 0, front +X)."""

from dataclasses import dataclass

import numpy as np

from training.procedural.solids import Colour, Floats, Solid, box

CLEAR = 0.004  # keeps faces of different parts out of one plane, where a renderer could not tell which is in front


@dataclass(frozen=True)
class Seat:
    shape: Floats  # outline (n,2)
    height: float  # of the upper face
    thickness: float

    @property
    def rear(self) -> float:
        return float(self.shape[:, 0].min())

    @property
    def front(self) -> float:
        return float(self.shape[:, 0].max())

    @property
    def root(self) -> float:
        """A height well inside the slab: parts that end here are firmly joined."""
        return self.height - 0.6 * self.thickness

    def half_width(self, x: float) -> float:
        """Half the seat's width at a depth x."""
        upper = self.shape[self.shape[:, 1] > 0]
        upper = upper[np.argsort(upper[:, 0])]
        return float(np.interp(x, upper[:, 0], upper[:, 1]))


@dataclass(frozen=True)
class Colours:
    frame: Colour
    seat: Colour
    back: Colour
    arms: Colour


@dataclass(frozen=True)
class Back:
    """A leaning plane: u across, v upward along it, s forward out of it; `half_width` is where its side edges are."""

    origin: tuple[float, float, float]
    lean: float  # radians from upright
    half_width: float
    height: float
    thickness: float

    def place(self, solid: Solid) -> Solid:
        """From (s, u, v) coordinates into the chair."""
        c, s = np.cos(self.lean), np.sin(self.lean)
        return solid.transform([(c, 0, s), (0, 1, 0), (-s, 0, c)], self.origin)

    def box(self, u: tuple[float, float], v: tuple[float, float], depth: float = 1.0) -> Solid:
        half = self.thickness / 2 * depth
        return self.place(box((-half, u[0], v[0]), (half, u[1], v[1])))

    def x_at(self, z: float) -> float:
        """The depth of the plane at a height z."""
        return self.origin[0] - (z - self.origin[2]) * float(np.tan(self.lean))
