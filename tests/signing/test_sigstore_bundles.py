"""Bundles by Sigstore that do not hold, and servers that do not answer as they should."""

from __future__ import annotations

import base64
import copy
import datetime
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.errors import (
    ConfigError,
    PolicyError,
    Reason,
    SigningError,
    VerificationError,
)
from git_model_security.signing.bundle import Opened, open_bundle
from git_model_security.signing.by_sigstore import SigstoreSigner, SigstoreVerifier
from git_model_security.signing.manifest import plaintext_manifest
from git_model_security.signing.oidc import Source
from git_model_security.signing.sigstore_instance import Instance
from tests.fixtures.bundles import changed, encoded
from tests.fixtures.sigstore_loopback import (
    CERTIFICATES,
    CONFIGURATION,
    ENTRIES,
    IDENTITY,
    ISSUER,
    Sigstore,
    running,
    token,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANIFEST = plaintext_manifest(".", "sha256", [(b"a.bin", bytes(32))])
ENTRY = "verificationMaterial.tlogEntries.0"
PROMISE = f"{ENTRY}.inclusionPromise"
NOTHING = base64.b64encode(bytes(32)).decode()
NO_PROOF = "the proof that the transparency log holds the signature is missing"
WRONG_PROOF = "the proof of the transparency log does not hold"
ALTERED = "the signature does not hold: the bundle was altered"
NO_TIME = "nothing trusted says when it was signed"


@dataclass(frozen=True)
class Signed:
    """A bundle, and who accepts it."""

    document: dict[str, Any]
    verifier: SigstoreVerifier

    def open(self, document: dict[str, Any] | None = None) -> Opened:
        return open_bundle(encoded(document or self.document), [self.verifier])

    def refused(self, document: dict[str, Any]) -> tuple[Reason, str]:
        with pytest.raises(VerificationError) as refused:
            self.open(document)
        return refused.value.reason, str(refused.value)

    def get(self, path: str) -> Any:
        found: Any = self.document
        for part in path.split("."):
            found = found[int(part) if part.isdigit() else part]
        return found


def sign(instance: Sigstore, text: str | None = None) -> Signed:
    where = Instance.chosen(instance.trust_config, False)
    made = SigstoreSigner(where, Source(text or token())).sign(MANIFEST)
    return Signed(json.loads(made), SigstoreVerifier(IDENTITY, ISSUER, where))


@pytest.fixture(scope="module")
def signed(sigstore_instance: Sigstore) -> Signed:
    return sign(sigstore_instance)


def recoded(change: Callable[[bytes], bytes]) -> Callable[[str], str]:
    """Returns a change of what is encoded in base64."""
    return lambda text: base64.b64encode(change(base64.b64decode(text))).decode()


def test_a_good_bundle_opens_with_its_identity_and_issuer(signed: Signed) -> None:
    opened = signed.open()
    assert opened.manifest == MANIFEST
    assert opened.subject is not None
    assert opened.subject.role == "plaintext"
    assert str(opened.signer) == f"{IDENTITY} ({ISSUER})"


@pytest.mark.parametrize(
    ("path", "value", "reason", "message"),
    [
        ("verificationMaterial.tlogEntries", [], Reason.MALFORMED, NO_PROOF),
        (f"{ENTRY}.inclusionProof", None, Reason.MALFORMED, NO_PROOF),
        (PROMISE, None, Reason.MALFORMED, NO_PROOF),
        (f"{ENTRY}.inclusionProof.checkpoint", None, Reason.MALFORMED, NO_PROOF),
        (f"{ENTRY}.inclusionProof.rootHash", NOTHING, Reason.INVALID, WRONG_PROOF),
        (f"{ENTRY}.inclusionProof.hashes", [NOTHING], Reason.INVALID, WRONG_PROOF),
        (f"{PROMISE}.signedEntryTimestamp", NOTHING, Reason.INVALID, WRONG_PROOF),
        (f"{ENTRY}.logIndex", "5", Reason.INVALID, WRONG_PROOF),
        (f"{ENTRY}.logId.keyId", NOTHING, Reason.INVALID, WRONG_PROOF),
        (f"{ENTRY}.integratedTime", None, Reason.INVALID, NO_TIME),
        (f"{ENTRY}.integratedTime", "1", Reason.INVALID, "was over by then"),
        (f"{ENTRY}.integratedTime", "9" * 17, Reason.MALFORMED, "a time in the bundle is none"),
        (f"{ENTRY}.kindVersion.version", "0.0.9", Reason.MALFORMED, "of a form not known"),
        (f"{ENTRY}.kindVersion.kind", "hashedrekord", Reason.INVALID, "does not vouch for it"),
        ("dsseEnvelope.signatures.0.sig", NOTHING, Reason.INVALID, ALTERED),
        ("verificationMaterial.certificate.rawBytes", NOTHING, Reason.MALFORMED, "is damaged"),
    ],
)  # fmt: skip
def test_a_bundle_without_its_proof_does_not_hold(
    path: str, value: object, reason: Reason, message: str, signed: Signed
) -> None:
    told, said = signed.refused(changed(signed.document, path, value))
    assert told is reason
    assert message in said


def test_public_sigstore_does_not_vouch_for_a_private_one(signed: Signed) -> None:
    with pytest.raises(VerificationError) as refused:
        open_bundle(encoded(signed.document), [SigstoreVerifier(IDENTITY, ISSUER)])
    assert refused.value.reason is Reason.INVALID
    assert "the certificate is not of this Sigstore" in str(refused.value)


def test_an_altered_statement_does_not_hold(signed: Signed) -> None:
    swap = recoded(lambda payload: payload.replace(b"a.bin", b"b.bin"))
    path = "dsseEnvelope.payload"
    altered = changed(signed.document, path, swap(signed.get(path)))
    assert signed.refused(altered) == (
        Reason.INVALID,
        f"{ALTERED} ({signed.verifier.instance})",
    )


def test_an_altered_certificate_does_not_hold(signed: Signed) -> None:
    path = "verificationMaterial.certificate.rawBytes"
    swap = recoded(lambda der: der[:-2] + bytes(2))
    reason, said = signed.refused(changed(signed.document, path, swap(signed.get(path))))
    assert reason is Reason.INVALID
    assert "the certificate is not of this Sigstore" in said


def test_the_entry_of_another_signature_is_no_proof_of_this_one(
    signed: Signed, sigstore: Sigstore
) -> None:
    other = sign(sigstore)
    path = "verificationMaterial.tlogEntries"
    reason, said = signed.refused(changed(signed.document, path, other.get(path)))
    assert reason is Reason.INVALID
    assert "the transparency log holds another signature" in said


def test_the_log_and_the_authority_of_another_sigstore_do_not_count(
    signed: Signed, tmp_path: Path
) -> None:
    with running(tmp_path) as elsewhere:
        other = sign(elsewhere)
        reason, said = signed.refused(other.document)
        assert reason is Reason.INVALID
        assert "the certificate is not of this Sigstore" in said
        # Their log over our bundle: certificate and signature are good.
        body = base64.b64decode(signed.get(f"{ENTRY}.canonicalizedBody"))
        when = int(signed.get(f"{ENTRY}.integratedTime"))
        (entry,) = elsewhere.ledger.record(body, when).values()
    document = copy.deepcopy(signed.document)
    proof = entry["verification"]["inclusionProof"]
    theirs = document["verificationMaterial"]["tlogEntries"][0]
    theirs["logId"]["keyId"] = base64.b64encode(elsewhere.ledger.log_id).decode()
    theirs["inclusionPromise"]["signedEntryTimestamp"] = entry["verification"][
        "signedEntryTimestamp"
    ]
    theirs["inclusionProof"]["checkpoint"]["envelope"] = proof["checkpoint"]
    reason, said = signed.refused(document)
    assert reason is Reason.INVALID
    assert WRONG_PROOF in said


PARTS = {
    "certificateAuthorities": "its certificate authority was not valid",
    "tlogs": "no key of its log was valid when it was signed",
    "ctlogs": "no key of the log of certificates was valid when it was signed",
}
"""Parts of a trusted root, and what is said where none was valid."""


def within(sigstore: Sigstore, part: str, *windows: dict[str, str]) -> SigstoreVerifier:
    """Accepts what was signed, as if a part of the trusted root had been valid then."""
    trust = sigstore.trust()
    (only,) = trust["trustedRoot"][part]
    listed = [copy.deepcopy(only) for _ in windows]
    for one, window in zip(listed, windows, strict=True):
        (one if part == "certificateAuthorities" else one["publicKey"])["validFor"] = window
    trust["trustedRoot"][part] = listed
    return SigstoreVerifier(IDENTITY, ISSUER, Instance(json.dumps(trust).encode()))


@pytest.mark.parametrize("part", PARTS)
def test_what_was_not_valid_when_it_signed_vouches_for_nothing(
    part: str, signed: Signed, sigstore_instance: Sigstore
) -> None:
    over = {"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}
    always = {"start": "2020-01-01T00:00:00.000Z", "end": "2120-01-01T00:00:00Z"}
    refused = Signed(signed.document, within(sigstore_instance, part, over))
    reason, said = refused.refused(signed.document)
    assert reason is Reason.INVALID
    assert PARTS[part] in said
    assert Signed(signed.document, within(sigstore_instance, part, over, always)).open()


def test_the_time_of_signing_is_what_counts_and_not_today(
    signed: Signed, sigstore_instance: Sigstore
) -> None:
    when = datetime.datetime.fromtimestamp(
        int(signed.get(f"{ENTRY}.integratedTime")), tz=datetime.UTC
    )
    moment = {"start": when.isoformat(), "end": when.isoformat()}
    for part in PARTS:
        assert Signed(signed.document, within(sigstore_instance, part, moment)).open()


@pytest.mark.parametrize(
    ("url", "is_public"),
    [
        ("https://rekor.sigstore.dev", True),
        ("https://LOG2025-1.rekor.SIGSTORE.dev.:443/api", True),
        ("https://fulcio.sigstage.dev", True),
        ("https://sigstore.dev", True),
        ("https://rekor.sigstore.dev.example.com", False),
        ("https://notsigstore.dev", False),
        ("http://127.0.0.1:3000", False),
        ("https://[bad", True),
    ],
)
@pytest.mark.parametrize("service", ["caUrls", "rekorTlogUrls", "tsaUrls"])
def test_whether_an_instance_is_public_is_asked_of_its_addresses(
    service: str, url: str, is_public: bool, sigstore_instance: Sigstore
) -> None:
    trust = sigstore_instance.trust()
    there = {**trust["signingConfig"]["caUrls"][0], "url": url}
    trust["signingConfig"][service] = [*trust["signingConfig"][service], there]
    assert Instance(json.dumps(trust).encode()).is_public is is_public
    assert Instance().is_public


def test_nothing_is_sent_to_public_addresses_before_somebody_agreed(
    sigstore_instance: Sigstore,
) -> None:
    trust = sigstore_instance.trust()
    there = {**trust["signingConfig"]["caUrls"][0], "url": "https://rekor.sigstore.dev"}
    trust["signingConfig"]["rekorTlogUrls"].append(there)
    sigstore_instance.requests.clear()

    def nobody_agreed() -> None:
        raise PolicyError("nobody agreed")

    where = Instance(json.dumps(trust).encode())
    with pytest.raises(PolicyError, match="nobody agreed"):
        SigstoreSigner(where, Source(token()), nobody_agreed).sign(MANIFEST)
    assert sigstore_instance.requests == []


def test_a_trust_config_that_reads_in_two_ways_is_refused(sigstore_instance: Sigstore) -> None:
    text = json.dumps(sigstore_instance.trust())
    twice = text.replace('"signingConfig"', '"signingConfig": {}, "signingConfig"')
    with pytest.raises(ConfigError, match="no Sigstore trust config"):
        Instance(twice.encode())


@pytest.mark.parametrize("explicit", [True, False])
def test_another_identity_is_told_apart_from_a_bad_signature(
    explicit: bool, signed: Signed, sigstore: Sigstore
) -> None:
    where = Instance.chosen(sigstore.trust_config, False)
    other = SigstoreVerifier("eve@example.com", ISSUER, where, explicit=explicit)
    with pytest.raises(VerificationError) as refused:
        open_bundle(encoded(signed.document), [other])
    wanted = Reason.WRONG_IDENTITY if explicit else Reason.UNTRUSTED
    assert refused.value.reason is wanted
    assert f"signed by a sigstore identity: {IDENTITY} ({ISSUER})" in str(refused.value)


def test_the_identity_of_a_workflow_is_an_address(sigstore: Sigstore) -> None:
    workflow = "https://github.com/o/r/.github/workflows/sign.yml@refs/heads/main"
    made = sign(sigstore, token(workflow))
    verifier = SigstoreVerifier(workflow, ISSUER, made.verifier.instance)
    assert open_bundle(encoded(made.document), [verifier]).signer == verifier.identity


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        (CERTIFICATES, 403, "its certificate authority gave no certificate (403: said no)"),
        (CERTIFICATES, 302, "its certificate authority gave no certificate: "),
        (ENTRIES, 413, "its transparency log took no entry (413: said no)"),
        (ENTRIES, 302, "answered what sigstore cannot read"),
    ],
)
def test_what_a_server_refuses_is_said(
    path: str, status: int, message: str, sigstore: Sigstore
) -> None:
    sigstore.failing[path] = status
    secret = token()
    with pytest.raises(SigningError) as refused:
        sign(sigstore, secret)
    assert message in str(refused.value)
    assert secret not in str(refused.value)


