"""Index entries by pathspec, as Git understands it, from where the user stands."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.errors import GitError
from git_model_security.git import config, index
from git_model_security.git.hash_object import blob_oid
from git_model_security.git.index import Entry
from git_model_security.git.repository import Repository
from git_model_security.git.run import NO_HOOKS, child_environment, ended, records, run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_UNKNOWN = re.compile(r"pathspec ('.*') did not match")
_SKIPPED = (b"S", b"s")
"""How `git ls-files -t` marks what a sparse checkout leaves out."""
_ALONE = (
    *("-c", "core.splitIndex=false", "-c", "core.fsmonitor=false"),
    # Nothing is written by these names, which somebody may have put into a work tree.
    *("-c", "core.protectNTFS=false", "-c", "core.protectHFS=false"),
    *NO_HOOKS,
)


def list_matching(repo: Repository, pathspecs: Sequence[str] = ()) -> list[Entry]:
    """Returns the index entries that shall be in the work tree, sorted as Git sorts them.

    Args:
        pathspecs: which of them, relative to the current directory; none means all,
            wherever that directory is.

    Raises:
        GitError: one of them matches nothing.
    """
    here = Path.cwd()
    top = repo.top
    inside = pathspecs and here.resolve().is_relative_to(top.resolve())
    words = ("ls-files", "-z", "--stage", "-t", "--full-name", "--error-unmatch", "--")
    try:
        listing = run(
            *words,
            *map(os.fsencode, pathspecs),
            cwd=here if inside else top,
            env=repo.environment(),
        )
    except GitError as error:
        unknown = _UNKNOWN.search(str(error))
        if unknown is None:
            raise
        raise GitError(
            f"pathspec {unknown[1]} did not match any file known to Git",
            hint="`git ls-files` lists them",
        ) from error
    found = []
    for record in records(listing):
        facts, path = record.split(b"\t", 1)
        mark, mode, oid, stage = facts.split(b" ")
        if mark not in _SKIPPED:
            found.append(Entry(path, int(mode, 8), oid.decode(), int(stage)))
    return found


def select(repo: Repository, pathspecs: Sequence[str], paths: Collection[bytes]) -> set[bytes]:
    """Returns those of some paths that pathspecs match, whether the index has them or not.

    Git matches pathspecs with an index: here with one of just these paths.

    Raises:
        GitError: one is no pathspec.
    """
    return _match([pathspecs], paths, repo)[0]


def choose(
    place: Repository | Path, pathspecs: Sequence[str], *listings: Collection[bytes]
) -> list[set[bytes]]:
    """Returns what pathspecs, taken together, match in each of some listings.

    Two paths of different listings may exclude each other: a file, and one below it.

    Args:
        place: a repository, in which they are relative to the current directory; or a
            directory without Git, to which they are relative.

    Raises:
        GitError: it is no pathspec, or one of them matches nothing in any listing.
    """
    groups = [*([one] for one in pathspecs), pathspecs]
    found = [_match(groups, paths, place) for paths in listings]
    for one, matched in zip(pathspecs, zip(*found, strict=True), strict=False):
        if not any(matched):
            raise GitError(
                f"pathspec '{one}' did not match any file",
                hint="`git ls-files` lists those that Git has",
            )
    return [matched[-1] for matched in found]


def _match(
    groups: Sequence[Sequence[str]], paths: Collection[bytes], place: Repository | Path
) -> list[set[bytes]]:
    """Returns what each group of pathspecs matches."""
    if not paths:
        return [set() for _ in groups]
    top = None if isinstance(place, Repository) else place
    object_format = place.object_format if isinstance(place, Repository) else "sha1"
    empty = blob_oid(object_format, b"").encode()
    with tempfile.TemporaryDirectory() as directory:
        extra = {"GIT_INDEX_FILE": str(Path(directory) / "index")}
        if top is not None:
            run("init", "--quiet", "--template=", "--object-format=sha1", directory)
            extra |= {"GIT_DIR": str(Path(directory) / ".git"), "GIT_WORK_TREE": str(top)}
        env = child_environment(local=top is None, extra=extra)
        named = {_indexable(path): path for path in paths}
        entries = ended(b"100644 %s 0\t%s" % (empty, name) for name in sorted(named))
        run(*_ALONE, "update-index", "-z", "--index-info", stdin=entries, env=env, cwd=top)
        listing = (*_ALONE, "ls-files", "-z", "--full-name", "--")
        said = [run(*listing, *map(os.fsencode, one), env=env, cwd=top) for one in groups]
    return [{named[name] for name in records(one)} for one in said]


def _indexable(path: bytes) -> bytes:
    """Returns a path as an index takes it, which has none with a component `.git`."""
    if b".git" not in path.lower():
        return path
    parts = path.split(b"/")
    return b"/".join(one + b"\1" if one.lower() == b".git" else one for one in parts)


def find_colliding(repo: Repository, entries: Sequence[Entry]) -> set[bytes]:
    """Returns the paths that this file system may take for another tracked one.

    It folds letter case or normalisation, and Git found that out when it made the
    repository (git-config, "core.ignoreCase", "core.precomposeUnicode"); or two names
    have led to one file already.
    """
    groups: dict[str, list[bytes]] = {}
    for entry in entries:
        groups.setdefault(_folded(entry.path), []).append(entry.path)
    alike = [paths for paths in groups.values() if len(set(paths)) > 1]
    if not alike:
        return set()
    core = config.read(repo, "core")
    folding = ("core.ignorecase", "core.precomposeunicode")
    folds = any(config.is_true(core, key) for key in folding)
    return {path for paths in alike if folds or _is_one_file(repo, paths) for path in paths}


def _is_one_file(repo: Repository, paths: list[bytes]) -> bool:
    facts = [index.stat(repo, path) for path in paths]
    numbers = [(one.st_dev, one.st_ino) for one in facts if one is not None]
    return len(set(numbers)) < len(numbers)


def _folded(path: bytes) -> str:
    # Twice, since folding may leave what is not normalised (Unicode, D145).
    text = unicodedata.normalize("NFD", path.decode("utf-8", "surrogateescape"))
    return unicodedata.normalize("NFD", text.casefold())
