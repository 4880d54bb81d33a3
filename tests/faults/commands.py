"""Every command of the project, as its user would give it, on tiny inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.inputs import JUDGED, Inputs

DRAWN = ("--resolution", "32", "--threads", "1")


@dataclass(frozen=True)
class Command:
    """`words` are program, command and arguments, by the folder that it writes into; `seconds` what it takes, about,
    with its inputs; `once` says that it refuses to write where something is."""

    name: str
    seconds: float
    words: Callable[[Inputs, Path], list[str]]
    once: bool = False
    writes: bool = True


def _gen3d(name: str, seconds: float, *options: str, what: Callable[[Inputs], list[str]]) -> Command:
    return Command(name, seconds, lambda made, out: ["gen3d", name, *what(made), *options, "--out", str(out)])


def _train(
    name: str, seconds: float, *options: str, what: Callable[[Inputs], list[str]], to: str = "", once: bool = False
) -> Command:
    def words(made: Inputs, out: Path) -> list[str]:
        return ["gen3d-train", *name.split()[:1], *what(made), *options, "--out", str(out / to)]

    return Command(name, seconds, words, once)


def _model(made: Inputs) -> list[str]:
    return ["--model", str(made.model)]


SAMPLE = _gen3d("sample", 0.7, "--count", "3", *DRAWN, what=_model)
MORPH = _gen3d("morph", 2.0, "--seeds", "1", "2", "--steps", "4", *DRAWN, what=_model)
FLIPBOOK = _gen3d("interpolate", 2.0, "--seeds", "1", "2", "--steps", "4", "--flipbook", *DRAWN, what=_model)
ENCODE = _gen3d("encode", 0.7, *DRAWN, what=lambda made: [str(made.picture), *_model(made)])
INFO = Command("info", 0.2, lambda made, out: ["gen3d", "info", str(made.model)], writes=False)
MODELS = Command("models", 1.0, lambda made, out: ["gen3d", "models"], writes=False)
DIRECTIONS = Command("directions", 0.2, lambda made, out: ["gen3d", "directions", "--model", "chairs"], writes=False)
PREPARE = _train("prepare", 0.4, "--size", "32", what=lambda made: [str(made.pictures)], to="set", once=True)
RENDER = _train("render", 1.5, "--views", "3", "--size", "16", what=lambda made: [str(made.mesh)], to="set", once=True)
TRAIN = _train("train", 3.5, what=lambda made: [str(made.pictures), *made.training()], to="run")
RECONSTRUCT = _train("train (views)", 4.0, what=lambda made: [str(made.views), *made.training()], to="run")
COMPARE = _train("compare", 7.0, what=lambda made: [str(made.evaluation)] * 2, to="page")
FOLLOW = _train(
    "follow", 7.0, "--count", "8", "--points", "16", "--resolution", "16", "--threads", "1",
    what=lambda made: [str(made.run), "--data", str(made.heldout)], to="page",
)  # fmt: skip
EVALUATE = _train("evaluate", 6.0, *JUDGED, what=lambda made: ["chairs", "--data", str(made.pictures)], to="page")
EXPORT = _train("export", 16.0, what=lambda made: [str(made.run)], to="blobs.gen3d")
ENCODER = _train(
    "encoder", 40.0, "--images", "64", "--threads", "1", what=lambda made: [str(made.exported)], to="blobs.gen3d"
)

QUICK = (SAMPLE, PREPARE, MORPH, ENCODE, FLIPBOOK, INFO, DIRECTIONS, MODELS)
"""Half a second or two each."""
HEAVY = (COMPARE, FOLLOW, EVALUATE, EXPORT, ENCODER)
EVERY = (*QUICK, RENDER, TRAIN, RECONSTRUCT, *HEAVY)
