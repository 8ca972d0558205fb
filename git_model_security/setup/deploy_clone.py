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

from git_model_security import messages
from git_model_security.clone.clone import Clone
from git_model_security.deploy.release import Gate
from git_model_security.errors import GitError, KeyNotFoundError, VerificationError
from git_model_security.git import config, history, index
from git_model_security.keyring import key_material, ring
from git_model_security.keyring.store import KeyStore
from git_model_security.policy import pinned
from git_model_security.setup import cloning, deploy_files, drivers, unlock
from git_model_security.trust import pinned_trust
from git_model_security.verify import tree_check

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_model_security.checkout.materialise import Progress
    from git_model_security.git.repository import Repository
    from git_model_security.signing.methods import Verifier
    from git_model_security.verify.expected import Expected

_NAMED = 3
_LOOK = (
    "nothing is left of it; to look at it, `git model clone` without --deploy, and there"
    " `git model verify HEAD`"
)
_KEY = "ask for the key of this repository, and give it by --key FILE or GIT_MODEL_KEY"


def clone(
    url: str,
    directory: Path | None,
    options: Sequence[str],
    *,
    key: Path | None,
    signers: Sequence[Verifier],
    files: Sequence[Path] = (),
    expected: Expected,
    progress: Progress | None = None,
) -> tuple[Repository, unlock.Unlocked]:
    """Clones what one of some signers signed, or leaves nothing.

    Args:
        url: what `git clone` takes.
        directory: where to; None is Git's choice.
        options: options for `git clone`.
        key: see `unlock.permit`.
        signers: whom to trust.
        files: what describes them; see `anchors`.
        expected: which commit it has to be.
        progress: told how far the decryption is.

    Raises:
        VerificationError: it is not verified, or another commit.
        GitError: Git could not clone, the repository is empty, or a file cannot be written.
        Error: see `unlock.permit`.
    """
    _require_key(key)
    # One branch: others may be work that nobody signed yet, and need not come in.
    only = ("--single-branch", *options)
    with cloning.fetched(url, directory, only, files) as repo:
        try:
            return _deployed(repo, url, key, signers, expected, progress)
        except VerificationError as error:
            error.hint = _LOOK
            raise
        except KeyNotFoundError as error:
            error.hint = _KEY
            raise


def _require_key(key: Path | None) -> None:
    """Raises where the clone could decrypt nothing, before it costs a download."""
    if key is not None:
        key_material.read(key)
    elif ring.from_environment() is None and not KeyStore().ids():
        raise KeyNotFoundError("there is no key to decrypt with", hint=_KEY)


def _deployed(
    repo: Repository,
    url: str,
    key: Path | None,
    signers: Sequence[Verifier],
    expected: Expected,
    progress: Progress | None,
) -> tuple[Repository, unlock.Unlocked]:
    commit = index.resolve(repo, "HEAD^{commit}")
    if commit is None:
        raise GitError(f"{repo.top}: there is no commit to deploy", hint="name a --branch")
    if history.is_shallow(repo):
        raise GitError(
            f"{url}: its history is cut off: nothing would tell what is older",
            hint="deploy from a whole repository",
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
        done.report = deploy_files.write(clone, index.tree(repo, commit), progress)
        for place, error in done.report.complaints():
            raise GitError(f"{place}{': ' * bool(place)}{error}", hint=error.hint)
        gate.remember_head(commit)
    return repo, done


def _require_signed(repo: Repository, commit: str, expected: Expected) -> None:
    clone = Clone(repo)
    verifiers = pinned_trust.pinned(repo).verifiers()
    with clone.objects:
        verdict = tree_check.check(clone, commit, verifiers, sealed_only=True)
    verdict.findings += expected.differences(repo, commit)
    worst = verdict.worst
    if worst is not None:
        names = f": {messages.listed(worst.names, _NAMED)}" if worst.names else ""
        said = f"{worst.reason.value}: {worst.detail}{names}"
        raise VerificationError(worst.reason, f"{commit[:12]} is not deployed: {said}")
