"""What Git says of commits that it makes again: a rebase, a cherry-pick, a squash.

Files in the Git directory of a work tree name them while that goes on (git-rebase,
git-cherry-pick, "sequencer state"); afterwards post-rewrite gives the pairs.
"""

from __future__ import annotations

import itertools
import os
import re
from typing import TYPE_CHECKING

from git_model_security.git import history, index, processes
from git_model_security.git.objects import is_oid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_model_security.git.repository import Repository

_DIRECTORIES = ("rebase-merge", "rebase-apply", "sequencer")
"""Of a rebase, an am, and of several cherry-picks (githooks knows none)."""
_PICKS = {"pick", "p", "reword", "r", "edit", "e"}
_SQUASHES = {"squash", "s", "fixup", "f"}
_REVERTED = re.compile(rb"^This reverts commit ([0-9a-f]{40,64})[.,]", re.MULTILINE)
PICKED, REVERTED = APPLIED = ("CHERRY_PICK_HEAD", "REVERT_HEAD")
"""Pseudo-refs that name the one commit that a pick, or a revert, has stopped at."""
_LISTS = ("rebase-merge/rewritten-list", "rebase-apply/rewritten")
_PENDING = "rebase-merge/rewritten-pending"
_DONE = "rebase-merge/done"
_AMEND = "rebase-merge/amend"
_BROUGHT = (b"am", b"reset:", b"checkout:")
"""Beginnings of messages in the reflog: of commits that nothing here has made."""
_BRINGING = {"cherry-pick", "merge", "read-tree", "revert", "stash"}
"""Commands that merge content of a commit into the index, or may, and need not commit it."""
_OF_FILES = {"checkout", "restore"}
_SOURCE = re.compile("(?:--so[a-z]*(?:=|$)|-[A-Za-z]*s)(.*)", re.DOTALL)
"""The option before a commit, which is in the same word or the next one (git-restore)."""


def is_replaying(repo: Repository) -> bool:
    """Tells whether Git is replaying commits, one after the other in one process.

    It keeps its index in memory all the while, and takes a file that we write for a change
    of the user's, which the next commit would overwrite (seen with 2.39).
    """
    return any((repo.git_dir / name).is_dir() for name in _DIRECTORIES)


def list_pairs(repo: Repository) -> dict[str, list[str]]:
    """Returns the commits that a rebase under way made, with those they were made of."""
    found: dict[str, list[str]] = {}
    for name in _LISTS:
        for old, new in parse_pairs(_read(repo, name)):
            found.setdefault(new, []).append(old)
    if pending := _read(repo, _PENDING).split():
        head = index.resolve(repo, "HEAD^{commit}")
        found.setdefault(head or "", []).extend(pending)
    if to_amend := _to_amend(repo):
        # What is amended for `edit` and `reword` gets into the lists only afterwards.
        found.setdefault(to_amend, []).extend(old for old in _done(repo) if old != to_amend)
    return {
        new: kept
        for new, olds in found.items()
        if is_oid(new) and (kept := [old for old in olds if index.has_commit(repo, old)])
    }


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """Returns old and new commits, which Git writes in a line each."""
    rows = (line.split()[:2] for line in text.split("\n"))
    return [(row[0], row[1]) for row in rows if len(row) > 1 and all(map(is_oid, row))]


def is_rewording() -> bool:
    """Tells whether a rebase has this very commit made, to change a message (sequencer.c)."""
    return os.environ.get("GIT_REFLOG_ACTION") == "rebase (reword)"


def is_mailed(repo: Repository) -> bool:
    """Tells whether `git am` has stopped at a patch, which no commit here has brought."""
    return (repo.git_dir / "rebase-apply" / "applying").is_file()


def is_bringing() -> bool:
    """Tells whether the git above this process may bring content that no commit names."""
    return bool(_BRINGING.intersection(processes.words()[:1]))


def is_unstashing() -> bool:
    """Tells whether the git above this process puts a stash into the work tree."""
    return processes.words()[:1] == ["stash"]


