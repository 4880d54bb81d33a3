"""How long a training goes on, and the loop that every training runs in."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from tqdm import tqdm

from training.compute import keep_freed_memory
from training.interrupts import held_interrupts

SAVE_SECONDS = 60.0


class Progressing(Protocol):
    """A training: pictures shown, and seconds over all its sessions."""

    images: int
    seconds: float


@dataclass(frozen=True)
class Budget:
    """When a run ends: after `images` real pictures shown or `minutes` of training over all its sessions.

    Whichever is given; the first to be reached if both are.
    """

    images: int | None = None
    minutes: float | None = None

    def part(self, share: float) -> Budget:
        """The first `share` of it."""
        images = None if self.images is None else math.ceil(share * self.images)
        return Budget(images, None if self.minutes is None else share * self.minutes)

    def progress(self, state: Progressing) -> float:
        """Share of the run done, in [0, 1]."""
        shares = [0.0]
        if self.images:
            shares.append(state.images / self.images)
        if self.minutes:
            shares.append(state.seconds / (60 * self.minutes))
        return min(max(shares), 1.0)


State = TypeVar("State", bound=Progressing)


class BudgetedLoop(Generic[State]):
    """Steps until a budget is spent, with a bar that shows the time left; saves every minute, at the end and when
    interrupted."""

    def __init__(self, budget: Budget, title: str, save: Callable[[State], None]) -> None:
        self._budget, self._title, self._save = budget, title, save
        self._bar: tqdm | None = None

    def tell(self, text: str) -> None:
        """Show a few words beside the bar."""
        if self._bar is not None:
            self._bar.set_postfix_str(text)

    def run(
        self,
        state: State,
        step: Callable[[State, float], State],
        after: Callable[[State], None] = lambda state: None,
        until: float = 1.0,
    ) -> State:
        """The state in the end, saved.

        Args:
            step: one step from a state at a share of the run done, in [0, 1]; returns the state to go on from, nearly
                always the same.
            after: what is done after a step and does not count as training.
            until: share of the budget at which to stop for now; steps are told their share of all of it.
        """
        keep_freed_memory()
        self._bar = bar = tqdm(total=100.0, unit="%", desc=self._title, mininterval=2.0)
        bar.bar_format = "{desc} {percentage:5.1f} %|{bar}| {elapsed}<{remaining}{postfix}"
        bar.n = bar.initial = round(100 * self._budget.progress(state), 2)
        saved = time.monotonic()
        try:
            with held_interrupts() as interrupted:
                try:
                    while not interrupted() and (progress := self._budget.progress(state)) < until:
                        began = time.monotonic()
                        state = step(state, progress)
                        state.seconds += time.monotonic() - began
                        after(state)
                        if time.monotonic() - saved > SAVE_SECONDS:
                            self._save(state)
                            saved = time.monotonic()
                        bar.update(round(100 * self._budget.progress(state), 2) - bar.n)
                except KeyboardInterrupt:
                    if state.images:  # a training that has seen nothing begins again as well from its seed
                        self._save(state)
                    raise
                self._save(state)
                if interrupted():
                    raise KeyboardInterrupt
        finally:
            bar.close()
        return state
