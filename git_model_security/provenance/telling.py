"""How a person is told of what nobody vouches for: who brought it, and what to do."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import messages
from git_model_security.clone.provenance import NOTHING
from git_model_security.content import blob
from git_model_security.errors import ConfigError, Error, UnvouchedError
from git_model_security.git import attributes, history, index, rev_list, trees
from git_model_security.git.paths import shown
from git_model_security.policy import gitmodel, identity
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, within
from git_model_security.provenance.commits import Commits
from git_model_security.provenance.sources import Sources
from git_model_security.signing import dsse, statement
from git_model_security.verification import manifests

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from git_model_security.clone.clone import Clone
    from git_model_security.git.trees import Fact
    from git_model_security.provenance.recording import Assessment

SHOWN_PATHS = 20
_TAKEN = 16
"""The newest of the commits in play, so many, may stand behind what HEAD has."""
_LOOKED_AT = 32
"""So many commits that changed a path are looked at: one's own may stand on somebody's."""
_SUBJECT = 40
"""Characters of a subject that are shown."""
_COMMIT = " and commit"
_TRUST = "; or trust whoever signed them: `git model trust add --public-key FILE`"


class _Origin(NamedTuple):
    """The commit of somebody that stands behind a path.

    Attributes:
        commit: that brought what is there, or changed it last.
        is_below: what it brought was changed since, or replaced.
    """

    commit: str
    is_below: bool


def refusal(
    assessment: Assessment,
    *,
    amend: bool = False,
    is_made: bool = False,
    held: Mapping[bytes, Fact] | None = None,
) -> UnvouchedError:
    """Returns the error that names each path that nobody vouches for.

    Args:
        assessment: what was said of the index, or of a commit.
        amend: the index was to become HEAD.
        is_made: the commit is made all the same, unsigned.
        held: what the commit holds; else what the index does.
    """
    clone = assessment.commits.clone
    if held is None:
        held = trees.facts(index.staged(clone.repo))
    paths = sorted(assessment.doubts)
    origins = _origins(assessment.commits, assessment.sources, held, paths[:SHOWN_PATHS])
    said = _in_words(clone, origins)
    lines = [
        f"{shown(path)} ({'removed, ' * (path not in held)}{said.get(path, 'changed')})"
        for path in paths[:SHOWN_PATHS]
    ]
    listed = "\n  ".join(messages.shortened(lines, SHOWN_PATHS, len(paths)))
    below = {path for path, origin in origins.items() if origin.is_below}
    is_all_below = below == {*paths}
    look = "look whether all of it is yours" if is_all_below else "look at them"
    then = "" if amend or is_made else _COMMIT
    return UnvouchedError(
        f"{_headline(len(paths), len(below))}:\n  {listed}",
        hint=_hint(clone, paths, look, " --amend" * amend, then),
    )


def _headline(count: int, below: int) -> str:
    """Returns what is wrong with files, of which so many stand on what somebody brought."""
    files = messages.counted(count, "file")
    if below == count:
        were = "was" if count == 1 else "were"
        return f"{files} {were} changed on top of a commit without a trusted signature"
    if below:
        return (
            f"{files} came from a commit without a trusted signature, or were changed on top"
            " of one"
        )
    were = "it was" if count == 1 else "they were"
    return (
        f"{files} came from a commit without a trusted signature, and nothing shows that"
        f" {were} made here"
    )


def describe(clone: Clone, commit: str) -> dict[bytes, str]:
    """Returns the paths of a commit that nobody vouches for, each with who stands behind it.

    What that is, is empty where it is not known, and of all but the first few.
    """
    commits = Commits(clone)
    paths = list_left(commits, commit)
    if not paths:
        return {}
    found = Sources(
        tuple(commits.parents(commit)),
        tuple(commits.made_of(commit)),
        (),
        tuple(clone.provenance.in_play()[-_TAKEN:]),
    )
    if commits.is_foreign(commit):
        found = Sources((commit,))
    held = commits.facts(commit)
    said = _in_words(clone, _origins(commits, found, held, paths[:SHOWN_PATHS]))
    return {
        path: ", ".join(filter(None, ["removed" * (path not in held), said.get(path, "")]))
        for path in paths
    }


def list_left(commits: Commits, commit: str) -> list[bytes]:
    """Returns the doubtful paths of a commit that are left to decide for.

    Not those that were adopted on top of it, nor signatures: the next one replaces them.
    """
    doubts = commits.doubts(commit)
    clone = commits.clone
    is_head = commit == index.resolve(clone.repo, "HEAD^{commit}")
    adopted = clone.provenance.adopted(commit) if is_head else set()
    signatures: set[bytes] = set()
    if gitmodel.NAME not in doubts:
        with contextlib.suppress(ConfigError):  # one that cannot be read names none
            policy = gitmodel.find(index.tree(clone.repo, commit), clone.objects)
            signatures = policy.signature_paths() if policy else set()
    left = doubts.keys() - signatures
    return sorted(one for one in left if (one, *commits.at(commit, one)) not in adopted)


def _origins(
    commits: Commits, found: Sources, held: Mapping[bytes, Fact], paths: Collection[bytes]
) -> dict[bytes, _Origin]:
    """Returns whose commit stands behind each path, where that is known."""
    rows = commits.clone.provenance.brought({held[path][1] for path in paths if path in held})
    named: dict[bytes, _Origin] = {}
    for path in paths:
        brought = [row for row in rows.get(held.get(path, NOTHING)[1], ()) if row.commit]
        brought.sort(key=lambda row: row.path != path)
        foreign = (
            row.commit for row in brought if row.commit and commits.is_foreign(row.commit)
        )
        if commit := next(foreign, None):
            named[path] = _Origin(commit, is_below=False)
        elif commit := _last_change(commits, path, found.parents):
            named[path] = _Origin(commit, is_below=path in held)
        elif commit := _taken_from(commits, path, found):
            named[path] = _Origin(commit, is_below=False)
    return named


def _last_change(commits: Commits, path: bytes, among: Iterable[str]) -> str | None:
    """Returns the foreign commit that changed a path last, in the history of a doubting one."""
    one = next((one for one in among if path in commits.known_doubts(one)), None)
    if one is None:
        return None
    changed = rev_list.last_changes(commits.clone.repo, one, path, _LOOKED_AT)
    return next(filter(commits.is_foreign, (*changed, one)), None)


def _taken_from(commits: Commits, path: bytes, found: Sources) -> str | None:
    """Returns the commit of which content was taken that stands at a path now.

    Where it came from another path, only one commit may come into question: nobody is named
    upon a guess.
    """
    taken = (*found.applied, *found.squashed, *found.suspects)
    if commit := _last_change(commits, path, taken):
        return commit
    doubted = {one for one in taken if commits.is_foreign(one) and commits.known_doubts(one)}
    return doubted.pop() if len(doubted) == 1 else None


def _in_words(clone: Clone, origins: Mapping[bytes, _Origin]) -> dict[bytes, str]:
    oids = dict.fromkeys(origin.commit for origin in origins.values())
    kinds = history.peel(clone.repo, oids)
    here = [one for one in oids if kinds[one][0]]
    said = history.subjects(clone.repo, here)
    named = {one: f"{one[:7]}, unsigned, and gone since" for one in oids}
    named |= {one: _shown(one, *said[one], _signature(clone, one)) for one in here}
    return {
        path: "on top of " * origin.is_below + named[origin.commit]
        for path, origin in origins.items()
    }


def _shown(commit: str, subject: str, author: str, signature: str) -> str:
    short = subject if len(subject) <= _SUBJECT else f"{subject[:_SUBJECT]}…"
    by = messages.legible(author)
    return f'{commit[:7]} "{messages.legible(short)}" by {by}, {signature}'


def _signature(clone: Clone, commit: str) -> str:
    """Returns what a person is told of the signature of a commit that does not stand.

    A bundle for just this tree is one of somebody who is not trusted here, or a forged one:
    whom it names is not proven, and not said.
    """
    entries = index.tree(clone.repo, commit)
    try:
        policy = gitmodel.find(entries, clone.objects)
        place = within(policy.roots[0], CIPHERTEXT_SIGNATURE) if policy else b""
        bundles = [entry.oid for entry in entries if entry.path == place]
        if policy and bundles:
            ((_, data),) = clone.objects.read_many(bundles)
            signed = statement.parse(dsse.parse(data).payload)
            if manifests.lists(signed, policy, entries):
                is_ours = identity.is_of(policy, clone.repositories)
                return "its signature not trusted" if is_ours else "of another repository"
    except Error:
        pass
    return "unsigned"


def _hint(clone: Clone, paths: Collection[bytes], look: str, option: str, then: str) -> str:
    """Returns the commands that take such files over.

    What came in clear is encrypted first: adopted as it is, it would be signed, and stay
    in clear.
    """
    clear = _came_in_clear(clone, paths)
    adopt = f"`git model sign --adopt PATH{option}` (`.` for all)"
    if clear:
        return (
            f"{shown(clear)} came in clear: `git model repair` encrypts it in a commit of"
            f" its own; look at the files, then {adopt}"
        )
    return f"{look}, then {adopt}{then}{_TRUST}"


def _came_in_clear(clone: Clone, paths: Collection[bytes]) -> bytes | None:
    """Returns one of the paths that is protected, and that a parent has in clear."""
    commits = Commits(clone)
    parents = history.parents_to_be(clone.repo)
    for path in sorted(attributes.protected(clone.repo, paths)):
        for mode, oid in (commits.at(parent, path) for parent in parents):
            if mode in index.FILES and _is_clear(clone, oid):
                return path
    return None


def _is_clear(clone: Clone, oid: str) -> bool:
    with blob.open_blob(clone.objects.stream(oid), clone.lfs) as found:
        return found.kind.is_plain
