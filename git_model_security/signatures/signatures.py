"""The two bundles of each model root: of what they are made, in which order, and by whom.

`sign_index` makes them for what the index holds; others say themselves where they go.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from git_model_security import files, logs, telemetry
from git_model_security.clone import missing_policy
from git_model_security.clone.digests import PlaintextHash
from git_model_security.content import pipeline
from git_model_security.envelope import HEADER_BYTES
from git_model_security.envelope.layout import FOOTER_BYTES
from git_model_security.envelope.root import of_ends
from git_model_security.errors import PolicyError
from git_model_security.git import history, index, index_stat
from git_model_security.git.hash_object import blob_oid, write_blobs
from git_model_security.git.index import REGULAR, Entry
from git_model_security.git.paths import shown
from git_model_security.git.replacement import Replacement, naming
from git_model_security.guard.staged import find_misnamed
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import CIPHERTEXT_SIGNATURE, within
from git_model_security.provenance.inherited import Inherited
from git_model_security.signatures import signature_place
from git_model_security.signing.methods import CERTIFICATE
from git_model_security.trust import pinned_trust
from git_model_security.verification import events, manifests

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository
    from git_model_security.policy.gitmodel import Policy
    from git_model_security.provenance.sources import Sources
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.methods import Signer, SignerIdentity

_OVER = 0.0
"""An end that has passed already."""


class Signed:
    """What signing did.

    Attributes:
        renewed: paths of the signature files that were made anew.
        tree: the tree that the index is now.
        taken: paths of other staged changes that came into HEAD with them.
    """

    def __init__(self, renewed: list[bytes], tree: str) -> None:
        self.renewed = renewed
        self.tree = tree
        self.taken: list[bytes] = []


def require_signable(clone: Clone) -> tuple[list[Entry], Policy]:
    """Returns the entries of the index, and its policy.

    Raises:
        PolicyError: there is none, or a path is in conflict.
    """
    entries = index.committable(clone.repo)
    policy = gitmodel.find(entries, clone.objects)
    conflicts = sorted({shown(entry.path) for entry in entries if entry.stage})
    if conflicts:
        raise PolicyError(
            f"paths in conflict, so nothing can be signed: {', '.join(conflicts)}",
            hint="resolve them and `git add` them, then go on",
        )
    if policy is None:
        raise PolicyError(
            "the index has no .gitmodel: nothing to sign",
            hint=missing_policy.hint(clone.repo),
        )
    _require_no_file_lost(clone, entries)
    return entries, policy


def sign_index(clone: Clone, chosen: Signer, found: Sources) -> Signed:
    """Signs the staged content of every model root and stages the signatures.

    1. No path may be in conflict, and there must be a policy.
    2. The plaintext bundle of each root, then
    3. the ciphertext bundles, which cover the plaintext bundles as well.
       ECDSA is randomised: a bundle is made anew only when its manifest differs.
    4. All of them go into the index and the work tree together.

    The caller has found that every entry is vouched for (`provenance`). What is not on this
    machine is signed as a commit among those `found` did.

    Raises:
        PolicyError: step 1 fails, or a root holds what cannot be signed.
        Error: a blob cannot be opened, or the signer fails.
    """
    entries, policy = require_signable(clone)
    commits = (*found.all, *history.pseudo_ref(clone.repo, "ORIG_HEAD"))
    by_path = {entry.path: entry for entry in entries}
    state = _Round(clone, chosen, by_path, commits)
    inherited = Inherited(clone, commits, policy.digest)
    sign_roots(clone, policy, by_path, state.renew, inherited)
    return state.finish()


def _require_no_file_lost(clone: Clone, entries: Sequence[Entry]) -> None:
    """Raises where a pulled policy gives a signature the name of a file that is there."""
    oids = [entry.oid for entry in entries if entry.path == gitmodel.NAME]
    for finding in find_misnamed(clone.repo, oids, {entry.path for entry in entries}):
        raise PolicyError(
            finding.describe(),
            hint="`git checkout REV -- .gitmodel .gitattributes` brings earlier ones back",
        )


class Bundle(NamedTuple):
    """A bundle that was made, and is in no repository yet.

    Attributes:
        content: the bundle.
        blob: what stands for it in Git: an envelope, where it is sealed.
        oid: of that blob.
    """

    content: bytes
    blob: bytes
    oid: str


def sign_roots(
    clone: Clone,
    policy: Policy,
    entries: Mapping[bytes, Entry],
    put: Callable[[bytes, Manifest, bool], None],
    inherited: Inherited | None = None,
) -> None:
    """Has both bundles of each model root put among the entries.

    The bundles over ciphertext cover those over plaintext, so they come after all of them.
    `put` puts the bundle over a manifest among the entries, at a path; sealed, or in clear.
    What is not on this machine is signed as commits did that hold, where they are `inherited`.

    Raises:
        Error: a blob cannot be opened, or the signer fails.
    """
    plaintext, sealed = None, None
    if inherited is not None:
        plaintext, sealed = inherited.plaintext, inherited.root
    for root in policy.roots:
        made = manifests.make_plaintext(
            clone, policy, root, _sort(entries), policy.digest, plaintext
        )
        if made is not None:
            put(within(root, policy.signature), made, True)
    for root in policy.roots:
        made = manifests.make_ciphertext(clone, policy, root, _sort(entries), signed=sealed)
        put(within(root, CIPHERTEXT_SIGNATURE), made, False)


def _maker(signer: Signer, fingerprint: str) -> str:
    """Returns what is remembered of a bundle, to know that it need not be made again."""
    # Not by name: a renewed certificate has the same one, and signs anew.
    return f"{signer.identity.fingerprint} {fingerprint}"


def make_bundle(
    clone: Clone, signer: Signer, manifest: Manifest, fingerprint: str, *, is_sealed: bool
) -> Bundle:
    """Signs a manifest, which has this fingerprint; remembers the bundle and who made it."""
    with telemetry.span("sign"):
        content = signer.sign(manifest)
    blob = pipeline.seal_bytes(clone.ring.current, content) if is_sealed else content
    oid = blob_oid(clone.repo.object_format, blob)
    if is_sealed:
        running = PlaintextHash(clone.digest)
        running.update(content)
        sealed = hashlib.sha256(blob).digest()
        own = of_ends(blob[:HEADER_BYTES], blob[-FOOTER_BYTES:], len(blob))
        clone.digests.put(oid, running.digests(clone.ring.current.id, sealed, own))
    pinned_trust.remember_maker(clone, oid, _maker(signer, fingerprint))
    return Bundle(content, blob, oid)


def _sort(entries: Mapping[bytes, Entry]) -> list[Entry]:
    return [entries[path] for path in sorted(entries)]


class _Round:
    """One round of signing: the index as it will be, and what to write."""

    def __init__(
        self,
        clone: Clone,
        chosen: Signer,
        entries: dict[bytes, Entry],
        commits: Sequence[str],
    ) -> None:
        self._clone = clone
        self._signer = chosen
        self._entries = entries
        self._commits = commits
        self._bundles: dict[bytes, Bundle] = {}
        self._digests: dict[str, str] = {}

    def renew(self, path: bytes, manifest: Manifest, is_sealed: bool) -> None:
        """Signs a manifest unless the signature at `path` is for the same one."""
        staged = self._entries.get(path)
        made_by = None if staged is None else pinned_trust.maker_of(self._clone, staged.oid)
        fingerprint = manifest.fingerprint
        if made_by == _maker(self._signer, fingerprint):
            return
        if made_by is None and not signature_place.is_own(self._clone, path, self._commits):
            oids = {} if staged is None else {path: staged.oid}
            signature_place.require_free(
                self._clone, [path], oids, signature_place.SETTING, self._signer.verifier
            )
        made = make_bundle(
            self._clone, self._signer, manifest, fingerprint, is_sealed=is_sealed
        )
        logs.info("signed %s as %s", shown(path), self._signer.identity)
        self._entries[path] = Entry(path, REGULAR, made.oid)
        self._bundles[path] = made
        self._digests[shown(path)] = hashlib.sha256(made.content).hexdigest()

    def finish(self) -> Signed:
        """Puts the new signatures into the index and the work tree."""
        repo = self._clone.repo
        if self._bundles:
            write_blobs(repo, [made.blob for made in self._bundles.values()])
            index.stage(repo, [self._entries[path] for path in self._bundles])
            written = {
                path: _write(repo, path, made.content) for path, made in self._bundles.items()
            }
            index_stat.refresh(repo, written)
        tree = index.write_tree(repo)
        if self._bundles:
            events.record_signature(repo, self._trusted(), tree, self._digests)
        # A certificate is looked at when somebody asks: a bundle may be of before it expired.
        ends = _OVER if self._signer.identity.method == CERTIFICATE else None
        pinned_trust.remember_good(self._clone, tree, ends)
        return Signed(sorted(self._bundles), tree)

    def _trusted(self) -> SignerIdentity:
        """Pins whoever signs here, and returns who that is: a token tells only now."""
        own = self._signer.verifier()
        if own is None:
            return self._signer.identity
        pinned_trust.pinned(self._clone.repo).add(own)
        return own.identity


def _write(repo: Repository, path: bytes, content: bytes) -> os.stat_result:
    """Writes a signature so old that neither write-tree nor `git status` cleans it."""
    with naming(path), Replacement(repo.top, path) as new:
        files.write_at(new.descriptor, content, 0)
        new.settle(index_stat.date(repo))
        return new.commit()
