"""Signatures on push: what the configured refs get must be signed, by whom is trusted.

The default branch and the tags are what others build on and deploy. Other branches may
hold what is unsigned or stale: a rebase passes through that.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError
from git_model_security.git import attributes, config, history, index, refs
from git_model_security.git.paths import shown
from git_model_security.policy import gitmodel
from git_model_security.provenance import policy_trust, telling
from git_model_security.provenance.commits import Commits
from git_model_security.signatures import signers
from git_model_security.trust import pinned_trust
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.guard.outgoing import Pushed

REFS = "git-model.signedrefs"
"""Configuration: patterns of the refs; several values, or `none`."""

_TAG, _HEADS = "refs/tags/", "refs/heads/"
_SERIES = 2
"""From here on it is a series, and one `--amend` does not sign it."""
_NO_COMMIT = (
    "nothing was pushed; only a commit can be signed: tag one, `git tag --delete {0}` the"
    " other, or push it to a ref that need not be signed (`git config git-model.signedRefs`)"
)


@dataclass
class Unsigned:
    """What the refs would get unsigned.

    Attributes:
        lines: a line of text for each of the refs.
        hint: the command that repairs it.
        excused: refs whose commits needed no key, of a clone that has none.
    """

    lines: list[str] = field(default_factory=list)
    hint: str = ""
    excused: list[str] = field(default_factory=list)


def find_unsigned(clone: Clone, lines: Iterable[Pushed], remote: str | None) -> Unsigned:
    """Checks the tips that the configured refs would get.

    A clone that cannot sign may push what it needed no key for: then nothing of the
    model is other than what somebody signed, and whoever can sign does it next.

    Raises:
        GitError: an object is missing.
    """
    found = Unsigned()
    patterns = _patterns(clone, remote)
    for line in lines:
        if line.deletes or not any(fnmatchcase(line.remote_ref, one) for one in patterns):
            continue
        tree = index.resolve(clone.repo, f"{line.local_oid}^{{commit}}^{{tree}}")
        if tree is None:
            found.lines.append(f"{line.remote_ref}: {line.local_oid[:12]} is no commit")
            found.hint = found.hint or _NO_COMMIT.format(
                shlex.quote(line.remote_ref.rpartition("/")[2])
            )
            continue
        if tree_check.holds(clone, tree):
            continue
        if line.remote_ref.startswith("refs/heads/") and _is_signed_later(clone, tree):
            continue
        if not signers.can_sign(clone) and not _needed_a_key(clone, line):
            found.excused.append(line.remote_ref)
            continue
        found.lines.append(f"{line.remote_ref}: {line.local_oid[:12]} is {_why(clone, tree)}")
        found.hint = found.hint or _hint(clone, line)
    return found


def _patterns(clone: Clone, remote: str | None) -> Sequence[str]:
    chosen = clone.settings.get(REFS)
    if chosen is not None:
        return [pattern for pattern in chosen if pattern != "none"]
    return [f"{_TAG}*", *_default_branches(clone, remote)]


def _default_branches(clone: Clone, remote: str | None) -> Iterator[str]:
    """Yields the remote's default branch; where it never said, what it may be."""
    if remote is not None:
        prefix = os.fsencode(f"refs/remotes/{remote}/")
        for ref in refs.read(clone.repo, prefix):
            if ref.name == prefix + b"HEAD" and ref.symref:
                yield f"refs/heads/{os.fsdecode(ref.symref.removeprefix(prefix))}"
                return
    usual = config.get(clone.repo, "init.defaultBranch")
    yield from (f"refs/heads/{name}" for name in {"main", "master", usual} if name)


def _is_signed_later(clone: Clone, tree: str) -> bool:
    """Tells whether the team signs releases only: then branches are not signed."""
    entries = index.tree(clone.repo, tree)
    try:
        policy = gitmodel.find(entries, clone.objects)
        when = policy and policy_trust.when_to_sign(clone.repo, policy, entries)
    except ConfigError:
        return False
    return when == "release"


def _needed_a_key(clone: Clone, line: Pushed) -> bool:
    """Tells whether a push changes anything that is protected, or signed, or decides it."""
    base = line.remote_oid
    if line.creates or index.resolve(clone.repo, f"{base}^{{commit}}") is None:
        return True
    listed = clone.repo.git(
        *("diff-tree", "-r", "-z", "--no-renames", "--name-only", base, line.local_oid)
    )
    paths = {path for path in listed.split(b"\0") if path}
    if any(path.rpartition(b"/")[2] in {attributes.FILE, gitmodel.NAME} for path in paths):
        return True
    return bool(attributes.protected(clone.repo, paths))


