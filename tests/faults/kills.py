"""Commands that end at any moment: killed, interrupted, asked to end."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults import commands, process, wholeness
from tests.faults.commands import Command
from tests.faults.inputs import Inputs
from tests.faults.outcome import Outcome

FIRST = (
    commands.SAMPLE, commands.PREPARE, commands.TRAIN, commands.MORPH, commands.RENDER, commands.ENCODE,
    commands.RECONSTRUCT, commands.SAMPLE, None, commands.PREPARE, commands.FLIPBOOK, commands.INFO,
)  # fmt: skip
"""The commands of the first cases, which the tests try; None is any of the heavy ones but the heaviest."""


@dataclass(frozen=True)
class Kill:
    """A command, how it ends, and when: at a share of the time that it takes, or so many seconds after it has begun to
    write. `before` says that an earlier output lies where it writes."""

    command: Command
    way: str
    share: float
    after_first: float | None
    before: bool

    @property
    def kind(self) -> str:
        return f"{self.command.name} {self.way}"


def make_kill(seed: int, number: int) -> Kill:
    """The kill of a number, the same for the same seed."""
    rng = Random(f"kill/{seed}/{number}")
    command = FIRST[number] if number < len(FIRST) else rng.choice(commands.EVERY)
    command = command or rng.choice(commands.HEAVY[:-2])
    after = rng.choice([None, 0.0, 0.003, 0.03, 0.3]) if command.writes else None
    way = rng.choice(["killed", *process.WAYS])
    return Kill(command, way, rng.uniform(0.0, 1.05), after, not command.once and rng.random() < 0.4)


class Killer:
    """Tries kills in folders of their own below `folder`, and learns how long commands take."""

    def __init__(self, inputs: Inputs, folder: Path) -> None:
        self._inputs, self._folder = inputs, folder
        self._seconds: dict[str, float] = {}

    def attempt(self, case: Kill) -> Outcome:
        """Start, end, look, and start again."""
        place = self._folder / "kill"
        out = place / "out"
        given = process.environment(place)
        words = case.command.words(self._inputs, out)
        wholeness.lay_strangers(out)
        try:
            return self._tried(case, words, given, place)
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def _tried(self, case: Kill, words: list[str], given: dict[str, str], place: Path) -> Outcome:
        out, faults = place / "out", []
        if case.before:
            process.run(words, given, place)
        before = wholeness.contents(out)
        began = time.monotonic()
        child = process.start(words, given, place)
        self._await(case, child, out)
        in_time = child.poll() is None
        process.WAYS[case.way](child)
        ended = process.wait(child, began)
        if process.left_running(child):
            faults.append("a process of it lives on")
            process.end_group(child)
        if in_time and case.way != "killed":
            faults += _polite(case, ended, words[0])
        faults += [*wholeness.broken(out), *wholeness.check_strangers(out), *_lost(before, out)]
        faults += [f"{name} is left among temporary files" for name in wholeness.temporary(place / "tmp")]
        names = _names(out)
        again = process.run(words, given, place)
        if ended.code == 0 and names < _names(out):
            faults.append("code 0, and not done")
        done = again.code == 0 or (case.command.once and not in_time or _refuses_what_is_there(again, out))
        if not done or again.traces:
            faults.append(f"again: code {again.code}, {again.complaints[-3:]}")
        faults += [f"after the second run: {each}" for each in wholeness.broken(out)]
        faults += [f"{name} is not swept away" for name in wholeness.litter(out)]
        faults += wholeness.check_strangers(out)
        self._seconds[case.command.name] = again.seconds
        return Outcome(tuple(dict.fromkeys(faults)), int(ended.code != 0), ended.seconds)

    def _await(self, case: Kill, child: subprocess.Popen[bytes], out: Path) -> None:
        """Until the moment has come, or the command is done."""
        seconds = self._seconds.get(case.command.name, case.command.seconds)
        last = time.monotonic() + case.share * seconds
        if case.after_first is not None:
            known = _names(out)
            limit = time.monotonic() + 4 * seconds + 10
            while _names(out) <= known and child.poll() is None and time.monotonic() < limit:
                time.sleep(0.0005)
            last = time.monotonic() + case.share * case.after_first
        while child.poll() is None and time.monotonic() < last:
            time.sleep(0.001)


def _names(folder: Path) -> set[str]:
    """Of all files and folders below a folder, where some may go while it is looked through."""
    return {f"{place}/{name}" for place, folders, files in os.walk(folder) for name in (*folders, *files)}


def _polite(case: Kill, ended: process.Ended, program: str) -> list[str]:
    """How a command ends that is asked to."""
    faults = []
    ours = [line for line in ended.traces if str(process.ROOT) in " ".join(ended.complaints) or program in line]
    if ours:
        faults.append(f"said {ended.complaints[-3:]}")
    if program == "gen3d" and len(ended.complaints) > 1 and not ended.traces:
        faults.append(f"more than a line: {ended.complaints[:3]}")
    return faults


def _lost(before: dict[str, bytes], out: Path) -> list[str]:
    return [f"{name} was there and is gone" for name in before if not (out / name).is_file()]


def _refuses_what_is_there(again: process.Ended, out: Path) -> bool:
    """The one that was killed had done all but to end."""
    return again.code == 2 and (out / "set").is_dir() and "exists already" in "".join(again.complaints)
