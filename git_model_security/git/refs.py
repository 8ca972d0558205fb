"""All refs, with what they hold: read once by a command (git-for-each-ref).

A work tree has a HEAD and some refs for itself (git-worktree, "REFS"). Git lists those of
the work tree it runs in, and walks of `--all` start from no others; what they hold is kept,
and can be given back, all the same.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.git.objects import is_oid
from git_model_security.git.paths import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from git_model_security.git.repository import Repository

REMOTE = b"refs/remotes/"

_FORMAT = "--format=%(objectname) %(refname)%00%(symref)"
"""Nothing for which Git would read the objects: one may be lost, and Git ends there."""
_OWN = ("refs/worktree/", "refs/bisect/", "refs/rewritten/")


class Ref(NamedTuple):
    """One ref, or a HEAD that stands on no branch.

    Attributes:
        name: in full, as the bytes Git holds.
        oid: the object that it names, which may be a tag.
        symref: the ref that it stands for; empty for an ordinary one.
    """

    name: bytes
    oid: str
    symref: bytes = b""

    @property
    def is_remote(self) -> bool:
        """Whether it is this clone's memory of a branch of a remote."""
        return self.name.startswith(REMOTE)

    @property
    def shown(self) -> str:
        """The name as people write it, safe for a terminal."""
        short = self.name
        for prefix in (b"refs/heads/", b"refs/tags/", b"refs/"):
            short = short.removeprefix(prefix) if short == self.name else short
        return shown(short)


def read(repo: Repository, prefix: bytes = b"refs/") -> list[Ref]:
    """Returns the refs whose names begin with `prefix`, sorted by name."""
    found = repo.snapshot.refs
    if found is None:
        found = repo.snapshot.refs = _listed(repo.git("for-each-ref", _FORMAT))
    return [one for one in found if one.name.startswith(prefix)]


def read_containing(repo: Repository, commits: Iterable[str]) -> list[Ref]:
    """Returns the refs that reach any of some commits."""
    asked = [word for oid in commits for word in ("--contains", oid)]
    return _listed(repo.git("for-each-ref", _FORMAT, *asked)) if asked else []


def _listed(said: bytes, prefix: bytes = b"") -> list[Ref]:
    found = []
    for line in said.splitlines():
        oid, _, rest = line.partition(b" ")
        name, _, symref = rest.partition(b"\0")
        found.append(Ref(prefix + name, oid.decode(), symref))
    return found


def read_elsewhere(repo: Repository) -> list[Ref]:
    """Returns the refs that only other work trees have.

    The names are those by which Git knows them here: `worktrees/NAME/refs/bisect/bad`.
    """
    found = []
    for prefix, git_dir in _other_work_trees(repo):
        said = repo.git(f"--git-dir={git_dir}", "for-each-ref", _FORMAT, *_OWN)
        found += _listed(said, os.fsencode(prefix))
    return found


def read_heads(repo: Repository) -> list[str]:
    """Returns the commits that HEAD is in each work tree, where it is one."""
    return list(dict.fromkeys(oid for _, oid, _ in _heads(repo)))


def read_detached(repo: Repository) -> list[Ref]:
    """Returns the HEADs of work trees that stand on no branch."""
    heads = _heads(repo)
    return [Ref(b"HEAD (%s)" % name, oid) for name, oid, is_detached in heads if is_detached]


def _heads(repo: Repository) -> Iterator[tuple[bytes, str, bool]]:
    """Yields the name of each work tree, its commit if any, and whether that is detached."""
    for one in repo.git("worktree", "list", "--porcelain", "-z").split(b"\0\0"):
        facts = dict(line.partition(b" ")[::2] for line in one.split(b"\0"))
        head = facts.get(b"HEAD", b"").decode()
        if is_oid(head) and head.strip("0"):
            name = facts[b"worktree"].rpartition(b"/")[2]
            yield name, head, b"detached" in facts


def _other_work_trees(repo: Repository) -> Iterator[tuple[str, Path]]:
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
