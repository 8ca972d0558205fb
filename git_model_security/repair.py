"""`git model repair`: one commit that puts the tip right after something came in clear.

What arrived is in the history, and wherever that was fetched: no commit takes it back.
So this makes the tip ciphertext again, that nothing more is built on the leak, and says
what leaked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from git_model_security.clone import audit_log, missing_policy
from git_model_security.errors import PolicyError
from git_model_security.git import index
from git_model_security.guard import audit
from git_model_security.policy import gitmodel, pinned
from git_model_security.provenance import recording, telling
from git_model_security.setup import sealing, write_policy
from git_model_security.signatures import signatures, signers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.guard.finding import Finding
    from git_model_security.policy.gitmodel import Policy

_MESSAGE = "Encrypt again what came in clear\n\ngit model repair"


@dataclass
class Repaired:
    """What `repair` did.

    Attributes:
        sealed: paths that are ciphertext now.
        restored: the policy is again what this clone accepted.
        leaked: what the tip held in clear, and history holds; with the first commit.
        left: what the tip holds still, and only a person can take away.
        commit: the commit that was made; empty when nothing was to be done.
        unsigned: why the commit is not signed; empty when it is.
    """

    sealed: list[bytes] = field(default_factory=list)
    restored: bool = False
    leaked: Sequence[Finding] = ()
    left: Sequence[Finding] = ()
    commit: str = ""
    unsigned: str = ""


def repair(clone: Clone, *, reason: str = "") -> Repaired:
    """Makes HEAD hold ciphertext where it must, in one commit; the work tree stays.

    Args:
        clone: the clone; it holds the key.
        reason: for the audit log.

    Raises:
        PolicyError: something is staged, or no policy was ever accepted here, or is there.
        KeyNotFoundError: the clone is locked.
        Error: an object is missing, or Git refused the commit.
    """
    repo = clone.repo
    repo.require_work_tree()
    missing_policy.require_ours(repo)
    clone.ring.require_key()
    head = index.require(repo, "HEAD^{commit}")
    if repo.git("diff-index", "--cached", "--name-only", "HEAD"):
        raise PolicyError(
            "something is staged, and would get into the commit that repairs",
            hint="commit it or `git restore --staged` it first",
        )
    found = _still_there(clone, _leaks(clone, head))
    done = Repaired(restored=_restore_policy(clone))
    done.sealed = sealing.seal_staged(clone).paths
    if not (done.sealed or done.restored):
        done.left = found
        return done
    done.leaked = found
    done.left = _still_there(clone, found)
    done.unsigned = _sign(clone)
    repo.git("commit", "--quiet", "--no-verify", "-m", _MESSAGE, filters=True, show=True)
    done.commit = index.require(repo, "HEAD^{commit}")
    audit_log.record(
        repo,
        "repair",
        ref="HEAD",
        commits=[done.commit],
        reason=reason,
        findings=[finding.describe() for finding in done.leaked],
    )
    return done


def _leaks(clone: Clone, head: str) -> Sequence[Finding]:
    return audit.audit(clone.repo, [head], keys=clone.ring.keys, known=clone.knows).findings


def _still_there(clone: Clone, found: Sequence[Finding]) -> list[Finding]:
    """Returns those findings that the index holds."""
    held = {(entry.path, entry.oid) for entry in index.staged(clone.repo)}
    return [one for one in found if (one.path, one.oid) in held]


def _restore_policy(clone: Clone) -> bool:
    """Puts back the policy that this clone accepted, where another one came in."""
    accepted = _accepted(clone)
    oid = index.resolve(clone.repo, f":{gitmodel.NAME.decode()}")
    if oid is not None and pinned.is_accepted(clone.repo, oid):
        policy = gitmodel.find(index.staged(clone.repo), clone.objects)
        assert policy is not None
        accepted = policy
    before = index.write_tree(clone.repo)
    write_policy.write(clone.repo, accepted)
    return index.write_tree(clone.repo) != before


def _accepted(clone: Clone) -> Policy:
    policy = pinned.policy(clone.repo)
    if policy is None:
        raise PolicyError(
            "this clone has accepted no policy, so there is nothing to repair by",
            hint="`git model doctor --fix`, or `git model unlock`",
        )
    return policy


def _sign(clone: Clone) -> str:
    """Signs the index; returns why it cannot be: what came in clear is somebody else's."""
    signer = signers.signer(clone)
    if signer is None:
        return "this clone has no signing key"
    try:
        assessment = recording.judge_index(clone)
        if assessment.doubts:
            raise telling.refusal(assessment)
        signatures.sign_index(clone, signer, assessment.sources)
    except PolicyError as error:
        return str(error)
    return ""
