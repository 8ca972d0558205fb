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
from git_model_security.git.run import NO_HOOKS, child_environment, ended, records, run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from git_model_security.git.repository import Repository

_UNKNOWN = re.compile(r"pathspec ('.*') did not match")
_SKIPPED = (b"S", b"s")
"""How `git ls-files -t` marks what a sparse checkout leaves out."""


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


def select(repo: Repository, pathspec: str, paths: Collection[bytes]) -> set[bytes]:
    """Returns those of some paths that a pathspec matches, whether the index has them or not.

    Git matches pathspecs with an index: here with one of just these paths.

    Raises:
        GitError: it is no pathspec.
    """
    if not paths:
        return set()
    empty = blob_oid(repo.object_format, b"").encode()
    with tempfile.TemporaryDirectory() as directory:
        env = child_environment(extra={"GIT_INDEX_FILE": str(Path(directory) / "index")})
        alone = ("-c", "core.splitIndex=false", "-c", "core.fsmonitor=false", *NO_HOOKS)
        entries = ended(b"100644 %s 0\t%s" % (empty, path) for path in sorted(paths))
        run(*alone, "update-index", "-z", "--index-info", stdin=entries, env=env)
        said = run(*alone, "ls-files", "-z", "--full-name", "--", pathspec, env=env)
    return set(records(said))


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
