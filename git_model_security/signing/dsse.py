"""The outside of a bundle: Sigstore bundle v0.3 around a DSSE envelope.

Nothing read here is authentic, and who a bundle says that it is signed by is no more than a
name: it picks the verifier, which does the rest, and is for messages.
docs/SPEC.md, "Signatures: opening", steps 1 and 2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from git_model_security.errors import VerificationError
from git_model_security.messages import legible
from git_model_security.signing import certificates
from git_model_security.signing.document import decoded, load, malformed, member
from git_model_security.signing.methods import CERTIFICATE, KEY, KINDS, SIGSTORE

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MAX_BYTES = 128 * 1024 * 1024
"""Over 300,000 files; a bundle is held in memory several times over."""

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

_ISSUER = "1.3.6.1.4.1.57264.1.8"
_ISSUER_V1 = "1.3.6.1.4.1.57264.1.1"
"""Fulcio's extensions for the issuer of the token (fulcio, docs/oid-info.md): a DER string,
and raw text in certificates of old."""
MAX_CERTIFICATES = 16
SHOWN_CHARACTERS = 200

_OUTSIDE = {"mediaType", "verificationMaterial", "dsseEnvelope"}
_ENVELOPE = {"payload", "payloadType", "signatures"}
_INSIDE = {
    "publicKey": {"hint", "rawBytes", "keyDetails"},
    "certificate": {"rawBytes"},
    "x509CertificateChain": {"certificates"},
}
_LOG = {"tlogEntries", "timestampVerificationData"}
_MATERIALS = {kind.material: kind.name for kind in KINDS.values()}


class Bundle(NamedTuple):
    """A bundle that has the right form; who signed what is not known yet.

    Attributes:
        kind: how it claims to be signed; see `methods.KINDS`.
        hint: fingerprint of the key it claims; None in bundles before OMS 1.0.1.
        payload: the statement, unverified.
    """

    kind: str
    hint: str | None
    payload: bytes
    signature: bytes
    document: dict[str, object]


def encoded(payload_type: str, payload: bytes) -> bytes:
    """Returns what is signed: the pre-authentication encoding of DSSE v1, protocol.md."""
    kind = payload_type.encode("ascii")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def parse(data: bytes) -> Bundle:
    """Reads a bundle's outside.

    Raises:
        VerificationError: `MALFORMED`, with what is wrong.
    """
    if not data:
        raise malformed("the signature is empty")
    if len(data) > MAX_BYTES:
        raise malformed(f"the signature has {len(data)} bytes, more than {MAX_BYTES}")
    document = load(data, "the signature")
    if member(document, "mediaType", str) != MEDIA_TYPE:
        raise malformed("not a Sigstore bundle of version 0.3")
    kind, hint = _material(member(document, "verificationMaterial", dict))
    payload, signature = _envelope(member(document, "dsseEnvelope", dict))
    return Bundle(kind, hint, payload, signature, document)


def require_bare(bundle: Bundle) -> None:
    """Refuses what is in no signature and that no verifier reads.

    For bundles of ours: other software may say more in its own. Who can push could have
    any text written into the clones of others, beside a signature that holds.

    Raises:
        VerificationError: `MALFORMED`.
    """
    material = member(bundle.document, "verificationMaterial", dict)
    envelope = member(bundle.document, "dsseEnvelope", dict)
    signature = member(envelope, "signatures", list)[0]
    extra = bundle.document.keys() - _OUTSIDE
    extra |= envelope.keys() - _ENVELOPE
    extra |= signature.keys() - {"sig", "keyid"}
    extra |= material.keys() - _MATERIALS.keys() - _LOG
    for name in _INSIDE.keys() & material.keys():
        inside = member(material, name, dict)
        extra |= inside.keys() - _INSIDE[name]
        for one in member(inside, "certificates", list) if "certificates" in inside else []:
            extra |= {*one} - {"rawBytes"} if isinstance(one, dict) else {"certificates"}
    if bundle.kind != SIGSTORE:
        extra |= {name for name in _LOG if material.get(name)}
    if signature.get("keyid"):
        extra.add("keyid")
    if extra:
        raise malformed("says more than what is signed and who signed")


def _material(material: dict[str, object]) -> tuple[str, str | None]:
    kinds = [kind for name, kind in _MATERIALS.items() if name in material]
    if len(kinds) != 1:
        raise malformed("does not say by one public key or certificate how it was signed")
    if kinds != [KEY]:
        return kinds[0], None
    hint = member(material, "publicKey", dict).get("hint")
    if hint is None or hint == "":
        return KEY, None
    if not isinstance(hint, str) or not re.fullmatch("[0-9a-f]{64}", hint):
        raise malformed("the key hint is not a SHA-256 in hexadecimal")
    return KEY, hint


def _envelope(envelope: dict[str, object]) -> tuple[bytes, bytes]:
    if member(envelope, "payloadType", str) != PAYLOAD_TYPE:
        raise malformed("the payload is not an in-toto statement")
    # One is looked at; a second would be unchecked.
    signatures = member(envelope, "signatures", list)
    if len(signatures) != 1:
        raise malformed(f"{len(signatures)} signatures in the bundle, not one")
    signature = decoded(member(signatures[0], "sig", str))
    return decoded(member(envelope, "payload", str)), signature


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
