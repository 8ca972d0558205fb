"""What Git's attributes say of paths, asked of Git itself.

The precedence of nested files, macros, `core.attributesFile` and
`info/attributes` is Git's; a second implementation would differ from it exactly
where an attacker looks.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.git.run import child_environment, ended, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository

FILE = b".gitattributes"
FILE_LIMIT_BYTES = 1 << 20
"""More than anybody writes into one; what is longer fails, and protects nothing silently."""
DRIVER = b"git-model"
"""The one name of our filter, diff and merge driver, for ever."""


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
    # Sorted: Git keeps the attributes of one directory at a time.
    if unknown := sorted(wanted - known.keys()):
        options = _ANY_CASE if any_case else ()
        said = repo.git(
            *(*options, "check-attr", "-z", "--stdin", "filter"),
            stdin=ended(unknown),
        )
        known |= drivers(said)
    return {path for path in wanted if known.get(path) == driver}


def protected_by(rules: str, paths: Iterable[bytes], *, any_case: bool = False) -> set[bytes]:
    """Returns those of `paths`, which need not exist, that attribute lines alone protect."""
    return with_driver(_said_by(rules, paths, any_case=any_case), DRIVER)


def drivers_by(rules: str, paths: Iterable[bytes]) -> dict[bytes, bytes]:
    """Returns the `filter` attribute that lines alone give to each path; see `protected_by`."""
    return drivers(_said_by(rules, paths))


def _said_by(rules: str, paths: Iterable[bytes], *, any_case: bool = False) -> bytes:
    listed = ended(paths)
    if not listed:
        return b""
    import tempfile  # what is pinned is mostly in force, and not asked about

    with tempfile.TemporaryDirectory(prefix="git-model-") as name:
        # A repository made by hand: two directories and HEAD are what git asks of one.
        scratch = Path(name)
        for directory in ("objects", "refs", "info"):
            (scratch / directory).mkdir()
        (scratch / "HEAD").write_text("ref: refs/heads/main\n")
        (scratch / "info" / "attributes").write_text(rules, "utf-8", "surrogateescape")
        env = child_environment(local=False, extra={"GIT_ATTR_NOSYSTEM": "1"})
        return run(
            f"--git-dir={scratch}",
            "-c",
            f"core.attributesFile={os.devnull}",
            *(_ANY_CASE if any_case else ()),
            "check-attr",
            "-z",
            "--stdin",
            "filter",
            cwd=scratch,
            env=env,
            stdin=listed,
        )


def with_driver(output: bytes, driver: bytes = DRIVER) -> set[bytes]:
    """Returns the paths with a driver, of what `git check-attr -z` says of one attribute."""
    return {path for path, value in drivers(output).items() if value == driver}


def drivers(output: bytes) -> dict[bytes, bytes]:
    """Returns the driver of each path that `git check-attr -z` was asked about."""
    fields = output.split(b"\0")
    return dict(zip(fields[0::3], fields[2::3], strict=False))
