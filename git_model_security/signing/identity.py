"""Who signed, or may sign: the same for every bundle that the same signer makes."""

from __future__ import annotations

from dataclasses import dataclass

from git_model_security.policy import syntax

KEY, CERTIFICATE, SIGSTORE = syntax.KEY, syntax.CERTIFICATE, syntax.SIGSTORE
"""How a bundle can be signed; a key in a hardware token makes bundles like any other."""


@dataclass(frozen=True)
class SignerIdentity:
    """A signer, as far as a bundle can prove it.

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
