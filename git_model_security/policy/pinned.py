"""The pinned policy of a clone: what it protects whatever is pulled, and what it released.

Files under the Git common directory, which nothing in a repository can write:
`info/attributes` with the generated block; `git-model/policies`, the blobs of the
`.gitmodel`s that were taken over here, the last one now; `git-model/policy`, the text of
that one, since `git gc` prunes what no commit holds; `git-model/repository`, the names of
the repository that these are of; `git-model/released`, the blobs that `untrack` made clear.
docs/SPEC.md, "Pinned policy".
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, PolicyError
from git_model_security.git import attributes as git_attributes
from git_model_security.git import batch, config, index, sharing
from git_model_security.git.hash_object import blob_oid
from git_model_security.git.objects import is_oid
from git_model_security.git.repository import STATE_DIRECTORY
from git_model_security.policy import attributes, gitmodel, identity
from git_model_security.policy.syntax import SIGNING_TIMES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy

JUDGED = "git-model-judged"
"""In the git directory of each work tree: what `hooks.pre_commit` has judged."""
_POLICIES = "policies"
_POLICY = "policy"
_RELEASED = "released"
_REPOSITORY = "repository"


def rules(repo: Repository) -> str:
    """Returns the block in `info/attributes`; empty where nothing is pinned.

    What a person wrote around it is no part of the policy.
    """
    return attributes.block(_text(repo))


def pin(repo: Repository, policy: Policy) -> bool:
    """Writes a policy's attributes to `info/attributes`; tells whether they changed."""
    return _pin(repo, attributes.render(policy))


def take_over(repo: Repository, policy: Policy, oid: str) -> bool:
    """Pins the policy of a `.gitmodel` as this clone's own; tells whether attributes changed.

    What stands at untracked paths now may be there in clear: just these contents.
    """
    is_new = current(repo) != oid
    accept(repo, oid)
    if policy.untracked and is_new:
        entries = {entry.path: entry.oid for entry in index.staged(repo) if entry.is_file}
        clear = git_attributes.protected_by(attributes.matching(policy.untracked), entries)
        release(repo, sorted(entries[path] for path in clear))
    return pin(repo, policy)


def guard(repo: Repository) -> bool:
    """Leads every path of a deploy clone through a filter of ours; tells if that was news."""
    return _pin(repo, rules(repo))


def is_guarded(repo: Repository) -> bool:
    """Tells whether no path of a deploy clone gets round our filters."""
    return _with(repo, rules(repo)) == _text(repo)


def outranked_by(repo: Repository) -> str | None:
    """Returns the first line behind the block, which wins over it; None where there is none.

    Tools append theirs, such as `nbstripout --install`.
    """
    text = attributes.spliced(_text(repo), "", attributes.SHOWN_BEGIN, attributes.SHOWN_END)
    behind = text.rpartition(attributes.END)[2].splitlines() if rules(repo) else []
    return next((one for one in behind if one.strip() and not one.startswith("#")), None)


def _pin(repo: Repository, block: str) -> bool:
    new = _with(repo, block)
    if new == _text(repo):
        return False
    _replace(repo, _attributes(repo), new)
    repo.forget()
    # What was judged by the rules of before may be judged otherwise by these.
    for directory in (repo.common_dir, *repo.common_dir.glob("worktrees/*")):
        (directory / JUDGED).unlink(missing_ok=True)
    return True


def _with(repo: Repository, block: str) -> str:
    new = _pinned(_text(repo), block)
    if config.is_deploy(config.read(repo)):
        markers = (attributes.GUARD_BEGIN, attributes.GUARD_END)
        new = attributes.spliced(new, attributes.guarding(block), *markers)
    return new


def without(text: str) -> str:
    """Returns the text of an `info/attributes` without what `pin` wrote."""
    return _pinned(text, "")


def _pinned(text: str, block: str) -> str:
    shown = attributes.SHOWN if block else ""
    new = attributes.spliced(text, block)
    return attributes.spliced(new, shown, attributes.SHOWN_BEGIN, attributes.SHOWN_END)


def current(repo: Repository) -> str | None:
    """Returns the blob of the `.gitmodel` that was taken over last, if any was."""
    known = _oids(repo, _POLICIES)
    return known[-1] if known else None


def is_accepted(repo: Repository, oid: str) -> bool:
    """Tells whether a `.gitmodel` was made here, or taken over, at any time."""
    return oid in _oids(repo, _POLICIES)


