"""Makes the new history: content first, then tips that are signed, then all commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.git import attributes as git_attributes
from git_model_security.git import history
from git_model_security.git.hash_object import write_blob
from git_model_security.migrate import compare, rewriting, sealing, signing, stream, tags
from git_model_security.policy import attributes, gitmodel

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository
    from git_model_security.migrate.journal import Journal
    from git_model_security.migrate.plan import Plan
    from git_model_security.migrate.refs import Ref
    from git_model_security.migrate.rewriting import Rewriting
    from git_model_security.migrate.signing import Tip
    from git_model_security.policy.gitmodel import Policy

    Progress = Callable[[str, int, int], None]
    """Told of what, how much of how much is done."""


def content(
    clone: Clone, plan: Plan, policy: Policy, journal: Journal, progress: Progress | None
) -> Rewriting:
    """Seals what is in clear, and writes our own files for each commit.

    Returns:
        What each entry of each commit becomes.

    Raises:
        Error: an object is damaged, or there is no room.
    """

    def told(count: int, total: int) -> None:
        if progress is not None:
            progress("encrypting", count, total)

    sealed = sealing.all_sealed(clone, plan.content, journal, told)
    sealing.require_there(clone, set(sealed.values()))
    seen = plan.seen.files
    kept = rewriting.kept_policies(clone.repo, seen.get(gitmodel.NAME, ()))
    own = attributes.render(policy)
    blocks = {attributes.render(one) for one in kept.values()}
    spliced = {}
    for oid in seen.get(git_attributes.FILE, ()):
        text = clone.objects.read(oid, limit_bytes=git_attributes.FILE_LIMIT_BYTES)
        new = rewriting.spliced(text, own, blocks)
        spliced[oid] = oid if new == text else write_blob(clone.repo, new)
    return rewriting.Rewriting(
        plan.protected,
        sealed,
        write_blob(clone.repo, gitmodel.render(policy)),
        set(kept),
        write_blob(clone.repo, own.encode()),
        spliced,
        plan.let_out.guarded,
    )


@dataclass
class Made:
    """The new history.

    Attributes:
        tips: what refs name, as they will be, by their old commits.
        commits: the new commits, by the old ones.
        noted: the same of the history of notes.
        stale_notes: how many notes speak of trees or tags.
    """

    tips: dict[str, Tip]
    commits: dict[str, str]
    noted: dict[str, str]
    stale_notes: int

    @property
    def all(self) -> dict[str, str]:
        """The new commits; those that notes share with a branch became two."""
        return {**self.noted, **self.commits}

    def of(self, ref: Ref) -> str:
        """Returns the new commit of a ref."""
        return (self.noted if ref.is_note else self.commits)[ref.target]


def commits(
    clone: Clone, plan: Plan, rules: Rewriting, journal: Journal, progress: Progress | None
) -> Made:
    """Signs the tips to be, and makes all commits; scratch refs hold them.

    Raises:
        GitError: a commit did not come through, or there is no room.
    """
    repo = clone.repo
    branches = list(dict.fromkeys(ref.target for ref in plan.moved if not ref.is_note))
    notes = list(dict.fromkeys(ref.target for ref in plan.moved if ref.is_note))
    tips = signing.signed(clone, branches, rules)
    clone.objects.close()  # it would not see what comes now

    def told(count: int, total: int) -> None:
        if progress is not None:
            progress("commits", count, total)

    engine = stream.Engine(repo, journal.path("marks"), len(plan.seen.commits), told)
    everything = list(dict.fromkeys([*branches, *plan.stash.oids]))
    made = engine.rewritten(everything, stream.Content(repo, rules, tips, plan.stash))
    speaking = stream.Notes({**rules.sealed, **made})
    noted = engine.rewritten(notes, speaking)
    compare.require_same(repo, made)
    compare.require_same(repo, noted)
    return Made(tips, made, noted, _stale(repo, speaking.others))


def _stale(repo: Repository, names: set[str]) -> int:
    """Returns how many of these objects are trees or tags, which are others now."""
    oids = {name for name in names if len(name) in {40, 64} and name.isalnum()}
    found = history.peeled(repo, oids).items()
    return sum(kind == "tree" or (bool(kind) and oid != name) for name, (kind, oid) in found)


def names(repo: Repository, plan: Plan, made: Made) -> dict[str, str]:
    """Returns what each ref will name: commits, and tags made anew."""
    tagging = [ref.oid for ref in plan.moved if ref.kind == "tag"]
    tagged = tags.rewritten(repo, tagging, made.commits)
    return {
        ref.name: tagged[ref.oid] if ref.kind == "tag" else made.of(ref) for ref in plan.moved
    }
