"""Signing methods: what signs, and what accepts the bundles of whom.

The words are model_signing's. Each method is one record, and has a module of its own
(`by_key`, `by_certificate`, `by_pkcs11`, `by_sigstore`), which is imported when it is used.
docs/SPEC.md, "Signatures: methods".
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from git_model_security.errors import UsageError
from git_model_security.policy import syntax

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from git_model_security.signing.dsse import Bundle
    from git_model_security.signing.manifest import Manifest
    from git_model_security.signing.sources import Asked, Sources


KEY, CERTIFICATE, SIGSTORE = syntax.KEY, syntax.CERTIFICATE, syntax.SIGSTORE
"""How a bundle can be signed; a key in a hardware token makes bundles like any other."""


class SignerIdentity(NamedTuple):
    """A signer, as far as a bundle can prove it: the same for all that one signer makes.

    Attributes:
        method: `KEY`, `CERTIFICATE` or `SIGSTORE`.
        fingerprint: SHA-256 in hexadecimal of what stays the same from one signature to
            the next: of the public key in PEM, or of the identity with who vouches for it.
        name: for people, where there is one: the subject, or the identity and issuer.
    """

    method: str
    fingerprint: str
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.fingerprint


class Pin(NamedTuple):
    """What a clone keeps of a signer: its method, and all that a verifier is made of again."""

    kind: str
    content: bytes


class Signer(Protocol):
    """Signs by one method as one identity."""

    @property
    def identity(self) -> SignerIdentity:
        """Who the bundle will name."""

    def sign(self, manifest: Manifest) -> bytes:
        """Returns a bundle over a manifest; each call may give other bytes."""

    def verifier(self) -> Verifier | None:
        """Returns what accepts these signatures; None while that is not known."""


class Verifier(Protocol):
    """Accepts the bundles of one signer."""

    @property
    def identity(self) -> SignerIdentity:
        """Who must have signed."""

    @property
    def explicit(self) -> bool:
        """Whether the user gave it for this one check, and did not pin it before."""

    @property
    def pin(self) -> Pin:
        """What a clone keeps of it."""

    @property
    def anchors(self) -> tuple[str, ...]:
        """What a person compares with the signer's word before trusting, a line each."""

    def accepts(self, bundle: Bundle) -> bool:
        """Tells whether a bundle claims to be by whom this accepts; it proves nothing."""

    def verify(self, bundle: Bundle) -> SignerIdentity | None:
        """Returns who signed the bundle's payload; None where this signer did not.

        Raises:
            VerificationError: a check of the method fails.
            ConfigError: what the signer is trusted by cannot be used.
        """

    def ends(self, bundle: Bundle) -> float | None:
        """Returns until when what was verified holds without another look.

        In seconds since 1970; None where time does not end a signature.
        """


class Kind(NamedTuple):
    """How bundles are signed, and what accepts them; several methods may sign so.

    Attributes:
        name: `SignerIdentity.method`.
        material: the member of a bundle by which it is known.
        suffix: of the files that pin its signers.
        needed: the options without which nobody is named, and what stands for a value.
        options: the others that say who must have signed, named as in `sources.Asked`.
        made_by: the class in this package that accepts them.
    """

    name: str
    material: str
    suffix: str
    needed: Mapping[str, str]
    options: frozenset[str]
    made_by: str

    @property
    def pinning(self) -> str:
        """The command that pins a signer."""
        words = (f"{option(name)} {value}" for name, value in self.needed.items())
        return f"git model trust add {self.name} {' '.join(words)}"

    def asked(self, asked: Asked) -> Sequence[Verifier]:
        """Returns the signers that a command line names; see `from_options` of the class."""
        found: Sequence[Verifier] = _class(self.made_by).from_options(asked)
        return found

    def pinned(self, content: bytes, origin: str) -> Verifier:
        """Returns the verifier of a pinned signer; see `from_pin` of the class."""
        found: Verifier = _class(self.made_by).from_pin(content, origin)
        return found


