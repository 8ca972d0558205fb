"""Our shim for one hook in one hooks directory, and the foreign hook that it keeps.

A foreign hook is renamed and run by our shim; nothing of it is ever deleted, but
a copy that is identical to one that stays. Knows nothing of configuration.
"""

from __future__ import annotations

import enum
import os
import stat
from typing import TYPE_CHECKING

from git_model_security.setup.hooks import shims

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.setup.hooks.journal import Journal

EARLIER = ".before-git-model"
"""What a foreign hook is renamed to; `hooks/shim.sh` looks for it by this name."""
_DISPLACED = ".old"
"""What lefthook renames a foreign hook to; it runs it no more, and fails where one is."""
_LEGACY = ".legacy"
"""What the pre-commit framework renames a foreign hook to, which it then runs."""


class Outcome(enum.Enum):
    """What happened to one hook."""

    SAME = "nothing"
    WRITTEN = "ours was written"
    KEPT = "ours was written and a foreign hook kept, to be run by ours"
    REFRESHED = "ours had other content"
    CONFLICT = "not written: a foreign hook stands there, and ours would run another"
    REMOVED = "ours was removed"
    RESTORED = "ours was removed and the foreign hook put back"
    LEFT = "two foreign hooks, one where ours was and one that ours ran"


def install(journal: Journal, directory: Path, hook: str, content: bytes) -> Outcome:
    """Makes Git run our shim for `hook`, and our shim what was there."""
    path = _shim(directory, hook)
    _remove_displaced(journal, directory, hook)
    if shims.is_ours(path):
        if shims.is_same(path, content):
            return Outcome.SAME
        outcome = Outcome.REFRESHED
    elif is_conflict(directory, hook):
        return Outcome.CONFLICT
    elif os.path.lexists(path):
        # Over one that is equal, or that the tool which wrote it has written anew.
        journal.move(path, directory / f"{hook}{EARLIER}")
        outcome = Outcome.KEPT
    else:
        outcome = Outcome.WRITTEN
    journal.write(path, content)
    return outcome


def remove(journal: Journal, directory: Path, hook: str) -> Outcome:
    """Puts back what was there before `install`, as far as it is ours to do."""
    path, earlier = directory / hook, directory / f"{hook}{EARLIER}"
    legacy = directory / f"{hook}{_LEGACY}"
    kept = os.path.lexists(earlier)
    _remove_displaced(journal, directory, hook)
    if shims.is_ours(path) or (kept and not os.path.lexists(path)):
        return _take_back(journal, path, earlier)
    if shims.is_ours(legacy):
        if not (kept and shims.is_framework(path) and shims.is_framework(earlier)):
            return _take_back(journal, legacy, earlier)
        # Put back as NAME.legacy, the framework's old hook would be run by the new one
        # and the other way round.
        journal.remove(legacy)
    if kept and _facts(path) == _facts(earlier):
        journal.remove(earlier)
        return Outcome.REMOVED
    return Outcome.LEFT if kept else Outcome.SAME


def is_conflict(directory: Path, hook: str) -> bool:
    """Tells whether two foreign hooks want the one place that ours has for them."""
    path, earlier = directory / hook, directory / f"{hook}{EARLIER}"
    return (
        os.path.lexists(path)
        and os.path.lexists(earlier)
        and not shims.is_ours(_shim(directory, hook))
        and _facts(path) != _facts(earlier)
        and not shims.is_of_one_tool(path, earlier, hook)
    )


def is_called(directory: Path, hook: str) -> bool:
    """Tells whether Git, looking in this directory, ends up in a shim that works."""
    return shims.is_executable(directory / hook) and shims.works(_shim(directory, hook))


def _shim(directory: Path, hook: str) -> Path:
    """Returns where our shim belongs: `pre-commit install` may have put itself before it."""
    path, legacy = directory / hook, directory / f"{hook}{_LEGACY}"
    return legacy if shims.is_framework(path) and shims.is_ours(legacy) else path


def _remove_displaced(journal: Journal, directory: Path, hook: str) -> None:
    old = directory / f"{hook}{_DISPLACED}"
    if shims.is_ours(old):
        journal.remove(old)


def _take_back(journal: Journal, ours: Path, earlier: Path) -> Outcome:
    if os.path.lexists(earlier):
        journal.move(earlier, ours)
        return Outcome.RESTORED
    journal.remove(ours)
    return Outcome.REMOVED


def _facts(path: Path) -> tuple[int, object]:
    """Returns what is equal of equal hooks: mode and content, or the target of a link."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return mode, path.readlink()
    return mode, path.read_bytes() if stat.S_ISREG(mode) else path