def list_named(repo: Repository) -> list[str]:
    """Returns the commits of which the git above this process takes content, as it says.

    What a merge names its hooks learn from the environment: it may have no commit yet.
    """
    command, *words = processes.words() or [""]
    if command not in _BRINGING | _OF_FILES:
        return []
    words = list(itertools.takewhile(lambda word: word != "--", words))
    if command == "restore":  # what else it names are paths, whatever tags are called
        words = list(_list_sources(words))
    named = [one for word in words if (one := _revision(repo, word))]
    if command == "stash":
        named.append("refs/stash")
    if command == "revert":  # what it brings is what stood there then
        named = [f"{one}^{number}" for one in named for number in (1, 2)]
    # Of what is no commit Git would complain aloud if it were asked for one.
    peeled = history.peel(repo, named).values()
    found = (oid for kind, oid in peeled if kind == "commit")
    return list(dict.fromkeys([*history.parents_to_be(repo)[1:], *found]))


def _revision(repo: Repository, word: str) -> str:
    """Returns what a word of a command line names: of a range its end, of a tree the commit."""
    if word[:1] in {"-", "^", ""} or "\n" in word:
        return ""
    if word[:2] == ":/":  # to the end it is what a message has (gitrevisions)
        return index.resolve(repo, word) or ""
    return word.rpartition("..")[2].partition(":")[0]


def _list_sources(words: Sequence[str]) -> Iterator[str]:
    """Yields what `git restore` takes content from, as its words say."""
    for word, following in itertools.pairwise([*words, ""]):
        if found := _SOURCE.fullmatch(word):
            yield found[1] or following


def _to_amend(repo: Repository) -> str | None:
    """Returns the commit that a rebase has just made, and which is to be amended now.

    Not what HEAD is where a rebase stops for a conflict: the rebase has not made that one.
    """
    if is_rewording():
        return index.resolve(repo, "HEAD^{commit}")
    return _read(repo, _AMEND).strip() or None


def list_applied(repo: Repository, message: bytes = b"") -> list[str]:
    """Returns the commits that are being applied: picked, or brought back by a revert.

    Args:
        message: of the commit that was made; else the one that is ready.
    """
    picked = [*history.pseudo_ref(repo, PICKED), *_done(repo)]
    said = message or _read(repo, "MERGE_MSG").encode("utf-8", "surrogateescape")
    reverted = [oid.decode() for oid in _REVERTED.findall(said)]
    reverted += history.pseudo_ref(repo, REVERTED)
    # What stood before the reverted commit comes back.
    before = (
        index.resolve(repo, f"{oid}^{number}^{{commit}}")
        for oid in reverted
        for number in (1, 2)
    )
    return list(dict.fromkeys([*picked, *filter(None, before)]))


def list_former_heads(repo: Repository, most: int) -> list[str]:
    """Returns the commits that HEAD was at, by its reflog, the newest first."""
    return list(dict.fromkeys(oid for oid, _ in _reflog(repo, most)))


def list_brought_heads(repo: Repository, most: int) -> list[str]:
    """Returns those of the former commits of HEAD that another command than one's own made."""
    found = (oid for oid, said in _reflog(repo, most) if said.startswith(_BROUGHT))
    return list(dict.fromkeys(found))


def _reflog(repo: Repository, most: int) -> list[tuple[str, bytes]]:
    """Returns where HEAD was, the newest first, each with the message.

    Each line of the file has the old oid and the new one, who moved it and when, and behind a
    tabulator the message (gitformat, "reflog").
    """
    path = repo.git_dir / "logs" / "HEAD"
    if repo.has_ref_tables:
        words = ("reflog", "show", "--no-show-signature", "--format=%H %gs")
        said = repo.git(*words, f"--max-count={most}", "HEAD", accept=(0, 128))
        rows = [line.partition(b" ")[::2] for line in said.splitlines()]
    else:
        lines = path.read_bytes().splitlines() if path.is_file() else []
        rows = [
            (line.split(b" ", 2)[1], line.partition(b"\t")[2])
            for line in reversed(lines[-most:])
            if line.count(b" ") > 1
        ]
    found = ((oid.decode("ascii", "replace"), said) for oid, said in rows)
    return [(oid, said) for oid, said in found if is_oid(oid)]


def _done(repo: Repository) -> list[str]:
    found = []
    # A subject stands behind each: it may hold what a text is split at elsewhere.
    for line in reversed(_read(repo, _DONE).split("\n")):
        action, *words = [word for word in line.split() if not word.startswith("-")] or [""]
        if words and action in _PICKS | _SQUASHES:
            found.append(index.resolve(repo, f"{words[0]}^{{commit}}"))
            if action in _PICKS:
                break
    return list(filter(None, found))


def _read(repo: Repository, name: str) -> str:
    path = repo.git_dir / name
    return path.read_text("utf-8", "replace") if path.is_file() else ""
