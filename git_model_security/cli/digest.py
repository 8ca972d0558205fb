"""`git model digest`: what stands for a whole model, without a signature."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from git_model_security import messages
from git_model_security.cli import directory_options, methods, options, terminal
from git_model_security.cli.progress import Bar
from git_model_security.clone import missing_policy
from git_model_security.clone.clone import Clone
from git_model_security.directories import model as models
from git_model_security.directories import selection, signing
from git_model_security.errors import GitError, PolicyError
from git_model_security.git import index
from git_model_security.git.paths import shown
from git_model_security.git.repository import Repository
from git_model_security.policy import gitmodel, pinned
from git_model_security.signing import roles
from git_model_security.signing.manifest import DIGESTS
from git_model_security.verification import manifests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from git_model_security.signing.manifest import Manifest


@click.command("digest", context_settings=methods.SPELLINGS)
@click.argument("path", type=options.FILE, default=".")
@click.option(
    "--rev", metavar="REV", help="Of the model root PATH in a commit; hashes only what is new."
)
@directory_options.ignoring
@directory_options.progress
@click.option(
    "--digest", type=click.Choice(DIGESTS), default="sha256", help="Digest of the files."
)
@click.option(
    "--manifest", is_flag=True, help="Print the digest of each file as well, as JSON."
)
def command(path: Path, rev: str | None, **said: Any) -> None:
    """Print the digest of a model: that which its signature has of it as a whole.

    SHA-256 over the digests of its files, in the order of their names (OMS 1.0, 6.5.1).
    model_signing has another where names sort otherwise than paths (`a.c` before `a/c`): it
    compares them by component. As there a signature in the directory is a file of it:
    --ignore-paths leaves it out, as what signed the model did. At the top of the clone that
    you are in, what no model.sig signs is left out: it is the digest of HEAD where nothing was
    changed.
    """
    if rev is not None:
        if said["ignored"] or not said["ignore_git_paths"]:
            raise click.UsageError(
                "--ignore-paths and --no-ignore-git-paths go with a directory: of a commit"
                " it is the digest that model.sig signs"
            )
        found = _of_commit(rev, gitmodel.as_root(str(path)), said["digest"])
    else:
        said["ignored"] += tuple(path / name for name in _list_unsigned(path))
        model = directory_options.model(path, {**said, "signature": models.NO_SIGNATURE})
        with Bar("Hashing") as bar:
            progress = bar if said["use_progress_bar"] else None
            found = signing.make_manifest(model, said["digest"], progress)
        _tell(path, found)
    digest = signing.digest_of(found)
    if not said["manifest"]:
        terminal.result(f"sha256:{digest}")
        return
    terminal.document(
        {
            "version": 1,
            "name": found.name,
            "digest": {"sha256": digest},
            "algorithm": found.digest,
            "ignore_paths": list(found.ignore_paths),
            "files": {name: value.hex() for name, value in sorted(found.items.items())},
        }
    )


def _list_unsigned(path: Path) -> Sequence[str]:
    """Returns what the bundle of the user's clone leaves out, where the directory is its top.

    As the pinned policy says: a `.gitmodel` that came along would choose what is not hashed.
    """
    try:
        repo = Repository.discover()
    except GitError:
        return ()
    if repo.work_tree is None or path.resolve() != repo.work_tree.resolve():
        return ()
    policy = pinned.policy(repo)
    if policy is None or roles.TOP not in policy.roots:
        return ()
    names = roles.ignore_paths(policy.signature)
    return [name for name in names if os.path.lexists(path / name)]


def _tell(path: Path, found: Manifest) -> None:
    """Says why a digest may not be the one that somebody expects."""
    if roles.STOCK_SIGNATURE in found.items:
        messages.info(
            f"{roles.STOCK_SIGNATURE} is a file of it; the digest that it signs:"
            f" --ignore-paths {shown(os.fsencode(path / roles.STOCK_SIGNATURE))}"
        )
    files = selection.select(path).files
    is_one = found.items.keys() == {roles.ONE_FILE}
    named = [one for one in files if is_one or os.fsdecode(one.path) in found.items]
    if sealed := sum(one.kind.is_sealed for one in named):
        counted = messages.counted(sealed, "file")
        messages.info(f"it is the digest of ciphertext: {counted} of it encrypted")
    if pointers := sum(one.kind.is_pointer for one in named):
        counted = messages.counted(pointers, "pointer")
        messages.warn(
            f"it is not the digest of the files: {counted} of git-lfs among them",
            "`git lfs pull` fetches them, where the directory is a clone",
        )


def _of_commit(rev: str, root: str, digest: str) -> Manifest:
    """Returns the manifest of a model root in a commit, as `model.sig` signs it.

    Raises:
        PolicyError: the commit has no such model root, or nothing in it.
        Error: a file does not open.
    """
    clone = Clone()
    missing_policy.require_ours(clone.repo, rev)
    with clone.objects:
        entries = index.tree(clone.repo, index.require(clone.repo, f"{rev}^{{tree}}"))
        policy = gitmodel.find(entries, clone.objects)
        found = None
        if policy is not None and root in policy.roots:
            found = manifests.make_plaintext(clone, policy, root, entries, digest)
    if found is None:
        listed = ", ".join(policy.roots) if policy else "none"
        raise PolicyError(f"{root}: is no model root of {rev}", hint=f"these are: {listed}")
    return found
