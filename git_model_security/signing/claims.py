"""Who a bundle says that it is signed by: for messages, and to choose a verifier.

Nothing here is proven, and nothing of it is more than a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.errors import VerificationError
from git_model_security.git.paths import legible
from git_model_security.signing import certificates
from git_model_security.signing.document import decoded, malformed, member
from git_model_security.signing.methods import CERTIFICATE, KEY

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from git_model_security.signing.dsse import Bundle

_ISSUER = "1.3.6.1.4.1.57264.1.8"
_ISSUER_V1 = "1.3.6.1.4.1.57264.1.1"
"""Fulcio's extensions for the issuer of the token (fulcio, docs/oid-info.md): a DER string,
and raw text in certificates of old."""
MAX_CERTIFICATES = 16
SHOWN_CHARACTERS = 200


def signer(bundle: Bundle) -> str:
    """Returns who a bundle claims to be signed by, in a few words."""
    if bundle.kind == KEY:
        return f"key {bundle.hint[:16]}" if bundle.hint else "a key"
    try:
        leaf = chain(bundle)[0]
    except VerificationError:  # untrusted in any case: who it is cannot be said
        return f"a {bundle.kind}"
    if bundle.kind == CERTIFICATE:
        return f"a certificate of {_shown(certificates.subject(leaf)) or 'nobody'}"
    identity, issuer = identity_and_issuer(leaf)
    return (
        f"a sigstore identity: {_shown(identity or 'nobody')} ({_shown(issuer or 'no issuer')})"
    )


def chain(bundle: Bundle) -> list[Certificate]:
    """Returns a bundle's certificates, the signer's own first.

    Raises:
        VerificationError: `MALFORMED`.
    """
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate

    material = member(bundle.document, "verificationMaterial", dict)
    if "x509CertificateChain" in material:
        found = member(member(material, "x509CertificateChain", dict), "certificates", list)
    else:
        found = [member(material, "certificate", dict)]
    if not 1 <= len(found) <= MAX_CERTIFICATES:
        raise malformed(f"{len(found)} certificates in the bundle")
    try:
        chain = [
            load_der_x509_certificate(decoded(member(one, "rawBytes", str))) for one in found
        ]
        for certificate in chain:
            certificates.require_readable(certificate)
    except (ValueError, InvalidVersion) as error:
        raise malformed("a certificate in the bundle is damaged") from error
    return chain


def identity_and_issuer(leaf: Certificate) -> tuple[str, str]:
    """Returns the identity in a certificate of Fulcio's, and the issuer of its token."""
    from cryptography import x509

    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        values = [str(name.value) for name in names if not isinstance(name, x509.OtherName)]
        others = [name.value for name in names if isinstance(name, x509.OtherName)]
        values += [_der_text(value) for value in others]
    except (x509.ExtensionNotFound, ValueError):
        values = []
    found = {}
    for extension in leaf.extensions:
        if isinstance(extension.value, x509.UnrecognizedExtension):
            found[extension.oid.dotted_string] = extension.value.value
    issuer = _der_text(found[_ISSUER]) if _ISSUER in found else ""
    issuer = issuer or found.get(_ISSUER_V1, b"").decode("utf-8", "replace")
    return (values[0] if values else ""), issuer


def _der_text(value: bytes) -> str:
    # A short DER string: tag, one byte of length or two with 0x81, text.
    skipped = 3 if value[1:2] == b"\x81" else 2
    return value[skipped:].decode("utf-8", "replace")


def _shown(text: str) -> str:
    return legible(text[:SHOWN_CHARACTERS])
