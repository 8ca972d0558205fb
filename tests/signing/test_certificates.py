"""Signatures by certificate: chains of openssl, both ways with stock model_signing."""

from __future__ import annotations

import datetime
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from git_model_security.errors import ConfigError, Reason, VerificationError
from git_model_security.signing import certificates, certification, key_bundle
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_certificate import CertificateVerifier
from git_model_security.signing.certificate_signer import CertificateSigner
from git_model_security.signing.manifest import plaintext_manifest
from tests.fixtures.bundles import changed, encoded
from tests.fixtures.chains import IDENTITY
from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from tests.fixtures.chains import Chains

WEIGHTS = b"\0" * 5000
MANIFEST = plaintext_manifest(".", "sha256", [(b"w.bin", hashlib.sha256(WEIGHTS).digest())])
STOCK = (sys.executable, "-m", "model_signing")
FOREIGN = Path(__file__).parents[1] / "compat" / "oms"
CERTIFICATE = "verificationMaterial.x509CertificateChain.certificates"


def signer(chains: Chains, name: str = "good") -> CertificateSigner:
    one = chains[name]
    return CertificateSigner(one.key, one.certificate, chains.chain(name))


def forged(chains: Chains, name: str, key: str = "") -> bytes:
    """A bundle by a certificate that no honest signer would use."""
    private = load_pem_private_key(chains[key or name].key.read_bytes(), None)
    assert isinstance(private, EllipticCurvePrivateKey)
    material = signer(chains, name).material
    return key_bundle.write(
        MANIFEST, material, lambda data: key_bundle.signature(data, private)
    )


def verifier(chains: Chains, identity: str = IDENTITY) -> CertificateVerifier:
    return CertificateVerifier.from_files([chains.root], identity)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    directory.mkdir()
    (directory / "w.bin").write_bytes(WEIGHTS)
    return directory


def test_the_stock_command_verifies_what_we_signed(chains: Chains, model: Path) -> None:
    (model / "model.sig").write_bytes(signer(chains).sign(MANIFEST))
    options = ("--signature", "model.sig", "--certificate_chain", chains.root)
    execute(*STOCK, "verify", "certificate", *options, ".", cwd=model)
    (model / "w.bin").write_bytes(b"other")
    done = execute(*STOCK, "verify", "certificate", *options, ".", cwd=model, check=False)
    assert done.returncode == 1


def test_we_verify_what_the_stock_command_signed(chains: Chains, model: Path) -> None:
    one = chains["good"]
    above = chains.chain("good")[0]
    options = ("--private_key", one.key, "--signing_certificate", one.certificate)
    options += ("--certificate_chain", above, "--signature", "model.sig")
    execute(*STOCK, "sign", "certificate", *options, ".", cwd=model)
    opened = open_bundle((model / "model.sig").read_bytes(), [verifier(chains)])
    assert opened.manifest.items == MANIFEST.items
    assert str(opened.signer) == IDENTITY


def test_a_released_bundle_by_certificate_verifies() -> None:
    directory = FOREIGN / "v1.1.0-certificate"
    accepted = CertificateVerifier.from_files(
        [FOREIGN / "trust" / "ca-cert.pem"], "CN=intermediate-ca"
    )
    opened = open_bundle((directory / "model.sig").read_bytes(), [accepted])
    for name, digest in opened.manifest.items.items():
        assert hashlib.sha256((directory / name).read_bytes()).digest() == digest
    assert opened.signer.name == "CN=intermediate-ca"


@pytest.mark.parametrize("curve", ["P-384", "P-521"])
def test_other_curves_verify_too(curve: str, chains: Chains) -> None:
    assert open_bundle(signer(chains, curve).sign(MANIFEST), [verifier(chains)])


@pytest.mark.parametrize(
    "name", ["digital signature only", "code signing only", "of an issuer of anything"]
)
def test_no_more_is_asked_of_usages_than_that_they_allow_it(name: str, chains: Chains) -> None:
    assert open_bundle(signer(chains, name).sign(MANIFEST), [verifier(chains)])


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("good", "Release signing"),
        ("alternative names", "O=Example"),
        ("alternative names", "release@example.com"),
        ("alternative names", "https://example.com/ci"),
        ("alternative names", "ci.example.com"),
        ("two names", "CN=Mallory,CN=Release signing"),
    ],
)
def test_a_signer_is_pinned_by_any_of_its_names(
    name: str, identity: str, chains: Chains
) -> None:
    assert open_bundle(signer(chains, name).sign(MANIFEST), [verifier(chains, identity)])


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("an address for a name", "release@example.com"),
        ("a host for a name", "ci.example.com"),
        ("a host for a name", "CI.example.com"),
        ("a URI for a name", "urn:example:release"),
        ("a wildcard for a name", "*.example.com"),
        ("alternative names", "CI.example.com"),
    ],
)
def test_no_common_name_stands_for_an_address_that_an_authority_checks(
    name: str, identity: str, chains: Chains
) -> None:
    data = signer(chains, name).sign(MANIFEST)
    with pytest.raises(VerificationError) as refused:
        open_bundle(data, [verifier(chains, identity)])
    assert refused.value.reason is Reason.WRONG_IDENTITY
    assert "looked for among the subject's alternative names" in (refused.value.hint or "")
    subject = certificates.subject(certificates.load(chains[name].certificate)[0])
    assert open_bundle(data, [verifier(chains, subject)])


