"""Many cases of all sorts, tried one after the other, and a table of what came of them."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gen3d_core.model.model import find
from tests.analytic import write_ellipsoid_model
from tests.faults import environments, process
from tests.faults.inputs import Inputs
from tests.faults.kills import Killer, make_kill
from tests.faults.malformed import make_case
from tests.faults.outcome import Outcome

SORTS = ("malformed", "kill", "environment")
EVERY = 8
"""One in so many cases is a kill, and one an odd environment: they take seconds, a malformed file a tenth of one."""


@dataclass(frozen=True)
class Tried:
    """A case by its number, of which sort it is, what was done, and what came of it."""

    number: int
    sort: str
    kind: str
    outcome: Outcome


def run_campaign(cases: int, seed: int, first: int = 0, sort: str | None = None) -> Iterator[Tried]:
    """Try cases of a seed, all of one sort where it is told, in a folder that is removed. Malformed files need
    `os.fork` and are left out where it is missing."""
    with tempfile.TemporaryDirectory(prefix="gen3d-faults-") as made:
        folder = Path(made).resolve()
        (folder / "inputs").mkdir()
        inputs = Inputs(folder / "inputs", lambda words: _make(words, folder))
        killer = Killer(inputs, folder)
        malformed = _malformed(seed, folder) if sort in (None, "malformed") and hasattr(os, "fork") else None
        for number in range(first, first + cases):
            which, place = (sort, number) if sort else _sort_of(number)
            if which == "kill":
                kill = make_kill(seed, place)
                yield Tried(number, which, kill.kind, killer.attempt(kill))
            elif which == "environment":
                odd = environments.make_place(seed, place)
                yield Tried(number, which, odd.kind, environments.attempt(odd, inputs, folder))
            elif malformed is not None:
                kind, outcome = malformed(number)
                yield Tried(number, which, kind, outcome)


def _sort_of(number: int) -> tuple[str, int]:
    """The sort of a case, and its number among those of its sort where these are tried in an order."""
    others = {3: "kill", 7: "environment"}
    return (others[number % EVERY], number // EVERY) if number % EVERY in others else ("malformed", number)


def _make(words: list[str], folder: Path) -> None:
    ended = process.run(words, process.environment(folder), folder)
    if ended.code:
        raise RuntimeError(f"{' '.join(words)}: {ended.complaints[-3:]}")


def _malformed(seed: int, folder: Path) -> Callable[[int], tuple[str, Outcome]]:
    import torch  # noqa: F401 - once, and not again in every process

    import gen3d_core.inversion.encode
    import gen3d_core.weights.load  # noqa: F401
    from tests.faults.trial import try_file

    own = write_ellipsoid_model(folder / "malformed.gen3d", encoder=True, attribution=["Ann", "Bob"])
    models = {"own": own.read_bytes(), "shipped": find("chairs").read_bytes()}

    def attempt(number: int) -> tuple[str, Outcome]:
        case = make_case(seed, number, models)
        with tempfile.TemporaryDirectory(dir=folder) as alone:
            path = Path(alone) / "case.gen3d"
            path.write_bytes(case.data)
            return case.kind, try_file(path)

    return attempt


def as_table(tried: list[Tried]) -> str:
    """What was done, how often, and how it ended; sums by sort at the end."""
    rows: dict[str, list[Tried]] = defaultdict(list)
    for each in sorted(tried, key=lambda each: (SORTS.index(each.sort), each.kind)):
        rows[f"{each.sort}: {each.kind}"].append(each)
    for sort in SORTS:
        rows[f"all {sort}"] = [each for each in tried if each.sort == sort]
    lines = [f"{'what was done':<38}{'cases':>6}{'refused':>9}{'faults':>8}{'most s':>8}{'most MB':>9}"]
    for kind, members in [*rows.items(), ("all", tried)]:
        outcomes = [each.outcome for each in members]
        lines.append(
            f"{kind:<38}{len(members):>6}{sum(each.refused > 0 for each in outcomes):>9}"
            f"{sum(bool(each.faults) for each in outcomes):>8}"
            f"{max((each.seconds for each in outcomes), default=0):>8.1f}"
            f"{max((each.megabytes for each in outcomes), default=0):>9}"
        )
    lines.append("refused: by a line that says why, in at least one of the ways to open a file; or stopped by a kill")
    return "\n".join(lines)
