"""Places and settings in which nobody tries a program before its users do."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.faults import commands, process, wholeness
from tests.faults.commands import Command
from tests.faults.inputs import Inputs
from tests.faults.outcome import Outcome

POSIX = os.name == "posix"


@dataclass
class Setting:
    """What a command is started in: `place` is a folder of its own, `out` where it writes, `given` its environment.
    `first` is done in the new process before the program; `ready` ends what the setting has changed."""

    place: Path
    out: Path
    given: dict[str, str]
    folder: Path
    first: list[Callable[[], object]] = field(default_factory=list)
    streams: dict[str, Any] = field(default_factory=dict)
    ready: list[Callable[[], object]] = field(default_factory=list)

    def odd_folder(self, name: str) -> None:
        """Write to one of this name."""
        self.out = self.place / name / "out"


def read_only_output(rng: Random, setting: Setting) -> None:
    setting.out.chmod(0o500)
    setting.first.append(_obey_modes)
    setting.ready.append(lambda: setting.out.chmod(0o700))


def full_disk(rng: Random, setting: Setting) -> None:
    import resource

    limit = rng.choice([0, 1, 100, 1000, 10_000, 40_000])
    setting.first.append(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    setting.given["PYTHONDONTWRITEBYTECODE"] = "1"


def full_stdout(rng: Random, setting: Setting) -> None:
    setting.streams[rng.choice(["stdout", "stderr"])] = os.open("/dev/full", os.O_WRONLY)


def no_home(rng: Random, setting: Setting) -> None:
    names = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CACHE_HOME", "LOGNAME", "USER")
    for name in names:
        setting.given.pop(name, None)
    if rng.random() < 0.7:
        setting.given["HOME"] = rng.choice(["", "relative", str(setting.place / "nowhere"), "/dev/null/x", "/proc"])


def no_temporary_folder(rng: Random, setting: Setting) -> None:
    where = rng.choice(["", str(setting.place / "nowhere"), "/dev/null", "/proc", "é" * 300])
    setting.given |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), where)


def closed_streams(rng: Random, setting: Setting) -> None:
    closed = rng.choice([(0,), (1,), (2,), (1, 2), (0, 1, 2)])
    setting.first.extend([lambda number=number: os.close(number) for number in closed])


def reader_that_left(rng: Random, setting: Setting) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    setting.streams[rng.choice(["stdout", "stderr"])] = writes


def old_locale(rng: Random, setting: Setting) -> None:
    ascii_only = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    setting.given |= ascii_only | {"PYTHONIOENCODING": rng.choice(["ascii", "latin-1", "utf-16"])}
    setting.odd_folder(rng.choice(["stühle und Tische", "椅子", "a b\tc", "\U0001fa91"]))


def odd_name(rng: Random, setting: Setting) -> None:
    names = ["a'b\"c", "$HOME", "%d%s{0}", "-x", "new\nline", "\x1b[31m", "[brackets]*?", "ends with .", "\udcff\udcfe"]
    setting.odd_folder(rng.choice(names))


def long_path(rng: Random, setting: Setting) -> None:
    setting.odd_folder(rng.choice(["x" * 240, "x" * 300, "/".join(["y" * 200] * 10), "/".join(["z" * 200] * 30)]))


def deleted_folder(rng: Random, setting: Setting) -> None:
    gone = setting.place / "gone"
    gone.mkdir()
    setting.folder = gone
    setting.first.append(gone.rmdir)


def stray_modules(rng: Random, setting: Setting) -> None:
    setting.folder = setting.place / "here"
    setting.folder.mkdir()
    for name in ("torch", "numpy", "json", "logging", "bpy", "PIL", "mathutils", "gen3d_core"):
        (setting.folder / f"{name}.py").write_text("raise SystemExit('a stray module was imported')\n")


def variables(rng: Random, setting: Setting) -> None:
    choices = {
        "OMP_NUM_THREADS": ["rubbish", "0", "-3", "1000000"], "PYTHONWARNINGS": ["error", "rubbish"],
        "PYTHONOPTIMIZE": ["2", "1"], "TERM": ["dumb", ""], "COLUMNS": ["0", "-5", "40", "x", "99999"],
        "PYTHONUNBUFFERED": ["1"], "TZ": ["rubbish"], "SOURCE_DATE_EPOCH": ["0", "x"], "PYTHONDEVMODE": ["1"],
        "TQDM_MININTERVAL": ["x"], "FORCE_COLOR": ["1"], "GEN3D_BLENDER": ["/nowhere/blender"], "LINES": ["0"],
        "PYTHONSAFEPATH": ["1"], "CUDA_VISIBLE_DEVICES": ["rubbish"], "MALLOC_ARENA_MAX": ["1"],
    }  # fmt: skip
    for name in rng.sample(sorted(choices), rng.choice([1, 1, 3])):
        setting.given[name] = rng.choice(choices[name])


def no_modes(rng: Random, setting: Setting) -> None:
    mask = rng.choice([0, 0o777, 0o222, 0o077])
    setting.first += [_obey_modes, lambda: os.umask(mask)]


def few_files(rng: Random, setting: Setting) -> None:
    import resource

    limit = rng.choice([16, 32, 64])
    setting.first.append(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))


def old_times(rng: Random, setting: Setting) -> None:
    """What is there is from before zip's calendar, or from after it."""
    when = rng.choice([0, -(10**9), 5 * 10**9])
    for path in [setting.out, *setting.out.iterdir()]:
        os.utime(path, (when, when))


