"""Bundles of every release of model_signing stay good: tests/compat/oms/README.md."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from git_model_security.errors import Reason, VerificationError
from git_model_security.signing.bundle import Opened, open_bundle
from git_model_security.signing.by_certificate import CertificateVerifier
from git_model_security.signing.by_key import KeyVerifier
from git_model_security.signing.by_sigstore import SigstoreVerifier
from git_model_security.signing.sigstore_instance import Instance
from tests.fixtures.bundles import encoded, make_pair, signed

OMS = Path(__file__).parents[1] / "compat" / "oms"
RELEASES = OMS / "releases"
BY_KEY = sorted(path.name for path in RELEASES.glob("*-key.sig"))
BY_CERTIFICATE = sorted(path.name for path in RELEASES.glob("*-certificate.sig"))
PRODUCTION = ("stefanb@us.ibm.com", "https://sigstore.verify.ibm.com/oauth2")


def assert_for(opened: Opened, model: Path) -> None:
    """Fails unless a bundle signs just what lies there."""
    for name, digest in opened.manifest.items.items():
        assert hashlib.sha256((model / name).read_bytes()).digest() == digest
    assert opened.subject is None


@pytest.mark.parametrize("name", BY_KEY)
def test_a_bundle_by_key_of_each_release(name: str) -> None:
    verifier = KeyVerifier.from_file(RELEASES / "trust" / "public-key.pem")
    opened = open_bundle((RELEASES / name).read_bytes(), [verifier])
    assert set(opened.manifest.items) == {"config.json", "weights/part-1.bin"}
    assert_for(opened, RELEASES / "model")


@pytest.mark.parametrize("name", BY_CERTIFICATE)
def test_a_bundle_by_certificate_of_each_release(name: str) -> None:
    chain = [RELEASES / "trust" / "chain.pem"]
    verifier = CertificateVerifier.from_files(chain, "git-model compat signer")
    opened = open_bundle((RELEASES / name).read_bytes(), [verifier])
    assert set(opened.manifest.items) == {"config.json", "weights/part-1.bin"}
    assert_for(opened, RELEASES / "model")


def test_a_bundle_by_production_sigstore_needs_no_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    directory = OMS / "v1.1.0-sigstore"
    bundle = (directory / "model.sig").read_bytes()
    opened = open_bundle(bundle, [SigstoreVerifier(*PRODUCTION)])
    assert set(opened.manifest.items) == {"signme-1", "signme-2"}
    assert_for(opened, directory)
    assert str(opened.signer) == "{} ({})".format(*PRODUCTION)

    with pytest.raises(VerificationError) as refused:
        open_bundle(bundle, [SigstoreVerifier(*PRODUCTION, Instance(is_staging=True))])
    assert refused.value.reason is Reason.INVALID
    assert "the certificate is not of this Sigstore" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda subjects: [*subjects, subjects[0]], "a name twice: config.json"),
        (lambda subjects: [], "signs no file at all"),
        (lambda subjects: [{**subjects[0], "annotations": {}}], "'actual_hash_algorithm'"),
        (
            lambda subjects: [
                {**subjects[0], "annotations": {"actual_hash_algorithm": "file-blake2b"}}
            ],
            "over another digest than sha256",
        ),
        (lambda subjects: [{**subjects[0], "name": "../config.json"}], "signs a name that"),
    ],
)
def test_a_statement_of_the_early_form_is_read_as_strictly(
    change: Any, said: str, tmp_path: Path
) -> None:
    early = json.loads((RELEASES / "v0.2.0-key.sig").read_bytes())
    payload = json.loads(base64.b64decode(early["dsseEnvelope"]["payload"]))
    pair = make_pair(tmp_path / "key.pem")
    bundle = signed(pair, {**payload, "subject": change(payload["subject"])})
    with pytest.raises(VerificationError) as refused:
        open_bundle(encoded(bundle), [KeyVerifier(pair.public)])
    assert refused.value.reason is Reason.MALFORMED
    assert said in str(refused.value)
