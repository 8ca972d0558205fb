"""What hosts take as one file, so that it is said before an hour of upload.

A table of a few known hosts, each row with its source. A host that is not in it may
have a limit all the same; `git-model.maxFileSize` sets one, or another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.errors import PolicyError
from git_model_security.git import config
from git_model_security.git.paths import shown
from git_model_security.storage import INLINE, LFS

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTING = "git-model.maxfilesize"
SECTIONS = "(git-model|lfs|remote)"
"""The sections of the configuration that `of` reads."""

_MIB, _GIB = 1 << 20, 1 << 30
_HUB = ("huggingface.co", "hf.co")


@dataclass(frozen=True)
class Limit:
    """The longest file that a host takes.

    Attributes:
        size: in bytes, of what is stored: a file is a little longer encrypted.
        host: who says so, or the setting.
        note: what a person should know of it: lower case, no full stop; or empty.
    """

    size: int
    host: str
    note: str = ""


_PLANS = "on the plans Free and Pro; Team takes 4 GB and Enterprise 5 GB"


_LIMITS = {
    # https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-large-files-on-github
    ("github.com", INLINE): Limit(100 * _MIB, "GitHub", "git-lfs takes more"),
    # https://docs.github.com/en/repositories/working-with-files/managing-large-files/about-git-large-file-storage
    ("github.com", LFS): Limit(2 * _GIB, "GitHub", _PLANS),
    # https://gitlab.com/gitlab-org/gitlab/-/issues/428188 (no limit is known for git-lfs)
    ("gitlab.com", INLINE): Limit(
        100 * _MIB, "GitLab.com", "on the plan Free; git-lfs takes more"
    ),
    # https://community.atlassian.com/t5/Bitbucket-articles/Bitbucket-Cloud-is-implementing-a-100-MB-limit-on-files-included/ba-p/2629017
    ("bitbucket.org", INLINE): Limit(100_000_000, "Bitbucket", "git-lfs takes more"),
    # https://huggingface.co/docs/hub/spaces-github-actions
    ("huggingface.co", INLINE): Limit(10_000_000, "the Hugging Face Hub", "git-lfs takes more"),
    # https://github.com/huggingface/hub-docs/pull/2007/files: "50GB max, 20GB recommended"
    ("huggingface.co", LFS): Limit(50_000_000_000, "the Hugging Face Hub", "20 GB is advised"),
}

# A URL with a scheme, or the short form of ssh (git-clone, "GIT URLS"). No password
# and no port is in what is taken out.
_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(\[[^\]]*\]|[^/:]+)", re.IGNORECASE)
_SHORT = re.compile(r"(?:[^/@:]*@)?([^/:@]{2,}):(?!//)")


def host_of(url: str) -> str:
    """Returns the host that a remote's URL names, in lower case; empty for a path."""
    found = _URL.match(url) or _SHORT.match(url)
    return found[1].lower() if found else ""


def is_hub(urls: Iterable[str]) -> bool:
    """Tells whether one of the URLs is on the Hugging Face Hub."""
    return any(_canonical(host_of(url)) == _HUB[0] for url in urls)


def limit_for(urls: Iterable[str], storage: str) -> Limit | None:
    """Returns the lowest limit of the hosts that some URLs name; None where none is known."""
    found = [_LIMITS.get((_canonical(host_of(url)), storage)) for url in urls]
    return min(filter(None, found), key=lambda limit: limit.size, default=None)


def of(settings: config.Values, storage: str) -> Limit | None:
    """Returns the limit that variables of `SECTIONS` lead to; None where none is known.

    Raises:
        ConfigError: `git-model.maxFileSize` is no size.
    """
    if config.last(settings, SETTING) is not None:
        return Limit(config.number(settings, SETTING, 0), "git-model.maxFileSize")
    return limit_for(urls(settings, storage), storage)


def require_fit(settings: config.Values, path: bytes, size: int, *, is_object: bool) -> None:
    """Refuses what a clone does not put into a blob, and warns of the hosts' limits.

    Without git-lfs nobody asked for blobs of any length: Git holds them in memory.

    Raises:
        PolicyError: it is longer than `.gitmodel` allows without git-lfs.
    """
    most = config.number(settings, "git-model.limit", 0)
    if most and size > most and not is_object:
        raise PolicyError(
            f"{size} bytes are more than the {most} that go into Git without git-lfs",
            hint="install git-lfs 3.3 or newer, then `git model init --storage lfs`\n"
            "or `git model init --storage inline` to have it in Git all the same",
        )
    limit = of(settings, LFS if is_object else INLINE)
    if limit is not None and size > limit.size:
        note = f" ({limit.note})" if limit.note else ""
        messages.warn(
            f"{shown(path)}: {size} bytes are more than the {limit.size} that {limit.host}"
            f" takes{note}",
            "save the model in smaller shards, or set git-model.maxFileSize",
        )


def urls(settings: config.Values, storage: str) -> list[str]:
    """Returns where content is pushed to; objects of git-lfs go to `lfs.url`, if it is set."""
    own = config.last(settings, "lfs.url") if storage == LFS else None
    if own is not None:
        return [own]
    return [
        url
        for key, values in settings.items()
        if key.startswith("remote.") and key.endswith((".url", ".pushurl"))
        for url in values
    ]


def _canonical(host: str) -> str:
    for known in (*_HUB, *(name for name, _ in _LIMITS)):
        if host == known or host.endswith(f".{known}"):
            return _HUB[0] if known in _HUB else known
    return host