def test_who_has_a_token_asks_no_issuer(sigstore: Sigstore) -> None:
    sigstore.failing[CONFIGURATION] = 500
    assert sign(sigstore).open().manifest == MANIFEST


def test_a_payload_that_sigstore_reads_otherwise_is_refused(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sigstore.verify import Verifier

    for read in (("application/vnd.in-toto+json", b"{}"), ("text/plain", b"")):
        monkeypatch.setattr(Verifier, "verify_dsse", lambda *_, read=read, **__: read)
        told, said = signed.refused(signed.document)
        assert told is Reason.MALFORMED
        assert "in two ways" in said


def test_a_certificate_of_another_authority_is_not_signed_with(
    sigstore: Sigstore, tmp_path: Path
) -> None:
    with running(tmp_path) as elsewhere:
        trust = sigstore.trust()
        trust["signingConfig"]["caUrls"] = elsewhere.trust()["signingConfig"]["caUrls"]
        where = Instance(json.dumps(trust).encode())
        with pytest.raises(SigningError) as refused:
            SigstoreSigner(where, Source(token())).sign(MANIFEST)
    assert "answered what it does not vouch for" in str(refused.value)


def test_what_the_servers_made_is_verified_before_it_is_used(
    sigstore: Sigstore, tmp_path: Path
) -> None:
    with running(tmp_path) as elsewhere:
        trust = sigstore.trust()
        trust["signingConfig"]["rekorTlogUrls"] = elsewhere.trust()["signingConfig"][
            "rekorTlogUrls"
        ]
        signer = SigstoreSigner(Instance(json.dumps(trust).encode()), Source(token()))
        with pytest.raises(SigningError) as refused:
            signer.sign(MANIFEST)
    assert str(refused.value).startswith(f"the new signature does not hold: {WRONG_PROOF}")
    assert signer.verifier() is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"[]", "not a Sigstore client trust config"),
        (b'{"mediaType": "x"}', "not a Sigstore client trust config"),
        (
            b'{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}',
            "a trusted root alone",
        ),
    ],
)
def test_a_trust_config_that_is_none_is_told(
    content: bytes, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "trust.json"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        Instance.chosen(file, False)
    assert str(refused.value).startswith(f"{file}: {message}")


def test_a_trust_config_without_a_root_is_told_when_it_is_used(signed: Signed) -> None:
    where = Instance(
        b'{"mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"}'
    )
    with pytest.raises(ConfigError) as refused:
        open_bundle(encoded(signed.document), [SigstoreVerifier(IDENTITY, ISSUER, where)])
    assert str(refused.value) == "the trust config: sigstore cannot use it"


@pytest.mark.parametrize(
    "pin", [b"", b"[]", b"{}", b'{"identity": "", "issuer": "x", "staging": false}']
)
def test_a_pin_that_is_none_is_told(pin: bytes) -> None:
    with pytest.raises(ConfigError) as refused:
        SigstoreVerifier.from_pin(pin, "the pin")
    assert str(refused.value) == "the pin: not a pinned identity"
