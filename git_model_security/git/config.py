"""Git's configuration: read in one call, written one key at a time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import ConfigError
from git_model_security.git.run import child_environment, records, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.git.repository import Repository

_FACTORS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

_LOCAL = b"local"
_ABOVE_LOCAL = (b"worktree", b"command")
"""Scopes (git-config, `--show-scope`) that Git reads after that of the repository's file."""
_OWN = (_LOCAL, b"worktree", b"system")
"""Scopes of what is set for a repository or a machine."""

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
    """Returns every value of this user's own file."""
    return parse(run("config", "--global", "-z", "--list", accept=(0, 1, 128)))


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


def read_local(repo: Repository) -> Values:
    """Returns every value of the repository's own file."""
    return _by_key(one for one in _variables(repo) if one.scope == _LOCAL)


def put(repo: Repository, key: str, value: str) -> None:
    """Sets a variable of the repository to one value, replacing all it had."""
    if _own_values(repo, key) != [value]:
        _write(repo, key, [value], "--replace-all", key, value)


def replace(repo: Repository, key: str, value: str | None) -> None:
    """Sets a variable of the repository to one value, or to none."""
    if value is None:
        unset(repo, key)
    else:
        put(repo, key, value)


def replace_user(key: str, value: str | None) -> None:
    """Sets a variable of this user's own file to one value, or to none."""
    words = ("--unset-all", key) if value is None else ("--replace-all", key, value)
    env = child_environment(local=False)
    run("config", "--global", *words, env=env, accept=(0,) if value else (0, 5))


def add(repo: Repository, key: str, value: str) -> None:
    """Adds a value to a variable that may have several."""
    _write(repo, key, [*_own_values(repo, key), value], "--add", key, value)


def unset(repo: Repository, key: str) -> None:
    """Removes all values of a variable of the repository; it need not have any."""
    if _own_values(repo, key):
        _write(repo, key, [], "--unset-all", key)


def _own_values(repo: Repository, key: str) -> list[str]:
    return read_local(repo).get(_canonical(key), [])


def _write(repo: Repository, key: str, values: Sequence[str], *words: str) -> None:
    """Runs a `git config` that changes a variable; what it then is need not be read again."""
    known = _variables(repo)
    repo.git("config", "--local", *words, accept=(0,) if values else (0, 5))
    if any(one.scope == _LOCAL and one.key.startswith("include") for one in known):
        return  # what another file says stays
    name = _canonical(key)
    kept = [one for one in known if (one.scope, one.key) != (_LOCAL, name)]
    above = (at for at, one in enumerate(kept) if one.scope in _ABOVE_LOCAL)
    place = next(above, len(kept))
    kept[place:place] = [Variable(_LOCAL, name, value) for value in values]
    repo.snapshot.settings = kept
