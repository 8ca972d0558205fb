"""Signing methods: what signs, and what accepts the bundles of whom.

The words are model_signing's. Each method has a module of its own (`by_key`,
`by_certificate`, `by_pkcs11`, `by_sigstore`), which is imported when it is used.
docs/SPEC.md, "Signatures: methods".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from git_model_security.errors import UsageError

if TYPE_CHECKING:
    from git_model_security.signing.dsse import Bundle
    from git_model_security.signing.identity import SignerIdentity
    from git_model_security.signing.manifest import Manifest

METHODS = ("sigstore", "key", "certificate", "pkcs11-key", "pkcs11-certificate")
"""What can sign."""
VERIFYING = ("sigstore", "key", "certificate")
"""What can verify: a token's signatures are those of its key or certificate."""


class Pin(NamedTuple):
    """What a clone keeps of a signer that it trusts.

    Attributes:
        kind: `SignerIdentity.method`.
        content: all that a verifier is made of again; its SHA-256 names it.
    """

    kind: str
    content: bytes


class Signer(Protocol):
    """Signs by one method as one identity."""

    @property
    def identity(self) -> SignerIdentity:
        """Who the bundle will name."""

    def sign(self, manifest: Manifest) -> bytes:
        """Returns a bundle over a manifest; each call may give other bytes.

        Raises:
            Error: it cannot sign; nothing was signed.
        """

    def verifier(self) -> Verifier | None:
        """Returns what accepts these signatures; None while that is not known.

        Raises:
            Error: it cannot be made.
        """


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
