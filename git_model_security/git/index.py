"""Entries of the index and of trees, in Git's own order."""

from __future__ import annotations

import contextlib
import os
import re
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import GitError
from git_model_security.git.hash_object import blob_oid
from git_model_security.git.objects import is_oid
from git_model_security.git.run import NO_HOOKS, records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository

REGULAR, EXECUTABLE, SYMLINK, GITLINK = 0o100644, 0o100755, 0o120000, 0o160000
FILES = frozenset({REGULAR, EXECUTABLE})
_STAGED = re.compile(rb"([0-7]+) ([0-9a-f]+) ([0-3])\t([^\0]*)\0")
"""Mode, oid, stage and path (git-ls-files, "--stage" with "-z")."""
NO_COMMIT = "there is no commit yet"
FIRST_COMMIT = "`git add` and `git commit` make the first one"
REMOVED = 0
"""Mode of a path that is no longer there."""
_MOST_PATHSPECS = 100
"""Of 4 KiB at most each (PATH_MAX), which is less than any system's ARG_MAX."""


class Entry(NamedTuple):
    """One path of the index or of a tree.

    Attributes:
        path: relative to the top, with `/`, as the bytes Git holds.
        mode: `REGULAR`, `EXECUTABLE`, `SYMLINK` or `GITLINK`.
        oid: object name in hexadecimal.
        stage: 0, or 1 to 3 in a conflict.
    """

    path: bytes
    mode: int
    oid: str
    stage: int = 0

    @property
    def is_file(self) -> bool:
        """Whether the entry is a blob with content of its own (no link)."""
        return self.mode in FILES

    @property
    def listing(self) -> bytes:
        """The entry as `git ls-tree -rz` prints it, with its NUL."""
        kind = b"commit" if self.mode == GITLINK else b"blob"
        return b"%06o %s %s\t%s\0" % (self.mode, kind, self.oid.encode(), self.path)


def staged(repo: Repository) -> list[Entry]:
    """Returns all index entries, sorted as Git sorts them (by bytes of the path)."""
    found = repo.snapshot.staged
    if found is None:
        found = repo.snapshot.staged = [
            Entry(path, int(mode, 8), oid.decode(), int(stage))
            for mode, oid, stage, path in _STAGED.findall(repo.git("ls-files", "--stage", "-z"))
        ]
    return list(found)


def committable(repo: Repository) -> list[Entry]:
    """Returns the index entries that a commit takes: not those of `git add --intent-to-add`.

    Git lists these as empty files (git-diff, "--ita-invisible-in-index").
    """
    entries = staged(repo)
    empty = blob_oid(repo.object_format, b"")
    doubtful = {one.path for one in entries if one.oid == empty}
    base = "HEAD"
    if doubtful and head_tree(repo) is None:
        base = repo.git("hash-object", "-t", "tree", "--stdin").decode().strip()
    elif doubtful:
        doubtful -= {entry.path for entry in tree(repo, "HEAD")}
    if not doubtful:
        return entries
    added = {one.path for _, one in _changes(repo, base, "--ita-invisible-in-index")}
    return [one for one in entries if one.path not in doubtful or one.path in added]


def tree(repo: Repository, treeish: str) -> list[Entry]:
    """Returns all entries of a tree, recursively, in the order of `staged`.

    Raises:
        GitError: `treeish` names no tree, or one that is missing or corrupt.
    """
    return list(repo.trees.entries(require(repo, f"{treeish}^{{tree}}")))


def list_untracked(repo: Repository) -> list[bytes]:
    """Returns the untracked files, without the ignored ones."""
    return records(repo.git("ls-files", "-z", "--others", "--exclude-standard"))


def list_left_out(repo: Repository) -> set[bytes]:
    """Returns the paths that a sparse checkout leaves out; empty where there is none."""
    from git_model_security.git import config

    if config.get(repo, "core.sparseCheckout", kind="bool") != "true":
        return set()
    return list_skipped(repo)


def list_skipped(repo: Repository) -> set[bytes]:
    """Returns the paths that Git was told not to look for (`--skip-worktree`)."""
    marked = records(repo.git("ls-files", "-t", "-z"))
    return {record[2:] for record in marked if record.startswith(b"S ")}


def stage(repo: Repository, entries: Iterable[Entry]) -> None:
    """Puts entries into the index; their objects must exist.

    Git checks each path as it would a path of a tree (`verify_path`).
    """
    new = list(entries)
    lines = b"".join(
        b"%06o %s 0\t%s\0" % (entry.mode, entry.oid.encode(), entry.path) for entry in new
    )
    before = repo.snapshot.staged
    repo.git("update-index", "--add", "-z", "--index-info", stdin=lines)
    if before is not None:
        paths = {entry.path for entry in new}
        kept = [entry for entry in before if entry.path not in paths]
        now = [*kept, *(entry for entry in new if entry.mode != REMOVED)]
        repo.snapshot.staged = sorted(now, key=attrgetter("path", "stage"))


def write_tree(repo: Repository) -> str:
    """Writes the index as a tree and returns its oid.

    Raises:
        GitError: a path is in conflict.
    """
    if repo.snapshot.tree is None:
        # It writes the index, with what it computed; nothing in there is another.
        repo.snapshot.tree = repo.git(*NO_HOOKS, "write-tree").decode().strip()
    return repo.snapshot.tree


