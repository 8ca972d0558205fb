"""`git model clone --deploy`: a clone in which nothing stands that was not verified.

1. Clone, and let Git write no file.
2. Say that this is a deploy clone, before anything else could write one: from now on
   the filters admit nothing that was not released.
3. Pin the signer; verify the signatures over ciphertext, which needs no key.
4. Is it the commit that is expected?
5. Let the clone use the key, and set it up.
6. Verify all of it, with every file opened, and release it (`release`).
7. Write the work tree past Git, and make the index agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import GitError, VerificationError
from git_model_security.filter.clone import Clone
from git_model_security.git import config, history, index
from git_model_security.keyring import material
from git_model_security.policy import pinned
from git_model_security.workspace import cloning, drivers, pinned_trust, unlock
from git_model_security.workspace.deployment import writing
from git_model_security.workspace.deployment.release import Gate
from git_model_security.workspace.verification import tree_check

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.signing.methods import Verifier
    from git_model_security.workspace.materialise import Progress
    from git_model_security.workspace.verification.expected import Expected
    from git_model_security.workspace.verification.verdict import Finding


def clone(
    url: str,
    directory: Path | None,
    options: Sequence[str],
    *,
    key: Path | None,
    signers: Sequence[Verifier],
    expected: Expected,
    progress: Progress | None = None,
) -> tuple[Repository, unlock.Unlocked]:
    """Clones what one of some signers signed, or leaves a clone without any file.

    Args:
        url: what `git clone` takes.
        directory: where to; None is Git's choice.
        options: options for `git clone`.
        key: see `unlock.permit`.
        signers: whom to trust.
        expected: which commit it has to be.
        progress: told how far the decryption is.

    Raises:
        VerificationError: it is not verified, or another commit; no file is written.
        GitError: Git could not clone, or the repository is empty.
        Error: see `unlock.permit`; no file is written.
    """
    if key is not None:
        material.read(key)
    # One branch: others may be work that nobody signed yet, and need not come in.
    repo = cloning.fetched(url, directory, ("--single-branch", *options))
    commit = index.resolve(repo, "HEAD^{commit}")
    if commit is None:
        raise GitError(f"{repo.top}: there is no commit to deploy", hint="name a --branch")
    if history.is_shallow(repo):
        raise GitError(
            f"{url}: its history is cut off: nothing would tell what is older",
            hint=f"deploy from a whole repository; remove {repo.top}, which has no file",
        )
    config.put(repo, config.DEPLOY, "true")
    pinned.guard(repo)
    drivers.configure(repo)
    for signer in signers:
        pinned_trust.pinned(repo).add(signer)
    _require_signed(repo, commit, expected)
    repo.git("read-tree", "HEAD")
    done = unlock.permit(repo, index.staged(repo), key=key)
    clone = Clone(repo)
    with clone.objects:
        gate = Gate(clone)
        gate.accept(commit, gate.branch)
        done.report = writing.write(clone, index.tree(repo, commit), progress)
        gate.remember_head(commit)
    return repo, done


def _require_signed(repo: Repository, commit: str, expected: Expected) -> None:
    clone = Clone(repo)
    verifiers = pinned_trust.pinned(repo).verifiers()
    with clone.objects:
        verdict = tree_check.check(clone, commit, verifiers, sealed_only=True)
    for finding in (*verdict.findings, *expected.differences(repo, commit)):
        raise _refused(repo, commit, finding)


def _refused(repo: Repository, commit: str, finding: Finding) -> VerificationError:
    return VerificationError(
        finding.reason,
        f"{commit[:12]} is not deployed: {finding.reason.value}: {finding.detail}",
        hint=f"no file was written; look at it with `git -C {repo.top} model verify HEAD`,"
        " then remove that directory and clone again; a signer that is trusted there later"
        " brings no file",
    )
