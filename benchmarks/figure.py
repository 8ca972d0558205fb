"""One line of the table: what was measured, against what, and the limit it has to keep."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A measurement.

    Attributes:
        part: the benchmark it belongs to.
        name: what was measured.
        value: the number, in `unit`.
        unit: `s`, `ms`, `MB` (10^6 bytes), `GB/s`; `x` is a ratio.
        limit: what is to be reached; None where the figure only informs.
        at_least: the limit is a lower one.
        peer: what it was compared with, or how it came about.
    """

    part: str
    name: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    peer: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the limit is kept; None without one."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "holds": self.holds}

    def cells(self) -> tuple[str, str, str, str]:
        """Returns name, value, limit with its verdict, and peer."""
        limit = ""
        if self.limit is not None:
            sign = "≥" if self.at_least else "≤"
            verdict = "ok" if self.holds else "MISSED"
            limit = f"{sign} {self.limit:g} {self.unit}  {verdict}"
        digits = 0 if self.value >= 100 else 1 if self.value >= 10 else 2
        return self.name, f"{self.value:.{digits}f} {self.unit}", limit, self.peer


def table(figures: list[Figure]) -> str:
    """Returns the figures as text, a paragraph per part."""
    rows = [figure.cells() for figure in figures]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines, part = [], ""
    for figure, (name, value, limit, peer) in zip(figures, rows, strict=True):
        if figure.part != part:
            part = figure.part
            lines += ["", part]
        cells = f"  {name:{widths[0]}}  {value:>{widths[1]}}  {limit:{widths[2]}}  {peer}"
        lines.append(cells.rstrip())
    return "\n".join(lines[1:])
