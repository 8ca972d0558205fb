"""What an audit's result depends on beside history: is it what it was the last time.

Policies, keys and every file that Git takes attributes from. The files are compared by
content: asking Git about all paths again would cost what remembering saves.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.git import config, index
from git_model_security.git.attributes import FILE
from git_model_security.guard.remembered import key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository
    from git_model_security.guard.policies import Policies

_SETTINGS = r"^core\.(attributesfile|ignorecase|precomposeunicode|worktree|bare)$"


def under(
    repo: Repository, policy: Policies, held: Iterable[str], directories: Iterable[bytes]
) -> str:
    """Returns a short name for all of it together.

    Args:
        repo: the repository.
        policy: what the policies say.
        held: ids of the keys that are held.
        directories: those of all paths of the history that is audited.
    """
    releases = policy.releases
    return key(
        *policy.rules,
        "keys",
        *sorted(policy.key_ids),
        "held",
        *sorted(held),
        "broken",
        *(one.oid for one in policy.broken),
        "released",
        *releases.patterns,
        *sorted(releases.contents),
        "attributes",
        *_attributes(repo, directories),
    )


def changed_since(repo: Repository, directories: Iterable[bytes], seconds: float) -> bool:
    """Tells whether attribute files may have changed since a time.

    Also by the times of their directories, so that one that was removed counts; and some
    other change in them does too.
    """
    places = [os.fsencode(repo.common_dir / "info")]
    if repo.work_tree is not None:
        top = os.fsencode(repo.work_tree)
        places += [b"/".join(filter(None, (top, directory))) for directory in directories]
    return any(
        _changed(path) >= seconds for place in places for path in (place, place + b"/" + FILE)
    )


def _changed(path: bytes) -> float:
    try:
        return os.lstat(path).st_ctime
    except OSError:
        return 0.0


def _attributes(repo: Repository, directories: Iterable[bytes]) -> Iterable[str]:
    """Yields what there is in all places that gitattributes(5) names."""
    said = repo.git("config", "-z", "--get-regexp", _SETTINGS, accept=(0, 1))
    yield said.decode("utf-8", "surrogateescape")
    settings = config.parse(said)
    yield str("GIT_ATTR_NOSYSTEM" in os.environ)
    for path in (*_outside(settings), repo.common_dir / "info" / "attributes"):
        yield _digest(path)
    if repo.work_tree is None:
        yield index.resolve(repo, "HEAD:.gitattributes") or ""
        return
    # Where the work tree has none, Git takes that of the index.
    yield repo.git("ls-files", "--stage", "-z", "--", f":(top,glob)**/{FILE.decode()}").decode(
        "utf-8", "surrogateescape"
    )
    top = os.fsencode(repo.work_tree)
    for directory in directories:
        file = b"/".join(filter(None, (top, directory, FILE)))
        if os.path.lexists(file):
            yield f"{os.fsdecode(directory)}:{_digest(Path(os.fsdecode(file)))}"


def _outside(settings: config.Values) -> Iterable[Path]:
    chosen = config.last(settings, "core.attributesfile")
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    yield Path(os.path.expanduser(chosen)) if chosen else Path(home, "git", "attributes")  # noqa: PTH111
    yield Path("/etc/gitattributes")
    program = shutil.which("git")
    if program:
        # `$(prefix)/etc/gitattributes`, where the prefix is not /usr
        yield Path(program).resolve().parent.parent / "etc" / "gitattributes"


def _digest(path: Path) -> str:
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except (OSError, RuntimeError) as error:
        return type(error).__name__
