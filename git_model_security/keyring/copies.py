"""Where else a key is kept: the files it was read from or exported to.

Only paths, no material. `lock --forget` asks whether one of them still holds the
key before it deletes what may be the last copy.
"""

from __future__ import annotations

from pathlib import Path

from git_model_security import files
from git_model_security.errors import ConfigError
from git_model_security.keyring import key_files, key_material
from git_model_security.keyring.store import KeyStore, config_home


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