class Method(NamedTuple):
    """A way to sign.

    Attributes:
        name: in model_signing's words.
        kind: of the bundles that it makes.
        options: that say who signs, named as in `signers.Given`.
        settings: those that a clone must have for it, each with the command that makes it.
        lacking: what a clone without them has, or rather has not.
        made_by: the class in this package that signs.
    """

    name: str
    kind: Kind
    options: frozenset[str]
    settings: Mapping[str, str]
    lacking: str
    made_by: str

    def signer(self, sources: Sources) -> Signer | None:
        """Returns the signer of a clone; None where it has nothing to sign with."""
        found: Signer | None = _class(self.made_by).from_sources(sources)
        return found


_KEY = Kind(
    KEY,
    material="publicKey",
    suffix=".pub",
    needed={"public_key": "FILE"},
    options=frozenset(),
    made_by="by_key.KeyVerifier",
)
_CERTIFICATE = Kind(
    CERTIFICATE,
    material="x509CertificateChain",
    suffix=".certificate",
    needed={"certificate_chain": "FILE", "identity": "WHO"},
    options=frozenset(),
    made_by="by_certificate.CertificateVerifier",
)
_SIGSTORE = Kind(
    SIGSTORE,
    material="certificate",
    suffix=".sigstore",
    needed={"identity": "WHO", "identity_provider": "ISSUER"},
    options=frozenset({"trust_config", "use_staging"}),
    made_by="by_sigstore.SigstoreVerifier",
)
KINDS = {kind.name: kind for kind in (_SIGSTORE, _KEY, _CERTIFICATE)}
"""What can verify: a token's signatures are those of its key or certificate."""

_KEY_FILE = {"signingkey": "unlock --signing-key FILE"}
# The certificate first: a key that comes after it is tried with it.
_CERTIFICATE_FILE = {"signingcertificate": "config signingCertificate FILE"}
_URI = {"pkcs11uri": "config pkcs11Uri URI"}
_CHAIN = frozenset({"signing_certificate", "certificate_chain"})
_OF_OIDC = frozenset(
    {
        "identity_token",
        "use_ambient_credentials",
        "oauth_force_oob",
        "client_id",
        "client_secret",
    }
)
METHODS = {
    method.name: method
    for method in (
        Method(
            SIGSTORE,
            _SIGSTORE,
            options=_OF_OIDC | _SIGSTORE.options,
            settings={},
            lacking="no signing key, and does not sign by sigstore",
            made_by="by_sigstore.SigstoreSigner",
        ),
        Method(
            KEY,
            _KEY,
            options=frozenset({"private_key", "password"}),
            settings=_KEY_FILE,
            lacking="no signing key",
            made_by="by_key.KeySigner",
        ),
        Method(
            CERTIFICATE,
            _CERTIFICATE,
            options=_CHAIN | {"private_key", "password"},
            settings=_CERTIFICATE_FILE | _KEY_FILE,
            lacking="no certificate, or no key, to sign with",
            made_by="certificate_signer.CertificateSigner",
        ),
        Method(
            syntax.PKCS11_KEY,
            _KEY,
            options=frozenset({"pkcs11_uri"}),
            settings=_URI,
            lacking="no key in a token to sign with",
            made_by="by_pkcs11.Pkcs11Signer",
        ),
        Method(
            syntax.PKCS11_CERTIFICATE,
            _CERTIFICATE,
            options=_CHAIN | {"pkcs11_uri"},
            settings=_CERTIFICATE_FILE | _URI,
            lacking="no certificate, or no key in a token, to sign with",
            made_by="by_pkcs11.Pkcs11CertificateSigner",
        ),
    )
}
"""What can sign, by name: all that a method is to the rest of the program."""


def option(name: str) -> str:
    """Returns an option as people write it."""
    return f"--{name.replace('_', '-')}"


def canonical(word: str) -> str:
    """Returns a method by its word, which may be written with underscores.

    Raises:
        UsageError: model_signing has no such method.
    """
    name = word.replace("_", "-")
    if name not in METHODS:
        raise UsageError(
            f"there is no signing method {word!r}", hint=f"there is: {', '.join(METHODS)}"
        )
    return name


def _class(name: str) -> Any:
    # Certificates and sigstore are imported only where somebody signs so.
    module, _, found = name.partition(".")
    return getattr(importlib.import_module(f"{__package__}.{module}"), found)
