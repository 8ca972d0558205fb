"""What a remote has, by this clone's memory of it or by asking; and what came from one.

Tracking refs say what was fetched from where the remote *was*. When its address changes,
or pushes go elsewhere (`pushurl`), they say nothing of where a push goes.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.git import config, history, refs, sharing
from git_model_security.git.objects import is_oid
from git_model_security.git.repository import STATE_DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from git_model_security.git.repository import Repository

_LEGACY = ("remotes", "branches")
"""Directories in which Git looked for remotes before it had them in its configuration."""
_KNOWN = "remotes"
"""Under the clone's state: a line per remote, the SHA-256 of its address and its name."""


_LINE = re.compile(r"(.*) \((fetch|push)\)(?: \[.*\])?")
"""What `git remote -v` says behind a name; of a partial clone with its filter."""


class Addresses:
    """Where a remote is.

    Attributes:
        fetched: where it is fetched from; empty for nowhere.
        pushed: where a push to it goes, to each of them in turn.
    """

    def __init__(self, fetched: str = "", pushed: Iterable[str] = ()) -> None:
        self.fetched = fetched
        self.pushed = list(pushed)


class Held(NamedTuple):
    """What an address has, as far as this clone can tell.

    Attributes:
        oids: objects that it has; not all of them need be here.
        is_remembered: they were fetched or pushed once, and may be gone there since.
        is_address: tracking refs speak of just this address, and no push goes elsewhere.
    """

    oids: list[str]
    is_remembered: bool = False
    is_address: bool = False


def read(repo: Repository) -> dict[str, Addresses]:
    """Returns the remotes by name, with their addresses as Git rewrites them (`insteadOf`)."""
    found: dict[str, Addresses] = {}
    values = config.read(repo, "(remote|url)")
    is_rewritten = any(key.startswith("url.") for key in values)
    # Git's template makes such a directory, and leaves it empty.
    is_legacy = any(any((repo.common_dir / name).glob("*")) for name in _LEGACY)
    if not is_rewritten and not is_legacy:
        return _read_configured(values)
    for line in repo.git("remote", "--verbose").decode("utf-8", "surrogateescape").splitlines():
        name, _, rest = line.partition("\t")
        addresses = found.setdefault(name, Addresses())
        said = _LINE.fullmatch(rest)
        if said is not None and said[2] == "fetch":
            addresses.fetched = said[1]
        elif said is not None:
            addresses.pushed.append(said[1])
    return found


def _read_configured(values: config.Values) -> dict[str, Addresses]:
    found = {}
    for key in values:
        name, dot, variable = key.removeprefix("remote.").rpartition(".")
        if dot and variable in {"url", "pushurl"}:
            urls = values.get(f"remote.{name}.url", [])
            pushed = values.get(f"remote.{name}.pushurl") or urls
            found[name] = Addresses(urls[0] if urls else pushed[0], pushed)
    return found


def find_held(repo: Repository, name: str, url: str) -> Held:
    """Returns what is known of where a push goes.

    Raises:
        GitError: the remote had to be asked, and does not answer.
    """
    remotes = read(repo)
    if name not in remotes:
        return Held([])
    is_address = remotes[name].fetched == url and remotes[name].pushed == [url]
    fetched = _read_fetched(repo, name, remotes)
    if not fetched and config.get(repo, f"remote.{name}.fetch") is not None:
        note(repo)
        return Held([], is_address=is_address)
    # A clone of one revision (git 2.49) has no tracking refs, and remembers nothing.
    if fetched and is_address and _read_known(repo).get(name) == _digest(url):
        return Held(fetched, is_remembered=True, is_address=True)
    return Held(ask(repo, url), is_address=is_address and not fetched)


def ask(repo: Repository, url: str) -> list[str]:
    """Returns what the refs at an address hold now.

    Raises:
        GitError: it does not answer.
    """
    listed = repo.git("ls-remote", "--quiet", url).decode("utf-8", "replace")
    return [oid for line in listed.splitlines() if is_oid(oid := line.partition("\t")[0])]


def list_fetched(repo: Repository) -> list[str]:
    """Returns the commits that the last fetch brought, with or without a ref for them.

    A line of FETCH_HEAD each, the oid before a tab (git-fetch).
    """
    path = repo.git_dir / "FETCH_HEAD"
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    oids = [oid for oid in (line.partition("\t")[0] for line in lines) if is_oid(oid)]
    return [oid for kind, oid in history.peel(repo, oids).values() if kind == "commit"]


def list_cloned(repo: Repository, settings: config.Values) -> list[str]:
    """Returns the commit that `git clone --revision` (2.49) brought, which no ref names.

    HEAD's reflog, which is this clone's own, begins with it. In other clones refs hold what
    came, as they do of what is fetched.

    Args:
        settings: its variables `remote.*`, maybe with others.
    """
    of_remotes = [key for key in settings if key.startswith("remote.")]
    if not of_remotes or any(key.endswith(".fetch") for key in of_remotes):
        return []
    # A signature is shown on standard output, where `log.showSignature` asks for it.
    words = ("log", "--walk-reflogs", "--no-show-signature", "--format=%H %gs", "HEAD")
    said = repo.git(*words, accept=(0, 128))
    first = said.decode("utf-8", "replace").rstrip("\n").rpartition("\n")[2]
    oid, _, action = first.partition(" ")
    return [oid] if action.startswith("clone: ") else []


def note(repo: Repository) -> None:
    """Remembers where the remotes are, of those that are not known yet."""
    known = _read_known(repo)
    new = {name: _digest(one.fetched) for name, one in read(repo).items() if one.fetched}
    if new.keys() - known.keys():
        lines = [f"{digest} {name}\n" for name, digest in (new | known).items()]
        sharing.replace(repo.common_dir, repo.state_dir / _KNOWN, "".join(lines))


def _read_fetched(repo: Repository, name: str, remotes: Iterable[str]) -> list[str]:
    """Returns what the tracking refs of a remote hold, without those of `NAME/OTHER`."""
    own, *others = (
        os.fsencode(f"refs/remotes/{one}/")
        for one in (name, *remotes)
        if one == name or one.startswith(f"{name}/")
    )
    others = [one for one in others if one != own]
    return [ref.oid for ref in refs.read(repo, own) if not ref.name.startswith(tuple(others))]


def _read_known(repo: Repository) -> dict[str, str]:
    path = repo.common_dir / STATE_DIRECTORY / _KNOWN
    lines = path.read_text("utf-8", "surrogateescape").splitlines() if path.exists() else []
    pairs = (line.split(" ", 1) for line in lines)
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def _digest(url: str) -> str:
    # An address may hold a password.
    return hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()
