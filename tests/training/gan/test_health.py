"""Each illness is named on a lattice that has it, and health is left alone."""

import dataclasses
import math
from functools import partial

import numpy as np
import pytest
import torch

from gen3d_core.config import PosePrior
from gen3d_core.rendering.camera import draw_poses
from gen3d_core.rendering.generator import Generator
from tests.analytic import Box, Hollow, Sphere, Torus
from tests.core.torch_solids import Solid, SolidBatch
from tests.tiny_run import TINY
from training.gan.health import PATIENCE, Alarm, Foreground, Geometry, Look, diagnose, look_at, measure_geometry
from training.gan.steps import StepReport

HEALTHY = StepReport(1.2, 0.8, 0.2, 0.3, 3.6, 0.1, 0.02)
EVERYTHING = Sphere(1.5)
REAL = Foreground(0.3, 0.25)


@dataclasses.dataclass(frozen=True)
class Mist:
    """Nearly solid everywhere within a radius, and nowhere so."""

    radius: float = 0.6

    def logit(self, points: np.ndarray) -> np.ndarray:
        return np.where(np.linalg.norm(points, axis=-1) < self.radius, -0.3, -9.0)


def lattice(*solids: Solid) -> torch.Tensor:
    """Logits as a field gives them: nothing outside the unit sphere."""
    values = SolidBatch(solids).lattice(24)
    return torch.minimum(values, SolidBatch([Sphere(1.0)]).lattice(24))


def diagnosis(*solids: Solid, **report: float) -> str | None:
    return diagnose(
        dataclasses.replace(HEALTHY, **report), measure_geometry(lattice(*solids)), REAL, lambda: seen(*solids)
    )


def seen(*solids: Solid) -> Look:
    """What cameras all around see of solids, or of mist."""
    pose = draw_poses(PosePrior(), 16 * len(solids), torch.Generator().manual_seed(0))
    return look_at(Generator(TINY, PosePrior()), SolidBatch(solids), pose)


@pytest.mark.parametrize(
    "solid", [Sphere(0.5), Box((0.5, 0.4, 0.3)), Torus(0.5, 0.2), Box((0.05, 0.05, 0.6)), Box((0.6, 0.6, 0.1))], ids=str
)
def test_objects_are_healthy(solid: Solid) -> None:
    assert diagnosis(solid) is None


@pytest.mark.parametrize(
    ("name", "solid", "report"),
    [
        ("empty", Sphere(-1.0), {"foreground": 0.0}),
        ("empty", Sphere(-1.0), {"foreground": 0.3}),
        ("empty", Sphere(0.5), {"foreground": 0.02}),
        ("empty", Mist(), {"foreground": 0.3}),
        ("inside out", Hollow(EVERYTHING, Sphere(0.5)), {"foreground": 0.7}),
        ("inside out", Hollow(EVERYTHING, Box((0.3, 0.3, 0.3))), {"foreground": 0.7}),
        ("full", EVERYTHING, {"foreground": 0.7}),
        ("full", Sphere(0.8), {"foreground": 0.98}),
        ("flat", Box((0.6, 0.6, 0.02), (0.0, 0.0, 1 / 23)), {}),
        ("flat", Box((0.02, 0.6, 0.5), (1 / 23, 0.0, 0.0)), {}),
        ("diverged", Sphere(0.5), {"discriminator": math.nan}),
        ("diverged", Sphere(0.5), {"generator": math.inf}),
        ("diverged", Sphere(0.5), {"generator": 201.0}),
    ],
)
def test_every_illness_is_named(name: str, solid: Solid, report: dict[str, float]) -> None:
    found = diagnosis(solid, **report)
    assert found is not None and found.split(" (")[0] == name and "\n" not in found


THIN = [Box((0.6, 0.02, 0.6)), Box((0.015, 0.45, 0.65)), Box((0.6, 0.04, 0.01)), Box((0.6, 0.6, 0.012))]


@pytest.mark.parametrize("solid", THIN, ids=["frame", "door", "knife", "lid"])
def test_thin_objects_are_healthy_where_the_data_show_such(solid: Solid) -> None:
    """Doors and knives in the middle of the scene fall between the nodes of a coarse lattice."""
    pose = draw_poses(PosePrior(), 400, torch.Generator().manual_seed(1))
    data = look_at(Generator(TINY, PosePrior()), SolidBatch([solid]), pose).foreground
    report = dataclasses.replace(HEALTHY, foreground=data.mean)
    geometry = measure_geometry(lattice(solid))
    assert geometry.occupied < 2e-4 and geometry.thickness < 0.03  # the lattice alone would call them ill
    assert diagnose(report, geometry, data, lambda: seen(*[solid] * 2)) is None


