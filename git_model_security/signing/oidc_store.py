"""Tokens that a person got by logging in, kept while they last: 0600 in 0700.

Two bundles, and commits in a row, ask for one login. The place is the session's own
(`$XDG_RUNTIME_DIR`, in memory and gone at logout), else the user's cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from git_model_security import files
from git_model_security.errors import ConfigError
from git_model_security.keyring.key_files import PRIVATE_MODE, make_directory

_MAX_BYTES = 16 * 1024


def place() -> Path:
    """Returns the directory for tokens (XDG Base Directory 0.8)."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if Path(runtime).is_absolute() and Path(runtime).is_dir():
        return Path(runtime, "git-model", "tokens")
    cache = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    return root / "git-model" / "tokens"


class TokenStore:
    """The tokens of this user, by issuer and client.

    Keeping one is a convenience: what cannot be kept safely is not kept, and the next
    signature asks again.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or place()

    def get(self, issuer: str, client_id: str) -> str | None:
        """Returns the token kept, or None; whether it still lasts is for the caller."""
        if not self._is_ours():
            return None
        try:
            descriptor = os.open(self._path(issuer, client_id), os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not _is_private(os.fstat(file.fileno())):
                return None
            text = file.read(_MAX_BYTES + 1)
        return text.decode("ascii", "replace") if len(text) <= _MAX_BYTES else None

    def put(self, issuer: str, client_id: str, token: str) -> None:
        """Keeps a token in place of an older one."""
        content = token.encode("ascii", "replace")
        with contextlib.suppress(ConfigError, OSError):
            make_directory(self.directory)
            if self._is_ours():
                files.replace(self._path(issuer, client_id), content, PRIVATE_MODE)

    def drop(self, issuer: str, client_id: str) -> None:
        """Removes a token."""
        with contextlib.suppress(OSError):
            self._path(issuer, client_id).unlink()

    def _path(self, issuer: str, client_id: str) -> Path:
        name = hashlib.sha256(f"{issuer}\0{client_id}".encode()).hexdigest()
        return self.directory / name

    def _is_ours(self) -> bool:
        # Both: who can write to the one above could put another in its place.
        try:
            found = [one.lstat() for one in (self.directory.parent, self.directory)]
        except OSError:
            return False
        return all(stat.S_ISDIR(one.st_mode) and _is_private(one) for one in found)


def _is_private(found: os.stat_result) -> bool:
    return found.st_uid == os.geteuid() and not found.st_mode & 0o077
