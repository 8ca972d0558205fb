"""`.gitmodel`: the committed policy, in git-config syntax. It is hostile input.

Read as a blob, with includes off, size-capped, known keys only; never through
the work tree, where it could be a symlink. docs/SPEC.md, "Repository format".
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, GitError
from git_model_security.git import config
from git_model_security.git.index import REGULAR, Entry
from git_model_security.git.paths import is_safe_component, shown
from git_model_security.git.run import child_environment, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.objects import ObjectReader

NAME = b".gitmodel"
MAX_BYTES = 64 * 1024
VERSION = "1"

_CHANGED_HINT = "`git log -- .gitmodel` shows who changed it"
_UPGRADE_HINT = f"install a newer git-model, or ask who changed it: {_CHANGED_HINT}"

CIPHERTEXT_SIGNATURE = ".model-encrypted.sig"
"""Name of the bundle over ciphertext, beside each root's plaintext bundle."""


@dataclass(frozen=True)
class Policy:
    """What `.gitmodel` says; the defaults are what `git model init` writes.

    Attributes:
        profile: `all` or `weights`: see `policy.profiles`.
        include: attribute patterns protected on top of the profile.
        exclude: attribute patterns left clear in spite of it.
        key_id: the key new content is sealed under, in hexadecimal; a claim
            that only tells `unlock` which key to ask for.
        storage: `inline` (the envelope is the blob).
        digest: what `model.sig` is made over: `sha256` or `blake3`.
        signature: file name of the bundle over plaintext.
        method: how new signatures are made, in model_signing's words.
        when: `commit`, `push` or `release`.
        roots: directories that are a model each, `.` for the top.
    """

    profile: str = "all"
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    key_id: str = ""
    storage: str = "inline"
    digest: str = "sha256"
    signature: str = "model.sig"
    method: str = "key"
    when: str = "commit"
    roots: tuple[str, ...] = (".",)

    def signature_paths(self) -> set[bytes]:
        """Returns the paths of all signature files, of both kinds."""
        return {
            within(root, name)
            for root in self.roots
            for name in (self.signature, CIPHERTEXT_SIGNATURE)
        }


def within(root: str, name: str) -> bytes:
    """Returns the path of `name` in a model root."""
    return (name if root == "." else f"{root}/{name}").encode()


_CHOICES = {
    "profile": ("protect.profile", ("all", "weights")),
    "storage": ("storage.engine", ("inline",)),
    "digest": ("signing.digest", ("sha256", "blake3")),
    "method": ("signing.method", ("key",)),
    "when": ("signing.when", ("commit", "push", "release")),
}
_LISTS = {"include": "protect.include", "exclude": "protect.exclude", "roots": "signing.root"}
_NAMES = {"signature": "signing.signature", "key_id": "protect.keyid"}
_VERSION_KEY = "git-model.version"


def render(policy: Policy) -> bytes:
    """Returns the file's text; `parse` gives the same policy back."""
    singles = {_VERSION_KEY: VERSION}
    singles |= {key: getattr(policy, name) for name, (key, _) in _CHOICES.items()}
    singles |= {key: getattr(policy, name) for name, key in _NAMES.items()}
    values = {key: [value] for key, value in singles.items() if value}
    for name, key in _LISTS.items():
        values[key] = list(getattr(policy, name))
    lines = ["# What every clone of this repository must agree on; see `git model --help`."]
    for section in dict.fromkeys(key.split(".")[0] for key in values):
        lines.append(f"[{section}]")
        for key, words in values.items():
            if key.startswith(f"{section}."):
                lines += [f"\t{key.split('.', 1)[1]} = {_quoted(word)}" for word in words]
    return ("\n".join(lines) + "\n").encode()


