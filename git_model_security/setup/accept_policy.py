"""Taking over a policy that came in: `.gitmodel` says one thing, and this clone another.

The pinned policy of a clone changes only by `git model track`, `untrack` and a person's
confirmation, or under a signature of a pinned signer. Owns how the two are compared,
when a signature suffices, and what has to be done to the work tree then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security import messages
from git_model_security.checkout import checkout
from git_model_security.clone import audit_log
from git_model_security.clone.clone import Clone
from git_model_security.content import reader
from git_model_security.errors import ConfigError, PolicyError
from git_model_security.git import attributes as git_attributes
from git_model_security.git import index
from git_model_security.messages import counted
from git_model_security.policy import attributes, gitmodel, identity, pinned
from git_model_security.policy.gitmodel import NAME
from git_model_security.provenance import policy_trust
from git_model_security.trust import pinned_trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy


_OTHER_ID = "it is of another repository"
_NO_ID = "it does not name this repository any more"
_MORE_NAMES = "it says that trees of another repository are of this one (git-model.formerly)"
_FIRST_ID = "the repository has an id now"
_OTHER_NAMES = {_OTHER_ID, _NO_ID, _MORE_NAMES}
OTHER = ".gitmodel is not the policy that this clone pinned"


@dataclass
class Drift:
    """How the policy of the index differs from the one that this clone pinned.

    Attributes:
        policy: of the index.
        oid: the blob of its `.gitmodel`.
        opened: tracked paths that only the pinned policy protects.
        closed: tracked paths that only the policy of the index protects.
        records: patterns that it says were untracked, and that nobody here confirmed.
        later: when it has commits signed, where that is later than the pinned one says.
        repository: what is new of the repository that it names; empty where nothing is.
    """

    policy: Policy
    oid: str
    opened: list[bytes] = field(default_factory=list)
    closed: list[bytes] = field(default_factory=list)
    records: tuple[str, ...] = ()
    later: str = ""
    repository: str = ""

    @property
    def is_felt(self) -> bool:
        """Whether any tracked file would be kept otherwise; else nobody need be told."""
        is_other = self.repository in _OTHER_NAMES
        return bool(self.opened or self.closed or self.later or is_other)

    @property
    def weakens(self) -> bool:
        """Whether taking it over would protect less."""
        is_other = self.repository in _OTHER_NAMES
        return bool(self.opened or self.records or self.later or is_other)


def drift(clone: Clone) -> Drift | None:
    """Returns what is different; None where nothing is, or nothing is pinned.

    Raises:
        ConfigError: `.gitmodel` cannot be used.
    """
    repo = clone.repo
    mine = pinned.rules(repo)
    oid = index.resolve(repo, f":{NAME.decode()}")
    if not mine or oid is None:
        return None
    policy = gitmodel.find(index.staged(repo), clone.objects)
    assert policy is not None
    theirs = attributes.render(policy)
    is_known = pinned.is_accepted(repo, oid)
    try:
        when = pinned.earlier_time(repo, policy, oid)
    except PolicyError:  # the pinned one is lost, and taking this one over mends that
        when = policy.when
    later = policy.when if when != policy.when else ""
    named = "" if is_known else _repository(repo, policy)
    if mine == theirs and (is_known or not policy.untracked) and not (later or named):
        return None
    paths = [entry.path for entry in index.staged(repo) if entry.is_file]
    here = git_attributes.protected_by(mine, paths)
    there = git_attributes.protected_by(theirs, paths)
    records = () if is_known else policy.untracked
    opened, closed = sorted(here - there), sorted(there - here)
    return Drift(policy, oid, opened, closed, records, later, named)


def _repository(repo: Repository, policy: Policy) -> str:
    known = pinned.repositories(repo)
    if not identity.is_of(policy, known):
        return _OTHER_ID
    if identity.has_id(known):
        if not policy.repository:
            return _NO_ID
        return "" if identity.names(policy) <= known else _MORE_NAMES
    return _FIRST_ID if policy.repository else ""


def take(clone: Clone, found: Drift, *, is_confirmed: bool) -> None:
    """Takes the policy of the index over, and makes the work tree agree with it.

    `is_confirmed` says that a person decided it, and not a signature.

    Raises:
        GitError: the audit log cannot be written; then nothing was taken over.
        Error: a file that would be left clear does not open.
    """
    repo = clone.repo
    # What was encrypted here meanwhile at an untracked path may go out as well.
    freed = _clear_oids(clone, found) if is_confirmed else []
    audit_log.record(
        repo,
        "policy-taken-over",
        commits=filter(None, [index.resolve(repo, "HEAD")]),
        reason="confirmed by a person" if is_confirmed else "signed by a pinned signer",
        findings=[f"{NAME.decode()} blob {found.oid}"],
    )
    pinned.take_over(repo, found.policy, found.oid)
    pinned.release(repo, freed)
    settle(clone, [*found.closed, *found.opened])


def _clear_oids(clone: Clone, found: Drift) -> list[str]:
    rules = attributes.matching(found.policy.untracked)
    paths = git_attributes.protected_by(rules, found.opened)
    entries = [one for one in index.staged(clone.repo) if one.path in paths]
    return [reader.clear_oid(clone, one.oid) for one in entries]


def settle(clone: Clone, paths: Iterable[bytes]) -> None:
    """Brings work tree and index to terms after attributes of paths changed.

    What was checked out while a path was not protected is ciphertext in the work tree.
    """
    repo = clone.repo
    wanted = set(paths)
    again = Clone(repo)  # anew: the attributes are others now
    with again.objects:
        entries = [entry for entry in index.staged(repo) if entry.path in wanted]
        if not again.ring.locked and entries:
            skips = again.skips_smudge
            checkout.restore(again, entries, missing=False, leave_pointers=skips)
        if entries:
            # Stat data were taken under other attributes: an entry without them makes
            # Git compare the content.
            index.stage(repo, [entry for entry in entries if not entry.stage])
    index.refresh(repo)


def take_arrived(clone: Clone, *, is_verified: bool) -> list[str]:
    """Takes over what came with HEAD if a signature suffices; returns what to tell.

    A signature suffices for a policy that *follows* the pinned one in the history of
    HEAD, and was never there before: who brings an old signed tree back must not bring
    back its policy. Everything else is a person's decision, and told once. `is_verified` says
    that HEAD's signatures hold under the pinned trust.
    """
    try:
        found = drift(clone)
    except ConfigError:  # the guards, and `verify`, tell what is wrong with it
        return []
    if found is None:
        return []
    # HEAD itself may be work of one's own, unsigned, on top of what came signed.
    if policy_trust.follows(clone.repo, found.oid) and (
        is_verified or policy_trust.is_signed(clone.repo, found.oid)
    ):
        take(clone, found, is_confirmed=False)
        return [f"took over the protection policy of HEAD: {describe(found, is_done=True)}"]
    if not found.is_felt:
        return []
    if not pinned_trust.once(clone, f"policy {pinned.current(clone.repo)} {found.oid}"):
        return []
    return [
        "warning: .gitmodel says something else than this clone's pinned policy, which"
        f" stays in force: {describe(found)}; `git model track --accept` takes it over"
    ]


def describe(found: Drift, *, is_done: bool = False) -> str:
    """Returns in one line what taking a policy over would change, or did."""
    said = []
    if found.opened:
        count = counted(len(found.opened), "tracked file")
        said.append(f"{count} {_be(found.opened, is_done)} left clear")
    if found.closed:
        count = counted(len(found.closed), "more tracked file")
        said.append(f"{count} {_be(found.closed, is_done)} encrypted")
    if found.records:
        said.append(f"untracked there: {', '.join(map(repr, found.records))}")
    if found.later:
        said.append(f"signing.when is {found.later}, so that commits are not signed")
    if found.repository:
        said.append(found.repository)
    return "; ".join(said) or "it differs for no tracked file"


def warn(drift: str) -> None:
    """Warns of a policy that is not in force here, by what `describe` says of it."""
    messages.warn(
        f"{OTHER}: {drift}",
        "the pinned one stays in force; `git model track --accept` takes .gitmodel over",
    )


def _be(paths: Sequence[bytes], is_done: bool) -> str:
    if not is_done:
        return "would be"
    return "is now" if len(paths) == 1 else "are now"
