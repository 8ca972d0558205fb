"""Who this clone signs as: the command line over the environment over its configuration.

The method and what belongs to it are local settings, never taken from `.gitmodel`: who
can push must not decide what signs here, nor where it is sent to. What `.gitmodel` names is
advice for whoever has none: which settings to ask for, and never what they are.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import ConfigError, KeyNotFoundError, UsageError
from git_model_security.git import askpass, config
from git_model_security.keyring.store import config_home
from git_model_security.signatures import questions
from git_model_security.signing import methods, pem
from git_model_security.signing.keys import KeyStore
from git_model_security.signing.methods import KEY
from git_model_security.trust import anchors

if TYPE_CHECKING:
    from git_model_security.clone.clone import Clone
    from git_model_security.git.repository import Repository
    from git_model_security.signing.methods import Signer
    from git_model_security.signing.oidc import Source
    from git_model_security.signing.sigstore_instance import Instance
    from git_model_security.signing.sources import TokenKey

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

PRIVATE_KEY_VARIABLE = "SIGNING_PRIVATE_KEY"
"""Environment: the private key itself in PEM, for CI."""


_SECRETS = questions.Passphrases()


class Given(NamedTuple):
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
    password: str | None = None


def keystore() -> KeyStore:
    """Returns the signing keys that this user keeps."""
    return KeyStore(config_home() / "signing")


def password(origin: str) -> bytes | None:
    """Returns the password of a signing key in a file, or None where nobody knows it.

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
    method = methods.canonical(asked.method or config.last(clone.settings, METHOD) or KEY)
    require_fitting(method, asked)
    anchors.require_outside(clone.repo, anchors.named(asked))
    return methods.METHODS[method].signer(_Sources(clone.repo, clone.settings, asked))


def outside(given: Given) -> Signer:
    """Returns the signer that a command line describes, of what lies in no clone.

    Raises:
        UsageError: the method is none of model_signing's.
        ConfigError: what it signs with cannot be used.
        KeyNotFoundError: it was given nothing to sign with.
    """
    method = methods.canonical(given.method or KEY)
    require_fitting(method, given)
    found = methods.METHODS[method].signer(_Sources(None, {}, given))
    if found is None:
        raise KeyNotFoundError(
            f"there is nothing to sign with by the method {method}",
            hint="--private-key FILE, or SIGNING_PRIVATE_KEY in CI",
        )
    return found


def can_sign(clone: Clone) -> bool:
    """Tells whether this clone has what it signs with, and a key to read what it signs."""
    return not clone.ring.locked and signer(clone) is not None


def require_fitting(method: str, given: Given) -> None:
    """Raises where something was given that says nothing of a method.

    Raises:
        UsageError: with the option.
    """
    belonging = methods.METHODS[method].options
    for name, value in given._asdict().items():
        if value and name != "method" and name not in belonging:
            raise UsageError(f"{methods.option(name)} says nothing of the method {method}")


class _Sources:
    """What a signer is made of, from the command line, the environment, and a clone.

    Where there is no clone there are no settings either.
    """

    def __init__(self, repo: Repository | None, settings: config.Values, given: Given) -> None:
        self._repo = repo
        self._settings = settings
        self._given = given

    def password(self, origin: str) -> bytes | None:
        if self._given.password is not None:
            return os.fsencode(self._given.password)
        return password(origin)

    def pin(self, token: str) -> bytes | None:
        return _SECRETS.for_token(token)

    def private_key(self) -> tuple[Path | bytes, str | None] | None:
        if self._given.private_key is not None:
            return self._given.private_key, None
        pem = os.environ.get(PRIVATE_KEY_VARIABLE)
        if pem:
            return pem.encode(), None
        fingerprint = config.last(self._settings, SIGNING_KEY)
        return None if fingerprint is None else (keystore().path(fingerprint), fingerprint)

    def certificate(self) -> tuple[Path, list[Path]]:
        given, above = self._given.signing_certificate, list(self._given.certificate_chain)
        leaf = given or self._kept(CERTIFICATE)
        if leaf is None:
            raise ConfigError(
                "there is no certificate to sign with",
                hint="--signing-certificate FILE, or"
                " `git model config signingCertificate FILE`",
            )
        if not above and given is None:
            above = [self._chosen(one) for one in self._settings.get(CHAIN, ())]
        return leaf, above

    def token(self) -> TokenKey | None:
        from git_model_security.signing import pkcs11_uri
        from git_model_security.signing.sources import TokenKey

        uri = self._given.pkcs11_uri or config.last(self._settings, PKCS11_URI)
        if uri is None:
            if self._given.method is None:
                return None
            raise ConfigError(
                "there is no key in a token to sign with",
                hint="--pkcs11-uri URI, or `git model config pkcs11Uri URI`",
            )
        modules = [Path(one).expanduser() for one in self._settings.get(PKCS11_MODULE, ())]
        if self._repo is None:
            return TokenKey(uri, modules)
        # What is loaded runs as this user.
        anchors.require_outside(self._repo, [*modules, *pkcs11_uri.parse(uri).files])
        if self._given.pkcs11_uri:
            return TokenKey(uri, modules)
        known = config.last(self._settings, PKCS11_KEY)
        return TokenKey(uri, modules, known, partial(config.put, self._repo, PKCS11_KEY))

    def sigstore(self) -> tuple[Instance, Source]:
        from git_model_security.signing import oidc

        given = self._given
        ambient = given.use_ambient_credentials or config.is_true(self._settings, AMBIENT)
        client_id = given.client_id or config.last(self._settings, CLIENT_ID)
        source = oidc.Source(
            given=given.identity_token,
            ambient=ambient or None,
            client_id=client_id or oidc.AUDIENCE,
            client_secret=given.client_secret or "",
            force_oob=given.oauth_force_oob,
            store=oidc.TokenStore(),
        )
        return self._instance(), source

    def require_public_log(self) -> None:
        questions.require_public_log(self._repo)

    def _instance(self) -> Instance:
        from git_model_security.signing.sigstore_instance import Instance

        given = self._given
        if given.trust_config or given.use_staging:
            return Instance.chosen(given.trust_config, given.use_staging)
        return Instance.chosen(
            self._kept(TRUST_CONFIG), config.is_true(self._settings, STAGING)
        )

    def _kept(self, key: str) -> Path | None:
        kept = config.last(self._settings, key)
        return self._chosen(kept) if kept else None

    def _chosen(self, value: str) -> Path:
        assert self._repo is not None  # which has settings
        return anchors.chosen(self._repo, value)
