"""Makes the new history: content first, then tips that are signed, then all commits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.git import attributes as git_attributes
from git_model_security.git.hash_object import write_blob
from git_model_security.migrate import compare, rewriting, sealing, signing, stream, tags
from git_model_security.policy import attributes, gitmodel

if TYPE_CHECKING:
    from collections.abc import Callable

    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository
    from git_model_security.migrate.journal import Journal
    from git_model_security.migrate.plan import Plan
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
    """

    tips: dict[str, Tip]
    commits: dict[str, str]


def commits(
    clone: Clone, plan: Plan, rules: Rewriting, journal: Journal, progress: Progress | None
) -> Made:
    """Signs the tips to be, and makes all commits; scratch refs hold them.

    Raises:
        GitError: a commit did not come through, or there is no room.
    """
    repo = clone.repo
    branches = list(dict.fromkeys(ref.target for ref in plan.moved))
    tips = signing.signed(clone, branches, rules)
    clone.objects.close()  # it would not see what comes now

    def told(count: int, total: int) -> None:
        if progress is not None:
            progress("commits", count, total)

    engine = stream.Engine(repo, journal.path("marks"), len(plan.seen.commits), told)
    everything = list(dict.fromkeys([*branches, *plan.stash.oids]))
    made = engine.rewritten(everything, stream.Content(repo, rules, tips, plan.stash))
    compare.require_same(repo, made)
    return Made(tips, made)


def names(repo: Repository, plan: Plan, made: Made) -> dict[str, str]:
    """Returns what each ref will name: commits, and tags made anew."""
    tagging = [ref.oid for ref in plan.moved if ref.is_tag]
    tagged = tags.rewritten(repo, tagging, made.commits)
    return {
        ref.name: tagged[ref.oid] if ref.is_tag else made.commits[ref.target]
        for ref in plan.moved
    }