def output_is_a_file(rng: Random, setting: Setting) -> None:
    shutil.rmtree(setting.out)
    setting.out.write_bytes(b"mine")


def output_is_a_dead_link(rng: Random, setting: Setting) -> None:
    shutil.rmtree(setting.out)
    setting.out.symlink_to(setting.place / "nowhere" / "at all")


EVERYWHERE = (variables, no_home, no_temporary_folder, stray_modules, old_times, output_is_a_file)
_OF_POSIX = (
    read_only_output, full_disk, closed_streams, old_locale, deleted_folder, long_path, reader_that_left, odd_name,
    no_modes, few_files, output_is_a_dead_link,
)  # fmt: skip
_OF_LINUX = (full_stdout,)
FIRST = (full_disk, old_locale, closed_streams, read_only_output, deleted_folder, variables) if POSIX else EVERYWHERE
"""Tried first, one after the other; later ones are drawn."""


@dataclass(frozen=True)
class Place:
    """A command and what is odd about where it runs."""

    command: Command
    odd: Callable[[Random, Setting], None]
    rng: Random

    @property
    def kind(self) -> str:
        return self.odd.__name__.replace("_", " ")


def make_place(seed: int, number: int) -> Place:
    """The environment of a number, the same for the same seed."""
    rng = Random(f"place/{seed}/{number}")
    known = (*EVERYWHERE, *(_OF_POSIX if POSIX else ()), *(_OF_LINUX if sys.platform == "linux" else ()))
    odd = FIRST[number] if number < len(FIRST) else rng.choice(known)
    quick = number < 12 and number % 6 or rng.random() < 0.8
    command = rng.choice(commands.QUICK if quick else (commands.RENDER, commands.TRAIN, commands.RECONSTRUCT))
    if number >= 12 and rng.random() < 0.15:
        command = rng.choice(commands.HEAVY[:-2])
    return Place(command, odd, rng)


def attempt(case: Place, inputs: Inputs, folder: Path) -> Outcome:
    """Run the command there: it gives what it should or says in one line why not."""
    place = folder / "place"
    setting = Setting(place, place / "out", process.environment(place), place)
    strangers = setting.out
    wholeness.lay_strangers(strangers)
    case.command.words(inputs, setting.out)  # inputs are made while the world is as it should be
    case.odd(case.rng, setting)
    words = case.command.words(inputs, setting.out)
    options: dict[str, Any] = dict(setting.streams)
    if setting.first:
        options["preexec_fn"] = lambda: [step() for step in setting.first]
    try:
        ended = process.run(words, setting.given, setting.folder, **options)
        for step in setting.ready:
            step()
        faults = _judge(case, ended, setting.out if _is_folder(setting.out) else place, words[0])
        if strangers.is_dir():
            faults += wholeness.check_strangers(strangers)
        return Outcome(tuple(faults), int(ended.code != 0), ended.seconds)
    finally:
        for stream in setting.streams.values():
            os.close(stream)
        shutil.rmtree(place, ignore_errors=True)


def _judge(case: Place, ended: process.Ended, out: Path, program: str) -> list[str]:
    faults = [f"said {ended.complaints[-3:]}"] if ended.traces else []
    if ended.code < 0 or ended.code > 2:
        faults.append(f"code {ended.code}, {ended.complaints[-2:]}")
    refusals = [line for line in ended.complaints if line.startswith((f"{program}:", f"{program} "))]
    silent = case.odd in (closed_streams, full_stdout, reader_that_left)
    if ended.code and not silent and (len(refusals) != 1 or program == "gen3d" and len(ended.complaints) > 1):
        faults.append(f"code {ended.code} and not one line: {ended.complaints[-3:]}")
    left = wholeness.litter(out)
    faults += [f"left {name}" for name in left if not name.startswith(".")] + wholeness.broken(out)
    faults += [f"left {name}" for name in left if name.startswith(".")]
    if ended.code == 0 and case.command.writes and not _names(out) - set(wholeness.STRANGERS):
        faults.append("code 0, and nothing was made")
    return faults


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long
        return False


def _names(out: Path) -> set[str]:
    return {path.name for path in out.rglob("*") if path.is_file()}


def _obey_modes() -> None:
    """The system's administrator obeys modes of files, too, without CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""
    if sys.platform == "linux" and os.getuid() == 0:
        import ctypes

        for capability in (1, 2):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
