"""Whether the Git command that runs the filter keeps what clean makes.

Git tells a filter what to do and not what for: `git status` runs clean to compare, and
`git add` to keep.
"""

from __future__ import annotations

from git_model_security.git import processes

_LOOKS = frozenset(
    {
        *("blame", "describe", "diff", "diff-files", "diff-index", "status"),
        *("checkout", "reset", "restore", "rm", "switch"),
    }
)
"""Commands that run clean to compare, and keep nothing of it; all others may."""
_REFRESHES = frozenset(
    {"-q", "--clear-resolve-undo", "--really-refresh", "--refresh", "--unmerged"}
)
"""Options of `update-index` with which it only compares, where it gets no others."""
_HASHES = frozenset({"--stdin-paths"})
"""Options of `hash-object` with which it only prints, where it gets no others."""
_SHELLS = 2
"""Git starts a filter through a shell, which mostly becomes the filter."""


def only_looks() -> bool:
    """Tells whether the Git command that runs us keeps nothing; unknown is no."""
    command, *more = processes.words(_SHELLS) or [""]
    if command == "update-index":
        return {*more} <= _REFRESHES
    if command == "hash-object":
        return {word for word in more if word.startswith("-")} <= _HASHES
    return command in _LOOKS
