"""What arrives, taken in when it does: every commit that was not made here (clause 1).

Hooks have this look at all refs, at FETCH_HEAD and at HEAD. It verifies nothing: whose
commits these are is asked of those few that matter, when something is committed.
"""

from __future__ import annotations

import hashlib
import string
from typing import TYPE_CHECKING

from git_model_security.clone.provenance import ANY_MESSAGE, UNKNOWN_LENGTH
from git_model_security.git import batch, history, index, partial, refs, remotes, rev_list
from git_model_security.git.changes import changes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository

_NO_ARRIVALS = (
    b"refs/stash",
    b"refs/notes/",
    b"refs/rewritten/",
    b"refs/bisect/",
    b"refs/worktree/",
)
"""Refs of which nothing is committed upon, or that a work tree has for itself."""
_REPLAYS = ("rebase-merge", "rebase-apply", "sequencer")
_SIGNED_OFF = b"Signed-off-by:"
"""With this `git cherry-pick --signoff` ends a message."""
_MARKS = tuple(bytes([code]) for code in string.punctuation.encode())
"""A comment begins with one of these (git-config, "core.commentChar"), and so does what
`git cherry-pick -x` adds."""


def take_in(clone: Clone, extra: Iterable[str] = ()) -> None:
    """Records what arrived since the last look.

    Args:
        extra: commits that refs are about to hold.

    Raises:
        GitError: a commit is missing, or there is no room for the record.
    """
    record = clone.provenance
    border = _border(clone.repo)
    seen = record.looked_at()
    # Below what was looked at there is more, where a shallow clone got deeper.
    seen = seen - {border} if border in seen else set()
    tips = _tips(clone.repo, extra, seen)
    new = [tip for tip in tips if tip not in seen]
    if new:
        _take_commits(clone, new, seen)
        record.look_at([*tips, border])
    elif unread := record.unread():
        _take_changes(clone, partial.offline(clone.repo), unread)


def digest_message(text: bytes) -> bytes:
    """Returns the digest by which a message is known again, whatever Git adds to it."""
    lines = (line.strip() for line in text.splitlines())
    kept = [line for line in lines if line and not line.startswith((*_MARKS, _SIGNED_OFF))]
    return hashlib.blake2b(b"\n".join(kept), digest_size=16).digest()


def _is_encoded(text: bytes) -> bool:
    """Tells whether a commit says that its message is not UTF-8: Git writes it otherwise."""
    return b"\nencoding " in text.partition(b"\n\n")[0]


def _keeps_ascii(text: bytes) -> bool:
    """Tells whether what Git reads a commit as still has its header: else nobody can know."""
    name = text.partition(b"\nencoding ")[2].partition(b"\n")[0]
    try:
        return string.printable.encode().decode(name.decode()) == string.printable
    except (LookupError, ValueError):
        return False


def _tips(repo: Repository, extra: Iterable[str], seen: set[str]) -> list[str]:
    held = [ref.oid for ref in refs.read(repo) if not ref.name.startswith(_NO_ARRIVALS)]
    # What a replay makes arrives with its end, and pairs say then of what it was made.
    is_replaying = any((repo.git_dir / name).is_dir() for name in _REPLAYS)
    head = None if is_replaying else index.resolve(repo, "HEAD^{commit}")
    named = dict.fromkeys(
        [*held, *remotes.list_fetched(repo), *extra, *([head] if head else [])]
    )
    kinds = history.peel(repo, [oid for oid in named if oid not in seen])
    found = (kinds.get(oid, ("commit", oid)) for oid in named)
    return list(dict.fromkeys(oid for kind, oid in found if kind == "commit"))


def _border(repo: Repository) -> str:
    """Returns a digest of where history is cut off (gitrepository-layout, "shallow")."""
    path = repo.common_dir / "shallow"
    commits = path.read_bytes() if path.is_file() else b""
    return hashlib.blake2b(commits, digest_size=16).hexdigest()


def _take_commits(clone: Clone, tips: list[str], seen: set[str]) -> None:
    repo = clone.repo if partial.remote(clone.repo) is None else partial.offline(clone.repo)
    there = [oid for kind, oid in history.peel(repo, seen).values() if kind == "commit"]
    names = [*tips, *(f"^{oid}" for oid in there)]
    commits = rev_list.read(repo, "--topo-order", "--reverse", names=names)
    texts = batch.contents(repo, commits)
    recoded = history.messages(repo, (one for one in texts if _is_encoded(texts[one])))
    messages = {
        oid: ANY_MESSAGE
        if oid in recoded and not _keeps_ascii(text)
        else digest_message(recoded.get(oid, text.partition(b"\n\n")[2]))
        for oid, text in texts.items()
    }
    clone.provenance.take_in(messages, [])
    _take_changes(clone, repo, [*clone.provenance.unread(), *commits])


def _take_changes(clone: Clone, repo: Repository, commits: list[str]) -> None:
    """Records what commits changed; those whose trees are not here wait for the next look."""
    record = clone.provenance
    waiting = set(commits)
    if partial.remote(repo) is not None:
        commits = batch.with_trees(repo, commits, batch.kinds(repo))
    damaged: dict[str, str] = {}
    brought = [
        (change.commit, (change.entry.path, change.entry.mode, change.entry.oid))
        for change in changes(repo, commits, damaged, links=True)
        if change.entry.mode != index.REMOVED
    ]
    blobs = dict.fromkeys(oid for _, (_, mode, oid) in brought if mode != index.GITLINK)
    record.take_in({}, brought)
    lengths = batch.sizes(repo, blobs)
    unknown = [UNKNOWN_LENGTH] * (len(lengths) < len(blobs))
    record.take_lengths([*lengths.values(), *unknown])
    waiting -= {*commits} - damaged.keys()
    if waiting or record.unread():
        record.note_unread(waiting)
