"""Git's configuration: read in one call, written one key at a time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

Values = dict[str, list[str]]
"""Values per key (section and variable in lower case), in the order Git read them."""


def parse(listing: bytes) -> Values:
    """Parses the output of `git config -z --list`: `key LF value NUL`."""
    values: Values = {}
    for record in filter(None, listing.split(b"\0")):
        key, separator, value = record.partition(b"\n")
        # A variable without `=` is true (git-config, "Syntax").
        values.setdefault(os.fsdecode(key), []).append(
            os.fsdecode(value) if separator else "true"
        )
    return values


def read(repo: Repository, prefix: str = "git-model") -> Values:
    """Returns every value of one section, from all configuration files."""
    out = repo.git("config", "-z", "--get-regexp", rf"^{prefix}\.", accept=(0, 1))
    return parse(out)


def last(values: Values, key: str, default: str | None = None) -> str | None:
    """Returns the value that counts, as Git counts: the last one."""
    return values[key][-1] if values.get(key) else default


def get(repo: Repository, key: str, scope: str | None = None) -> str | None:
    """Returns one value, or None; `scope` is `--local` and so on."""
    scoped = (scope,) if scope else ()
    out = repo.git("config", *scoped, "-z", "--get", key, accept=(0, 1))
    return os.fsdecode(out.removesuffix(b"\0")) if out else None


def put(repo: Repository, key: str, value: str, scope: str = "--local") -> None:
    """Sets a variable to one value, replacing all it had in that scope."""
    repo.git("config", scope, "--replace-all", key, value)


def add(repo: Repository, key: str, value: str) -> None:
    """Adds a value to a variable that may have several."""
    repo.git("config", "--local", "--add", key, value)


def unset(repo: Repository, key: str, scope: str = "--local") -> None:
    """Removes all values of a variable; it need not have any."""
    repo.git("config", scope, "--unset-all", key, accept=(0, 5))
