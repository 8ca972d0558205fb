"""What Git's attributes say of paths, asked of Git itself.

The precedence of nested files, macros, `core.attributesFile` and
`info/attributes` is Git's; a second implementation would differ from it exactly
where an attacker looks.

`git check-attr --source` is younger than Git 2.39, and would be a process per tree. To ask
of many trees at once, each distinct set of attribute files becomes a directory of one
scratch index, which Git reads with `--cached`: nothing is checked out, and no object copied.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.git.run import child_environment, ended, run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from git_model_security.git.repository import Repository

    Files = tuple[tuple[bytes, str], ...]
    """Attribute files that can speak of a path: their paths and blobs, from the top on."""

FILE = b".gitattributes"
FILE_LIMIT_BYTES = 1 << 20
"""More than anybody writes into one; what is longer fails, and protects nothing silently."""
DRIVER = b"git-model"
"""The one name of our filter, diff and merge driver, for ever."""
MACRO = b"[attr]"
"""Only the topmost file may define macros (gitattributes, "Defining macro attributes")."""

_APART = (
    *("-c", f"core.attributesFile={os.devnull}"),
    # A tree may hold odd names, and nothing is checked out.
    *("-c", "core.protectNTFS=false", "-c", "core.protectHFS=false"),
)
"""What a scratch directory is asked with."""
_ANY_CASE = ("-c", "core.ignoreCase=true")
"""Git matches patterns by it (attr.c uses `ignore_case` of dir.c)."""


def protected(
    repo: Repository, paths: Iterable[bytes], *, any_case: bool = False
) -> set[bytes]:
    """Returns those of `paths` whose `filter` attribute is ours, now; see `filtered`."""
    return filtered(repo, paths, DRIVER, any_case=any_case)


def filtered(
    repo: Repository, paths: Iterable[bytes], driver: bytes, *, any_case: bool = False
) -> set[bytes]:
    """Returns those of `paths`, which need not exist, that have this filter driver now."""
    wanted = set(paths)
    known = {} if any_case else repo.snapshot.filters
    # Sorted: Git keeps the attributes of one directory at a time. It dies of a path such as
    # `..`, which a tree may hold.
    if unknown := sorted(filter(is_askable, wanted - known.keys())):
        words = (*(_ANY_CASE if any_case else ()), "check-attr", "-z", "--stdin", "filter")
        said = repo.git(*words, stdin=ended(unknown))
        known |= drivers(said)
    return {path for path in wanted if known.get(path) == driver}


def protected_by(rules: str, paths: Iterable[bytes], *, any_case: bool = False) -> set[bytes]:
    """Returns those of `paths`, which need not exist, that attribute lines alone protect."""
    return with_our_driver(_ask_rules(rules, paths, any_case=any_case))


def drivers_by(rules: str, paths: Iterable[bytes]) -> dict[bytes, bytes]:
    """Returns the `filter` attribute that lines alone give to each path; see `protected_by`."""
    return drivers(_ask_rules(rules, paths))


def _ask_rules(rules: str, paths: Iterable[bytes], *, any_case: bool = False) -> bytes:
    listed = ended(paths)
    if not listed:
        return b""
    with _scratch(rules) as directory:
        env = child_environment(local=False, extra={"GIT_DIR": str(directory)})
        words = (*(_ANY_CASE if any_case else ()), "check-attr", "-z", "--stdin", "filter")
        return _run(directory, env, *words, stdin=listed)


@contextlib.contextmanager
def _scratch(rules: str) -> Iterator[Path]:
    """Makes a git directory by hand, in which these attribute lines are all there are."""
    import tempfile  # what is pinned is mostly in force, and not asked about

    with tempfile.TemporaryDirectory(prefix="git-model-") as name:
        directory = Path(name)
        for part in ("objects", "refs", "info", "tree"):
            (directory / part).mkdir()
        (directory / "HEAD").write_text("ref: refs/heads/main\n")
        (directory / "info" / "attributes").write_text(rules, "utf-8", "surrogateescape")
        yield directory


def _run(directory: Path, env: Mapping[str, str], *words: str, stdin: bytes) -> bytes:
    env = {**env, "GIT_ATTR_NOSYSTEM": "1"}
    return run(*_APART, *words, cwd=directory / "tree", env=env, stdin=stdin)


def with_our_driver(output: bytes) -> set[bytes]:
    """Returns the paths with our driver, of what `git check-attr -z` says of one attribute."""
    return {path for path, value in drivers(output).items() if value == DRIVER}


def drivers(output: bytes) -> dict[bytes, bytes]:
    """Returns the driver of each path that `git check-attr -z` was asked about."""
    fields = output.split(b"\0")
    return dict(zip(fields[0::3], fields[2::3], strict=False))


def is_askable(path: bytes) -> bool:
    """Tells whether an index takes a path at all (read-cache.c, verify_path)."""
    parts = path.split(b"/")
    return all(part not in {b"", b".", b".."} and part.lower() != b".git" for part in parts)


def protected_in(
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
        return _asked(repo, list(asked.items()), defined) if asked else set()
    found: set[tuple[Files, bytes]] = set()
    for one in asked.items():
        found |= _asked(repo, [one])
    return found


def _asked(
    repo: Repository, sets: list[tuple[Files, Collection[bytes]]], defined: str | None = None
) -> set[tuple[Files, bytes]]:
    """Asks for sets of paths, each in a directory of its own; at the top without `defined`."""
    prefixes = [b"" if defined is None else b"%d/" % number for number in range(len(sets))]
    entries = ended(
        b"100644 %s 0\t%s%s" % (oid.encode(), prefix, path)
        for prefix, (files, _) in zip(prefixes, sets, strict=True)
        for path, oid in files
    )
    questions = {
        prefix + path: (files, path)
        for prefix, (files, paths) in zip(prefixes, sets, strict=True)
        for path in sorted(paths)
    }
    found: set[tuple[Files, bytes]] = set()
    with _scratch(defined or "") as directory:
        env = _over_objects(repo, directory)
        words = ("update-index", "--add", "--replace", "-z", "--index-info")
        _run(directory, env, *words, stdin=entries)
        for case in ("false", "true"):
            words = ("check-attr", "--cached", "-z", "--stdin", "filter")
            matched = ("-c", f"core.ignoreCase={case}", *words)
            said = _run(directory, env, *matched, stdin=ended(questions))
            found |= {questions[path] for path in with_our_driver(said)}
    return found


def _over_objects(repo: Repository, directory: Path) -> dict[str, str]:
    """Gives a scratch directory the objects of a repository; returns its environment."""
    config = "[core]\n\trepositoryformatversion = 0\n"
    if repo.object_format != "sha1":
        config = config.replace("= 0", "= 1")
        config += f"[extensions]\n\tobjectFormat = {repo.object_format}\n"
    (directory / "config").write_text(config)
    objects = os.environ.get("GIT_OBJECT_DIRECTORY") or repo.common_dir / "objects"
    env = repo.environment() | {
        "GIT_DIR": str(directory),
        "GIT_COMMON_DIR": str(directory),
        "GIT_INDEX_FILE": str(directory / "index"),
        "GIT_WORK_TREE": str(directory / "tree"),
        "GIT_OBJECT_DIRECTORY": str(Path(repo.work_tree or repo.git_dir) / objects),
    }
    for name in ("GIT_PREFIX", "GIT_NAMESPACE", "GIT_SHALLOW_FILE"):
        env.pop(name, None)
    return env
