"""What arrives, taken in when it does: every commit that was not made here (clause 1).

Hooks have this look at all refs, at FETCH_HEAD and at HEAD. It verifies nothing: whose
commits these are is asked of those few that matter, when something is committed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from git_model_security.clone.provenance import ANY_MESSAGE, UNKNOWN_LENGTH
from git_model_security.git import batch, history, index, partial, refs, remotes, rev_list
from git_model_security.git.changes import changes
from git_model_security.git.changes import pathless as changes_of_no_commit
from git_model_security.provenance import replays

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository

_NO_ARRIVALS = (
    b"refs/stash",
    b"refs/rewritten/",
    b"refs/bisect/",
    b"refs/worktree/",
)
"""Refs that hold one's own work, or that a work tree has for itself."""
_ASCII = 128
_PRINTABLE = bytes(char for char in range(_ASCII) if chr(char).isprintable())


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
        _take_commits(clone, [tip for tip in new if tips[tip] == "commit"], seen)
        # A tag may name a tree, or a file, that no commit has.
        others = changes_of_no_commit(clone.repo, [tip for tip in new if tips[tip] != "commit"])
        record.take_blobs(change.entry.oid for change in others)
        record.look_at([*tips, border])
    elif unread := record.unread():
        _take_changes(clone, partial.offline(clone.repo), unread)


def digest_message(text: bytes) -> bytes:
    """Returns the digest by which a message is known again, whatever Git makes of it.

    Of its subject: Git adds trailers, and to the message of a conflict its paths. And of its
    ASCII: Git converts the others.
    """
    subject = next((line for line in text.splitlines() if line.strip()), b"")
    ascii_only = bytes(byte for byte in subject if byte < _ASCII)
    return hashlib.blake2b(b" ".join(ascii_only.split()), digest_size=16).digest()


def _keeps_ascii(text: bytes) -> bool:
    """Tells whether the message of a commit is in an encoding of which ASCII is a part."""
    header = text.partition(b"\n\n")[0]
    if b"\nencoding " not in header:
        return True
    name = header.partition(b"\nencoding ")[2].partition(b"\n")[0]
    try:
        return _PRINTABLE.decode(name.decode()) == _PRINTABLE.decode("ascii")
    except (LookupError, ValueError):
        return False


def _tips(repo: Repository, extra: Iterable[str], seen: set[str]) -> dict[str, str]:
    """Returns the objects that refs hold, tags followed, with what they are."""
    held = [ref.oid for ref in refs.read(repo) if not ref.name.startswith(_NO_ARRIVALS)]
    # What a replay makes arrives with its end, and pairs say then of what it was made.
    head = None if replays.is_replaying(repo) else index.resolve(repo, "HEAD^{commit}")
    named = dict.fromkeys(
        [*held, *remotes.list_fetched(repo), *extra, *([head] if head else [])]
    )
    kinds = history.peel(repo, [oid for oid in named if oid not in seen])
    found = (kinds.get(oid, ("commit", oid)) for oid in named)
    return {oid: kind for kind, oid in found if kind}


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
    messages = {
        oid: digest_message(text.partition(b"\n\n")[2]) if _keeps_ascii(text) else ANY_MESSAGE
        for oid, text in batch.contents(repo, commits).items()
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
