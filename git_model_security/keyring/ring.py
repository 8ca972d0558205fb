"""The keys that a clone may use.

Their ids come from the clone's configuration, their material from the
environment or the user's keyring.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security import logs
from git_model_security.envelope import Key
from git_model_security.errors import ConfigError, KeyNotFoundError
from git_model_security.git import config
from git_model_security.keyring import key_files, key_material
from git_model_security.keyring.store import KeyStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git_model_security.git.repository import Repository

KEY_ID = "git-model.keyid"
"""Configuration: ids this clone may use; the last one seals new content."""


UNLOCK = "`git model unlock --key FILE`, or without --key from your keyring"
"""What a locked clone needs."""


class Ring:
    """The held keys of a clone.

    Attributes:
        wanted: the ids that the configuration names, oldest first.
        keys: those of them whose material is here, by id.
    """

    def __init__(self, wanted: list[str], keys: Mapping[str, Key]) -> None:
        self.wanted = wanted
        self.keys = keys

    @property
    def locked(self) -> bool:
        """Whether this clone may use no key at all."""
        return not self.wanted

    @property
    def current(self) -> Key:
        """The key for new content; see `require_key`."""
        return self.require_key()

    def require_key(self) -> Key:
        """Returns the key for new content.

        Raises:
            KeyNotFoundError: the clone is locked, or the key is not here.
        """
        if self.locked:
            raise KeyNotFoundError(
                "this clone is locked: it has no key to encrypt with",
                hint=UNLOCK,
            )
        key = self.keys.get(self.wanted[-1])
        if key is None:
            raise KeyNotFoundError(
                f"the key {self.wanted[-1]} is not in the keyring",
                hint="`git model unlock --key FILE`, or set GIT_MODEL_KEY_FILE",
            )
        return key


def from_environment() -> Key | None:
    """Returns the key of `material_from_environment`, or None."""
    material = material_from_environment()
    return None if material is None else Key(material)


def material_of(key_id: str) -> bytes | None:
    """Returns the 32 bytes of a key that a ring holds, for what is no envelope; or None.

    Raises:
        ConfigError: a key file or variable is not a key.
    """
    for material in (material_from_environment(), KeyStore().material(key_id)):
        if material is not None and Key(material).id == key_id:
            return material
    return None


def material_from_environment() -> bytes | None:
    """Returns the key of `GIT_MODEL_KEY` or `GIT_MODEL_KEY_FILE`; it is never kept.

    Raises:
        ConfigError: the variable is set to something else than a key.
    """
    if text := os.environ.get("GIT_MODEL_KEY"):
        return key_material.decode(text, "GIT_MODEL_KEY")
    if name := os.environ.get("GIT_MODEL_KEY_FILE"):
        path = Path(name).expanduser()
        if key_files.named(path) != str(path):
            raise ConfigError(
                "GIT_MODEL_KEY_FILE: there is no file of the name that it holds",
                hint="the key itself, hexadecimal or base64, belongs into GIT_MODEL_KEY",
            )
        return key_material.read(path)
    return None


def of(repo: Repository, values: config.Values | None = None) -> Ring:
    """Returns the ring of a clone.

    Raises:
        ConfigError: a key file or variable is not a key.
    """
    settings = config.read(repo) if values is None else values
    wanted = list(dict.fromkeys(settings.get(KEY_ID, [])))
    if not wanted:
        return Ring([], {})
    store = KeyStore()
    held = {key_id: key for key_id in wanted if (key := store.get(key_id))}
    given = from_environment()
    if given is not None and given.id in wanted:
        held[given.id] = given
    logs.info("keys of this clone: %s; here: %s", ", ".join(wanted), ", ".join(held))
    return Ring(wanted, held)


def allow(repo: Repository, key_id: str) -> None:
    """Lets the clone use a key, for reading all and for sealing new content."""
    ids = [known for known in config.read(repo).get(KEY_ID, []) if known != key_id]
    config.unset(repo, KEY_ID)
    for known in (*ids, key_id):
        config.add(repo, KEY_ID, known)


def forbid_all(repo: Repository) -> None:
    """Ends the permission to use any key."""
    config.unset(repo, KEY_ID)
