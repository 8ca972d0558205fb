"""Has a clone sign by a method from now on: what `init`, `unlock` and `migrate` share."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from git_model_security.errors import Error, UsageError
from git_model_security.filter.clone import Clone
from git_model_security.git import config, index
from git_model_security.keyring import files
from git_model_security.policy import gitmodel
from git_model_security.signing import bundle, dsse, pem
from git_model_security.signing.by_key import KeyVerifier
from git_model_security.signing.identity import CERTIFICATE, KEY, SIGSTORE
from git_model_security.workspace import pinned_trust, signers, signing_method, trial
from git_model_security.workspace.signers import Given

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from git_model_security.git.repository import Repository
    from git_model_security.signing.keystore import KeyStore

_WITH_KEY_FILE = (KEY, CERTIFICATE)


def keep_key(given: Path | None) -> tuple[str, bytes]:
    """Puts a signing key into the keyring, or makes one.

    Returns:
        Its fingerprint and its public key in PEM.

    Raises:
        ConfigError: it is no signing key, or the keyring cannot be written.
    """
    store = signers.keystore()
    if given is None:
        key = pem.parse_private(store.path(store.create()).read_bytes())
    else:
        text = files.read(given)
        key = pem.parse_private(text, signers.password, str(given))
        store.keep(text, key)
    public = pem.public_pem(key)
    return pem.fingerprint(public), public


def use_key(repo: Repository, given: Path | None) -> str:
    """Has a clone sign with a key, or with a new one, and trust it.

    Returns:
        The fingerprint.

    Raises:
        ConfigError: see `keep_key`.
    """
    fingerprint, public = keep_key(given)
    pinned_trust.pinned(repo).add_public_key(public)
    config.put(repo, signers.SIGNING_KEY, fingerprint)
    config.put(repo, signers.METHOD, KEY)
    return fingerprint


def use(repo: Repository, given: Given, key: Path | None) -> str:
    """Has a clone sign by any method, and trust itself where it is known who that is.

    Args:
        repo: the clone.
        given: the method and what belongs to it.
        key: the private key of the methods that have one in a file.

    Returns:
        The fingerprint of the private key; empty for methods without.

    Raises:
        UsageError: something is missing, or belongs to another method.
        ConfigError: something cannot be used, or what it signs could not be verified.
        Error: the method cannot sign; nothing of the clone has changed.
    """
    method = given.method or KEY
    signers.require_fitting(method, given)
    if method == KEY:
        return use_key(repo, key)
    if (key is not None) != (method in _WITH_KEY_FILE):
        verb = "says nothing of" if key else "is needed with"
        raise UsageError(f"--signing-key {verb} the method {method}")
    signers.require_no_secret(given)
    chosen = signers.signer(Clone(repo), replace(given, private_key=key))
    own = None if chosen is None or method == SIGSTORE else trial.require_verifiable(chosen)
    fingerprint = ""
    if key is not None:
        fingerprint, _ = keep_key(key)
        config.put(repo, signers.SIGNING_KEY, fingerprint)
    signers.settle(repo, given)
    if own is not None:
        pinned_trust.pinned(repo).add(own)
    return fingerprint


def take_key(repo: Repository, key: Path) -> list[str]:
    """Has a set-up clone sign with a key: the one of its certificate, where it has such.

    A certificate stands for its key: trusted by itself, the bare key would outlive what
    the authority says of it.

    Returns:
        What else changed, or is to be done, a line each.

    Raises:
        ConfigError: see `keep_key`; or it is not the key of the clone's certificate.
        Error: the certificate cannot sign; nothing of the clone has changed.
    """
    method = signing_method.of(repo)
    if method != CERTIFICATE:
        use_key(repo, key)
        if method == KEY:
            return []
        return [
            f"this clone signs by key from now on; `git model config signingMethod {method}`"
            " undoes that"
        ]
    clone = Clone(repo)
    own = None
    if signers.CERTIFICATE in clone.settings:
        chosen = signers.signer(clone, Given(CERTIFICATE, private_key=key))
        assert chosen is not None
        own = trial.signed(chosen)
    fingerprint, _ = keep_key(key)
    config.put(repo, signers.SIGNING_KEY, fingerprint)
    config.put(repo, signers.METHOD, CERTIFICATE)
    if own is not None:
        pinned_trust.pinned(repo).add(own)
    lack = signing_method.lack(repo)
    return [f"to sign by certificate, {lack.remedy}"] if lack else []


def take_own(repo: Repository) -> list[str]:
    """Has a clone sign with the key of the user's keyring that signed the repository before.

    A clone that has a signer, or trusts one, stays as it is: that was somebody's choice.

    Returns:
        What changed, a line each.
    """
    settings = config.read(repo)
    chosen = signers.METHOD in settings or signers.SIGNING_KEY in settings
    trust = pinned_trust.pinned(repo)
    kept = signers.keystore()
    if chosen or config.is_deploy(settings) or trust.pinned() or not kept.fingerprints():
        return []
    clone = Clone(repo)
    with clone.objects:
        found = next(_own_signatures(clone, kept), None)
    if found is None:
        return []
    use_key(repo, kept.path(found))
    return [
        f"this clone signs with your key {found[:32]}, which signed this repository before,"
        " and trusts it"
    ]


def _own_signatures(clone: Clone, kept: KeyStore) -> Iterator[str]:
    """Yields the fingerprints of kept keys whose signature the history of HEAD holds.

    HEAD's own signatures are looked at, and the first ones that there were.
    """
    name = f":(top,glob)**/{gitmodel.CIPHERTEXT_SIGNATURE}"
    words = ("--no-renames", "--diff-filter=A", "--format=%H", "HEAD", "--", name)
    first = clone.repo.git("log", *words).decode().split()
    for commit in ("HEAD", *first):
        for entry in index.tree(clone.repo, commit):
            if not entry.path.endswith(gitmodel.CIPHERTEXT_SIGNATURE.encode()):
                continue
            with contextlib.suppress(Error):
                content = clone.objects.read(entry.oid, limit_bytes=dsse.MAX_BYTES)
                hint = dsse.parse(content).hint
                if hint in kept.fingerprints():
                    file = kept.path(hint)
                    key = pem.parse_private(file.read_bytes(), signers.password, str(file))
                    public = pem.public_pem(key)
                    bundle.open_bundle(content, [KeyVerifier(public)])
                    yield hint


def agree(repo: Repository, method: str) -> list[str]:
    """Has a clone that chose no method sign by the one that `.gitmodel` names.

    Not by sigstore: who can push must not decide that what is signed here gets public.

    Returns:
        What changed, or is to be done, a line each.
    """
    settings = config.read(repo)
    chosen = signers.METHOD in settings or signers.SIGNING_KEY in settings
    if chosen or method == KEY or config.is_deploy(settings):
        return []
    if method != SIGSTORE:
        config.put(repo, signers.METHOD, method)
    lack = signing_method.lack(repo)
    return [
        f"this repository is signed by {method}"
        + (f"; to sign, {lack.remedy}" if lack else ", and so does this clone")
    ]
