"""History: walks over commits, their parents, trees and dates, and where refs and HEAD stand.

What the commits of a range changed is `changes`. Grafts are ignored here, as replace refs
are everywhere: both show another history than the one that is pushed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from git_model_security.errors import GitError, UsageError
from git_model_security.git import batch, index, refs, rev_list
from git_model_security.git.objects import is_oid
from git_model_security.git.rev_list import FROM_COMMITS, TRUE_HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_model_security.git.repository import Repository

REF_OPTIONS = ("--all", "--branches", "--tags", "--remotes", "--reflog")
"""What may stand for revisions; every other word that begins with `-` is refused."""

REFS = ("--exclude=refs/rewritten/*", "--exclude=refs/stash", "--glob=*")
"""All refs, without what a rebase moves (HEAD, and its labels), and without the stash.

Nobody publishes that, so its content was not asked about (`guard.judgement`)."""


def is_shallow(repo: Repository) -> bool:
    """Tells whether history is cut off, so that nothing can be said of what is below."""
    return repo.git("rev-parse", "--is-shallow-repository").strip() == b"true"


def commits(
    repo: Repository, revisions: Sequence[str], *, without: Sequence[str] = ()
) -> list[str]:
    """Returns the commits reachable from `revisions`, parents before children.

    Args:
        revisions: revisions, ranges, or one of `REF_OPTIONS`.
        without: oids and `--remotes=…` whose commits are left out.

    Raises:
        UsageError: a word is another option.
        GitError: a revision names nothing, or a commit is missing.
    """
    options = [word for word in revisions if word in REF_OPTIONS]
    names = [word for word in revisions if word not in REF_OPTIONS]
    names += _elsewhere(repo) if "--all" in options else []
    for word in names:
        if word.startswith("-") or "\n" in word:
            raise UsageError(f"{word!r}: not a revision", hint="see gitrevisions(7)")
    order = ("--topo-order", "--reverse")
    excluded = [word for word in without if word.startswith("--")]
    excluded = ["--not", *excluded, "--not"] if excluded else []
    names += [f"^{word}" for word in without if not word.startswith("--")]
    return rev_list.read(repo, *order, *options, *excluded, names=names)


def graph(repo: Repository) -> Iterator[tuple[str, list[str]]]:
    """Yields each commit that a ref reaches, children first, with its parents.

    Raises:
        GitError: a commit is missing or corrupt.
    """
    words = ("--topo-order", "--parents", "--all")
    for line in rev_list.read(repo, *words, names=_elsewhere(repo)):
        commit, *parents = line.split(" ")
        yield commit, parents


def parents(repo: Repository, oids: Iterable[str]) -> dict[str, list[str]]:
    """Returns the parents of commits.

    Raises:
        GitError: a commit is missing or corrupt.
    """
    rows = (line.split(" ") for line in _lines(repo, oids, "--parents"))
    return {row[0]: row[1:] for row in rows}


def _lines(repo: Repository, oids: Iterable[str], *options: str) -> list[str]:
    """Returns what rev-list says of each of some commits, and of none besides."""
    names = list(oids)
    return rev_list.read(repo, "--no-walk=unsorted", *options, names=names) if names else []


def peel(repo: Repository, oids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Returns kind and oid of what each object is or tags; the kind of none is `""`."""
    names = list(dict.fromkeys(oids))
    try:
        found = batch.resolve(repo, (f"{name}^{{}}" for name in names))
    except GitError:
        # Git ends at the first one that is corrupt, or that a remote has promised.
        if len(names) == 1:
            return {names[0]: ("", "")}
        middle = len(names) // 2
        return peel(repo, names[:middle]) | peel(repo, names[middle:])
    return dict(zip(names, found, strict=True))


def blobs_at(repo: Repository, treeishes: Iterable[str], path: str) -> list[str]:
    """Returns the blobs at a path of trees, each once; the index is the tree `""`.

    One that is not here, in a partial clone, is returned all the same.
    """
    names = [f"{treeish}:{path}" for treeish in dict.fromkeys(treeishes)]
    try:
        found = batch.resolve(repo, names)
    except GitError:
        # Git ends at the first one that is not here. Their names it knows.
        return list(dict.fromkeys(filter(None, (index.resolve(repo, name) for name in names))))
    return list(dict.fromkeys(oid for kind, oid in found if kind == "blob"))


def ends(repo: Repository, revisions: Sequence[str]) -> list[str]:
    """Returns the oids that walks over `revisions` start from (see `commits`)."""
    named = repo.git(*FROM_COMMITS, "rev-parse", "--revs-only", *revisions).decode().split()
    named += _elsewhere(repo) if "--all" in revisions else []
    return [oid for oid in named if not oid.startswith("^")]


def merge_base(repo: Repository, one: str, other: str) -> str:
    """Returns where two commits forked off; empty where they have nothing in common."""
    said = repo.git("merge-base", one, other, accept=(0, 1, 128), extra=TRUE_HISTORY)
    return said.decode().strip()


def merge_bases(repo: Repository, one: str, other: str) -> list[str]:
    """Returns all commits that Git merges two commits over."""
    words = ("merge-base", "--all", one, other)
    return repo.git(*words, accept=(0, 1, 128), extra=TRUE_HISTORY).decode().split()


def descends(repo: Repository, commit: str, ancestor: str) -> bool:
    """Tells whether a commit is another one, or was made after it.

    Raises:
        GitError: one of them is not here, as in a shallow clone.
    """
    words = ("merge-base", "--is-ancestor", ancestor, commit)
    try:
        repo.git(*FROM_COMMITS, *words, extra=TRUE_HISTORY)
    except GitError:
        index.require(repo, f"{commit}^{{commit}}")
        index.require(repo, f"{ancestor}^{{commit}}")
        return False
    return True


