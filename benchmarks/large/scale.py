"""How much is measured: the size of the data, and how often."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass

GIB = 1 << 30
_PAGE_BYTES = 4096
_UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": GIB}
_LARGEST_FIRST = tuple(reversed(_UNITS.items()))


@dataclass(frozen=True)
class Scale:
    """What the command line asks for.

    Attributes:
        size_bytes: of the large file.
        pairs: how often git-model and its peers take turns.
        full: also measure what takes 8 GiB.
    """

    size_bytes: int = GIB
    pairs: int = 3
    full: bool = False

    @property
    def largest_bytes(self) -> int:
        """Size of the one file for what has to be shown at 8 GiB.

        Not a multiple of 4 GiB: before 2.44, Git reads such a file again with each
        command, since its index keeps 32 bits of a length (git-lfs issue 5479).
        """
        return 8 * GIB + 8 * _PAGE_BYTES if self.full else self.size_bytes

    @property
    def steps(self) -> list[int]:
        """The sizes that cost is drawn against."""
        return [self.largest_bytes // part for part in (8, 4, 2, 1)]


def parse(text: str) -> int:
    """Reads `1GiB`, `64MiB` or a number of bytes.

    Raises:
        ArgumentTypeError: it is none of them.
    """
    found = re.fullmatch(r"([1-9][0-9]*)(KiB|MiB|GiB|)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text}: not a size like 1GiB, 64MiB or 4096")
    return int(found[1]) * _UNITS[found[2]]


def shown(size_bytes: int) -> str:
    """Returns a size for people, to a thousandth."""
    name, unit = next((name, unit) for name, unit in _LARGEST_FIRST if size_bytes >= unit)
    return f"{round(size_bytes / unit, 3):g} {name}".rstrip()


def rate(size_bytes: int, seconds: float) -> str:
    """Returns seconds, and how fast that is."""
    return f"{seconds:.2f} s ({size_bytes / seconds / 1e9:.2f} GB/s)"
