"""What the guard of refs costs: nothing to do, a commit, and a rebase."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.place import fill
from git_model_security.setup.hooks.shims import HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.place import Place

PART = "reference-transaction, beside the same without it"
_PAIRS = 11
_REBASES = 5
_COMMITS = 50
_HOOK = "reference-transaction"
_NO_HOOKS = f"core.hooksPath={os.devnull}"


def figures(place: Place) -> list[Figure]:
    repo = place.repository("transactions")
    place.run("git-model", "init", "--profile", "weights", cwd=repo)
    fill(repo, ["model.safetensors"], 64 * 1024)
    place.run("git", "add", ".", cwd=repo)
    place.run("git", "commit", "--quiet", "-m", "base", cwd=repo)
    hooks = repo / ".git" / "hooks"
    others = shutil.copytree(hooks, place.directory / "others")
    (others / _HOOK).unlink()
    return [*_simple(place, repo, others), *_rebases(place, repo)]


def _simple(place: Place, repo: Path, others: Path) -> list[Figure]:
    without = f"core.hooksPath={others}"
    ways: dict[str, tuple[float, Callable[[int], tuple[str, ...]]]] = {
        "git branch, at a commit that has a branch": (0.03, lambda n: ("branch", f"b{n}")),
        "git commit": (0.25, lambda n: ("commit", "--quiet", "-am", str(n))),
        "git commit --no-verify": (0.25, lambda n: ("commit", "--quiet", "-nam", str(n))),
    }
    found = []
    for name, (limit, words) in ways.items():
        pairs = []
        for number in range(_PAIRS):
            with_it = _timed(place, repo, (), words(2 * number))
            pairs.append((with_it, _timed(place, repo, ("-c", without), words(2 * number + 1))))
        for number in range(2 * _PAIRS if name.startswith("git branch") else 0):
            place.run("git", "branch", "--quiet", "-D", f"b{number}", cwd=repo)
        cost = statistics.median(ours - plain for ours, plain in pairs)
        plain = statistics.median(plain for _, plain in pairs)
        peer = f"{plain:.2f} s without, median of {_PAIRS} pairs"
        found.append(Figure(PART, name, cost, "s", limit, peer=peer))
    return found


def _timed(place: Place, repo: Path, options: tuple[str, ...], words: tuple[str, ...]) -> float:
    (repo / "README.md").write_text(f"{time.monotonic_ns()}\n")
    place.run("git", "add", "README.md", cwd=repo)
    return place.run("git", *options, *words, cwd=repo)


def _rebases(place: Place, repo: Path) -> list[Figure]:
    """Rebases a series of unprotected files; hooks that do nothing are the peer.

    Git runs a reference-transaction hook eight times for each commit of a rebase, and
    post-index-change once: what any hook costs is no merit or fault of ours.
    """
    place.run("git", "checkout", "--quiet", "-b", "series", cwd=repo)
    for number in range(_COMMITS):
        (repo / f"{number % 7}.md").write_text(f"{number}\n")
        place.run("git", "add", ".", cwd=repo)
        place.run("git", "-c", _NO_HOOKS, "commit", "--quiet", "-m", str(number), cwd=repo)
    tip = _oid(place, repo, "HEAD")
    place.run("git", "checkout", "--quiet", "main", cwd=repo)
    (repo / "ahead.md").write_text("ahead\n")
    place.run("git", "add", ".", cwd=repo)
    place.run("git", "-c", _NO_HOOKS, "commit", "--quiet", "-m", "ahead", cwd=repo)
    idle = place.directory / "idle"
    idle.mkdir()
    for hook in HOOKS:
        (idle / hook).write_text("#!/bin/sh\nexit 0\n")
        (idle / hook).chmod(0o755)
    ways = {"none": _NO_HOOKS, "idle": f"core.hooksPath={idle}", "ours": None}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(_REBASES):
        for way, setting in ways.items():
            reset = ("git", "-c", _NO_HOOKS, "branch", "--quiet", "-f", "series", tip)
            place.run(*reset, cwd=repo)
            options = ("-c", setting) if setting else ()
            rebase = ("rebase", "--quiet", "main", "series")
            seconds[way].append(place.run("git", *options, *rebase, cwd=repo))
            place.run("git", "-c", _NO_HOOKS, "checkout", "--quiet", "main", cwd=repo)
    middle = {way: statistics.median(times) for way, times in seconds.items()}
    peer = f"with idle hooks {middle['idle']:.2f} s, without any {middle['none']:.2f} s"
    ratio = middle["ours"] / middle["idle"]
    name = f"rebase of {_COMMITS} commits over hooks that only exit"
    return [Figure(PART, name, ratio, "x", 1.3, peer=peer)]


def _oid(place: Place, repo: Path, revision: str) -> str:
    done = subprocess.run(
        ("git", "rev-parse", revision), cwd=repo, env=place.env, capture_output=True, check=True
    )
    return done.stdout.decode().strip()
