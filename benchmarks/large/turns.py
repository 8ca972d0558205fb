"""Runs that take turns, so that a machine that grows busy slows all of them alike."""

from __future__ import annotations

import os
import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Turns:
    """The seconds that each peer took, round by round."""

    rounds: dict[str, list[float]]

    def seconds(self, name: str) -> float:
        """Returns a peer's median."""
        return statistics.median(self.rounds[name])

    def ratio(self, over: str, under: str, *, plus: str | None = None) -> float:
        """Returns the median of what one took by what another took in the same round.

        Args:
            over: whose seconds are divided.
            under: by whose.
            plus: whose seconds are added to the first's: one runs after the other.
        """
        extra = self.rounds[plus] if plus else [0.0] * len(self.rounds[over])
        rounds = zip(self.rounds[over], extra, self.rounds[under], strict=True)
        return statistics.median((first + then) / other for first, then, other in rounds)


def take(runs: Mapping[str, Callable[[], float]], pairs: int) -> Turns:
    """Has each run take its turn, in the other order every second time.

    Args:
        runs: a name, and what prepares itself, measures itself and returns seconds.
        pairs: how many rounds.
    """
    rounds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(pairs):
        for name in list(runs)[:: -1 if number % 2 else 1]:
            rounds[name].append(runs[name]())
            print(f"  {name}: {rounds[name][-1]:.2f} s", file=sys.stderr)
    return Turns(rounds)


def settle() -> None:
    """Has the disk finish what was written before, which nobody measured."""
    os.sync()
