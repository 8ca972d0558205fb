"""The outside of a bundle: Sigstore bundle v0.3 around a DSSE envelope.

Nothing read here is authentic: it picks the verifier, which does the rest.
docs/SPEC.md, "Signatures: opening", steps 1 and 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from git_model_security.signing.document import decoded, load, malformed, member
from git_model_security.signing.methods import KEY, KINDS, SIGSTORE

MAX_BYTES = 64 * 1024 * 1024
"""Over 300,000 files; a bundle is held in memory several times over."""

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"

_OUTSIDE = {"mediaType", "verificationMaterial", "dsseEnvelope"}
_ENVELOPE = {"payload", "payloadType", "signatures"}
_INSIDE = {
    "publicKey": {"hint", "rawBytes", "keyDetails"},
    "certificate": {"rawBytes"},
    "x509CertificateChain": {"certificates"},
}
_LOG = {"tlogEntries", "timestampVerificationData"}
_MATERIALS = {kind.material: kind.name for kind in KINDS.values()}


@dataclass(frozen=True)
class Bundle:
    """A bundle that has the right form; who signed what is not known yet.

    Attributes:
        kind: how it claims to be signed; see `methods.KINDS`.
        hint: fingerprint of the key it claims; None in bundles before OMS 1.0.1.
        payload: the statement, unverified.
        signature: over the payload.
        document: the whole, as parsed.
    """

    kind: str
    hint: str | None
    payload: bytes
    signature: bytes
    document: dict[str, object]


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
        for one in inside.get("certificates", []) if name == "x509CertificateChain" else []:
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
