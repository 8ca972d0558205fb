"""Who this clone signs as: the command line over the environment over its configuration.

The method and what belongs to it are local settings, never taken from `.gitmodel`: who
can push must not decide what signs here, nor where it is sent to.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from git_model_security.errors import ConfigError, UsageError
from git_model_security.git import askpass, config
from git_model_security.keyring.store import config_home
from git_model_security.signatures.passphrase import Passphrases
from git_model_security.signing import methods, pem
from git_model_security.signing.by_key import KeySigner
from git_model_security.signing.keystore import KeyStore
from git_model_security.trust import anchors, chosen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from git_model_security.clone.clone import Clone
    from git_model_security.signing.methods import Signer
    from git_model_security.signing.sigstore_instance import Instance

METHOD = "git-model.signingmethod"
"""Configuration: the method, in model_signing's words; `key` where there is none."""
SIGNING_KEY = "git-model.signingkey"
"""Configuration: fingerprint of the private key in the keyring."""
CERTIFICATE = "git-model.signingcertificate"
CHAIN = "git-model.certificatechain"
PKCS11_URI = "git-model.pkcs11uri"
PKCS11_MODULE = "git-model.pkcs11module"
TRUST_CONFIG = "git-model.trustconfig"
STAGING = "git-model.usestaging"
AMBIENT = "git-model.useambientcredentials"
CLIENT_ID = "git-model.clientid"
PKCS11_KEY = "git-model.pkcs11key"
"""Configuration: fingerprint of the key that the token held when it was set up."""

_SIGSTORE = (
    "identity_token",
    "use_ambient_credentials",
    "use_staging",
    "oauth_force_oob",
    "client_id",
    "client_secret",
    "trust_config",
)
_BELONGING: Mapping[str, tuple[str, ...]] = {
    "key": ("private_key",),
    "certificate": ("private_key", "signing_certificate", "certificate_chain"),
    "pkcs11-key": ("pkcs11_uri",),
    "pkcs11-certificate": ("pkcs11_uri", "signing_certificate", "certificate_chain"),
    "sigstore": _SIGSTORE,
}

PRIVATE_KEY_VARIABLE = "SIGNING_PRIVATE_KEY"
"""Environment: the private key itself in PEM, for CI."""


_SECRETS = Passphrases()


@dataclass(frozen=True)
class Given:
    """What a command line says of who signs; None and empty mean: as configured.

    The names are model_signing's.
    """

    method: str | None = None
    private_key: Path | None = None
    signing_certificate: Path | None = None
    certificate_chain: tuple[Path, ...] = ()
    pkcs11_uri: str | None = None
    identity_token: str | None = None
    use_ambient_credentials: bool = False
    use_staging: bool = False
    oauth_force_oob: bool = False
    client_id: str | None = None
    client_secret: str | None = None
    trust_config: Path | None = None


def keystore() -> KeyStore:
    """Returns the signing keys that this user keeps."""
    return KeyStore(config_home() / "signing")


def password(origin: str) -> bytes | None:
    """Returns the password of a signing key, or None where nobody knows it.

    Args:
        origin: the file that it is for.

    Raises:
        ConfigError: a program was there to be asked, and gave no answer.
    """
    kept = Path(origin)
    # The keyring's own path says less than what names the key everywhere else.
    is_kept = kept.parent == keystore().directory and pem.is_fingerprint(kept.stem)
    found = _SECRETS.for_key(kept.stem[:16] if is_kept else origin)
    program = None if found else askpass.program(os.environ)
    if program:
        raise ConfigError(
            f"{origin}: the private key is encrypted, and {program} gave no passphrase for it",
            hint="answer it, or set GIT_MODEL_SIGNING_KEY_PASSWORD",
        )
    return found


def signer(clone: Clone, given: Given | None = None) -> Signer | None:
    """Returns the signer of this clone, or None when it has nothing to sign with.

    Raises:
        UsageError: the method is none of model_signing's.
        ConfigError: what it signs with cannot be used, or lies in the tree to be signed.
        KeyNotFoundError: the key that it names is not in the keyring.
    """
    asked = given or Given()
    method = methods.canonical(asked.method or config.last(clone.settings, METHOD) or "key")
    require_fitting(method, asked)
    anchors.require_outside(clone.repo, anchors.named(asked))
    return _MAKERS[method](clone, asked)


def require_fitting(method: str, given: Given) -> None:
    """Raises where something was given that says nothing of a method.

    Raises:
        UsageError: with the option.
    """
    for name, value in vars(given).items():
        if value and name != "method" and name not in _BELONGING[method]:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} says nothing of the method {method}")