def staged_changes(repo: Repository) -> list[tuple[Entry, Entry]]:
    """Returns what the index has otherwise than HEAD: entries of HEAD, and of the index.

    A path that one of them does not have has mode `REMOVED` there. Before the first commit
    there is nothing to compare with, and so nothing.
    """
    found = repo.snapshot.changed
    if found is None:
        found = _changes(repo, "HEAD") if head_tree(repo) is not None else []
        repo.snapshot.changed = found
    return list(found)


def _changes(repo: Repository, treeish: str, *options: str) -> list[tuple[Entry, Entry]]:
    listed = repo.git(
        *("diff-index", "--cached", "--raw", "-z", "--no-renames", *options, treeish)
    )
    words = listed.split(b"\0")
    found = []
    for facts, path in zip(words[::2], words[1::2], strict=False):
        old_mode, new_mode, old, new, _ = facts[1:].split(b" ")
        before = Entry(path, int(old_mode, 8), old.decode())
        found.append((before, Entry(path, int(new_mode, 8), new.decode())))
    return found


def head_tree(repo: Repository) -> str | None:
    """Returns the oid of HEAD's tree, or None before the first commit."""
    return resolve(repo, "HEAD^{tree}")


def resolve(repo: Repository, revision: str) -> str | None:
    """Returns the oid that a revision names, or None when it names nothing."""
    names = repo.snapshot.names
    if revision not in names:
        names[revision] = _named(repo, revision)
    return names[revision]


def has_commit(repo: Repository, oid: str) -> bool:
    """Tells whether a commit is here; a word that is no oid names none."""
    return is_oid(oid) and resolve(repo, f"{oid}^{{commit}}") is not None


def _named(repo: Repository, revision: str) -> str | None:
    if re.fullmatch(r":\.[a-z]+", revision):
        path = revision[1:].encode()
        at = (path, 0)
        return next((one.oid for one in staged(repo) if (one.path, one.stage) == at), None)
    # Of a blob Git knows the name where it has not the content: cat-file would fetch it.
    if revision.endswith(("^{commit}", "^{tree}")) and "\n" not in revision:
        with contextlib.suppress(GitError):
            return repo.objects.named(revision)
    out = repo.git("rev-parse", "--verify", "--quiet", revision, accept=(0, 1, 128))
    return out.decode().strip() or None


def require(repo: Repository, revision: str) -> str:
    """Returns the oid that a revision names.

    Raises:
        GitError: it names nothing.
    """
    oid = resolve(repo, revision)
    if oid is None:
        named = revision.removesuffix("^{tree}").removesuffix("^{commit}")
        if named in {"HEAD", "@"}:
            raise GitError(NO_COMMIT, hint=FIRST_COMMIT)
        raise GitError(f"{named}: no such revision", hint="see `git log --all --oneline`")
    return oid


def unambiguous(repo: Repository, revision: str) -> str:
    """Returns the commit that a person's revision names.

    Git takes `main` for a tag of that name, if somebody pushed one, before the branch
    (gitrevisions, "Specifying revisions"), and only warns.

    Raises:
        GitError: it names nothing, or refs that hold different commits.
    """
    name = re.split(r"[~^@:]", revision, maxsplit=1)[0]
    kinds = ("", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/")
    found = {kind + name: resolve(repo, f"{kind}{name}^{{commit}}") for kind in kinds[1:]}
    refs = [ref for ref, commit in found.items() if commit is not None]
    if name and len({found[ref] for ref in refs}) > 1:
        raise GitError(f"{name}: names {' and '.join(refs)}", hint="say which in full")
    return require(repo, f"{revision}^{{commit}}")


def refresh(repo: Repository, *options: str) -> None:
    """Has Git compare the files whose stat data changed, through the clean filter."""
    repo.git("update-index", *options, "-q", "--refresh", accept=(0, 1), filters=True)


def changed(repo: Repository) -> list[bytes]:
    """Returns the tracked files that Git takes for changed; a refresh decides of more."""
    return records(repo.git("diff-files", "-z", "--name-only", filters=True))


def list_modified(repo: Repository) -> list[bytes]:
    """Returns the tracked files whose content is not the index's, deleted ones too."""
    refresh(repo)
    return changed(repo)


def is_there(repo: Repository, entry: Entry) -> bool:
    """Tells whether a regular file stands at an entry's path in the work tree."""
    file = repo.top / os.fsdecode(entry.path)
    return file.is_file() and not file.is_symlink()


def stat(repo: Repository, path: bytes) -> os.stat_result | None:
    """Returns a work tree file's stat data, or None when it is not there."""
    try:
        return os.lstat(os.fsencode(repo.top) + b"/" + path)  # clean asks twice per file
    except OSError:
        return None


def stamp(facts: os.stat_result) -> tuple[int, ...]:
    """Returns what changes in the stat data of a file whenever the file does."""
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def unlike(repo: Repository, treeish: str, entries: Iterable[Entry]) -> list[bytes]:
    """Returns those entries' paths where the work tree has other content than a tree.

    `git diff` compares content where stat data alone would only guess, and writes
    nothing; what is not asked for is not cleaned, unless that is many files.
    """
    paths = {entry.path for entry in entries}
    if not paths:
        return []
    options = (
        "--no-ext-diff",
        "--no-renames",
        "--ignore-submodules=dirty",
        "--name-only",
        "-z",
    )
    # It takes no paths from a file, and compares each with each: 45,000 took minutes.
    asked = paths if len(paths) <= _MOST_PATHSPECS else ()
    words = ("--literal-pathspecs", "diff", *options, treeish, "--", *asked)
    return [path for path in records(repo.git(*words, filters=True)) if path in paths]
