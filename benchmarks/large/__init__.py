"""Large files, beside git-lfs and model_signing in one run: `python -m benchmarks large`."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.large import adding, checking_out, footprint, growth, upkeep, verifying

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.figure import Figure
    from benchmarks.large.scale import Scale
    from benchmarks.place import Place

Rows = dict[str, "Callable[[Place, Scale], list[Figure]]"]
ROWS: Rows = {
    "add": adding.figures,
    "directory": adding.directory,
    "checkout": checking_out.filtered,
    "direct": checking_out.direct,
    "verify": verifying.figures,
    "status": upkeep.status,
    "beside": upkeep.commit,
    "memory": footprint.figures,
}
GROWTH = "growth"


def figures(place: Place, scale: Scale, rows: list[str], plot: Path | None) -> list[Figure]:
    """Returns the table of large files.

    Args:
        place: where to measure.
        scale: how much.
        rows: which groups of rows; all if empty.
        plot: where to draw cost against size.
    """
    if plot is not None:
        growth.need_plotting()
    found: list[Figure] = []
    all_rows: Rows = {**ROWS, GROWTH: partial(_growth, plot)}
    for name, measure in all_rows.items():
        if rows and name not in rows:
            continue
        print(f"large, {name} …", file=sys.stderr)
        try:
            found += measure(place, scale)
        except SystemExit as failed:
            # An hour of other rows must not be lost for it; the table lacks these.
            print(f"large, {name} FAILED: {failed}", file=sys.stderr)
            for left in place.directory.glob("*/.git"):
                shutil.rmtree(left.parent)
    shutil.rmtree(place.directory / "data", ignore_errors=True)
    return found


def _growth(plot: Path | None, place: Place, scale: Scale) -> list[Figure]:
    shutil.rmtree(place.directory / "data", ignore_errors=True)
    lines = growth.measure(place, scale)
    if plot is not None:
        growth.plot(lines, plot)
    return growth.figures(lines)
