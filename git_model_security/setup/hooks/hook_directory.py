"""Our shims in one hooks directory, and the foreign hooks that they keep.

A foreign hook is renamed and run by our shim; nothing of it is ever deleted, but
a copy that is identical to one that stays. Knows nothing of configuration.
"""

from __future__ import annotations

import enum
import os
from typing import TYPE_CHECKING

from git_model_security.setup.hooks import shims

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.setup.hooks.journal import Journal

EARLIER = ".before-git-model"
"""What a foreign hook is renamed to; `hooks/shim.sh` looks for it by this name."""
DISPLACED = ".old"
"""What lefthook renames a foreign hook to; it runs it no more, and fails where one is."""
LEGACY = ".legacy"
"""What the pre-commit framework renames a foreign hook to, which it then runs."""


class Outcome(enum.Enum):
    """What happened to one hook."""

    SAME = "nothing"
    WRITTEN = "ours was written"
    KEPT = "ours was written and a foreign hook kept, to be run by ours"
    REFRESHED = "ours had other content"
    CONFLICT = "two foreign hooks, one where ours was and one that ours ran"
    REMOVED = "ours was removed"
    RESTORED = "ours was removed and the foreign hook put back"


def install(journal: Journal, directory: Path, hook: str, content: bytes) -> Outcome:
    """Makes Git run our shim for `hook`, and our shim what was there."""
    path, earlier = directory / hook, _named(directory, hook, EARLIER)
    _remove_displaced(journal, directory, hook)
    if is_called_by_framework(directory, hook):
        return _refresh(journal, _named(directory, hook, LEGACY), content)
    if shims.is_ours(path):
        return _refresh(journal, path, content)
    if is_conflict(directory, hook):
        return Outcome.CONFLICT
    outcome = Outcome.WRITTEN
    if os.path.lexists(path):
        # Over one that is equal, or that the tool which wrote it has written anew.
        journal.move(path, earlier)
        outcome = Outcome.KEPT
    journal.write(path, content)
    return outcome


def remove(journal: Journal, directory: Path, hook: str) -> Outcome:
    """Puts back what was there before `install`, as far as it is ours to do."""
    path, earlier = directory / hook, _named(directory, hook, EARLIER)
    legacy = _named(directory, hook, LEGACY)
    kept = os.path.lexists(earlier)
    _remove_displaced(journal, directory, hook)
    if shims.is_ours(path) or (kept and not os.path.lexists(path)):
        return _take_back(journal, path, earlier)
    if shims.is_ours(legacy):
        if kept and shims.is_framework(path) and shims.is_framework(earlier):
            return _remove_old_framework(journal, path, earlier, legacy)
        return _take_back(journal, legacy, earlier)
    return Outcome.CONFLICT if kept else Outcome.SAME


def is_conflict(directory: Path, hook: str) -> bool:
    """Tells whether two foreign hooks want the one place that ours has for them."""
    path, earlier = directory / hook, _named(directory, hook, EARLIER)
    return (
        os.path.lexists(path)
        and os.path.lexists(earlier)
        and not shims.is_ours(path)
        and not is_called_by_framework(directory, hook)
        and not _equal(path, earlier)
        and not shims.is_of_one_tool(path, earlier, hook)
    )


def is_called(directory: Path, hook: str) -> bool:
    """Tells whether Git, looking in this directory, ends up in a shim that works."""
    legacy = _named(directory, hook, LEGACY)
    return shims.works(directory / hook) or (
        is_called_by_framework(directory, hook)
        and shims.is_executable(directory / hook)
        and shims.works(legacy)
    )


def is_called_by_framework(directory: Path, hook: str) -> bool:
    """Tells whether `pre-commit install` has put itself before our shim."""
    return shims.is_framework(directory / hook) and shims.is_ours(
        _named(directory, hook, LEGACY)
    )


def _remove_displaced(journal: Journal, directory: Path, hook: str) -> None:
    old = _named(directory, hook, DISPLACED)
    if shims.is_ours(old):
        journal.remove(old)


def _refresh(journal: Journal, path: Path, content: bytes) -> Outcome:
    if shims.is_same(path, content):
        return Outcome.SAME
    journal.write(path, content)
    return Outcome.REFRESHED


def _take_back(journal: Journal, ours: Path, earlier: Path) -> Outcome:
    if os.path.lexists(earlier):
        journal.move(earlier, ours)
        return Outcome.RESTORED
    journal.remove(ours)
    return Outcome.REMOVED


def _remove_old_framework(journal: Journal, path: Path, earlier: Path, legacy: Path) -> Outcome:
    # Put back as NAME.legacy, the framework's old hook would be run by the new one
    # and the other way round.
    journal.remove(legacy)
    if _equal(path, earlier):
        journal.remove(earlier)
        return Outcome.REMOVED
    return Outcome.CONFLICT


def _named(directory: Path, hook: str, suffix: str) -> Path:
    return directory / f"{hook}{suffix}"


def _equal(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    files = one.is_file() and other.is_file()
    return (
        files
        and one.stat().st_mode == other.stat().st_mode
        and one.read_bytes() == other.read_bytes()
    )
