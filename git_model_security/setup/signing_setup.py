"""Has a clone sign by a method from now on: what `init`, `unlock` and `migrate` share."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.clone.clone import Clone
from git_model_security.errors import ConfigError, Error, UsageError
from git_model_security.git import config, index
from git_model_security.keyring import key_files
from git_model_security.policy import gitmodel
from git_model_security.policy.syntax import PKCS11_KEY
from git_model_security.signatures import lacks, own_verifier, signers
from git_model_security.signatures.signers import Given
from git_model_security.signing import dsse, keys, pem
from git_model_security.signing.by_key import KeyVerifier
from git_model_security.signing.methods import CERTIFICATE, KEY, METHODS, SIGSTORE
from git_model_security.trust import anchors, pinned_trust
from git_model_security.verify import tree_check

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from git_model_security.git.repository import Repository
    from git_model_security.signing.keys import KeyStore
    from git_model_security.signing.methods import Verifier

_SETTINGS = {
    "method": signers.METHOD,
    "signing_certificate": signers.CERTIFICATE,
    "certificate_chain": signers.CHAIN,
    "pkcs11_uri": signers.PKCS11_URI,
    "trust_config": signers.TRUST_CONFIG,
    "use_staging": signers.STAGING,
    "use_ambient_credentials": signers.AMBIENT,
    "client_id": signers.CLIENT_ID,
}
"""Configuration by the names of `Given`; a secret is kept in none."""


def require_no_secret(given: Given) -> None:
    """Raises a ConfigError where the configuration would come to hold a secret."""
    if given.pkcs11_uri and "pin-value=" in given.pkcs11_uri.lower():
        raise ConfigError(
            "the PKCS#11 URI holds the PIN, which the configuration would then keep in clear",
            hint="leave pin-value out: it is asked for, or read from GIT_MODEL_PKCS11_PIN",
        )


def settle(repo: Repository, given: Given) -> None:
    """Keeps in a clone's configuration how it signs from now on; files by their content.

    Raises:
        ConfigError: what was given holds a secret, or a file cannot be used.
    """
    require_no_secret(given)
    values = {key: _settled(repo, getattr(given, name)) for name, key in _SETTINGS.items()}
    for key, found in values.items():
        if found:
            config.unset(repo, key)
        for value in found:
            config.add(repo, key, value)
    if given.pkcs11_uri:
        config.unset(repo, signers.PKCS11_KEY)


def _settled(repo: Repository, value: object) -> list[str]:
    found = value if isinstance(value, tuple) else (value,) if value else ()
    return [
        anchors.keep(repo, one)
        if isinstance(one, Path)
        else str(one).lower()
        if isinstance(one, bool)
        else str(one)
        for one in found
    ]


def keep_key(repo: Repository, given: Path | None) -> tuple[str, bytes]:
    """Puts a signing key into the keyring, or makes one; returns fingerprint and public PEM.

    Raises:
        ConfigError: it is no signing key, or lies in the tree of the repository that it is
            to sign; or the keyring cannot be written.
    """
    store = signers.keystore()
    if given is None:
        key = keys.new()
        text = pem.private_pem(key)
    else:
        anchors.require_outside(repo, [given])
        text = key_files.read(given)
        key = pem.parse_private(text, signers.password, str(given))
    store.keep(text, key)
    public = pem.public_pem(key)
    return pem.fingerprint(public), public


def use_key(repo: Repository, given: Path | None) -> str:
    """Has a clone sign with a key, or with a new one, and trust it; returns its fingerprint.

    Raises:
        ConfigError: see `keep_key`.
    """
    fingerprint, public = keep_key(repo, given)
    pinned_trust.pinned(repo).add_public_key(public)
    config.put(repo, signers.SIGNING_KEY, fingerprint)
    config.put(repo, signers.METHOD, KEY)
    return fingerprint


def use(repo: Repository, given: Given, key: Path | None) -> str:
    """Has a clone sign by any method, and trust itself where it is known who that is.

    Returns the fingerprint of the private key `key`; empty for methods without one in a file.

    Raises:
        UsageError: something is missing, or belongs to another method.
        ConfigError: something cannot be used, or what it signs could not be verified.
        Error: the method cannot sign; nothing of the clone has changed.
    """
    method = given.method or KEY
    signers.require_fitting(method, given)
    if method == KEY:
        return use_key(repo, key)
    if (key is not None) != ("private_key" in METHODS[method].options):
        verb = "says nothing of" if key else "is needed with"
        raise UsageError(f"--signing-key {verb} the method {method}")
    require_no_secret(given)
    signer = signers.signer(Clone(repo), given._replace(private_key=key))
    own = (
        None
        if signer is None or method == SIGSTORE
        else own_verifier.require_verifiable(signer)
    )
    fingerprint = ""
    if key is not None:
        fingerprint, _ = keep_key(repo, key)
        config.put(repo, signers.SIGNING_KEY, fingerprint)
    settle(repo, given)
    if method == PKCS11_KEY and own is not None:
        config.put(repo, signers.PKCS11_KEY, own.identity.fingerprint)
    if own is not None:
        pinned_trust.pinned(repo).add(own)
    return fingerprint


def take_key(repo: Repository, key: Path) -> list[str]:
    """Has a set-up clone sign with a key: the one of its certificate, where it has such.

    A certificate stands for its key: trusted by itself, the bare key would outlive what
    the authority says of it. Returns what else changed, or is to be done, a line each.

    Raises:
        ConfigError: see `keep_key`; or it is not the key of the clone's certificate.
        Error: the certificate cannot sign; nothing of the clone has changed.
    """
    method = lacks.method_of(repo)
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
        signer = signers.signer(clone, Given(CERTIFICATE, private_key=key))
        assert signer is not None
        own = own_verifier.try_signer(signer)
    fingerprint, _ = keep_key(repo, key)
    config.put(repo, signers.SIGNING_KEY, fingerprint)
    config.put(repo, signers.METHOD, CERTIFICATE)
    if own is not None:
        pinned_trust.pinned(repo).add(own)
    lack = lacks.find(repo)
    return [f"to sign by certificate, {lack.remedy}"] if lack else []


def take_own(repo: Repository, named: Sequence[Verifier] = ()) -> list[str]:
    """Has a clone sign with the key of the user's keyring that signed the repository before.

    A clone that has a signer, or trusts one, stays as it is: that was somebody's choice.
    Where signers are `named` it is the key of one of them, if the keyring has it.
    """
    kept = signers.keystore()
    if _is_decided(repo) or not kept.fingerprints():
        return []
    for signer in named:
        if (own := signer.identity.fingerprint) in kept.fingerprints():
            use_key(repo, kept.path(own))
            return [f"this clone signs with your key {own[:32]}"]
    if named or pinned_trust.pinned(repo).pinned():
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


def _is_decided(repo: Repository) -> bool:
    """Tells whether somebody chose how a clone signs; a deploy clone signs nothing."""
    settings = config.read(repo)
    chosen = signers.METHOD in settings or signers.SIGNING_KEY in settings
    return chosen or config.is_deploy(settings)


def _own_signatures(clone: Clone, kept: KeyStore) -> Iterator[str]:
    """Yields the fingerprints of kept keys that signed a commit below HEAD, as it stands.

    HEAD is looked at, and the commits that brought the first signatures.
    """
    name = f":(top,glob)**/{gitmodel.CIPHERTEXT_SIGNATURE}"
    words = ("--no-show-signature", "--no-renames", "--diff-filter=A", "--format=%H")
    first = clone.repo.git("log", *words, "HEAD", "--", name).decode().split()
    for commit in ("HEAD", *first):
        for hint in sorted(_claimed(clone, commit).intersection(kept.fingerprints())):
            with contextlib.suppress(Error):
                file = kept.path(hint)
                key = pem.parse_private(file.read_bytes(), signers.password, str(file))
                # A bundle alone may be a copy from elsewhere: it must sign this very tree.
                verifier = KeyVerifier(pem.public_pem(key))
                if tree_check.check(clone, commit, [verifier], sealed_only=True).good:
                    yield hint


def _claimed(clone: Clone, commit: str) -> set[str]:
    """Returns the fingerprints of the keys that a commit's bundles over ciphertext name."""
    found: set[str] = set()
    for entry in index.tree(clone.repo, commit):
        if entry.path.endswith(gitmodel.CIPHERTEXT_SIGNATURE.encode()):
            with contextlib.suppress(Error):
                content = clone.objects.read(entry.oid, limit_bytes=dsse.MAX_BYTES)
                found.add(dsse.parse(content).hint or "")
    return found


def agree(repo: Repository, method: str) -> list[str]:
    """Has a clone that chose no method sign by that of `.gitmodel`; returns what is new.

    Not by sigstore: who can push must not decide that what is signed here gets public.
    """
    if method == KEY or _is_decided(repo):
        return []
    if method != SIGSTORE:
        config.put(repo, signers.METHOD, method)
    lack = lacks.find(repo)
    return [
        f"this repository is signed by {method}"
        + (f"; to sign, {lack.remedy}" if lack else ", and so does this clone")
    ]