def test_a_signer_is_pinned_by_the_fingerprint_that_openssl_shows(chains: Chains) -> None:
    shown = execute(
        "openssl",
        "x509",
        "-in",
        chains["good"].certificate,
        "-noout",
        "-fingerprint",
        "-sha256",
    ).stdout
    accepted = verifier(chains, shown.strip().partition("=")[2])
    assert open_bundle(signer(chains).sign(MANIFEST), [accepted])
    with pytest.raises(VerificationError) as refused:
        open_bundle(signer(chains, "renewed").sign(MANIFEST), [accepted])
    assert refused.value.reason is Reason.WRONG_IDENTITY


@pytest.mark.parametrize(
    "identity",
    [
        "emailAddress=signer@acme.org,CN=signer,O=Acme",
        "subject=emailAddress=signer@acme.org,CN=signer,O=Acme",
        "1.2.840.113549.1.9.1=signer@acme.org,CN=signer,O=Acme",
    ],
)
def test_a_subject_with_an_address_is_written_and_taken_in_one_form(
    identity: str, chains: Chains
) -> None:
    data = signer(chains, "an address in the subject").sign(MANIFEST)
    assert open_bundle(data, [verifier(chains, identity)])
    for other in (IDENTITY, "signer@acme.org"):
        with pytest.raises(VerificationError) as refused:
            open_bundle(data, [verifier(chains, other)])
        assert "emailAddress=signer@acme.org,CN=signer,O=Acme" in str(refused.value)
    assert "an e-mail address, a URI or a DNS name is looked for among" in (
        refused.value.hint or ""
    )


def test_what_openssl_shows_of_a_subject_is_taken(chains: Chains) -> None:
    one = chains["an address in the subject"]
    words = ("-noout", "-subject", "-nameopt", "RFC2253")
    said = execute("openssl", "x509", "-in", one.certificate, *words).stdout
    data = signer(chains, "an address in the subject").sign(MANIFEST)
    assert open_bundle(data, [verifier(chains, said)])


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("another subject", IDENTITY),
        ("good", "CN=Release signing"),
        ("good", "release signing"),
        ("good", "O=Example"),
        # A certificate with two common names is for neither of them alone.
        ("two names", "Release signing"),
        ("two names", "Mallory"),
        ("alternative names", "example.com"),
        # What an authority leaves to the applicant is no name of another kind.
        ("names in disguise", IDENTITY),
        ("names in disguise", "https://example.com/ci"),
        ("an address for a name", "release@example.com"),
    ],
)
def test_another_signer_of_the_same_root_is_refused(
    name: str, identity: str, chains: Chains
) -> None:
    data = signer(chains, name).sign(MANIFEST)
    with pytest.raises(VerificationError, match="signed by a certificate of") as refused:
        open_bundle(data, [verifier(chains, identity)])
    assert refused.value.reason is Reason.WRONG_IDENTITY
    assert identity in str(refused.value)
    pinned = CertificateVerifier.from_pin(verifier(chains, identity).pin.content, "pin")
    with pytest.raises(VerificationError, match="not trusted") as refused:
        open_bundle(data, [pinned])
    assert refused.value.reason is Reason.UNTRUSTED


NOT_SIGNING = {
    "expired": "CN=Release signing,O=Example expired on 2021-01-01 00:00 UTC",
    "not yet valid": "is not valid until 2100-01-01 00:00 UTC",
    "for a web server": "its extended key usage lacks codeSigning",
    "for encryption": "its key usage lacks digitalSignature",
    "any usage": "it states no key usage",
    "RSA": "holds a key of the kind RSA; a signing key is an elliptic-curve key",
    "secp256k1": "holds a key on the curve secp256k1",
}


@pytest.mark.parametrize("name", NOT_SIGNING)
def test_a_certificate_that_cannot_sign_is_refused_before_it_does(
    name: str, chains: Chains
) -> None:
    with pytest.raises(ConfigError, match=NOT_SIGNING[name]) as refused:
        signer(chains, name).sign(MANIFEST)
    assert str(chains[name].certificate) in str(refused.value)


