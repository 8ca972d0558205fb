"""The user's keyring: one file per key, named by its id, 0600 in 0700.

Beside it a list of the files that a key was read from or exported to: only paths, no
material. `lock --forget` asks whether one of them still holds the key before it deletes
what may be the last copy.
"""

from __future__ import annotations

import os
from pathlib import Path

from git_model_security import files
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

    def __init__(self) -> None:
        self.directory = config_home() / "keys"

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
        material = self.material(key_id)
        if material is None:
            return None
        key = Key(material)
        if key.id != key_id:
            path = self.directory / key_id
            raise ConfigError(
                f"{path}: holds the key {key.id}, not the one it is named for",
                hint="restore it from your backup",
            )
        return key

    def material(self, key_id: str) -> bytes | None:
        """Returns what is kept as a key, which may be another, or None when nothing is.

        Raises:
            ConfigError: the file is there but is no key.
        """
        path = self.directory / key_id
        return key_material.read(path) if path.exists() else None

    def ids(self) -> list[str]:
        """Returns the ids of the keys kept, sorted."""
        if not self.directory.is_dir():
            return []
        return sorted(path.name for path in self.directory.iterdir() if len(path.name) == 32)

    def remove(self, key_id: str) -> None:
        """Deletes a key from the keyring; the caller made sure it is not the last copy."""
        (self.directory / key_id).unlink(missing_ok=True)


class Copies:
    """The known copies of the keys, one file of paths per key id."""

    def __init__(self) -> None:
        self.directory = config_home() / "copies"

    def add(self, key_id: str, path: Path) -> None:
        """Remembers that a file holds a key."""
        absolute = str(path.expanduser().resolve())
        known = self._listed(key_id)
        if absolute not in known:
            key_files.make_directory(self.directory)
            text = "".join(f"{line}\n" for line in (*known, absolute))
            files.replace(self.directory / key_id, text.encode("utf-8", "surrogateescape"))

    def standing(self, key_id: str) -> list[Path]:
        """Returns the files that hold the key now; each one is read to make sure.

        The keyring's own file is no copy, under whatever name it was given.
        """
        return [
            path
            for path in map(Path, self._listed(key_id))
            if _holds(path, key_id) and not _is_kept(path, key_id)
        ]

    def _listed(self, key_id: str) -> list[str]:
        path = self.directory / key_id
        return path.read_text("utf-8", "surrogateescape").splitlines() if path.exists() else []


def _holds(path: Path, key_id: str) -> bool:
    try:
        return key_material.from_file(path).id == key_id
    except ConfigError:
        return False


def _is_kept(path: Path, key_id: str) -> bool:
    kept = KeyStore().directory / key_id
    return path.resolve().is_relative_to(config_home().resolve()) or (
        kept.exists() and path.samefile(kept)
    )
