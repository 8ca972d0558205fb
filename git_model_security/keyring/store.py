"""The user's keyring: one file per key, named by its id, 0600 in 0700."""

from __future__ import annotations

import os
from pathlib import Path

from git_model_security.envelope import Key
from git_model_security.errors import ConfigError
from git_model_security.keyring import key_files, key_material


def config_home() -> Path:
    """Returns our directory of user configuration (XDG Base Directory 0.8)."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    # The specification: a relative path is invalid and must be ignored.
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".config"
    return root / "git-model"


class KeyStore:
    """The AES keys that this user keeps."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or config_home() / "keys"

    def add(self, raw: bytes) -> Key:
        """Keeps a key (32 bytes); one that is there already stays as it is.

        Raises:
            ConfigError: the keyring cannot be written.
        """
        key = Key(raw)
        key_files.keep(self.directory, key.id, raw)
        return key

    def get(self, key_id: str) -> Key | None:
        """Returns a key, or None when it is not kept here.

        Raises:
            ConfigError: the file is there but is not that key.
        """
        path = self.directory / key_id
        if not path.exists():
            return None
        key = key_material.from_file(path)
        if key.id != key_id:
            raise ConfigError(
                f"{path}: holds the key {key.id}, not the one it is named for",
                hint="restore it from your backup",
            )
        return key

    def ids(self) -> list[str]:
        """Returns the ids of the keys kept, sorted."""
        if not self.directory.is_dir():
            return []
        return sorted(path.name for path in self.directory.iterdir() if len(path.name) == 32)

    def remove(self, key_id: str) -> None:
        """Deletes a key from the keyring; the caller made sure it is not the last copy."""
        (self.directory / key_id).unlink(missing_ok=True)