def _why(clone: Clone, tree: str) -> str:
    trust = pinned_trust.pinned(clone.repo)
    if not trust.fingerprints():
        return "unverified: no trusted signer is pinned here"
    try:
        verdict = tree_check.check(clone, tree, trust.verifiers(), may_be_absent=True)
    except ConfigError as error:
        return f"unverified: {error}"
    return "unverified" if verdict.good else f"not signed as it is: {verdict.why}"


def _hint(clone: Clone, line: Pushed) -> str:
    if not pinned_trust.pinned(clone.repo).fingerprints():
        return "nothing was pushed; `git model unlock --public-key FILE` pins who is trusted"
    if not signers.can_sign(clone):
        return (
            "nothing was pushed; push to another branch and let somebody sign it, or give"
            " this clone a key: `git model unlock --key FILE --signing-key FILE`"
        )
    return f"nothing was pushed; {_say_how(clone, line)}"


def _say_how(clone: Clone, line: Pushed) -> str:
    """Returns how whoever has a signing key makes a push pass.

    What the remote has already is not rewritten: others build on it.
    """
    commit = index.require(clone.repo, f"{line.local_oid}^{{commit}}")
    if commit != index.resolve(clone.repo, "HEAD^{commit}"):
        return _say_elsewhere(line, commit)
    series = _unpublished(clone, line, commit)
    foreign = _find_unvouched(clone)
    said = _say_for_head(foreign, amend=bool(series))
    if not series:
        said += ", and `git commit` commits that"
    if line.remote_ref.startswith(_TAG):
        return f"{said}; then `git tag --force {_name(line)}` moves the tag"
    if foreign or len(series) < _SERIES or not _is_linear(clone, series):
        return said
    (below,) = history.parents(clone.repo, series[:1]).values()
    onto = below[0][:12] if below else "--root"
    return (
        f"{said}; each commit of the series: git rebase --exec 'git model sign --amend' {onto}"
    )


def advise_head(clone: Clone) -> str:
    """Returns how HEAD, which nobody else has yet, gets its signature."""
    return _say_for_head(_find_unvouched(clone), amend=True)


def _say_for_head(foreign: str, *, amend: bool) -> str:
    option = " --amend" * amend
    if foreign:
        return (
            f"look at what nobody vouches for, {foreign} for example; `git model sign"
            f" --adopt PATH{option}` (`.` for all) does"
        )
    return f"`git model sign{option}` signs it"


def _say_elsewhere(line: Pushed, commit: str) -> str:
    """Returns how to sign what is not checked out: `sign` is for HEAD."""
    if line.remote_ref.startswith(_TAG):
        return (
            f"sign that commit and move the tag: `git switch --create BRANCH {commit[:12]}`,"
            f" `git model sign --amend`, `git tag --force {_name(line)}`; or tag one that is"
            " signed"
        )
    if line.local_ref.startswith(_HEADS):
        branch = shlex.quote(line.local_ref.removeprefix(_HEADS))
        return f"`git switch {branch}`, then `git model sign --amend` signs it"
    return f"`git switch --create BRANCH {commit[:12]}`, then `git model sign --amend`"


def _name(line: Pushed) -> str:
    return shlex.quote(line.remote_ref.removeprefix(_TAG))


def _unpublished(clone: Clone, line: Pushed, commit: str) -> list[str]:
    """Returns the commits that would leave, parents first, as far as this clone knows."""
    there = line.remote_oid
    is_here = not line.creates and index.resolve(clone.repo, f"{there}^{{commit}}")
    known = [there] if is_here else []
    return history.commits(clone.repo, [commit], without=["--remotes", *known])


def _is_linear(clone: Clone, commits: Sequence[str]) -> bool:
    return all(len(above) <= 1 for above in history.parents(clone.repo, commits).values())


def _find_unvouched(clone: Clone) -> str:
    """Returns the first path of HEAD that nobody vouches for yet, if there is one."""
    head = index.require(clone.repo, "HEAD^{commit}")
    left = telling.list_left(Commits(clone), head)
    return shown(left[0]) if left else ""