def accept(repo: Repository, oid: str) -> None:
    """Remembers a `.gitmodel` as the one of now."""
    text = batch.contents(repo, [oid])[oid]
    before = repositories(repo)  # of a clone from before there was such a record
    _replace(repo, repo.state_dir / _POLICY, text.decode("utf-8", "surrogateescape"))
    with contextlib.suppress(ConfigError):  # one of a newer git-model names no repository yet
        _bind(repo, before | identity.names(gitmodel.parse(text)))
    kept = [one for one in _oids(repo, _POLICIES) if one != oid]
    _write(repo, _POLICIES, [*kept, oid])


def policy(repo: Repository) -> Policy | None:
    """Returns the policy that was taken over last, if any was.

    Raises:
        ConfigError: this version cannot read it.
        PolicyError: it is lost.
    """
    oid = current(repo)
    if oid is None:
        return None
    try:
        text = (repo.common_dir / STATE_DIRECTORY / _POLICY).read_bytes()
    except FileNotFoundError:
        text = b""
    if blob_oid(repo.object_format, text) != oid:
        if not batch.sizes(repo, [oid]):
            raise PolicyError(
                "the policy that this clone took over is lost",
                hint="`git model track --accept` takes over the one that is staged",
            )
        text = batch.contents(repo, [oid])[oid]
    return gitmodel.parse(text)


def repositories(repo: Repository) -> frozenset[str]:
    """Returns the names of the repository that this clone is of; none before it is known."""
    try:
        text = (repo.common_dir / STATE_DIRECTORY / _REPOSITORY).read_text("ascii", "replace")
    except FileNotFoundError:
        try:
            mine = policy(repo)
        except (ConfigError, PolicyError):
            mine = None
        return frozenset() if mine is None else identity.names(mine)
    return frozenset(text.split())


def bind(repo: Repository, policy: Policy) -> None:
    """Takes a policy for one of this repository, by which it is known from now on."""
    _bind(repo, repositories(repo) | identity.names(policy))


def _bind(repo: Repository, names: frozenset[str]) -> None:
    path = repo.state_dir / _REPOSITORY
    if not path.is_file() or names != repositories(repo):
        _replace(repo, path, "".join(f"{name}\n" for name in sorted(names)))


def earlier_time(repo: Repository, proposed: Policy, oid: str) -> str:
    """Returns `signing.when` of the policy taken over, or of a proposed one that is earlier.

    `oid` is the blob of the `.gitmodel` that holds the proposed policy.

    Raises:
        ConfigError: the policy taken over cannot be read by this version.
        PolicyError: it is lost.
    """
    mine = policy(repo) if current(repo) != oid else None
    return min(proposed.when, mine.when if mine else proposed.when, key=SIGNING_TIMES.index)


def released(repo: Repository) -> frozenset[str]:
    """Returns the clear blobs that this clone let out on purpose."""
    return frozenset(_oids(repo, _RELEASED))


def release(repo: Repository, oids: Iterable[str]) -> None:
    """Remembers clear blobs of which an envelope stood at the same path before."""
    known = _oids(repo, _RELEASED)
    more = [oid for oid in dict.fromkeys(oids) if oid not in set(known)]
    if more:
        _write(repo, _RELEASED, [*known, *more])


def withhold(repo: Repository, oids: Iterable[str]) -> None:
    """Takes `release` back."""
    known, gone = _oids(repo, _RELEASED), set(oids)
    if gone & set(known):
        _write(repo, _RELEASED, [oid for oid in known if oid not in gone])


def _attributes(repo: Repository) -> Path:
    return repo.common_dir / "info" / "attributes"


def _text(repo: Repository) -> str:
    try:
        return _attributes(repo).read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def _oids(repo: Repository, name: str) -> list[str]:
    # Not `state_dir`, which makes it: a guard may read a repository it cannot write.
    try:
        text = (repo.common_dir / STATE_DIRECTORY / name).read_text("ascii", "replace")
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if is_oid(line)]


def _write(repo: Repository, name: str, oids: Iterable[str]) -> None:
    _replace(repo, repo.state_dir / name, "".join(f"{oid}\n" for oid in oids))


def _replace(repo: Repository, path: Path, text: str) -> None:
    sharing.make_directory(repo.common_dir, path.parent)
    sharing.replace(repo.common_dir, path, text)
