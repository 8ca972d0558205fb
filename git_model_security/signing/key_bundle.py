"""Bundles by key and by certificate as model_signing writes and verifies them.

Every commit signs and every checkout verifies, and the library takes longer to import
than all the rest of a hook (pydantic and protobuf, for one JSON document). It is the
oracle of tests/signing/test_signing_contract.py: it reads what is written here, and what is
accepted here it accepts. docs/SPEC.md, "Signatures".
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from git_model_security.signing import dsse
from git_model_security.signing.dsse import MEDIA_TYPE, PAYLOAD_TYPE
from git_model_security.signing.methods import KEY
from git_model_security.signing.roles import ANNOTATION
from git_model_security.signing.statement import PREDICATE_TYPE, STATEMENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

    from git_model_security.signing.dsse import Bundle
    from git_model_security.signing.manifest import Manifest


def write(
    manifest: Manifest, material: Mapping[str, object], signing: Callable[[bytes], bytes]
) -> bytes:
    """Returns a bundle, JSON; each call gives other bytes, since ECDSA is randomised.

    `material` says who signed; `signing` makes the signature, in DER, over what it is given.
    """
    payload = statement(manifest)
    document = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {**material, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": _text(payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": _text(signing(_encoded(payload))), "keyid": ""}],
        },
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def hint(fingerprint: str) -> dict[str, object]:
    """Returns what a bundle says of a signer by key."""
    return {"publicKey": {"hint": fingerprint}}


def statement(manifest: Manifest) -> bytes:
    """Returns the in-toto statement over a manifest, as OMS 1.0 has it.

    Items stand by code points (5.2.1), and the digest of the model is over them as they stand.
    model_signing has them by components, `a/c` before `a.c`, and reads them in any order.
    """
    signed = manifest.resources
    names = sorted(signed)
    serialization = {
        "method": "files",
        "hash_type": manifest.digest,
        "allow_symlinks": False,
        "ignore_paths": list(manifest.ignore_paths),
    }
    resources = [
        {"name": name, "digest": signed[name].hex(), "algorithm": manifest.digest}
        for name in names
    ]
    subject: dict[str, object] = {
        "name": manifest.name,
        "digest": {"sha256": _root_of(signed, names).hex()},
    }
    if manifest.subject is not None:
        subject["annotations"] = {ANNOTATION: str(manifest.subject)}
    document = {
        "_type": STATEMENT_TYPE,
        "subject": [subject],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"resources": resources, "serialization": serialization},
    }
    # Indented, as model_signing writes it, it takes 15 times as long, and a third more room.
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def root_of(manifest: Manifest) -> bytes:
    """Returns the digest of a whole model (6.5.1): over those of its items, by code points."""
    return _root_of(manifest.resources, sorted(manifest.resources))


def _root_of(signed: Mapping[str, bytes], names: Iterable[str]) -> bytes:
    return hashlib.sha256(b"".join(signed[name] for name in names)).digest()


def signature(data: bytes, key: EllipticCurvePrivateKey) -> bytes:
    """Returns a signature of a key in memory, in DER."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return key.sign(data, ec.ECDSA(digest_for(key.public_key())))


def holds(bundle: Bundle, public_key: EllipticCurvePublicKey) -> bool:
    """Tells whether a hostile bundle's signature is by a key, which `digest_for` knows."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    digest = digest_for(public_key)
    # Certificates of old signed with SHA-256 whatever their key.
    early = digest if bundle.kind == KEY else hashes.SHA256()
    for encoded, algorithm in ((_encoded, digest), (_early_encoded, early)):
        data = encoded(bundle.payload)
        try:
            public_key.verify(bundle.signature, data, ec.ECDSA(algorithm))
        except InvalidSignature:
            continue
        return True
    return False


def digest_for(public_key: EllipticCurvePublicKey) -> HashAlgorithm:
    """Returns what a key's signatures hash with, by its size."""
    from cryptography.hazmat.primitives import hashes

    by_bits = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    return by_bits[public_key.key_size]


def _encoded(payload: bytes) -> bytes:
    return dsse.encoded(PAYLOAD_TYPE, payload)


def _early_encoded(payload: bytes) -> bytes:
    """Returns what model_signing 0.2 signed: the payload as Python shows bytes."""
    kind = PAYLOAD_TYPE.encode("ascii")
    return b"DSSEV1 %d %b %d %a" % (len(kind), kind, len(payload), payload)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
