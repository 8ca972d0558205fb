"""Files of a commit: an inline blob is put into a file without a name, as the ciphertext it is.

Nothing is fetched for that: which program asks a remote, the repository itself says.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from functools import partial
from typing import TYPE_CHECKING

from git_model_security.api import models, options
from git_model_security.api.verified_files import Named, Source, hashed, rooted
from git_model_security.clone.clone import Clone
from git_model_security.content import blob, reader
from git_model_security.errors import ConfigError
from git_model_security.git import index
from git_model_security.git import partial as partial_clone
from git_model_security.git.repository import Repository
from git_model_security.policy import gitmodel
from git_model_security.signing.roles import CIPHERTEXT
from git_model_security.trust import verifiers
from git_model_security.verification import tree_check
from git_model_security.verification.model_roots import under
from git_model_security.verification.root import Root

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.api.options import VerifierOptions
    from git_model_security.api.verified_files import Place


class Commit(Source):
    """Files of a commit; of an object of git-lfs where it lies, else in a file without name."""

    def __init__(self, top: Path, revision: str, trust: VerifierOptions) -> None:
        repo = partial_clone.offline(Repository.discover(top, local=False))
        self._clone = Clone(repo)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._clone.objects)
            self._open(top, revision, trust)
            self._stack = stack.pop_all()

    def _open(self, top: Path, revision: str, trust: VerifierOptions) -> None:
        repo = self._clone.repo
        accepted = options.accepted("load", trust, partial(verifiers.of, repo))
        commit = index.unambiguous(repo, revision)
        entries = index.tree(repo, index.require(repo, f"{commit}^{{tree}}"))
        # That the tree is the one that was signed; each file when it is asked for.
        verdict = tree_check.check(
            self._clone, commit, accepted, sealed_only=True, entries=entries, chosen=()
        )
        models.require_good(verdict)
        policy = gitmodel.find(entries, self._clone.objects)
        assert policy is not None  # or nothing had been verified
        if len(policy.roots) > 1:
            raise ConfigError(
                f"{top}: has several models: {', '.join(policy.roots)}",
                hint="`git model export` makes a directory, of which one is loaded",
            )
        root = Root(self._clone, policy, policy.roots[0], entries, accepted)
        opened = root.open(CIPHERTEXT)
        self._entries = {os.fsdecode(name): entry for name, entry in under(root.name, entries)}
        signed = opened.manifest.files()
        self.names = {name: signed[name] for name in signed if name in self._entries}
        self.roots = opened.manifest.roots
        self.signer = str(opened.signer)

    def verify(self, name: str) -> Place:
        """See `Source`."""
        entry = self._entries[name]
        pointer = blob.pointer_of(self._clone.objects.stream(entry.oid))
        path: Named
        if pointer is not None:
            self._clone.lfs.open(pointer).close()  # or it says how to fetch it
            path = Named(self._clone.lfs.path(pointer), name)
        else:
            held = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with the model
            self._stack.enter_context(held)
            for chunk in reader.chunks(self._clone, entry.oid):
                held.write(chunk)
            held.flush()
            path = Named(f"/dev/fd/{held.fileno()}", name)
        if name in self.roots:
            return rooted(path, self.roots[name], name)
        return hashed(path, self.names[name], name)

    def close(self) -> None:
        """See `Source`."""
        self._stack.close()