def _by_key(clone: Clone, given: Given) -> Signer | None:
    found = _private_key(clone, given)
    if found is None:
        return None
    private_key, fingerprint = found
    return KeySigner(private_key, password, fingerprint)


def _by_certificate(clone: Clone, given: Given) -> Signer | None:
    from git_model_security.signing.by_certificate import CertificateSigner

    found = _private_key(clone, given)
    if found is None:
        return None
    leaf, above = _certificate(clone, given)
    return CertificateSigner(found[0], leaf, above, password)


def _by_pkcs11_key(clone: Clone, given: Given) -> Signer | None:
    from git_model_security.signing.by_pkcs11 import Pkcs11Signer

    found = _token(clone, given)
    if found is None:
        return None
    uri, modules = found
    if given.pkcs11_uri:
        return Pkcs11Signer(uri, modules, _SECRETS.for_token)
    known = config.last(clone.settings, PKCS11_KEY)
    learned = partial(config.put, clone.repo, PKCS11_KEY)
    return Pkcs11Signer(uri, modules, _SECRETS.for_token, known, learned)


def _by_pkcs11_certificate(clone: Clone, given: Given) -> Signer | None:
    from git_model_security.signing.by_pkcs11 import Pkcs11CertificateSigner

    found = _token(clone, given)
    if found is None:
        return None
    uri, modules = found
    leaf, above = _certificate(clone, given)
    return Pkcs11CertificateSigner(uri, leaf, above, modules, _SECRETS.for_token)


def _private_key(clone: Clone, given: Given) -> tuple[Path | bytes, str | None] | None:
    """Returns the private key, and its fingerprint where that is known before it is read."""
    if given.private_key is not None:
        return given.private_key, None
    pem = os.environ.get(PRIVATE_KEY_VARIABLE)
    if pem:
        return pem.encode(), None
    fingerprint = config.last(clone.settings, SIGNING_KEY)
    return None if fingerprint is None else (keystore().path(fingerprint), fingerprint)


def _certificate(clone: Clone, given: Given) -> tuple[Path, list[Path]]:
    configured = config.last(clone.settings, CERTIFICATE)
    leaf = given.signing_certificate or (
        chosen.file(clone.repo, configured) if configured else None
    )
    if leaf is None:
        raise ConfigError(
            "there is no certificate to sign with",
            hint="--signing-certificate FILE, or `git model config signingCertificate FILE`",
        )
    above = list(given.certificate_chain)
    if not above and given.signing_certificate is None:
        above = [chosen.file(clone.repo, one) for one in clone.settings.get(CHAIN, ())]
    return leaf, above


def _token(clone: Clone, given: Given) -> tuple[str, list[Path]] | None:
    from git_model_security.signing import pkcs11_uri

    uri = given.pkcs11_uri or config.last(clone.settings, PKCS11_URI)
    if uri is None:
        if given.method is None:
            return None
        raise ConfigError(
            "there is no key in a token to sign with",
            hint="--pkcs11-uri URI, or `git model config pkcs11Uri URI`",
        )
    modules = [Path(one).expanduser() for one in clone.settings.get(PKCS11_MODULE, ())]
    # What is loaded runs as this user.
    anchors.require_outside(clone.repo, [*modules, *pkcs11_uri.parse(uri).files])
    return uri, modules


def _by_sigstore(clone: Clone, given: Given) -> Signer:
    from git_model_security.signatures import consent
    from git_model_security.signing import oidc, oidc_store
    from git_model_security.signing.by_sigstore import SigstoreSigner

    ambient = given.use_ambient_credentials or config.is_true(clone.settings, AMBIENT)
    client_id = given.client_id or config.last(clone.settings, CLIENT_ID)
    source = oidc.Source(
        given=given.identity_token,
        ambient=ambient or None,
        client_id=client_id or oidc.AUDIENCE,
        client_secret=given.client_secret or "",
        force_oob=given.oauth_force_oob,
        store=oidc_store.TokenStore(),
    )
    return SigstoreSigner(
        _instance(clone, given), source, lambda: consent.require_public_log(clone.repo)
    )


def _instance(clone: Clone, given: Given) -> Instance:
    from git_model_security.signing.sigstore_instance import Instance

    if given.trust_config or given.use_staging:
        return Instance.chosen(given.trust_config, given.use_staging)
    kept = config.last(clone.settings, TRUST_CONFIG)
    return Instance.chosen(
        chosen.file(clone.repo, kept) if kept else None, config.is_true(clone.settings, STAGING)
    )


_MAKERS: Mapping[str, Callable[[Clone, Given], Signer | None]] = {
    "key": _by_key,
    "certificate": _by_certificate,
    "pkcs11-key": _by_pkcs11_key,
    "pkcs11-certificate": _by_pkcs11_certificate,
    "sigstore": _by_sigstore,
}
