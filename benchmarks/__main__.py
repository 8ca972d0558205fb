"""Measures everything in one run and prints one table: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks import commits, core, handshake, machine, memory, small_files
from benchmarks.figure import Figure, table
from benchmarks.place import Place

_PARTS = ("handshake", "small-files", "commit", "memory", "core")


def main() -> int:
    options = _options()
    facts, load = machine.facts(), machine.load()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="git-model-bench-") as name:
        place = Place(Path(name))
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
    if part == "memory":
        return memory.figures(place, options.file_mib)
    return core.figures(options.core_mib)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(_PARTS))
    parser.add_argument("--json", action="store_true", help="one document, for machines")
    parser.add_argument("--file-mib", type=int, default=1024, help="size of the large file")
    parser.add_argument("--core-mib", type=int, default=256, help="size of the core's data")
    options = parser.parse_args()
    for part in options.parts:
        if part not in _PARTS:
            parser.error(f"{part}: no such part; there are {', '.join(_PARTS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
