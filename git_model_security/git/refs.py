"""All refs, with what they hold: read once by a command (git-for-each-ref), and changed.

A work tree has a HEAD and some refs for itself (git-worktree, "REFS"). Git lists those of
the work tree it runs in, and walks of `--all` start from no others; what they hold is kept,
and can be given back, all the same.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import GitError, ProtocolError
from git_model_security.git.objects import is_oid
from git_model_security.git.paths import shown
from git_model_security.git.run import NO_HOOKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from git_model_security.git.repository import Repository

REMOTE = b"refs/remotes/"
TRANSACTION = "reference-transaction"

_FORMAT = "--format=%(objectname) %(refname)%00%(symref)"
"""Nothing for which Git would read the objects: one may be lost, and Git ends there."""
_NEWER_GIT = "see `git model doctor`; is this git newer than git-model?"
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


class Move(NamedTuple):
    """What a hook is told of one ref (githooks, "reference-transaction", "pre-receive")."""

    old: str
    new: str
    ref: str

    @property
    def is_head(self) -> bool:
        """Whether it is the HEAD of a work tree."""
        return self.ref == "HEAD" or self.ref.endswith("/HEAD")

    @property
    def brings(self) -> bool:
        """Whether the ref gets an object that it did not hold."""
        return is_oid(self.new) and not self.deletes and self.new != self.old

    @property
    def deletes(self) -> bool:
        """Whether the ref goes."""
        return not self.new.strip("0")


def parse_moves(stdin: bytes, hook: str = TRANSACTION, hint: str = _NEWER_GIT) -> list[Move]:
    """Returns the lines of a hook's standard input.

    Raises:
        ProtocolError: one is not understood, so nothing may change.
    """
    found = []
    for line in filter(None, stdin.split(b"\n")):
        words = os.fsdecode(line).split(" ", 2)
        # A symbolic ref that is moved itself names another (`ref:refs/heads/main`, git 2.46).
        links = "ref:" if hook == TRANSACTION else ()
        values = [word for word in words[:2] if not word.startswith(links)]
        if len(words) != 3 or not all(map(is_oid, values)):
            said = f"{hook} was given a line that it does not understand: {shown(line)}"
            raise ProtocolError(said, hint=hint)
        found.append(Move(*words))
    return found


def read(repo: Repository, prefix: bytes = b"refs/") -> list[Ref]:
    """Returns the refs whose names begin with `prefix`, sorted by name."""
    found = repo.snapshot.refs
    if found is None:
        found = repo.snapshot.refs = _listed(repo.git("for-each-ref", _FORMAT))
    return [one for one in found if one.name.startswith(prefix)]


def read_direct(
    repo: Repository, prefix: str = "refs/", *, containing: Iterable[str] | None = None
) -> dict[str, str]:
    """Returns the refs that are no links to others: oids by name.

    Args:
        containing: only those count that reach any of these commits.
    """
    found = read(repo, os.fsencode(prefix))
    if containing is not None:
        asked = [word for oid in containing for word in ("--contains", oid)]
        found = _listed(repo.git("for-each-ref", _FORMAT, *asked)) if asked else []
    return {os.fsdecode(ref.name): ref.oid for ref in found if not ref.symref}


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


def change(
    repo: Repository,
    reason: str,
    *,
    moved: Mapping[str, tuple[str, str]] | None = None,
    created: Mapping[str, str] | None = None,
    deleted: Mapping[str, str] | None = None,
) -> None:
    """Changes refs, all or none; see `RefChange`.

    Args:
        moved: refs with what they hold and what they get.
        created: refs that must not be there, with what they get.
        deleted: refs with what they hold.

    Raises:
        GitError: one is not where it should be.
    """
    if not (moved or created or deleted):
        return
    with RefChange(repo, reason) as transaction:
        for name, (old, new) in (moved or {}).items():
            transaction.move(name, new, old)
        for name, oid in (created or {}).items():
            transaction.create(name, oid)
        for name, oid in (deleted or {}).items():
            transaction.delete(name, oid)
        transaction.prepare()
        transaction.commit()


class RefChange:
    """Many refs changed at once, or none of them: one `git update-ref --stdin`.

    A context manager that gives it up unless it was committed.

    Hooks do not see it: the caller judged what the refs will hold.
    """

    def __init__(self, repo: Repository, reason: str) -> None:
        self._repo = repo
        self._process = repo.spawn(*(*NO_HOOKS, "update-ref", "-m", reason, "-z", "--stdin"))
        self._send("start")

    def __enter__(self) -> RefChange:
        return self

    def __exit__(self, *_: object) -> None:
        # At the end of its input git gives up what was not committed, and its locks.
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.stdout.read()
        self._process.stdout.close()
        self._process.wait()
        self._repo.forget()  # what was read while it ran is older than what it did

    def move(self, ref: str, new: str, old: str) -> None:
        """Asks for a ref that is still at `old` to be moved.

        `HEAD` is moved itself, as where it names no branch.
        """
        if ref == "HEAD":
            self._send("option no-deref")
        self._send(f"update {ref}", new, old)

    def create(self, ref: str, new: str) -> None:
        """Asks for a ref that must not be there."""
        self._send(f"create {ref}", new)

    def delete(self, ref: str, old: str) -> None:
        """Asks for a ref that is still at `old` to be removed."""
        self._send("option no-deref")
        self._send(f"delete {ref}", old)

    def prepare(self) -> None:
        """Locks all of the refs, which are then known to be where they should.

        Raises:
            GitError: one is not.
        """
        self._send("prepare")
        self._require("prepare: ok")

    def commit(self) -> None:
        """Does it.

        Raises:
            GitError: it could not be done, and was not.
        """
        self._send("commit")
        self._require("commit: ok")

    def _send(self, *words: str) -> None:
        with contextlib.suppress(OSError):  # told by the answer that does not come
            for word in words:
                self._process.stdin.write(os.fsencode(word) + b"\0")

    def _require(self, answer: str) -> None:
        with contextlib.suppress(OSError):
            self._process.stdin.flush()
        for line in self._process.stdout:
            if line.decode().strip() == answer:
                return
        raise GitError(
            "the refs could not be moved, and none was: another Git command has changed one"
            " of them meanwhile, or holds it",
            hint="the reason stands above; run it again, what was done is remembered",
        )
