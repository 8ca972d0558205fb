from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.errors import Reason, VerificationError
from git_model_security.signing import dsse, roles
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.manifest import (
    Manifest,
    ciphertext_manifest,
    plaintext_manifest,
)
from git_model_security.signing.roles import Subject
from tests.fixtures.bundles import Pair, changed, encoded, make_pair, signed, statement

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = b"\1" * 32, b"\2" * 32
P, C = "git-model/v1/plaintext:.", "git-model/v1/ciphertext:."
PLAINTEXT = plaintext_manifest(".", "sha256", [(b"a/w.bin", ONE), (b"c.json", TWO)])
CIPHERTEXT = ciphertext_manifest(".", [(b"a/w.bin", ONE)], b"100644 blob 1\ta/w.bin\0")


@pytest.fixture
def ada(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "ada.pem")


@pytest.fixture
def bob(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "bob.pem")


def refusal(
    data: bytes, *pairs: Pair, explicit: bool = False, **options: Any
) -> VerificationError:
    verifiers = [KeyVerifier(pair.public, explicit) for pair in pairs]
    with pytest.raises(VerificationError) as refused:
        open_bundle(data, verifiers, **options)
    return refused.value


@pytest.mark.parametrize(
    "manifest",
    [
        PLAINTEXT,
        CIPHERTEXT,
        CIPHERTEXT._replace(roots={"a/w.bin": TWO}),
        PLAINTEXT._replace(digest="blake3"),
        plaintext_manifest("m/bert", "sha256", [(b'a\nb\\c "d" \xc3\xa9', ONE)], "s.json"),
        Manifest("bert", "sha256", {"w.bin": ONE}, ("notes",)),
    ],
)
def test_what_was_signed_is_read_back(manifest: Manifest, ada: Pair, bob: Pair) -> None:
    verifiers = [KeyVerifier(bob.public), KeyVerifier(ada.public)]
    opened = open_bundle(KeySigner(ada.private).sign(manifest), verifiers)
    assert opened.manifest == manifest
    assert opened.manifest.fingerprint == manifest.fingerprint
    assert opened.signer == KeySigner(ada.private).identity
    assert opened.subject == manifest.subject


def test_nothing_is_printed(ada: Pair, capfd: pytest.CaptureFixture[str]) -> None:
    data = KeySigner(ada.private).sign(PLAINTEXT)
    hintless = changed(json.loads(data), "verificationMaterial.publicKey", {})
    open_bundle(encoded(hintless), [KeyVerifier(ada.public)])
    assert capfd.readouterr() == ("", "")


def test_a_bundle_that_names_no_key_is_tried_with_each(ada: Pair, bob: Pair) -> None:
    document = json.loads(KeySigner(bob.private).sign(PLAINTEXT))
    data = encoded(changed(document, "verificationMaterial.publicKey", {}))
    opened = open_bundle(data, [KeyVerifier(ada.public), KeyVerifier(bob.public)])
    assert opened.signer.fingerprint == bob.fingerprint
    assert refusal(data, ada).reason is Reason.INVALID


def test_a_signer_who_is_not_pinned_is_untrusted(ada: Pair, bob: Pair) -> None:
    data = KeySigner(ada.private).sign(PLAINTEXT)
    assert refusal(data, bob).reason is Reason.UNTRUSTED
    assert refusal(data).reason is Reason.UNTRUSTED
    assert ada.fingerprint[:16] in str(refusal(data, bob))


def test_a_key_given_for_the_check_that_did_not_sign_is_the_wrong_key(
    ada: Pair, bob: Pair
) -> None:
    found = refusal(KeySigner(ada.private).sign(PLAINTEXT), bob, explicit=True)
    assert found.reason is Reason.WRONG_KEY
    assert ada.fingerprint[:16] in str(found)
    assert bob.fingerprint[:16] in str(found)


def test_naming_a_trusted_key_does_not_help_who_does_not_hold_it(ada: Pair, bob: Pair) -> None:
    forged = json.loads(KeySigner(bob.private).sign(PLAINTEXT))
    hint = {"hint": ada.fingerprint}
    data = encoded(changed(forged, "verificationMaterial.publicKey", hint))
    assert refusal(data, ada).reason is Reason.INVALID


def test_every_flipped_byte_of_the_payload_is_an_invalid_signature(ada: Pair) -> None:
    document = json.loads(KeySigner(ada.private).sign(PLAINTEXT))
    payload = base64.b64decode(document["dsseEnvelope"]["payload"])
    for position in range(0, len(payload), 97):
        flipped = bytearray(payload)
        flipped[position] ^= 1
        text = base64.b64encode(flipped).decode()
        data = encoded(changed(document, "dsseEnvelope.payload", text))
        found = refusal(data, ada)
        assert found.reason is Reason.INVALID
        assert "altered" in str(found)