@pytest.mark.parametrize("name", NOT_SIGNING)
def test_a_certificate_that_cannot_sign_verifies_nothing(name: str, chains: Chains) -> None:
    data = forged(chains, name, "good" if name == "RSA" else "")
    with pytest.raises(VerificationError, match=NOT_SIGNING[name]) as refused:
        open_bundle(data, [verifier(chains)])
    assert refused.value.reason is Reason.INVALID


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("of another root", "does not end in a given root"),
        ("below a leaf", "does not end in a given root .*basicConstraints"),
        ("below an expired one", "CN=Old intermediate expired on 2021-01-01"),
        ("older than its issuer", "CN=Young intermediate is not valid until 2022-01-01"),
        ("too deep", "does not end in a given root .path length"),
        ("below a web server's", "does not end in a given root .*may not issue"),
        ("outside its names", "does not end in a given root .*name constraints"),
    ],
)
def test_a_chain_that_does_not_hold_is_refused(name: str, said: str, chains: Chains) -> None:
    with pytest.raises(VerificationError, match=said) as refused:
        open_bundle(forged(chains, name), [verifier(chains)])
    assert refused.value.reason is Reason.INVALID


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("below an expired one", "CN=Old intermediate expired on 2021-01-01"),
        ("older than its issuer", "CN=Young intermediate is not valid until .* already"),
    ],
)
def test_nobody_signs_below_an_authority_that_is_not_valid(
    name: str, said: str, chains: Chains
) -> None:
    with pytest.raises(ConfigError, match=said):
        signer(chains, name).sign(MANIFEST)


def test_one_valid_certificate_of_an_authority_will_do(chains: Chains) -> None:
    one, between = chains["good"], chains.chain("good")[0]
    above = [*chains.chain("older than its issuer"), between, chains.root]
    data = CertificateSigner(one.key, one.certificate, above).sign(MANIFEST)
    assert open_bundle(data, [verifier(chains)])


def test_an_expired_root_vouches_for_nobody(chains: Chains) -> None:
    root = chains["expired root"].certificate
    data = signer(chains, "of an expired root").sign(MANIFEST)
    with pytest.raises(VerificationError, match="CN=Old root expired on 2021-01-01"):
        open_bundle(data, [CertificateVerifier.from_files([root], IDENTITY)])


def test_a_root_in_the_bundle_is_not_trusted(chains: Chains) -> None:
    one, root = chains["of another root"], chains["other root"].certificate
    data = CertificateSigner(one.key, one.certificate, [root]).sign(MANIFEST)
    with pytest.raises(VerificationError, match="does not end in a given root"):
        open_bundle(data, [verifier(chains)])
    assert open_bundle(data, [CertificateVerifier.from_files([root], IDENTITY)])


def test_a_bundle_without_the_intermediate_needs_it_from_the_verifier(chains: Chains) -> None:
    one = chains["good"]
    data = CertificateSigner(one.key, one.certificate).sign(MANIFEST)
    missing = "CN=Example intermediate is neither in the bundle nor given"
    with pytest.raises(VerificationError, match=missing) as refused:
        open_bundle(data, [verifier(chains)])
    assert "--certificate-chain FILE" in (refused.value.hint or "")
    given = [chains.chain("good")[0], chains.root]
    assert open_bundle(data, [CertificateVerifier.from_files(given, IDENTITY)])


def test_a_certificate_signed_by_itself_is_its_own_root(chains: Chains) -> None:
    alone = chains["alone"]
    data = CertificateSigner(alone.key, alone.certificate).sign(MANIFEST)
    accepted = CertificateVerifier.from_files([alone.certificate], IDENTITY)
    assert open_bundle(data, [accepted])


def test_a_first_moment_just_ahead_is_a_clock_and_a_last_moment_is_the_last(
    chains: Chains,
) -> None:
    (leaf,) = certificates.load(chains["good"].certificate)
    (between,) = certificates.load(chains.chain("good")[0])
    roots = certificates.load(chains.root)
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    minute = datetime.timedelta(minutes=1)

    def fault(at: datetime.datetime) -> str | None:
        return certification.leaf_fault(leaf, at) or certification.chain_fault(
            leaf, [between], roots, at
        )

    assert fault(begin - 5 * minute) is None
    assert fault(end) is None
    assert "is not valid until" in str(fault(begin - 6 * minute))
    assert "expired on" in str(fault(end + datetime.timedelta(seconds=1)))


