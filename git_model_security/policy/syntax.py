"""The keys of `.gitmodel`, what each may hold, and how it is written.

What the values mean together is `gitmodel`'s. docs/SPEC.md, "Repository format".
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from git_model_security.errors import ConfigError
from git_model_security.git import config
from git_model_security.git.paths import shown
from git_model_security.policy import profiles

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "1"
MAX_SIZE_BYTES = 1 << 40
"""No threshold or limit is over it: no file is."""

CHANGED_HINT = "`git log -- .gitmodel` shows who changed it"
_UPGRADE_HINT = f"install a newer git-model, or ask who changed it: {CHANGED_HINT}"

SIGSTORE, KEY, CERTIFICATE = "sigstore", "key", "certificate"
PKCS11_KEY, PKCS11_CERTIFICATE = "pkcs11-key", "pkcs11-certificate"
METHODS = (SIGSTORE, KEY, CERTIFICATE, PKCS11_KEY, PKCS11_CERTIFICATE)
"""Signing methods, in model_signing's words; what each is, `signing.methods` has."""
SIGNING_TIMES = ("commit", "push", "release")
"""When what is committed gets signed, the earliest first."""
_CHOICES = {
    "profile": ("protect.profile", profiles.NAMES),
    "storage": ("storage.engine", ("inline", "lfs")),
    "digest": ("signing.digest", ("sha256", "blake3")),
    "method": ("signing.method", METHODS),
    "when": ("signing.when", SIGNING_TIMES),
}
_SIZES = {"threshold": "storage.threshold", "limit": "storage.limit"}
_LISTS = {
    "include": "protect.include",
    "exclude": "protect.exclude",
    "untracked": "protect.untracked",
    "roots": "signing.root",
    "formerly": "git-model.formerly",
}
_NAMES = {
    "signature": "signing.signature",
    "key_id": "protect.keyid",
    "repository": "git-model.repository",
}
_VERSION_KEY = "git-model.version"

# One spelling per number: git-config's own `1k` is another program's question.
_SIZE = re.compile(r"[1-9][0-9]{0,12}")


def render(fields: Mapping[str, Any]) -> bytes:
    """Returns the file's text, without fields that are empty; `read` gives the same back."""
    singles = {_VERSION_KEY: VERSION}
    singles |= {key: fields[name] for name, (key, _) in _CHOICES.items()}
    singles |= {key: fields[name] for name, key in (_NAMES | _SIZES).items()}
    values = {key: [str(value)] for key, value in singles.items() if value}
    for name, key in _LISTS.items():
        values[key] = list(fields[name])
    lines = ["# What every clone of this repository must agree on; see `git model -h`."]
    for section in dict.fromkeys(key.split(".")[0] for key in values):
        lines.append(f"[{section}]")
        for key, words in values.items():
            if key.startswith(f"{section}."):
                lines += [f"\t{key.split('.', 1)[1]} = {_quoted(word)}" for word in words]
    return ("\n".join(lines) + "\n").encode()


def read(values: config.Values) -> dict[str, Any]:
    """Returns the fields that a file's variables set, by the names of `Policy`.

    Raises:
        ConfigError: it is of another version, or has a key or value that this
            version does not know.
    """
    version = config.last(values, _VERSION_KEY)
    if version != VERSION:
        raise ConfigError(
            f".gitmodel: format version {version or 'missing'}; this git-model reads {VERSION}",
            hint="install a newer git-model",
        )
    _require_known(values)
    fields: dict[str, Any] = {}
    for name, (key, choices) in _CHOICES.items():
        if key in values:
            fields[name] = _chosen(key, values[key][-1], choices)
    for name, key in _SIZES.items():
        if key in values:
            fields[name] = _size(key, values[key][-1])
    for name, key in _NAMES.items():
        if key in values:
            fields[name] = values[key][-1]
    for name, key in _LISTS.items():
        if key in values:
            fields[name] = tuple(dict.fromkeys(values[key]))
    return fields


def _require_known(values: config.Values) -> None:
    known = {_VERSION_KEY, *_LISTS.values(), *_NAMES.values(), *_SIZES.values()}
    known |= {key for key, _ in _CHOICES.values()}
    for key in values:
        if key not in known:
            raise ConfigError(
                f".gitmodel: unknown key {shown(os.fsencode(key))}", hint=_UPGRADE_HINT
            )


def _chosen(key: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ConfigError(
            f".gitmodel: {key} = {value!r} is none of {', '.join(choices)}",
            hint=_UPGRADE_HINT,
        )
    return value


def _size(key: str, value: str) -> int:
    if not _SIZE.fullmatch(value) or int(value) > MAX_SIZE_BYTES:
        raise ConfigError(
            f".gitmodel: {key} = {value!r} is no number of bytes from 1 to {MAX_SIZE_BYTES}",
            hint=CHANGED_HINT,
        )
    return int(value)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'"{escaped}"'
        if escaped != value or not value.isascii() or set(value) & set(" #;")
        else value
    )
