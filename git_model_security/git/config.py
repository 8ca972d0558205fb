"""Git's configuration: read in one call, written one key at a time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import ConfigError
from git_model_security.git.run import records, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository

_FACTORS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

_OWN = (b"local", b"worktree", b"system")
"""Scopes (git-config, `--show-scope`) of what is set for a repository or a machine."""

_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "0", ""), "false"),
}

DEPLOY = "git-model.deploy"
"""Switch: this is a deploy clone (docs/DEPLOY.md)."""


class Variable(NamedTuple):
    """One value of a variable: its scope as `--show-scope` names it, key and value."""

    scope: bytes
    key: str
    value: str


Values = dict[str, list[str]]
"""Values per key (section and variable in lower case), in the order Git read them."""


def parse(listing: bytes) -> Values:
    """Parses the output of `git config -z --list`: `key LF value NUL`."""
    values: Values = {}
    for record in records(listing):
        key, separator, value = record.partition(b"\n")
        # A variable without `=` is true (git-config, "Syntax").
        values.setdefault(os.fsdecode(key), []).append(
            os.fsdecode(value) if separator else "true"
        )
    return values


def read(repo: Repository, prefix: str = "git-model") -> Values:
    """Returns every value of one section, or of `(some|sections)`, from all files."""
    sections = set(prefix.strip("()").split("|"))
    return _by_key(one for one in _variables(repo) if one.key.partition(".")[0] in sections)


def read_user() -> Values:
    """Returns the `git-model.*` of this user's own file, outside of a repository."""
    said = run("config", "--global", "-z", "--list", accept=(0, 1, 128))
    return {key: found for key, found in parse(said).items() if key.startswith("git-model.")}


def read_own(repo: Repository) -> Values:
    """Returns the `git-model.*` of the repository's and the machine's files only.

    Who pushes to a server by path or over ssh may run it under an account of their own,
    and what stands in their `~/.gitconfig` is not the server's.
    """
    own = (one for one in _variables(repo) if one.scope in _OWN)
    return _by_key(one for one in own if one.key.startswith("git-model."))


def _by_key(variables: Iterable[Variable]) -> Values:
    values: Values = {}
    for one in variables:
        values.setdefault(one.key, []).append(one.value)
    return values


def _variables(repo: Repository) -> list[Variable]:
    """Returns all variables of all configuration files, in Git's order, read once."""
    found = repo.snapshot.settings
    if found is None:
        said = repo.git("config", "-z", "--show-scope", "--list", accept=(0, 1))
        fields = said.split(b"\0")
        found = repo.snapshot.settings = [
            Variable(scope, key, value)
            for scope, record in zip(fields[0::2], fields[1::2], strict=False)
            for key, (value,) in parse(record).items()
        ]
    return found


def last(values: Values, key: str) -> str | None:
    """Returns the value that counts, as Git counts: the last one."""
    return values[key][-1] if values.get(key) else None


def number(values: Values, key: str, default: int) -> int:
    """Returns a size in bytes, with Git's suffixes `k`, `m`, `g` and `t`.

    Raises:
        ConfigError: it is no number.
    """
    text = last(values, key)
    if text is None:
        return default
    digits = text.strip().lower()
    factor = _FACTORS.get(digits[-1:], 1)
    if factor > 1:
        digits = digits[:-1]
    if not (digits.isascii() and digits.isdigit()):
        raise ConfigError(
            f"{key} = {text!r} is not a size", hint=f"`git config {key} 512m`, for example"
        )
    return int(digits) * factor


def is_true(values: Values, key: str) -> bool:
    """Tells whether a switch is on (git-config, "boolean")."""
    return _BOOLEANS.get((last(values, key) or "").lower()) == "true"


def is_false(said: str | None) -> bool:
    """Tells whether a value switches off; what is not set does not (git-config, "boolean")."""
    return said is not None and _BOOLEANS.get(said.lower()) == "false"


def is_deploy(values: Values) -> bool:
    """Tells whether this is a deploy clone.

    One `true` suffices: a value in another file, or of `git -c`, takes nothing back.
    """
    return any(is_true({DEPLOY: [said]}, DEPLOY) for said in values.get(DEPLOY, ()))


def get(
    repo: Repository, key: str, scope: str | None = None, kind: str | None = None
) -> str | None:
    """Returns one value, or None; `scope` is `--local` and so on.

    With a `kind` such as `bool` it is spelt as Git spells that.
    """
    if scope is None and kind in {None, "bool"}:
        said = last(_by_key(_of(repo, key)), _canonical(key))
        if said is None or kind is None:
            return said
        if said.lower() in _BOOLEANS:
            return _BOOLEANS[said.lower()]
    scoped = (*((scope,) if scope else ()), *((f"--type={kind}",) if kind else ()))
    out = repo.git("config", *scoped, "-z", "--get", key, accept=(0, 1))
    return os.fsdecode(out.removesuffix(b"\0")) if out else None


def get_once(repo: Repository, key: str) -> str | None:
    """Returns the value that a variable has for this command only (`git -c`), or None."""
    said = _of(repo, key)
    return said[-1].value if said and said[-1].scope == b"command" else None


def _of(repo: Repository, key: str) -> list[Variable]:
    name = _canonical(key)
    return [one for one in _variables(repo) if one.key == name]


def _canonical(key: str) -> str:
    """Returns a key as Git lists it: only what is between the outer dots keeps its case."""
    section, _, rest = key.partition(".")
    between, dot, variable = rest.rpartition(".")
    return f"{section.lower()}.{between}{dot}{variable.lower()}"


def put(repo: Repository, key: str, value: str) -> None:
    """Sets a variable of the repository to one value, replacing all it had."""
    repo.git("config", "--local", "--replace-all", key, value)


def replace(repo: Repository, key: str, value: str | None) -> None:
    """Sets a variable of the repository to one value, or to none."""
    if value is None:
        unset(repo, key)
    else:
        put(repo, key, value)


def add(repo: Repository, key: str, value: str) -> None:
    """Adds a value to a variable that may have several."""
    repo.git("config", "--local", "--add", key, value)


def unset(repo: Repository, key: str) -> None:
    """Removes all values of a variable of the repository; it need not have any."""
    repo.git("config", "--local", "--unset-all", key, accept=(0, 5))
