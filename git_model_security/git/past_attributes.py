"""What attribute files of the past say of paths, asked of Git for many trees at once.

`git check-attr --source` is younger than Git 2.39, and would be a process per tree.
Here each distinct set of attribute files becomes a directory of one scratch index, which
Git reads with `--cached`: nothing is checked out, and no object is copied.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.git.attributes import with_driver
from git_model_security.git.run import ended, run

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from git_model_security.git.repository import Repository

    Files = tuple[tuple[bytes, str], ...]
    """Attribute files that can speak of a path: their paths and blobs, from the top on."""

MACRO = b"[attr]"
"""Only the topmost file may define macros (gitattributes, "Defining macro attributes")."""

_ODD_NAMES = ("-c", "core.protectNTFS=false", "-c", "core.protectHFS=false")
"""A tree may hold them, and nothing is checked out here."""


def is_askable(path: bytes) -> bool:
    """Tells whether an index takes a path at all (read-cache.c, verify_path)."""
    parts = path.split(b"/")
    return all(part not in {b"", b".", b".."} and part.lower() != b".git" for part in parts)


def protected(
    repo: Repository,
    asked: Mapping[Files, Collection[bytes]],
    *,
    macros: bool = False,
    defined: str = "",
) -> set[tuple[Files, bytes]]:
    """Returns which paths have our filter by which attribute files, in any letter case too.

    Args:
        asked: paths by the files that speak of them; both must be `is_askable`.
        macros: the topmost files define macros, so that each set needs an index of its own.
        defined: macros that all have alike, and that need none.

    Raises:
        GitError: Git does not take a path.
    """
    if not macros:
        sets = list(asked.items())
        return _asked(repo, sets, prefixed=True, defined=defined) if asked else set()
    found: set[tuple[Files, bytes]] = set()
    for one in asked.items():
        found |= _asked(repo, [one], prefixed=False)
    return found


def _asked(
    repo: Repository,
    sets: list[tuple[Files, Collection[bytes]]],
    *,
    prefixed: bool,
    defined: str = "",
) -> set[tuple[Files, bytes]]:
    prefixes = [b"%d/" % number if prefixed else b"" for number in range(len(sets))]
    entries = b"".join(
        b"100644 %s 0\t%s%s\0" % (oid.encode(), prefix, path)
        for prefix, (files, _) in zip(prefixes, sets, strict=True)
        for path, oid in files
    )
    questions = {
        prefix + path: (files, path)
        for prefix, (files, paths) in zip(prefixes, sets, strict=True)
        for path in paths
    }
    listed = ended(questions)
    found: set[tuple[Files, bytes]] = set()
    with tempfile.TemporaryDirectory(prefix="git-model-") as name:
        git = _Scratch(repo, Path(name))
        (Path(name) / "info" / "attributes").write_text(defined)
        git.run("update-index", "--add", "--replace", "-z", "--index-info", stdin=entries)
        for case in ("false", "true"):
            said = git.run(
                *("-c", f"core.ignoreCase={case}"),
                *("check-attr", "--cached", "-z", "--stdin", "filter"),
                stdin=listed,
            )
            found |= {questions[path] for path in with_driver(said)}
    return found


class _Scratch:
    """A git directory without refs or objects of its own, over the objects of another."""

    def __init__(self, repo: Repository, directory: Path) -> None:
        self._repo = repo
        self._directory = directory
        for part in ("objects", "refs", "info", "tree"):
            (directory / part).mkdir()
        (directory / "HEAD").write_text("ref: refs/heads/main\n")
        objects = os.environ.get("GIT_OBJECT_DIRECTORY") or repo.common_dir / "objects"
        config = "[core]\n\trepositoryformatversion = 0\n"
        if repo.object_format != "sha1":
            config = config.replace("= 0", "= 1")
            config += f"[extensions]\n\tobjectFormat = {repo.object_format}\n"
        (directory / "config").write_text(config)
        self._extra = {
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_DIR": str(directory),
            "GIT_COMMON_DIR": str(directory),
            "GIT_INDEX_FILE": str(directory / "index"),
            "GIT_WORK_TREE": str(directory / "tree"),
            "GIT_OBJECT_DIRECTORY": str(Path(repo.work_tree or repo.git_dir) / objects),
        }

    def run(self, *arguments: str, stdin: bytes) -> bytes:
        env = self._repo.environment() | self._extra
        for name in ("GIT_PREFIX", "GIT_NAMESPACE", "GIT_SHALLOW_FILE"):
            env.pop(name, None)
        words = ("-c", f"core.attributesFile={os.devnull}", *_ODD_NAMES, *arguments)
        return run(*words, cwd=self._directory / "tree", env=env, stdin=stdin)
