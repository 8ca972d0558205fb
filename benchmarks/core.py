"""The envelope alone, in memory, in one thread; `benchmarks.envelope` has more rows."""

from __future__ import annotations

import os
import time

from benchmarks.envelope import ROUNDS, rows
from benchmarks.figure import Figure

_LIMIT_GB_PER_S = 1.0
_LIMITED = ("seal", "open")


def figures(mebibytes: int) -> list[Figure]:
    part = f"the envelope core on {mebibytes} MiB in memory, best of {ROUNDS}"
    content = os.urandom(mebibytes << 20)
    work = rows(content)
    best = dict.fromkeys(work, float("inf"))
    for _ in range(ROUNDS):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return [
        Figure(
            part,
            name,
            len(content) / seconds / 1e9,
            "GB/s",
            _LIMIT_GB_PER_S if name in _LIMITED else None,
            at_least=True,
            peer=f"{best['AES-256-GCM'] / seconds:.2f} of AES-256-GCM alone",
        )
        for name, seconds in best.items()
    ]
