"""What `git model status` shows: each protected file, and the signature of HEAD."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from git_model_security.checkout import file_state
from git_model_security.errors import FAILED, UNCHECKED, ConfigError, Error, GitError
from git_model_security.git import attributes, index, pathspec
from git_model_security.git.paths import shown
from git_model_security.messages import counted
from git_model_security.migrate.journal import Journal
from git_model_security.policy import gitmodel
from git_model_security.provenance import telling
from git_model_security.setup import accept_policy, write_policy
from git_model_security.setup.hooks import hook_place
from git_model_security.trust import pinned_trust
from git_model_security.verification import basis, model_roots, tree_check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from git_model_security.checkout.file_state import File
    from git_model_security.clone.clone import Clone
    from git_model_security.git.index import Entry

_Answer = TypeVar("_Answer")

VERIFIED = "verified"


@dataclass(frozen=True)
class Head:
    """What HEAD is: `verified`, or in a few words why not; empty before the first commit."""

    said: str
    status: int = 0

    @property
    def is_verified(self) -> bool:
        """Whether its signatures hold."""
        return self.said == VERIFIED


@dataclass
class State:
    """The state of a clone.

    Attributes:
        key_here: whether the key for new content was found; False in a locked clone.
        head: `verified`, or why HEAD is not; empty before the first commit.
        status: the exit status of a gate: of HEAD's signatures, and of what is in the index.
        signers: fingerprints of the trusted signers.
        files: the protected files of the index.
        policy_drift: how `.gitmodel` differs from what this clone pinned; empty when not.
        is_migrating: `git model migrate` was killed in the middle.
        attributes_hold: whether `.gitattributes` says what `.gitmodel` does.
        digest: what `model.sig` is made over; empty without a policy.
        conflicts: paths in conflict, whoever protects them: nothing is signed meanwhile.
        is_staged: it is the index that is signed, and not committed yet.
        unvouched: paths of HEAD, which is not verified, that nobody vouches for, each with
            who stands behind it.
    """

    locked: bool
    key_id: str
    head: str
    status: int
    commit: str
    signers: list[str]
    files: list[File] = field(default_factory=list)
    missing_hooks: list[str] = field(default_factory=list)
    policy_drift: str = ""
    is_migrating: bool = False
    attributes_hold: bool = True
    digest: str = ""
    conflicts: list[bytes] = field(default_factory=list)
    key_here: bool = False
    is_staged: bool = False
    unvouched: dict[bytes, str] = field(default_factory=dict)

    @property
    def stock_verifies(self) -> bool:
        """Whether the stock `model_signing verify` command can check `model.sig`.

        It always hashes with SHA-256; of other digests only its Python API knows.
        """
        return self.digest == "sha256"

    def to_json(self) -> dict[str, object]:
        """Returns the state for machines; the keys are stable."""
        return {
            "version": 1,
            "locked": self.locked,
            "key_id": self.key_id,
            "key_here": self.key_here,
            "head": self.head,
            "signed_as_staged": self.is_staged,
            "commit": self.commit or None,
            "unvouched": [shown(path) for path in self.unvouched],
            "good": not self.status,
            "exit_status": self.status,
            "conflicts": [shown(path) for path in self.conflicts],
            "signers": self.signers,
            "files": [file.to_json() for file in self.files],
            "missing_hooks": self.missing_hooks,
            "policy_drift": self.policy_drift,
            "is_migrating": self.is_migrating,
            "attributes_hold": self.attributes_hold,
            "digest": self.digest,
            "stock_verifies": self.stock_verifies,
        }


def of(clone: Clone, pathspecs: Sequence[str] = ()) -> State:
    """Returns the state of a clone: of all files, or of those that pathspecs match.

    Raises:
        GitError: there is no work tree, or a pathspec matches nothing.
    """
    repo = clone.repo
    repo.require_work_tree()
    locked = clone.ring.locked
    head = head_state(clone)
    state = State(
        locked,
        "" if locked else clone.ring.wanted[-1],
        head.said,
        head.status,
        index.resolve(repo, "HEAD^{commit}") or "",
        pinned_trust.pinned(repo).fingerprints(),
        missing_hooks=[] if locked else hook_place.missing(repo, repo.hooks, clone.settings),
    )
    state.key_here = state.key_id in clone.ring.keys
    state.policy_drift = _unless_refused(lambda: _drift(clone), "")
    state.is_migrating = Journal(repo).is_moving
    state.attributes_hold = _unless_refused(lambda: write_policy.is_written(clone), True)
    staged = index.staged(repo)
    state.conflicts = sorted({entry.path for entry in staged if entry.stage})
    entries = [entry for entry in staged if entry.is_file and not entry.stage]
    policy = _unless_refused(lambda: gitmodel.find(entries, clone.objects), None)
    state.digest = policy.digest if policy else ""
    if pathspecs:
        chosen = {entry.path for entry in pathspec.list_matching(repo, pathspecs)}
        entries = [entry for entry in entries if entry.path in chosen]
    guarded = attributes.protected(repo, (entry.path for entry in entries))
    committed = index.tree(repo, "HEAD") if state.commit else []
    state.is_staged = not state.conflicts and _is_signed(clone, staged, committed)
    if state.is_staged or head.is_verified:
        signed = _held(clone, staged if state.is_staged else committed)
    else:
        signed = _unless_refused(lambda: _signed_of(clone, committed), set())
    state.files = file_state.of(clone, [e for e in entries if e.path in guarded], signed)
    in_clear = any(file.encrypted is False and file.size for file in state.files)
    if state.commit and not (head.is_verified or locked):
        state.unvouched = telling.describe(clone, state.commit)
    if state.conflicts and head.said:
        # What HEAD signed is not what lies here now: nothing is signed before the merge is.
        state.head = f"unverified: {counted(len(state.conflicts), 'path')} in conflict"
    if state.conflicts or in_clear:
        state.status = FAILED
    return state


def _unless_refused(ask: Callable[[], _Answer], otherwise: _Answer) -> _Answer:
    try:
        return ask()
    except ConfigError:  # a .gitmodel that is refused: what HEAD is says it already
        return otherwise


def _drift(clone: Clone) -> str:
    found = accept_policy.drift(clone)
    return accept_policy.describe(found) if found and found.is_felt else ""


def head_state(clone: Clone, *, sealed_only: bool = False) -> Head:
    """Returns what HEAD is; `sealed_only` by ciphertext alone, where objects are not here."""
    tree = index.head_tree(clone.repo)
    if tree is None:
        return Head("")
    trust = pinned_trust.pinned(clone.repo)
    if not trust.fingerprints():
        return Head("unverified: no trusted signer is pinned", UNCHECKED)
    if not sealed_only and tree_check.holds(clone, tree):
        return Head(VERIFIED)
    try:
        verdict = tree_check.check(clone, "HEAD", trust.verifiers(), sealed_only=sealed_only)
    except Error as error:
        return Head(f"unverified: {error}", error.gate_status)
    said = VERIFIED if verdict.good else f"unverified: {verdict.why}"
    return Head(said, verdict.status)


def _is_signed(clone: Clone, staged: Sequence[Entry], committed: Sequence[Entry]) -> bool:
    """Tells whether the index is signed as it is, otherwise than HEAD: `git model sign` did."""
    if basis.bundles(staged) in (set(), basis.bundles(committed)):
        return False
    try:
        return pinned_trust.is_known_good(clone, index.write_tree(clone.repo))
    except GitError:  # another process holds the index: it is changing
        return False


def _signed_of(clone: Clone, entries: Sequence[Entry]) -> set[tuple[bytes, str]]:
    """Returns what a trusted signer signed of a HEAD that as a whole is unverified."""
    verifiers = pinned_trust.pinned(clone.repo).verifiers()
    found = tree_check.list_signed(clone, entries, verifiers) if verifiers else ()
    return {(entry.path, entry.oid) for entry in found}


def _held(clone: Clone, entries: Sequence[Entry]) -> set[tuple[bytes, str]]:
    policy = gitmodel.find(entries, clone.objects)
    roots = policy.roots if policy else ()
    found = (entry for root in roots for _, entry in model_roots.under(root, entries))
    return {(entry.path, entry.oid) for entry in found}
