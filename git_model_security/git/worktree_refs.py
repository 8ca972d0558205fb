"""Refs that one work tree has for itself (git-worktree, "REFS").

Git lists those of the work tree it runs in, and walks of `--all` start from no others;
what they hold is kept, and can be given back, all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.git.objects import is_oid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from git_model_security.git.repository import Repository

_OWN = ("refs/worktree/", "refs/bisect/", "refs/rewritten/")


def elsewhere(repo: Repository) -> list[tuple[bytes, str]]:
    """Returns name and oid of the refs that only other work trees have.

    The names are those by which Git knows them here: `worktrees/NAME/refs/bisect/bad`.
    """
    found = []
    for prefix, git_dir in _others(repo):
        listed = repo.git(
            f"--git-dir={git_dir}", "for-each-ref", "--format=%(objectname) %(refname)", *_OWN
        )
        for line in listed.splitlines():
            oid, _, name = line.partition(b" ")
            found.append((prefix.encode("utf-8", "surrogateescape") + name, oid.decode()))
    return found


def heads(repo: Repository) -> list[str]:
    """Returns the commits that HEAD is in each work tree, where it is one."""
    listed = repo.git("worktree", "list", "--porcelain").decode("utf-8", "replace")
    found = (line.removeprefix("HEAD ") for line in listed.splitlines())
    return [oid for oid in dict.fromkeys(found) if is_oid(oid) and oid.strip("0")]


def _others(repo: Repository) -> Iterator[tuple[str, Path]]:
    if not (repo.common_dir / "worktrees").is_dir():
        return
    linked = sorted((repo.common_dir / "worktrees").iterdir())
    places = [("main-worktree/", repo.common_dir)]
    # Without that file it is no work tree, to Git neither.
    places += [
        (f"worktrees/{one.name}/", one) for one in linked if (one / "commondir").exists()
    ]
    for prefix, path in places:
        # A process each: most of them have none.
        may_have = any((path / name).exists() for name in (*_OWN, "reftable"))
        if may_have and path != repo.git_dir:
            yield prefix, path
