"""How a person is told of what nobody vouches for: who brought it, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.clone.provenance import NOTHING
from git_model_security.content import blob
from git_model_security.errors import UnvouchedError
from git_model_security.git import attributes, history, index, rev_list, trees
from git_model_security.git.paths import shown
from git_model_security.provenance.commits import Commits

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from git_model_security.clone.clone import Clone
    from git_model_security.git.trees import Fact
    from git_model_security.provenance.recording import Assessment
    from git_model_security.provenance.sources import Sources

SHOWN_PATHS = 20
_SUBJECT = 40
"""Characters of a subject that are shown."""
_COMMIT = " and commit"
_TRUST = "; or trust whoever signed them: `git model trust add --public-key FILE`"


def refusal(
    assessment: Assessment, *, amend: bool = False, is_made: bool = False
) -> UnvouchedError:
    """Returns the error that names each path of the index that nobody vouches for.

    Args:
        amend: the index was to become HEAD.
        is_made: the commit is made all the same, unsigned.
    """
    clone = assessment.commits.clone
    held = trees.facts(index.staged(clone.repo))
    paths = sorted(assessment.doubts)
    origins = _origins(assessment, held, paths[:SHOWN_PATHS])
    lines = [
        f"{shown(path)} ({'removed, ' * (path not in held)}{origins.get(path, 'changed')})"
        for path in paths[:SHOWN_PATHS]
    ]
    listed = "\n  ".join(messages.shortened(lines, SHOWN_PATHS, len(paths)))
    files = messages.counted(len(paths), "file")
    return UnvouchedError(
        f"{files} came from a commit without a trusted signature, and nothing shows that"
        f" they were made here:\n  {listed}",
        hint=_hint(clone, paths, " --amend" * amend, "" if amend or is_made else _COMMIT),
    )


def _origins(
    assessment: Assessment, held: Mapping[bytes, Fact], paths: Collection[bytes]
) -> dict[bytes, str]:
    """Returns which commit brought what stands at paths, in words."""
    commits, clone = assessment.commits, assessment.commits.clone
    rows = clone.provenance.brought({held[path][1] for path in paths if path in held})
    named: dict[bytes, str] = {}
    over: set[bytes] = set()  # what somebody else brought was changed, or replaced
    for path in paths:
        brought = [row for row in rows.get(held.get(path, NOTHING)[1], ()) if row.commit]
        brought.sort(key=lambda row: row.path != path)
        foreign = (
            row.commit for row in brought if row.commit and commits.is_foreign(row.commit)
        )
        commit = next(foreign, None)
        if commit is None:
            commit = _last_change(commits, path, assessment.sources)
            over |= {path} & held.keys()
        if commit is not None:
            named[path] = commit
    here = history.peel(clone.repo, named.values())
    said = history.subjects(clone.repo, (one for one, (kind, _) in here.items() if kind))
    return {
        path: "on top of " * (path in over) + _shown(commit, said.get(commit))
        for path, commit in named.items()
    }


def _last_change(commits: Commits, path: bytes, found: Sources) -> str | None:
    for one in found.all:
        if path in commits.known_doubts(one):
            return rev_list.last_change(commits.clone.repo, one, path) or one
    return next(iter((*found.squashed, *found.suspects)), None)


def _shown(commit: str, said: tuple[str, str] | None) -> str:
    if said is None:
        return f"{commit[:7]}, unsigned, and gone since"
    subject, author = said
    short = subject if len(subject) <= _SUBJECT else f"{subject[:_SUBJECT]}…"
    return f'{commit[:7]} "{messages.legible(short)}" by {messages.legible(author)}, unsigned'


def _hint(clone: Clone, paths: Collection[bytes], option: str, then: str) -> str:
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
    return f"look at them, then {adopt}{then}{_TRUST}"


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
