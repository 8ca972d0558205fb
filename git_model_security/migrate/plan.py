"""What a migration would do, decided before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.clone.clone import Clone
from git_model_security.errors import PolicyError
from git_model_security.git import attributes as git_attributes
from git_model_security.git.paths import shown
from git_model_security.migrate import (
    clone_setup,
    commits_and_tags,
    leftovers,
    moving,
    preconditions,
    sealing,
    stashes,
    survey,
)
from git_model_security.migrate.survey import LetOut
from git_model_security.policy import attributes, gitmodel
from git_model_security.setup import clear_files
from git_model_security.storage import LFS

if TYPE_CHECKING:
    from git_model_security.git.repository import Repository
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.walk import Progress
    from git_model_security.migrate.commits_and_tags import Lost
    from git_model_security.migrate.moving import Ref
    from git_model_security.migrate.sealing import Content
    from git_model_security.migrate.stashes import Stash
    from git_model_security.migrate.survey import Survey
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.setup import init
    from git_model_security.setup.clear_files import Glimpse
    from git_model_security.setup.init import Request


@dataclass
class Plan:
    """What a migration would do.

    Attributes:
        is_new: the repository is not set up yet: its policy and keys come with this.
        initial: what `git model init` would do here; None where it is set up.
        protected: paths whose files become ciphertext.
        let_out: paths whose files do in some commits, and stay clear in others.
        lost: what the commits cannot keep.
        signed_tags: tags that lose their signature; oids of those that only a tag names.
        glimpses: what stays clear and a person has to look at; see `setup.clear_files`.
        findings: what would still be found afterwards: models and keys in clear at
            paths that nothing protects.
        unvouched: refs that no trusted signature stands for now.
        copies: protected content that also stands in clear at other paths.
        uncovered: remote-tracking refs with something in clear that no ref here has.
        unreplaced: the others of them that no branch here has the name of.
    """

    policy: Policy
    is_new: bool
    refs: list[Ref]
    stash: Stash
    seen: Survey
    protected: set[bytes]
    let_out: LetOut
    content: Content
    lost: Lost
    initial: init.Plan | None = None
    signed_tags: list[str] = field(default_factory=list)
    glimpses: dict[bytes, Glimpse] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    unvouched: list[str] = field(default_factory=list)
    copies: dict[str, bytes] = field(default_factory=dict)
    uncovered: list[str] = field(default_factory=list)
    unreplaced: list[str] = field(default_factory=list)

    @property
    def clear(self) -> list[bytes]:
        """The paths of files that stay as they are, but for those of git-model."""
        ours = {gitmodel.NAME, git_attributes.FILE, *self.policy.signature_paths()}
        return sorted(self.seen.files.keys() - self.protected - ours)

    @property
    def sealed(self) -> list[bytes]:
        """The paths of files that are in clear, and will be encrypted in all commits."""
        clear = self.content.clear.keys()
        files = self.seen.files
        return sorted(one for one in self.protected if not clear.isdisjoint(files[one]))

    @property
    def moved(self) -> list[Ref]:
        """The refs that will name new history."""
        return [ref for ref in self.refs if ref.is_moved]

    @property
    def is_needed(self) -> bool:
        """Whether there is anything in clear to encrypt, or a repository to set up."""
        return self.is_new or bool(self.content.clear)

    @property
    def notes(self) -> list[Ref]:
        """The refs of notes: they stay as they are, and speak of the old commits."""
        return [ref for ref in self.refs if ref.name.startswith(moving.NOTES)]

    @property
    def remotes(self) -> list[str]:
        """What shows other repositories and holds the old history."""
        return sorted(ref.name for ref in self.refs if ref.name.startswith(leftovers.REMOTES))

    @property
    def pathless(self) -> list[Ref]:
        """The refs that name a tree or a blob: they stay as they are."""
        return [ref for ref in self.refs if ref.target_kind in {"tree", "blob"}]


def make(
    repo: Repository,
    request: Request,
    *,
    accept_findings: bool = False,
    progress: Progress | None = None,
) -> Plan:
    """Looks at all of the history, and decides; writes nothing.

    Args:
        accept_findings: go on though models or keys will stay in clear.
        progress: told how far the look at the content is.

    Raises:
        Error: something is in the way; it says what.
    """
    preconditions.require(repo)
    standing = clone_setup.find_policy(repo, request)
    policy = standing.policy
    there = moving.find_refs(repo)
    moved = [ref for ref in there if ref.is_moved]
    if not moved:
        raise PolicyError("there is no history yet", hint="`git model init` sets it up")
    rules = attributes.render(policy)
    stash = stashes.found(repo, there)
    branches = [ref.target for ref in moved]
    seen = survey.look_through(repo, [*branches, *stash.oids])
    if seen.blocked:
        raise PolicyError(
            f"the history has {shown(min(seen.blocked))}, where git-model needs a file",
            hint="rename it in the history first: `git filter-repo --path-rename`",
        )
    protected = git_attributes.protected_by(rules, seen.files)
    clone = Clone(repo)
    limit = policy.limit if policy.storage != LFS else None
    with clone.objects:
        preconditions.require_clean(repo, protected)
        if standing.is_new or not standing.is_checked_out:
            preconditions.require_free(repo, {*policy.signature_paths(), gitmodel.NAME})
        let_out = LetOut()
        if not standing.is_new:
            let_out = survey.find_untracked(
                repo, [*branches, *stash.oids], seen.files, protected
            )
        then = let_out.files()
        files = {**seen.files, **then}
        found = sealing.look_at_content(clone, files, protected | then.keys(), limit)
        leftovers.require_one_policy(repo, there, rules, seen, let_out)
        plan = Plan(
            policy,
            standing.is_new,
            there,
            stash,
            seen,
            protected,
            let_out,
            found,
            commits_and_tags.find_lost(repo, seen.commits),
            standing.initial,
        )
        found_now = leftovers.audit_now(repo, clone, plan, rules, progress)
        plan.findings = leftovers.find_remaining(repo, plan, found_now)
        plan.glimpses = clear_files.noted_in_history(clone, seen.files, plan.clear)
        plan.unvouched = leftovers.find_unvouched(clone, plan)
    names = {ref.oid: ref.name for ref in moved if ref.is_tag}
    plan.signed_tags = [
        names.get(oid, oid) for oid in commits_and_tags.find_signed_tags(repo, names)
    ]
    plan.copies = leftovers.find_copies(plan)
    plan.uncovered = leftovers.find_uncovered(repo, there, found_now)
    plan.unreplaced = leftovers.find_unreplaced(there, plan.uncovered)
    if plan.uncovered:
        raise _not_here(plan)
    if plan.findings and not accept_findings:
        raise _left_in_clear(plan)
    return plan


class RefusedError(PolicyError):
    """A migration would not do what it is for; `plan` shows what it would do."""

    def __init__(self, message: str, hint: str, refused: Plan) -> None:
        super().__init__(message, hint=hint)
        self.plan = refused


def _not_here(refused: Plan) -> RefusedError:
    """Branches of other repositories hold something in clear, and are no branches here."""
    names = ", ".join(map(leftovers.shorten, refused.uncovered))
    return RefusedError(
        f"{len(refused.uncovered)} remote-tracking refs hold in clear what must be"
        " encrypted, in commits that no ref here has: they would not be migrated, and a"
        f" push would not replace them: {names}",
        f"make branches of them, then migrate: `{leftovers.suggest_branches(refused)}`; or,"
        " where yours is only behind, `git pull`; what nobody needs: `git push REMOTE"
        " --delete BRANCH`; what is not yours: `git remote remove REMOTE`",
        refused,
    )


def _left_in_clear(refused: Plan) -> RefusedError:
    option = "--include PATTERN" if refused.is_new else "`git model track PATTERN`"
    return RefusedError(
        f"{len(refused.findings)} models, keys or other files would still be in the"
        " history in clear, at places that the policy does not protect",
        f"protect them too with {option}; a ref that names a blob or tree:"
        " `git update-ref -d REF`; what may stay: --accept-findings",
        refused,
    )