@pytest.mark.parametrize(
    "path",
    [
        "note",
        "dsseEnvelope.note",
        "dsseEnvelope.signatures.0.note",
        "dsseEnvelope.signatures.0.keyid",
        "verificationMaterial.note",
        "verificationMaterial.tlogEntries",
    ],
)
def test_what_nobody_signed_is_refused_in_a_bundle_of_ours(path: str, ada: Pair) -> None:
    document = json.loads(KeySigner(ada.private).sign(PLAINTEXT))
    value = [{}] if path.endswith("tlogEntries") else "EVIL"
    found = refusal(encoded(changed(document, path, value)), ada)
    assert found.reason is Reason.MALFORMED
    assert "EVIL" not in str(found)


@pytest.mark.parametrize("text", ["", "AAAA", "MAYCAQECAQE="])
def test_another_signature_is_invalid(text: str, ada: Pair) -> None:
    document = json.loads(KeySigner(ada.private).sign(PLAINTEXT))
    data = encoded(changed(document, "dsseEnvelope.signatures.0.sig", text))
    assert refusal(data, ada).reason is Reason.INVALID


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "'mediaType'"),
        (b'{"mediaType": "a", "mediaType": "b"}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "not JSON|mediaType"),
        (b" " * (dsse.MAX_BYTES + 1), "more than"),
    ],
)
def test_what_is_no_bundle_is_malformed(data: bytes, said: str, ada: Pair) -> None:
    with pytest.raises(VerificationError, match=said) as refused:
        open_bundle(data, [KeyVerifier(ada.public)])
    assert refused.value.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.1", "version 0.3"),
        ("mediaType", None, "'mediaType'"),
        ("verificationMaterial", {}, "one public key or certificate"),
        ("verificationMaterial", None, "'verificationMaterial'"),
        (
            "verificationMaterial",
            {"publicKey": {}, "certificate": {}},
            "one public key or certificate",
        ),
        ("verificationMaterial.publicKey", [], "'publicKey'"),
        ("verificationMaterial.publicKey", {"hint": 1}, "key hint"),
        ("verificationMaterial.publicKey", {"hint": "\x1b[31m"}, "key hint"),
        ("verificationMaterial.tlogEntries", [{}], "says more than"),
        ("verificationMaterial.publicKey.note", "VISIT", "says more than"),
        ("dsseEnvelope", {}, "'payloadType'"),
        ("dsseEnvelope.payloadType", "text/plain", "not an in-toto statement"),
        ("dsseEnvelope.payload", "é", "base64"),
        ("dsseEnvelope.payload", 1, "'payload'"),
        ("dsseEnvelope.signatures", [], "0 signatures"),
        ("dsseEnvelope.signatures", [{"sig": "AAAA"}, {"sig": "AAAA"}], "2 signatures"),
        ("dsseEnvelope.signatures.0", {"keyid": ""}, "'sig'"),
    ],
)
def test_an_outside_of_another_form_is_malformed(
    path: str, value: object, said: str, ada: Pair
) -> None:
    document = json.loads(KeySigner(ada.private).sign(PLAINTEXT))
    found = refusal(encoded(changed(document, path, value)), ada)
    assert found.reason is Reason.MALFORMED
    assert said in str(found)
    assert found.hint


@pytest.mark.parametrize("kind", ["certificate", "x509CertificateChain"])
def test_a_method_that_nobody_is_pinned_for_is_untrusted(kind: str, ada: Pair) -> None:
    document = json.loads(KeySigner(ada.private).sign(PLAINTEXT))
    data = encoded(changed(document, "verificationMaterial", {kind: {}}))
    assert refusal(data, ada).reason is Reason.UNTRUSTED