def test_what_was_altered_does_not_verify(chains: Chains) -> None:
    document = json.loads(signer(chains).sign(MANIFEST))
    other = json.loads(
        signer(chains).sign(plaintext_manifest(".", "sha256", [(b"w", bytes(32))]))
    )
    document["dsseEnvelope"]["payload"] = other["dsseEnvelope"]["payload"]
    with pytest.raises(VerificationError, match="the bundle was altered"):
        open_bundle(encoded(document), [verifier(chains)])


@pytest.mark.parametrize("value", [[], [{"rawBytes": "AAAA"}], [{"rawBytes": "?"}], [{}], {}])
def test_a_bundle_without_a_readable_certificate_is_malformed(
    value: object, chains: Chains
) -> None:
    document = changed(json.loads(signer(chains).sign(MANIFEST)), CERTIFICATE, value)
    for verifiers in ([verifier(chains)], []):
        with pytest.raises(VerificationError) as refused:
            open_bundle(encoded(document), verifiers)
        assert refused.value.reason in {Reason.MALFORMED, Reason.UNTRUSTED}


def test_more_certificates_than_any_chain_has_are_refused(chains: Chains) -> None:
    document = json.loads(signer(chains).sign(MANIFEST))
    (leaf, *_) = document["verificationMaterial"]["x509CertificateChain"]["certificates"]
    many = changed(document, CERTIFICATE, [leaf] * 20)
    with pytest.raises(VerificationError, match="20 certificates"):
        open_bundle(encoded(many), [verifier(chains)])


def test_a_pin_holds_all_that_a_verifier_needs(chains: Chains) -> None:
    given = verifier(chains)
    pinned = CertificateVerifier.from_pin(given.pin.content, "pin")
    assert pinned.identity == given.identity
    assert pinned.identity.name == IDENTITY
    assert pinned.pin == given.pin
    assert not pinned.explicit
    assert open_bundle(signer(chains).sign(MANIFEST), [pinned])
    with pytest.raises(ConfigError, match="does not begin with the identity"):
        CertificateVerifier.from_pin(chains.root.read_bytes(), "pin")


def test_who_signs_is_accepted_with_the_next_certificate_too(chains: Chains) -> None:
    one = chains["good"]
    assert signer(chains).verifier() is None
    whole = CertificateSigner(
        one.key, one.certificate, [*chains.chain("good"), chains.root]
    ).verifier()
    assert whole is not None
    assert whole.pin.kind == "certificate"
    assert open_bundle(signer(chains, "renewed").sign(MANIFEST), [whole])
    alone = chains["alone"]
    assert CertificateSigner(alone.key, alone.certificate).verifier() is not None


def test_a_verifier_needs_a_root_and_an_identity(chains: Chains, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no root certificate among 1"):
        CertificateVerifier.from_files([chains.chain("good")[0]], IDENTITY)
    for identity in ("", "CN=a\nCN=b"):
        with pytest.raises(ConfigError, match="pinned by who it is"):
            verifier(chains, identity)
    raw = tmp_path / "root.der"
    execute("openssl", "x509", "-in", chains.root, "-outform", "DER", "-out", raw)
    with pytest.raises(ConfigError, match="no certificate in PEM"):
        CertificateVerifier.from_files([raw], IDENTITY)
    with pytest.raises(ConfigError, match="a private key where a certificate"):
        CertificateVerifier.from_files([chains["good"].key], IDENTITY)
    with pytest.raises(ConfigError, match="cannot read the certificate: no such file"):
        CertificateVerifier.from_files([tmp_path / "none"], IDENTITY)
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(ConfigError, match="a damaged certificate"):
        CertificateVerifier.from_files([damaged], IDENTITY)


def test_key_certificate_and_chain_must_fit(chains: Chains) -> None:
    one, other = chains["good"], chains["renewed"]
    with pytest.raises(ConfigError, match="not the key of the certificate"):
        CertificateSigner(other.key, one.certificate).sign(MANIFEST)
    with pytest.raises(ConfigError, match="no certificate of the chain given has issued it"):
        CertificateSigner(one.key, one.certificate, [chains["other root"].certificate])


def test_an_encrypted_key_is_opened_when_it_signs_and_not_before(
    chains: Chains, tmp_path: Path
) -> None:
    locked = tmp_path / "locked.pem"
    command = ("pkcs8", "-topk8", "-in", chains["good"].key, "-out", locked)
    execute("openssl", *command, "-passout", "pass:word")
    asked: list[str] = []

    def ask(what: str) -> bytes:
        asked.append(what)
        return b"word"

    made = CertificateSigner(locked, chains["good"].certificate, chains.chain("good"), ask)
    assert made.identity.name == IDENTITY
    assert asked == []
    for _ in range(2):
        assert open_bundle(made.sign(MANIFEST), [verifier(chains)])
    assert asked == [str(locked)]
