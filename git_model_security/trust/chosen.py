"""Files that a person chose for a clone: a certificate, a chain, a Sigstore of one's own.

Kept by content, in the Git common directory, each file named for its SHA-256, which is
what the configuration holds: nobody changes what was chosen by changing a file later. A
path that was set with `git config` is followed where no push reaches it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.git import sharing
from git_model_security.keyring import key_files
from git_model_security.signing import pem
from git_model_security.trust import anchors

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository

_DIRECTORY = "chosen"


def keep(repo: Repository, path: Path) -> str:
    """Keeps what a file holds now; returns what the configuration names it by.

    Raises:
        ConfigError: it cannot be read, or lies in a work tree of the repository.
    """
    anchors.require_outside(repo, [path])
    content = key_files.read(path, "file")
    name = hashlib.sha256(content).hexdigest()
    directory = repo.state_directory(_DIRECTORY)
    key_files.keep(directory, name, content, key_files.PUBLIC_MODE)
    sharing.adjust(repo.common_dir, directory / name)
    return name


def file(repo: Repository, value: str) -> Path:
    """Returns where what a setting names can be read.

    Args:
        value: of the setting: what `keep` returned, or a path.

    Raises:
        ConfigError: it is not what was chosen, or lies in a work tree of the repository.
    """
    if not pem.is_fingerprint(value):
        path = Path(value).expanduser()
        anchors.require_outside(repo, [path])
        return path
    kept = repo.state_dir / _DIRECTORY / value
    if hashlib.sha256(key_files.read(kept, "file that was chosen")).hexdigest() != value:
        raise ConfigError(
            f"{kept}: not the file that was chosen",
            hint="choose it again with `git model config`",
        )
    return kept