SUBJECT = {"name": "m", "digest": {"sha256": "00"}}
RESOURCE = {"name": "w.bin", "algorithm": "sha256", "digest": ONE.hex()}


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("_type", "https://in-toto.io/Statement/v0.1", "not in-toto v1"),
        ("predicateType", "https://model_signing/Digests/v0.1", "'annotations'"),
        ("predicateType", "https://slsa.dev/provenance/v1", "not a model signature v1.0"),
        ("subject", [], "0 subjects"),
        ("subject", [SUBJECT, SUBJECT], "2 subjects"),
        ("subject.0.name", 1, "'name'"),
        ("subject.0.digest.sha256", "00", "is not that of its items"),
        ("subject.0.digest", {}, "'sha256'"),
        ("predicate.serialization", {"method": "files", "hash_type": "sha256"}, "'allow_sym"),
        ("predicate", [], "'predicate'"),
        ("predicate.serialization.method", "shards", "how long they are"),
        ("predicate.serialization.method", "lines", "neither by files"),
        ("predicate.serialization.hash_type", "md5", "over md5"),
        ("predicate.serialization.hash_type", "blake3", "another digest than blake3"),
        ("predicate.serialization.ignore_paths", "w", "'ignore_paths'"),
        ("predicate.serialization.ignore_paths", [1], "'ignore_paths'"),
        ("predicate.resources", {}, "'resources'"),
        ("predicate.resources.0", "w.bin", "'name'"),
        ("predicate.resources.0.algorithm", "blake3", "another digest than sha256"),
        ("predicate.resources.0.digest", "zz", "not hexadecimal"),
        ("predicate.resources.0.digest", "00", "another length"),
        ("predicate.resources.0.digest", "01 " * 32, "another length"),
        ("predicate.resources", [RESOURCE, RESOURCE], "a name twice: w.bin"),
    ],
)
def test_a_statement_of_another_form_is_malformed_even_under_a_good_signature(
    path: str, value: object, said: str, ada: Pair
) -> None:
    payload = changed(statement({"w.bin": ONE}), path, value)
    found = refusal(encoded(signed(ada, payload)), ada)
    assert found.reason is Reason.MALFORMED
    assert said in str(found)


@pytest.mark.parametrize("payload", [b"", b"null", b"[" * 100_000, b'{"_type": 1, "_type": 2}'])
def test_a_payload_that_is_no_statement_is_malformed(payload: bytes, ada: Pair) -> None:
    assert refusal(encoded(signed(ada, payload)), ada).reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "name",
    [
        "/etc/x",
        "../x",
        "a/./b",
        "a//b",
        "a/",
        "",
        ".git/hooks/x",
        "a/GIT~1/x",
        "a\0b",
        "\udce9",
    ],
)
def test_a_hostile_name_is_refused_although_it_is_signed(name: str, ada: Pair) -> None:
    for payload in (statement({name: ONE}), statement({"w": ONE}, ignored=(name,))):
        found = refusal(encoded(signed(ada, payload)), ada)
        assert found.reason is Reason.MALFORMED
        str(found).encode("utf-8")
        assert "\0" not in str(found)


@pytest.mark.parametrize("name", ["a//b", "./a", "a/"])
def test_a_name_that_stock_reads_otherwise_is_refused(name: str, ada: Pair) -> None:
    found = refusal(encoded(signed(ada, statement({name: ONE}))), ada)
    assert "signs a name that has the component" in str(found)


def test_an_empty_manifest_is_refused(ada: Pair) -> None:
    assert "no file at all" in str(refusal(encoded(signed(ada, statement({}))), ada))


@pytest.mark.parametrize(
    ("role", "items", "ignored", "said"),
    [
        (P, {"w": ONE}, (), "does not ignore the paths"),
        (P, {"w": ONE}, (*roles.ignore_paths(), "evil.py"), "evil.py"),
        (P, {"w": ONE}, roles.ignore_paths("a/model.sig"), "does not ignore"),
        (P, {".github/x": ONE}, roles.ignore_paths(), "a path that it ignores"),
        (P, {"model.sig": ONE}, roles.ignore_paths(), "a path that it ignores"),
        (P, {roles.TREE_ITEM: ONE}, roles.ignore_paths(), "component .git"),
        (C, {"w": ONE}, (), "without the tree listing"),
        (C, {roles.TREE_ITEM: ONE}, ("w",), "ignores paths"),
        (C, {roles.TREE_ITEM: ONE, ".git/x": ONE}, (), "component .git"),
        (C, {roles.TREE_ITEM: ONE, ".git/root/w": ONE}, (), "root of what it does not sign"),
        (C, {roles.TREE_ITEM: ONE, ".git/root/": ONE}, (), "root of what it does not sign"),
        (C, {roles.TREE_ITEM: ONE, ".git/root": ONE}, (), "component .git"),
        (C, {roles.TREE_ITEM: ONE, ".GIT/root/w": ONE, "w": ONE}, (), "component .GIT"),
        (C, {roles.TREE_ITEM: ONE, ".git/root/.git/tree": ONE}, (), "does not sign: .git/tree"),
        (P, {"w": ONE, ".git/root/w": ONE}, roles.ignore_paths(), "component .git"),
        ("git-model/v9/plaintext:.", {"w": ONE}, (), "no role known"),
    ],
)
@pytest.mark.parametrize("form", ["annotation", "name"])
def test_a_bundle_that_claims_a_role_has_the_form_of_that_role(
    form: str,
    role: str,
    items: dict[str, bytes],
    ignored: tuple[str, ...],
    said: str,
    ada: Pair,
) -> None:
    annotated = statement(items, "bert", ignored, {"git-model": role})
    payload = annotated if form == "annotation" else statement(items, role, ignored)
    found = refusal(encoded(signed(ada, payload)), ada)
    assert found.reason is Reason.MALFORMED
    assert said in str(found)


