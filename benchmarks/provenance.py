"""What the record of provenance costs: commits after nothing or something arrived, a fetch."""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.place import fill
from git_model_security.clone.clone import Clone
from git_model_security.clone.database import NAME
from git_model_security.git import config, index
from git_model_security.git.repository import Repository
from git_model_security.provenance import recording

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.place import Place

PART = "the record of provenance, 20 protected files"
_NAMES = [f"model-{number:02}.safetensors" for number in range(20)]
_FILE_BYTES = 64 * 1024
_ROUNDS = 7
_FEW, _MANY = 6, 1000
_PERSON = "Someone <someone@example.com>"


def figures(place: Place) -> list[Figure]:
    far = place.directory / "far.git"
    place.run("git", "init", "--quiet", "--bare", str(far), cwd=place.directory)
    repo = place.repository("near")
    place.run("git-model", "init", "--profile", "weights", cwd=repo)
    fill(repo, _NAMES, _FILE_BYTES)
    place.run("git", "remote", "add", "origin", str(far), cwd=repo)
    _commit(place, repo, 0)
    place.run("git", "push", "--quiet", "--set-upstream", "origin", "main", cwd=repo)
    before = [_commit(place, repo, number) for number in range(_ROUNDS)]
    found = [Figure(PART, "judging an index of which nothing arrived", _judge(repo), "ms", 10)]
    _bring(far, "few", _FEW)
    place.run("git", "reset", "--quiet", "--hard", cwd=repo)
    place.run("git", "fetch", "--quiet", cwd=repo)
    place.run("git", "merge", "--quiet", "--no-edit", "origin/few", cwd=repo)
    after = [_commit(place, repo, number) for number in range(_ROUNDS)]
    added = statistics.median(after) - statistics.median(before)
    peer = f"beside {statistics.median(before):.2f} s before, median of {_ROUNDS}"
    found.append(Figure(PART, f"a commit on {_FEW} unsigned ones", added, "s", 0.15, peer=peer))
    return [*found, *_fetches(place, repo, far)]


def _fetches(place: Place, repo: Path, far: Path) -> list[Figure]:
    plain = place.directory / "plain"
    place.run("git", "clone", "--quiet", str(far), str(plain), cwd=place.directory)
    rows = _rows(repo)
    _bring(far, "many", _MANY)
    size = _bytes(repo)
    seconds = place.run("git", "fetch", "--quiet", cwd=repo)
    peer_seconds = place.run("git", "fetch", "--quiet", cwd=plain)
    each = (_bytes(repo) - size) / (_rows(repo) - rows)
    peer = f"plain {peer_seconds:.2f} s"
    return [
        Figure(
            PART, f"a fetch of {_MANY} commits", seconds - peer_seconds, "s", 0.5, peer=peer
        ),
        Figure(PART, "memory for each path and blob that arrived", each, "bytes", 200),
    ]


def _commit(place: Place, repo: Path, number: int) -> float:
    (repo / "README.md").write_text(f"{number} {time.monotonic_ns()}\n")
    place.run("git", "add", ".", cwd=repo)
    return place.run("git", "commit", "--quiet", "-m", str(number), cwd=repo)


def _judge(path: Path) -> float:
    """Judges the index in this process; returns the milliseconds of the best round."""
    (path / "README.md").write_text(f"{time.monotonic_ns()}\n")
    subprocess.run(("git", "add", "."), cwd=path, check=True)
    best = float("inf")
    for _ in range(_ROUNDS):
        clone = Clone(Repository.discover(path, local=False))
        with clone.objects:
            # What pre-commit has read before, once.
            clone.memory.execute("SELECT 1")
            config.read(clone.repo)
            index.staged_changes(clone.repo)
            index.committable(clone.repo)
            start = time.perf_counter()
            recording.judge_index(clone)
            best = min(best, time.perf_counter() - start)
    return best * 1000


def _bring(far: Path, branch: str, count: int) -> None:
    """Has somebody push commits, each of which changes one of ten files."""
    tip = subprocess.run(
        ("git", "rev-parse", "main"), cwd=far, check=True, capture_output=True, text=True
    ).stdout.strip()
    said = []
    for number in range(count):
        text = f"{branch} {number}\n"
        said.append(
            f"commit refs/heads/{branch}\ncommitter {_PERSON} {1_700_000_000 + number} +0000\n"
            f"data {len(text)}\n{text}"
            + (f"from {tip}\n" if not number else "")
            + f"M 100644 inline docs/{branch}-{number % 10}.md\ndata {len(text)}\n{text}\n"
        )
    command = ("git", "fast-import", "--quiet")
    subprocess.run(command, cwd=far, check=True, input="".join(said).encode())


def _bytes(repo: Path) -> int:
    with sqlite3.connect(repo / ".git" / "git-model" / NAME) as memory:
        memory.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ((pages,),) = memory.execute("PRAGMA page_count")
        ((size,),) = memory.execute("PRAGMA page_size")
    return int(pages * size)


def _rows(repo: Path) -> int:
    with sqlite3.connect(repo / ".git" / "git-model" / NAME) as memory:
        ((count,),) = memory.execute("SELECT count(*) FROM came")
    return int(count)