@pytest.mark.parametrize("solid", THIN[:2] + THIN[3:], ids=["frame", "door", "lid"])
def test_thin_objects_are_flat_where_the_data_show_none(solid: Solid) -> None:
    assert (diagnosis(solid) or "").startswith("flat (")


def test_measures_of_a_ball() -> None:
    """A ball of radius r fills r^3 of the unit ball; it is as thick as wide."""
    geometry = measure_geometry(lattice(Sphere(0.5)))
    assert geometry.occupied == pytest.approx(0.125, abs=0.01)
    assert geometry.rim == 0 and geometry.thickness == pytest.approx(1, abs=0.01)


def test_measures_of_a_box() -> None:
    """Thickness is the ratio of the shortest to the longest side; occupied the volume over that of the ball."""
    geometry = measure_geometry(lattice(Box((0.6, 0.4, 0.2))))
    assert geometry.thickness == pytest.approx(1 / 3, abs=0.07)
    assert geometry.occupied == pytest.approx(8 * 0.6 * 0.4 * 0.2 / (4 / 3 * math.pi), rel=0.15)


def test_a_batch_is_measured_together_and_thickness_is_the_median() -> None:
    sheet, ball = Box((0.6, 0.6, 0.02), (0.0, 0.0, 1 / 23)), Sphere(0.5)
    assert measure_geometry(lattice(sheet, ball, ball)).thickness > 0.9
    assert measure_geometry(lattice(sheet, sheet, ball)).thickness < 0.03
    half = measure_geometry(lattice(ball, Sphere(-1.0))).occupied
    assert half == pytest.approx(measure_geometry(lattice(ball)).occupied / 2)


def test_nothing_has_no_thickness() -> None:
    assert measure_geometry(lattice(Sphere(-1.0))) == Geometry(0.0, 0.0, 0.0)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(0)
    return Generator(TINY, PosePrior())


def alarm() -> Alarm:
    return Alarm(REAL, partial(draw_poses, PosePrior()))


def checks(alarm: Alarm, generator: Generator, *reports: StepReport) -> list[str | None]:
    found = [alarm.check(report, generator, torch.Generator().manual_seed(0)) for report in reports]
    return [text and text.split(" (")[0] for text in found]


EMPTY = dataclasses.replace(HEALTHY, foreground=0.0)
FULL = dataclasses.replace(HEALTHY, foreground=0.99)


def test_the_alarm_is_raised_when_an_illness_lasts(generator: Generator) -> None:
    assert checks(alarm(), generator, *[HEALTHY] * 6) == [None] * 6
    assert checks(alarm(), generator, *[EMPTY] * 5) == [None] * (PATIENCE - 1) + ["empty"] * (6 - PATIENCE)


def test_there_is_a_warning_before(generator: Generator, caplog: pytest.LogCaptureFixture) -> None:
    once = alarm()
    for number in range(1, PATIENCE):
        assert checks(once, generator, EMPTY) == [None]
        assert ("the generator looks empty" in caplog.text) == (number >= PATIENCE // 2)
    assert caplog.text.count("the generator looks") == 1


def test_recovery_and_another_illness_start_the_count_again(generator: Generator) -> None:
    assert checks(alarm(), generator, EMPTY, EMPTY, EMPTY, HEALTHY, EMPTY, EMPTY, EMPTY) == [None] * 7
    assert checks(alarm(), generator, EMPTY, EMPTY, EMPTY, FULL, FULL, FULL, FULL) == [None] * 6 + ["full"]


def test_divergence_is_told_at_once(generator: Generator) -> None:
    assert checks(alarm(), generator, dataclasses.replace(HEALTHY, generator=math.nan)) == ["diverged"]
    with torch.no_grad():
        generator.field.occupancy_out.bias.fill_(math.nan)
    assert checks(alarm(), generator, HEALTHY) == ["diverged"]


@pytest.mark.parametrize(("radius", "name"), [(-3.0, "empty"), (9.0, "full")])
def test_the_generator_itself_is_looked_at(radius: float, name: str) -> None:
    """Reports that look fine do not hide a field without a surface, or one that fills everything."""
    torch.manual_seed(0)
    config = dataclasses.replace(TINY, generator=dataclasses.replace(TINY.generator, sphere_radius=radius))
    ill = Generator(config, PosePrior())
    assert checks(alarm(), ill, *[HEALTHY] * PATIENCE)[-1] == name