@pytest.mark.parametrize(
    ("name", "annotations"),
    [
        (P, {"git-model": P}),
        (P, {"git-model": C}),
        ("bert", {"git-model": "bert"}),
        ("bert", {"git-model": ""}),
        ("bert", {"git-model": None}),
        ("bert", {"git-model": [P]}),
        ("bert", {"git-model": P, "note": "EVIL"}),
    ],
)
def test_a_role_is_said_once_and_nothing_beside_it(
    name: str, annotations: object, ada: Pair
) -> None:
    payload = statement({"w": ONE}, name, roles.ignore_paths(), annotations)
    found = refusal(encoded(signed(ada, payload)), ada)
    assert found.reason is Reason.MALFORMED
    assert "EVIL" not in str(found)


def test_a_bundle_whose_name_is_its_role_stays_good(ada: Pair) -> None:
    old = statement({"w": ONE}, P, roles.ignore_paths())
    opened = open_bundle(
        encoded(signed(ada, old)), [KeyVerifier(ada.public)], expected=PLAINTEXT.subject
    )
    new = PLAINTEXT._replace(items={"w": ONE}, ignore_paths=roles.ignore_paths())
    # What was signed so is not signed anew.
    assert opened.manifest.fingerprint == new.fingerprint


@pytest.mark.parametrize("annotations", [{}, {"note": "of others"}, [], "git-model", None])
def test_annotations_of_others_say_nothing_of_a_role(annotations: object, ada: Pair) -> None:
    payload = statement({"w": ONE}, "git-model", (), annotations)
    opened = open_bundle(encoded(signed(ada, payload)), [KeyVerifier(ada.public)])
    assert opened.subject is None


def test_without_the_annotation_it_is_no_bundle_of_ours(ada: Pair) -> None:
    bare = KeySigner(ada.private).sign(PLAINTEXT._replace(subject=None))
    assert open_bundle(bare, [KeyVerifier(ada.public)]).subject is None
    found = refusal(bare, ada, expected=PLAINTEXT.subject)
    assert "of other software" in str(found)
    # The listing of a tree is no file, so nobody takes ciphertext for the files of a model.
    found = refusal(KeySigner(ada.private).sign(CIPHERTEXT._replace(subject=None)), ada)
    assert "component .git" in str(found)


def test_a_ciphertext_bundle_over_another_digest_is_refused(ada: Pair) -> None:
    data = KeySigner(ada.private).sign(CIPHERTEXT._replace(digest="blake3"))
    assert "not sha256" in str(refusal(data, ada))


def test_a_bundle_for_another_signature_name_is_refused_where_that_is_known(ada: Pair) -> None:
    manifest = plaintext_manifest(".", "sha256", [(b"w", ONE)], "evil.bin")
    data = KeySigner(ada.private).sign(manifest)
    assert open_bundle(data, [KeyVerifier(ada.public)]).manifest == manifest
    found = refusal(data, ada, signature_name="model.sig")
    assert found.reason is Reason.MALFORMED
    assert "evil.bin" in str(found)


@pytest.mark.parametrize(
    "expected", [Subject(roles.CIPHERTEXT, "."), Subject(roles.PLAINTEXT, "models/other")]
)
def test_a_good_bundle_in_the_place_of_another_is_refused(expected: Subject, ada: Pair) -> None:
    data = KeySigner(ada.private).sign(PLAINTEXT)
    found = refusal(data, ada, expected=expected)
    assert found.reason is Reason.INVALID
    assert str(found).startswith("signs the plaintext of .")


def test_a_stock_bundle_does_not_pass_for_one_of_ours(ada: Pair) -> None:
    data = encoded(signed(ada, statement({"w": ONE})))
    assert open_bundle(data, [KeyVerifier(ada.public)]).subject is None
    found = refusal(data, ada, expected=Subject(roles.PLAINTEXT))
    assert "of other software" in str(found)
