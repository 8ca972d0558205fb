"""Who this clone signs as: the command line over the environment over its configuration.

The method and what belongs to it are local settings, never taken from `.gitmodel`: who
can push must not decide what signs here, nor where it is sent to.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from git_model_security.git import config
from git_model_security.keyring.store import config_home
from git_model_security.signing import methods
from git_model_security.signing.by_key import KeySigner
from git_model_security.signing.keystore import KeyStore

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.filter.clone import Clone
    from git_model_security.signing.methods import Signer

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

PRIVATE_KEY_VARIABLE = "SIGNING_PRIVATE_KEY"
"""Environment: the private key itself in PEM, for CI."""


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


def password() -> bytes | None:
    """Returns the password of the signing key, where the environment has it."""
    text = os.environ.get("GIT_MODEL_SIGNING_KEY_PASSWORD")
    return text.encode() if text else None


def signer(clone: Clone, given: Given | None = None) -> Signer | None:
    """Returns the signer of this clone, or None when it has nothing to sign with.

    Raises:
        UsageError: the method is none of model_signing's.
        ConfigError: what it signs with cannot be used.
        KeyNotFoundError: the key that it names is not in the keyring.
    """
    asked = given or Given()
    method = asked.method or config.last(clone.settings, METHOD) or "key"
    return _MAKERS[methods.canonical(method)](clone, asked)


def _by_key(clone: Clone, given: Given) -> Signer | None:
    if given.private_key is not None:
        return KeySigner(given.private_key, password())
    pem = os.environ.get(PRIVATE_KEY_VARIABLE)
    if pem:
        return KeySigner(pem.encode(), password())
    fingerprint = config.last(clone.settings, SIGNING_KEY)
    if fingerprint is None:
        return None
    return KeySigner(keystore().path(fingerprint), password(), fingerprint)


_MAKERS = {"key": _by_key}
