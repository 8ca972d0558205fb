"""The OMS specification 1.0: its schemas over what is written, its vectors opened here."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource

from git_model_security.errors import VerificationError
from git_model_security.signing import key_bundle
from git_model_security.signing.bundle import Opened, open_bundle
from git_model_security.signing.by_certificate import CertificateVerifier
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.by_sigstore import SigstoreVerifier
from git_model_security.signing.certificate_signer import CertificateSigner
from git_model_security.signing.manifest import ciphertext_manifest, plaintext_manifest
from tests.fixtures.bundles import make_pair
from tests.signing.test_released_bundles import OMS, PRODUCTION

if TYPE_CHECKING:
    from pathlib import Path

    from git_model_security.signing.manifest import Manifest
    from tests.fixtures.chains import Chains

SPECIFICATION = OMS / "specification"
VECTORS = SPECIFICATION / "test-vectors"
INVALID = sorted(VECTORS.glob("invalid*/*.json"))
ENTRIES = [(name, bytes([number]) * 32) for number, name in enumerate((b"a/c", b"a.c", b"b"))]
MANIFESTS = {
    "plaintext": plaintext_manifest("m/bert", "sha256", ENTRIES),
    "blake3": plaintext_manifest(".", "blake3", ENTRIES, "signed.json", "bert"),
    "ciphertext": ciphertext_manifest("m/bert", ENTRIES, b""),
}


def schemas() -> dict[str, Any]:
    files = (SPECIFICATION / "schemas").glob("*.json")
    return {path.name.split(".")[0]: json.loads(path.read_bytes()) for path in files}


def require_valid(name: str, document: object) -> None:
    every = schemas()
    registry: Registry[Any] = Registry().with_resources(
        (one["$id"], Resource.from_contents(one)) for one in every.values()
    )
    Draft202012Validator(every[name], registry=registry).validate(document)


def require_conformant(bundle: bytes) -> dict[str, Any]:
    """Holds a bundle against all four schemas, as 3.1 asks of a test; returns its statement."""
    document = json.loads(bundle)
    require_valid("bundle", document)
    require_valid("envelope", document["dsseEnvelope"])
    payload: dict[str, Any] = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
    require_valid("statement", payload)
    require_valid("predicate", payload["predicate"])
    return payload


def opened(path: Path) -> Opened:
    """Opens a vector under the keys of those who made them."""
    trust = OMS / "trust"
    verifiers = [
        KeyVerifier.from_file(trust / "signing-key-pub.pem"),
        CertificateVerifier.from_files([trust / "ca-cert.pem"], "CN=intermediate-ca"),
        SigstoreVerifier(*PRODUCTION),
    ]
    return open_bundle(path.read_bytes(), verifiers)


@pytest.mark.parametrize("kind", MANIFESTS)
@pytest.mark.parametrize("method", ["key", "certificate"])
def test_what_we_write_is_as_the_schemas_have_it(
    method: str, kind: str, tmp_path: Path, chains: Chains
) -> None:
    manifest: Manifest = MANIFESTS[kind]
    if method == "key":
        made = KeySigner(make_pair(tmp_path / "key.pem").private).sign(manifest)
    else:
        good = chains["good"]
        signer = CertificateSigner(good.key, good.certificate, chains.chain("good"))
        made = signer.sign(manifest)
    payload = require_conformant(made)
    (subject,) = payload["subject"]
    resources = payload["predicate"]["resources"]
    assert subject["name"] == "bert"  # 6.5
    names = [one["name"] for one in resources]
    assert names == sorted(names)  # 5.2.1, by code points
    root = hashlib.sha256(b"".join(bytes.fromhex(one["digest"]) for one in resources))
    assert subject["digest"] == {"sha256": root.hexdigest()}  # 6.5.1
    assert key_bundle.root_of(manifest).hex() == root.hexdigest()


def test_a_role_beside_the_items_would_not_be_as_the_schemas_have_it(tmp_path: Path) -> None:
    signer = KeySigner(make_pair(tmp_path / "key.pem").private)
    payload = require_conformant(signer.sign(MANIFESTS["plaintext"]))
    for place in (payload["predicate"], payload["predicate"]["serialization"], payload):
        place["git-model"] = "git-model/v1/plaintext:."
        with pytest.raises(ValidationError):
            require_valid("statement", payload)
        del place["git-model"]


@pytest.mark.parametrize("method", ["key", "certificate", "sigstore"])
def test_a_valid_vector_opens(method: str) -> None:
    vector = VECTORS / "valid" / f"{method}.bundle.json"
    require_conformant(vector.read_bytes())
    found = opened(vector)
    assert found.signer.method == method
    assert found.subject is None
    assert set(found.manifest.items) == {"signme-1", "signme-2"}


@pytest.mark.parametrize("vector", INVALID, ids=lambda path: path.stem)
def test_an_invalid_vector_does_not_open(vector: Path) -> None:
    with pytest.raises(VerificationError):
        opened(vector)