def trees(repo: Repository, commits: Sequence[str]) -> list[str]:
    """Returns the trees of commits, in their order.

    Raises:
        GitError: a commit is missing.
    """
    return [index.require(repo, f"{commit}^{{tree}}") for commit in commits]


def trees_below(repo: Repository, commits: Sequence[str]) -> set[str]:
    """Returns the trees of all commits that some were made after, and their own."""
    return set(rev_list.read(repo, "--no-commit-header", "--format=%T", names=commits))


def branch(repo: Repository) -> str | None:
    """Returns the ref that HEAD names, in full; None when it is detached."""
    said = repo.git("symbolic-ref", "--quiet", "HEAD", accept=(0, 1))
    return os.fsdecode(said.strip()) or None


def notes(repo: Repository, tips: Iterable[str] = ()) -> set[str]:
    """Returns the commits of notes: they name objects, and have no paths (git-notes).

    Args:
        tips: commits that notes refs are about to hold.
    """
    others = ("--glob=refs/notes/*", "--not", "--exclude=refs/notes/*", "--glob=*", "--not")
    return set(rev_list.read(repo, *others, names=tips))


def ref_tips(repo: Repository) -> list[str]:
    """Returns the oids that refs hold, of all work trees; annotated tags not followed."""
    held = [ref.oid for ref in refs.read(repo)]
    return list(dict.fromkeys([*held, *_elsewhere(repo)]))


def _elsewhere(repo: Repository) -> list[str]:
    return [ref.oid for ref in refs.read_elsewhere(repo)]


def author_dates(repo: Repository, oids: Iterable[str]) -> dict[str, str]:
    """Returns the author dates (ISO 8601, strict) of commits, by oid."""
    lines = _lines(repo, oids, "--no-commit-header", "--format=%H %aI")
    rows = (line.split(" ", 1) for line in lines)
    return {oid: iso_date(date) for oid, date in rows}


def subjects(repo: Repository, oids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Returns the subjects and the authors' names of commits, by oid."""
    rows = _formatted(repo, oids, "%H", "%an", "%s")
    return {
        oid.decode(): (subject.decode("utf-8", "replace"), author.decode("utf-8", "replace"))
        for oid, author, subject in rows
    }


def _formatted(repo: Repository, oids: Iterable[str], *fields: str) -> list[tuple[bytes, ...]]:
    """Returns fields of commits; they may hold any byte but NUL, as nobody has to use Git."""
    names = list(oids)
    if not names:
        return []
    words = ("--no-walk=unsorted", "--no-commit-header", "--encoding=UTF-8")
    form = "".join(f"{field}%x00" for field in fields)
    said = rev_list.walk(repo, *words, f"--format={form}", names=names).split(b"\0")
    columns = (said[at :: len(fields)] for at in range(len(fields)))
    rows = zip(*columns, strict=False)
    return [(oid.strip(), *rest) for oid, *rest in rows if oid.strip()]


def iso_date(date: str) -> str:
    """Returns a strict date of Git's in one spelling: UTC is `Z` (2.55) or `+00:00` (2.39)."""
    return f"{date.removesuffix('Z')}+00:00" if date.endswith("Z") else date


def parents_to_be(repo: Repository) -> list[str]:
    """Returns the parents of the next commit: HEAD, and in a merge the others.

    During a clean merge Git names them only by `GITHEAD_<oid>` in the environment of
    its hooks (seen with 2.39: pre-merge-commit runs before MERGE_HEAD is written).
    """
    head = index.resolve(repo, "HEAD^{commit}")
    if head is None:
        return []
    merging = repo.git_dir / "MERGE_HEAD"
    merged = merging.read_text().split() if merging.is_file() else []
    merged += [name.removeprefix("GITHEAD_") for name in os.environ if _is_githead(name)]
    # What the environment names may belong to another repository.
    found = (index.resolve(repo, f"{oid}^{{commit}}") for oid in merged)
    return list(dict.fromkeys([head, *filter(None, found)]))


def pseudo_ref(repo: Repository, name: str) -> list[str]:
    """Returns the commit that Git left in a pseudo-ref such as ORIG_HEAD, if any.

    Just this one is read, and the name not looked up: a tag that somebody pushed may have
    the same name. (For a file, git before 2.45 could not be asked that.)
    """
    path = repo.git_dir / name
    if repo.has_ref_tables:
        said = repo.git("show-ref", "--verify", "--hash", name, accept=(0, 128))
        words = said.decode().split()
    else:
        words = path.read_text("utf-8", "replace").split() if path.is_file() else []
    commit = index.resolve(repo, f"{words[0]}^{{commit}}") if words else None
    return [commit] if commit is not None and words[0] == commit else []


def list_squashed(repo: Repository) -> list[str]:
    """Returns the commits that `git merge --squash` has put into the index.

    Git lists them in SQUASH_MSG, a line `commit <oid>` each; the newest comes first.
    """
    path = repo.git_dir / "SQUASH_MSG"
    # Lines end as Git ends them: a message may hold what else a text would be split at.
    lines = path.read_bytes().split(b"\n") if path.is_file() else []
    named = (line[7:].decode("ascii", "replace") for line in lines if line[:7] == b"commit ")
    found = (index.resolve(repo, f"{oid}^{{commit}}") for oid in named if is_oid(oid))
    return list(filter(None, found))


def _is_githead(name: str) -> bool:
    return name.startswith("GITHEAD_") and is_oid(name.removeprefix("GITHEAD_"))
