"""The memory that Git and git-model take together, seen from outside.

The sum over the whole process tree of what each process holds, with shared pages
divided among those who share them (PSS, proc_pid_smaps(5)). Linux only.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.large import content
from benchmarks.large.peers import CHECKOUT, LARGE, Peer, remove
from benchmarks.large.scale import GIB, shown

if TYPE_CHECKING:
    from benchmarks.large.scale import Scale
    from benchmarks.place import Place

_LIMIT_MB = 300
_PAUSE_SECONDS = 0.01
_DIRECT_BYTES = GIB // 2
"""Default of git-model.directThreshold: smaller files go through the filter."""


def figures(place: Place, scale: Scale) -> list[Figure]:
    source = content.random_file(place.directory / "data" / "memory.bin", scale.largest_bytes)
    part = f"peak memory of the whole process tree, {shown(scale.largest_bytes)}"
    peer = Peer(place, "sha256")
    origin = peer.repository("memory large", source)
    found = [_figure(place, part, _LIMIT_MB, origin, ("git", "add", "."))]
    place.run("git", "commit", "--quiet", "-m", "all of it", cwd=origin)
    clone = peer.clone(origin, "memory clone")
    peer.pointers(clone)
    found.append(_figure(place, part, _LIMIT_MB, clone, ("git-model", "checkout")))
    remove(clone)
    clone = peer.clone(origin, "memory clone")
    limit = _LIMIT_MB if scale.largest_bytes > _DIRECT_BYTES else None
    found.append(_figure(place, part, limit, clone, CHECKOUT))
    size_bytes = (clone / LARGE).stat().st_size
    assert size_bytes == scale.largest_bytes, f"git checkout left {size_bytes} bytes"
    remove(clone)
    remove(origin)
    source.unlink()
    return found


def _figure(
    place: Place, part: str, limit: float | None, cwd: Path, words: tuple[str, ...]
) -> Figure:
    peak, seconds, samples = peak_bytes(place, cwd, words)
    peer = f"{seconds:.1f} s, looked {samples} times"
    print(f"  {' '.join(words)}: {peak / 1e6:.0f} MB, {peer}", file=sys.stderr)
    return Figure(part, " ".join(words), peak / 1e6, "MB", limit, peer=peer)


def peak_bytes(place: Place, cwd: Path, words: tuple[str, ...]) -> tuple[int, float, int]:
    """Runs a program and watches it.

    Returns:
        the most that it and its descendants held together, the seconds it took, and
        how often it was looked at.

    Raises:
        SystemExit: it failed.
    """
    start, peak, samples = time.perf_counter(), 0, 0
    with (place.directory / "said").open("wb") as said:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=place.env,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        members = {process.pid}
        while process.poll() is None:
            peak, samples = max(peak, _held_bytes(process.pid, members)), samples + 1
            time.sleep(_PAUSE_SECONDS)
    if process.returncode:
        text = (place.directory / "said").read_text(errors="replace")
        sys.exit(f"{' '.join(words)} ended with {process.returncode}:\n{text}")
    return peak, time.perf_counter() - start, samples


def _held_bytes(session: int, members: set[int]) -> int:
    """Returns what all members hold now; `members` grows by the new ones.

    A member is of the session, or (if it began a session of its own) a child of one.
    """
    total = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold blanks: proc_pid_stat(5).
            fields = status.read_text().rpartition(")")[2].split()
            parent, its_session, pid = int(fields[1]), int(fields[3]), int(status.parent.name)
            if its_session != session and parent not in members and pid not in members:
                continue
            members.add(pid)
            total += _pss_bytes(status.with_name("smaps_rollup").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
    return total


def _pss_bytes(rollup: str) -> int:
    lines = (line for line in rollup.splitlines() if line.startswith("Pss:"))
    return sum(int(line.split()[1]) * 1024 for line in lines)
