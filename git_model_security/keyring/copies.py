"""Where else a key is kept: the files it was read from or exported to.

Only paths, no material. `lock --forget` asks whether one of them still holds the
key before it deletes what may be the last copy.
"""

from __future__ import annotations

from pathlib import Path

from git_model_security.errors import ConfigError
from git_model_security.keyring import material
from git_model_security.keyring.store import config_home


class Copies:
    """The known copies of the keys, one file of paths per key id."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory or config_home() / "copies"

    def add(self, key_id: str, path: Path) -> None:
        """Remembers that a file holds a key."""
        absolute = str(path.expanduser().resolve())
        known = self._listed(key_id)
        if absolute not in known:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = "".join(f"{line}\n" for line in (*known, absolute))
            (self.directory / key_id).write_text(text, "utf-8", "surrogateescape")

    def standing(self, key_id: str) -> list[Path]:
        """Returns the files that hold the key now; each one is read to make sure."""
        return [path for path in map(Path, self._listed(key_id)) if _holds(path, key_id)]

    def _listed(self, key_id: str) -> list[str]:
        path = self.directory / key_id
        return path.read_text("utf-8", "surrogateescape").splitlines() if path.exists() else []


def _holds(path: Path, key_id: str) -> bool:
    try:
        return material.from_file(path).id == key_id
    except ConfigError:
        return False
