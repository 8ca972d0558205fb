"""Measures everything in one run and prints one table: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks import (
    audit,
    commits,
    core,
    directories,
    handshake,
    large,
    loading,
    machine,
    memory,
    provenance,
    signing,
    small_files,
    team,
    transactions,
)
from benchmarks.figure import Figure, table
from benchmarks.large import scale
from benchmarks.place import Place

_PARTS = (
    *("handshake", "small-files", "commit", "signing", "transactions", "audit"),
    *("provenance", "team", "memory", "core", "loading", "directories"),
)
_LARGE = "large"
"""Only when it is asked for: it takes a quarter of an hour, and more with --full."""


def main() -> int:
    options = _options()
    facts, load = machine.facts(), machine.load()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="git-model-bench-") as name:
        place = Place(Path(name))
        if _LARGE in options.parts:
            facts |= {"memory": machine.memory(), "disk": machine.disk(place.directory)}
        for part in options.parts or _PARTS:
            print(f"{part} …", file=sys.stderr)
            figures += _measure(part, place, options)
    facts["load"] = f"{load} before, {machine.load()} after"
    if options.json:
        rows = [figure.as_json() for figure in figures]
        print(json.dumps({"machine": facts, "figures": rows}, indent=2))
    else:
        print("\n".join(f"{name:12}{fact}" for name, fact in facts.items()))
        print(f"\n{table(figures)}")
    return 0


def _measure(part: str, place: Place, options: argparse.Namespace) -> list[Figure]:
    if part == "handshake":
        return handshake.figures(place)
    if part == "small-files":
        return small_files.figures(place)
    if part == "commit":
        return commits.figures(place)
    if part == "signing":
        return signing.figures(place)
    if part == "transactions":
        return transactions.figures(place)
    if part == "audit":
        return audit.figures(place)
    if part == "provenance":
        return provenance.figures(place)
    if part == "team":
        return team.figures(place)
    if part == "memory":
        return memory.figures(place, options.file_mib)
    if part == "loading":
        return loading.figures(place, options.load_mib)
    if part == "directories":
        return directories.figures(place, options.load_mib, is_full=options.full)
    if part == _LARGE:
        asked = scale.Scale(options.size, options.pairs, options.full)
        return large.figures(place, asked, options.rows, options.plot)
    return core.figures(options.core_mib)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    known = (*_PARTS, _LARGE)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(known))
    parser.add_argument("--json", action="store_true", help="one document, for machines")
    parser.add_argument("--file-mib", type=int, default=1024, help="size of the large file")
    parser.add_argument("--core-mib", type=int, default=256, help="size of the core's data")
    parser.add_argument("--load-mib", type=int, default=2048, help="size of what is loaded")
    _add_large_options(parser)
    options = parser.parse_args()
    for part in options.parts:
        if part not in known:
            parser.error(f"{part}: no such part; there are {', '.join(known)}")
    return options


def _add_large_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(_LARGE)
    group.add_argument("--size", type=scale.parse, default=scale.GIB, help="such as 1GiB")
    group.add_argument("--pairs", type=int, default=3, help="how often peers take turns")
    group.add_argument("--full", action="store_true", help="8 GiB where that is asked for")
    group.add_argument("--plot", type=Path, metavar="FILE", help="draw cost against size")
    rows = (*large.ROWS, large.GROWTH)
    group.add_argument(
        "--row", action="append", dest="rows", choices=rows, default=[], help="only these rows"
    )


if __name__ == "__main__":
    sys.exit(main())
