"""Many malformed files, tried one after the other, and a table of what came of them."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gen3d_core.model.model import find
from tests.analytic import write_ellipsoid_model
from tests.faults.malformed import make_case
from tests.faults.trial import WAYS, Outcome, try_file


@dataclass(frozen=True)
class Tried:
    """A case by its number, what was done to the file, and what came of it."""

    number: int
    kind: str
    outcome: Outcome


def run_campaign(cases: int, seed: int, first: int = 0) -> Iterator[Tried]:
    """Try cases of a seed, in a folder that is removed. Needs `os.fork`."""
    import torch  # noqa: F401 - once, and not again in every process

    import gen3d_core.inversion.encode
    import gen3d_core.weights.load  # noqa: F401

    with tempfile.TemporaryDirectory() as made:
        own = write_ellipsoid_model(Path(made) / "own.gen3d", encoder=True, attribution=["Ann", "Bob"])
        models = {"own": own.read_bytes(), "shipped": find("chairs").read_bytes()}
        for number in range(first, first + cases):
            case = make_case(seed, number, models)
            with tempfile.TemporaryDirectory(dir=made) as folder:
                path = Path(folder) / "case.gen3d"
                path.write_bytes(case.data)
                yield Tried(number, case.kind, try_file(path))


def as_table(tried: list[Tried]) -> str:
    """What was done to files, how often, and how it ended."""
    rows: dict[str, list[Tried]] = defaultdict(list)
    for each in tried:
        rows[each.kind].append(each)
    lines = [f"{'what was done':<28}{'cases':>6}{'refused':>9}{'faults':>8}{'most s':>8}{'most MB':>9}"]
    for kind, members in [*sorted(rows.items()), ("all", tried)]:
        outcomes = [each.outcome for each in members]
        lines.append(
            f"{kind:<28}{len(members):>6}{sum(each.refused > 0 for each in outcomes):>9}"
            f"{sum(bool(each.faults) for each in outcomes):>8}{max(each.seconds for each in outcomes):>8.1f}"
            f"{max(each.megabytes for each in outcomes):>9}"
        )
    lines.append(f"refused: by at least one of {', '.join(WAYS)}; the others took the file as it is")
    return "\n".join(lines)
