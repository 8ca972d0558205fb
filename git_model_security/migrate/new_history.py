"""Makes the new history: content first, then tips that are signed, then all commits.

Signed is what refs will hold: both bundles of each model root, over a tree to be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from git_model_security.errors import Error, PolicyError
from git_model_security.git import attributes as git_attributes
from git_model_security.git import index
from git_model_security.git.hash_object import write_blob
from git_model_security.git.index import REGULAR, Entry
from git_model_security.git.paths import shown
from git_model_security.migrate import clone_setup, commits_and_tags, rewriting, sealing, survey
from git_model_security.policy import attributes, gitmodel
from git_model_security.signatures import signatures
from git_model_security.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository
    from git_model_security.migrate.journal import Journal
    from git_model_security.migrate.plan import Plan
    from git_model_security.migrate.rewriting import Rewriting
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.methods import Signer

    Progress = Callable[[str, int, int], None]
    """Told of what, how much of how much is done."""


def seal_content(
    clone: Clone, plan: Plan, policy: Policy, journal: Journal, progress: Progress | None
) -> Rewriting:
    """Seals what is in clear, and writes our own files for each commit.

    Returns:
        What each entry of each commit becomes.

    Raises:
        Error: an object is damaged, or there is no room.
    """
    told = None if progress is None else partial(progress, "encrypting")
    sealed = sealing.seal_all(clone, plan.content, journal, told)
    sealing.require_there(clone, set(sealed.values()))
    seen = plan.seen.files
    kept = survey.read_policies(clone.repo, seen.get(gitmodel.NAME, ()))
    own = attributes.render(policy)
    blocks = {attributes.render(one) for one in kept.values()}
    spliced = {}
    for oid in seen.get(git_attributes.FILE, ()):
        text = clone.objects.read(oid, limit_bytes=git_attributes.FILE_LIMIT_BYTES)
        new = rewriting.splice(text, own, blocks)
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


def make_commits(
    clone: Clone, plan: Plan, rules: Rewriting, journal: Journal, progress: Progress | None
) -> Made:
    """Signs the tips to be, and makes all commits; scratch refs hold them.

    Raises:
        GitError: a commit did not come through, or there is no room.
    """
    repo = clone.repo
    branches = list(dict.fromkeys(ref.target for ref in plan.moved))
    tips = sign_tips(clone, branches, rules)
    clone.objects.close()  # it would not see what comes now

    def told(count: int) -> None:
        if progress is not None:
            progress("commits", count, len(plan.seen.commits))

    everything = list(dict.fromkeys([*branches, *plan.stash.oids]))
    rewriter = rewriting.Rewriter(repo, rules, tips, plan.stash)
    made = rewriting.rewrite_commits(repo, everything, journal.path("marks"), rewriter, told)
    commits_and_tags.require_same(repo, made)
    return Made(tips, made)


def name_refs(repo: Repository, plan: Plan, made: Made) -> dict[str, str]:
    """Returns what each ref will name: commits, and tags made anew."""
    tagging = [ref.oid for ref in plan.moved if ref.is_tag]
    tagged = commits_and_tags.rewrite_tags(repo, tagging, made.commits)
    return {
        ref.name: tagged[ref.oid] if ref.is_tag else made.commits[ref.target]
        for ref in plan.moved
    }


@dataclass
class Tip:
    """A commit that a ref names, as it will be.

    Attributes:
        tree: all its entries.
        signatures: the entries that are put in for its signatures.
        before: what stood in their places, or None for nothing.
        unsigned: why it is not signed; empty when it is.
    """

    tree: dict[bytes, Entry]
    signatures: dict[bytes, Entry] = field(default_factory=dict)
    before: dict[bytes, Entry | None] = field(default_factory=dict)
    unsigned: str = ""


def sign_tips(clone: Clone, commits: Iterable[str], rules: Rewriting) -> dict[str, Tip]:
    """Signs the trees that these commits will have; a signature that holds is kept.

    Raises:
        KeyNotFoundError: this clone has no signing key.
    """
    signer = clone_setup.require_signer(clone)
    return {commit: _sign_tip(clone, signer, commit, rules) for commit in commits}


def _sign_tip(clone: Clone, signer: Signer, commit: str, rules: Rewriting) -> Tip:
    old = {entry.path: entry for entry in index.tree(clone.repo, commit)}
    tip = Tip(rules.tree(old.values()))
    tree = index.require(clone.repo, f"{commit}^{{tree}}")
    if tip.tree == old and tree_check.holds(clone, tree):
        return tip
    try:
        _sign(clone, signer, tip)
    except Error as error:
        # What no signature can cover, such as a link, stood there before us.
        tip.unsigned = str(error)
    for path, entry in tip.signatures.items():
        tip.before[path] = tip.tree.get(path)
        tip.tree[path] = entry
    return tip


def _sign(clone: Clone, signer: Signer, tip: Tip) -> None:
    policy = gitmodel.find(tip.tree.values(), clone.objects)
    assert policy is not None
    state = dict(tip.tree)
    made: dict[bytes, Entry] = {}

    def put(path: bytes, manifest: Manifest, is_sealed: bool) -> None:
        _require_room(state, path)
        bundle = signatures.make_bundle(
            clone, signer, manifest, manifest.fingerprint, is_sealed=is_sealed
        )
        write_blob(clone.repo, bundle.blob)
        made[path] = state[path] = Entry(path, REGULAR, bundle.oid)

    signatures.sign_roots(clone, policy, state, put)
    tip.signatures = made


def _require_room(entries: dict[bytes, Entry], path: bytes) -> None:
    parents = {path[:at] for at, byte in enumerate(path) if byte == ord("/")}
    if parents & entries.keys() or any(name.startswith(path + b"/") for name in entries):
        raise PolicyError(f"{shown(path)}: there is no room for the signature")
