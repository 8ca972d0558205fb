"""Has a clone sign by a method from now on: what `init`, `unlock` and `migrate` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import UsageError
from git_model_security.filter.clone import Clone
from git_model_security.git import config
from git_model_security.keyring import files
from git_model_security.signing import pem
from git_model_security.workspace import pinned_trust, signers
from git_model_security.workspace.signers import Given

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.git.repository import Repository

_WITH_KEY_FILE = ("key", "certificate")


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
    config.put(repo, signers.METHOD, "key")
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
        ConfigError: something cannot be used.
    """
    method = given.method or "key"
    signers.require_fitting(method, given)
    if method == "key":
        return use_key(repo, key)
    if (key is not None) != (method in _WITH_KEY_FILE):
        verb = "says nothing of" if key else "is needed with"
        raise UsageError(f"--signing-key {verb} the method {method}")
    fingerprint = ""
    if key is not None:
        fingerprint, _ = keep_key(key)
        config.put(repo, signers.SIGNING_KEY, fingerprint)
    signers.settle(repo, given)
    kept = signers.keystore().path(fingerprint) if fingerprint else None
    chosen = signers.signer(Clone(repo), Given(private_key=kept))
    own = chosen.verifier() if chosen else None
    if own is not None:
        pinned_trust.pinned(repo).add(own)
    return fingerprint