@functools.lru_cache(maxsize=16)
def parse(text: bytes) -> Policy:
    """Reads a `.gitmodel`.

    Raises:
        ConfigError: it is too long, not git-config syntax, of another version,
            or has a key or value that this version does not know.
    """
    _check_length(len(text))
    if b"\0" in text:
        # Git would end a value there, and another reader of the file would not.
        raise ConfigError(".gitmodel: holds a NUL byte", hint=_CHANGED_HINT)
    try:
        # Through standard input: no file, so nothing for an include to be relative to.
        listing = run(
            *("config", "--file", "-", "--no-includes", "-z", "--list"),
            env=child_environment(local=False),
            stdin=text,
        )
    except GitError as error:
        raise ConfigError(f".gitmodel: {error}", hint=_CHANGED_HINT) from error
    return _policy(config.parse(listing))


def find(entries: Iterable[Entry], reader: ObjectReader) -> Policy | None:
    """Returns the policy among the entries of an index or a tree; None if none.

    Raises:
        ConfigError: it is not a regular file, or see `parse`.
    """
    entry = next((entry for entry in entries if entry.path == NAME), None)
    if entry is None:
        return None
    if entry.mode != REGULAR:
        raise ConfigError(
            f".gitmodel: mode {entry.mode:06o} is not a regular file",
            hint=f"a symlink or executable policy is not read; {_CHANGED_HINT}",
        )
    stream = reader.stream(entry.oid)
    _check_length(stream.size)
    return parse(stream.read())


def _check_length(size_bytes: int) -> None:
    if size_bytes > MAX_BYTES:
        raise ConfigError(
            f".gitmodel: {size_bytes} bytes are more than {MAX_BYTES}", hint=_CHANGED_HINT
        )


def _policy(values: config.Values) -> Policy:
    version = config.last(values, _VERSION_KEY)
    if version != VERSION:
        raise ConfigError(
            f".gitmodel: format version {version or 'missing'}; this git-model reads {VERSION}",
            hint="install a newer git-model",
        )
    known = {_VERSION_KEY, *_LISTS.values(), *_NAMES.values()}
    known |= {key for key, _ in _CHOICES.values()}
    for key in values:
        if key not in known:
            raise ConfigError(
                f".gitmodel: unknown key {shown(os.fsencode(key))}", hint=_UPGRADE_HINT
            )
    fields: dict[str, str | tuple[str, ...]] = {}
    for name, (key, choices) in _CHOICES.items():
        if key in values:
            fields[name] = _chosen(key, values[key][-1], choices)
    for name, key in _NAMES.items():
        if key in values:
            fields[name] = values[key][-1]
    for name, key in _LISTS.items():
        if key in values:
            fields[name] = tuple(dict.fromkeys(values[key]))
    return checked(Policy(**fields))  # type: ignore[arg-type]


def checked(policy: Policy) -> Policy:
    """Returns the policy when its names are safe to use as paths and patterns.

    Raises:
        ConfigError: the signature name is not one path component, a root leaves
            the work tree, or a pattern cannot stand in an attributes file.
    """
    if not is_safe_component(policy.signature) or policy.signature.startswith((".git", "-")):
        raise ConfigError(f".gitmodel: {policy.signature!r} cannot be the signature's name")
    for root in policy.roots:
        if root != "." and not all(map(is_safe_component, root.split("/"))):
            raise ConfigError(f".gitmodel: model root {root!r} is not a directory of the tree")
    for pattern in (*policy.include, *policy.exclude):
        # `!` is not allowed in attributes and `[attr]` would define a macro
        # (gitattributes, "Defining macro attributes"); a line feed would add a line.
        if not pattern or pattern.startswith(("!", "[attr]")) or not pattern.isprintable():
            raise ConfigError(f".gitmodel: {pattern!r} cannot be a pattern")
    if policy.key_id and not _is_key_id(policy.key_id):
        raise ConfigError(f".gitmodel: {policy.key_id!r} is not a key id")
    return policy


def _is_key_id(text: str) -> bool:
    return len(text) == 32 and all(char in "0123456789abcdef" for char in text)


def _chosen(key: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ConfigError(
            f".gitmodel: {key} = {value!r} is none of {', '.join(choices)}",
            hint=_UPGRADE_HINT,
        )
    return value


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'"{escaped}"'
        if escaped != value or not value.isascii() or set(value) & set(" #;")
        else value
    )
