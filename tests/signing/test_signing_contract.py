"""model_signing as the oracle of what is signed and verified here, without its import."""

from __future__ import annotations

import base64
import json
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from git_model_security import signing
from git_model_security.errors import VerificationError
from git_model_security.signing import key_bundle, roles
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_certificate import CertificateVerifier
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.by_sigstore import SigstoreVerifier
from git_model_security.signing.manifest import (
    Digest,
    Manifest,
    ciphertext_manifest,
    plaintext_manifest,
)
from git_model_security.signing.sigstore_instance import Instance
from tests.fixtures import oracle
from tests.fixtures.bundles import Pair, changed, encoded, make_pair, signed, statement
from tests.fixtures.processes import execute
from tests.signing.test_released_bundles import (
    BY_CERTIFICATE,
    BY_KEY,
    OMS,
    PRODUCTION,
    RELEASES,
)

MODULES = sorted(path.stem for path in Path(signing.__path__[0]).glob("*.py"))
HEAVY = ("model_signing", "cryptography", "pydantic", "google.protobuf", "blake3")
SELDOM = ("sigstore", "requests", "tuf", "OpenSSL", "rich")

SIGN_AND_VERIFY = """
import sys, json
from pathlib import Path
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.manifest import ciphertext_manifest
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.pem import public_pem
from git_model_security.signing.keys import load_private
private = Path(sys.argv[1])
data = KeySigner(private).sign(ciphertext_manifest(".", [(b"w", bytes(32))], b""))
open_bundle(data, [KeyVerifier(public_pem(load_private(private)))])
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "key.pem")


def run(program: str, *arguments: object) -> str:
    # Not -I: the package under test lies in this directory.
    root = Path(signing.__path__[0]).parents[1]
    program = f"import sys; sys.path.insert(0, {str(root)!r})\n{program}"
    return str(execute(sys.executable, "-I", "-c", program, *map(str, arguments)).stdout)


def loaded(names: list[str], among: tuple[str, ...]) -> list[str]:
    return [name for name in among if name in names]


def test_importing_the_package_loads_nothing_heavy() -> None:
    imports = "\n".join(f"import git_model_security.signing.{name}" for name in MODULES)
    names = json.loads(run(f"{imports}\nimport json; print(json.dumps(sorted(sys.modules)))"))
    assert loaded(names, HEAVY + SELDOM) == []


def test_signing_and_verifying_by_key_load_no_library_but_cryptography(pair: Pair) -> None:
    names = json.loads(run(SIGN_AND_VERIFY, pair.private))
    assert loaded(names, HEAVY + SELDOM) == ["cryptography"]


@pytest.mark.parametrize("digest", ["sha256", "blake3"])
def test_we_write_the_statement_that_the_library_would_write(digest: Digest) -> None:
    items = {
        name: bytes([number]) * 32 for number, name in enumerate(("b/ü", "b", "a.c", "a/c"))
    }
    manifest = Manifest("bert", digest, items, ("model.sig", ".git"))
    written = json.loads(json_format.MessageToJson(oracle.statement(manifest).statement.pb))
    # But for the order, which the specification has by code points (OMS 1.0, 5.2.1).
    resources = written["predicate"]["resources"]
    assert [one["name"] for one in resources] == ["a/c", "a.c", "b", "b/ü"]
    resources.sort(key=lambda one: one["name"])
    root = sha256(b"".join(bytes.fromhex(one["digest"]) for one in resources)).hexdigest()
    written["subject"][0]["digest"]["sha256"] = root
    assert json.loads(key_bundle.statement(manifest)) == written


@pytest.mark.parametrize("role", roles.ROLES)
def test_the_library_reads_past_the_role_of_a_bundle_of_ours(
    role: str, hand: Pair, tmp_path: Path
) -> None:
    entries = [(name, bytes([number]) * 32) for number, name in enumerate((b"a/c", b"a.c"))]
    manifest = plaintext_manifest("m/bert", "sha256", entries)
    if role == roles.CIPHERTEXT:
        manifest = ciphertext_manifest("m/bert", entries, b"")
    (tmp_path / "bundle").write_bytes(KeySigner(hand.private).sign(manifest))
    read = oracle.by_key(tmp_path / "bundle", hand.private.with_name("public.pem"))
    assert read == manifest._replace(subject=None)


@pytest.mark.parametrize("name", BY_KEY)
def test_what_a_release_signed_by_key_reads_as_to_the_library(name: str) -> None:
    public = RELEASES / "trust" / "public-key.pem"
    bundle = RELEASES / name
    opened = open_bundle(bundle.read_bytes(), [KeyVerifier.from_file(public)])
    assert opened.manifest == oracle.by_key(bundle, public)


@pytest.mark.parametrize("name", BY_CERTIFICATE)
def test_what_a_release_signed_by_certificate_reads_as_to_the_library(name: str) -> None:
    chain = [RELEASES / "trust" / "chain.pem"]
    bundle = RELEASES / name
    verifier = CertificateVerifier.from_files(chain, "git-model compat signer")
    opened = open_bundle(bundle.read_bytes(), [verifier])
    assert opened.manifest == oracle.by_certificate(bundle, chain)


def test_what_sigstore_signed_reads_as_to_the_library(tmp_path: Path) -> None:
    bundle = OMS / "v1.1.0-sigstore" / "model.sig"
    trust = oracle.trust_config(Instance(), tmp_path)
    opened = open_bundle(bundle.read_bytes(), [SigstoreVerifier(*PRODUCTION)])
    assert opened.manifest == oracle.by_sigstore(bundle, *PRODUCTION, trust)


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    made = make_pair(tmp_path_factory.mktemp("hand") / "key.pem")
    made.private.with_name("public.pem").write_bytes(made.public)
    return made


def assert_agreed(document: object, pair: Pair) -> bool:
    """Fails if what is accepted here is refused, or reads otherwise, by the library."""
    bundle = pair.private.with_name("bundle")
    bundle.write_bytes(encoded(document))
    try:
        opened = open_bundle(bundle.read_bytes(), [KeyVerifier(pair.public)])
    except VerificationError:
        return False
    assert opened.manifest == oracle.by_key(bundle, pair.private.with_name("public.pem"))
    return True


NAME = st.sampled_from(
    [
        *("w.bin", "a.c", "a/c", "é", "a b", 'odd "name"\n', ".gitignore", "w:0:10"),
        *("a//b", "./a", "a/", "", "..", "../x", "/x", ".git/x"),
    ]
)
PART = st.sampled_from(["w:0:10", "w:10:14", "v:0:4", "w:0:010", "w:5:9", "w:0", "a//b:0:9"])
GOOD: dict[str, object] = {
    "method": "files",
    "hash_type": "sha256",
    "allow_symlinks": False,
}
PARTS = {**GOOD, "method": "shards", "shard_size": 10}
ODD = st.fixed_dictionaries(
    {"method": st.sampled_from(["files", "shards", "lines"])},
    optional={
        "hash_type": st.sampled_from(["sha256", "blake3", "md5"]),
        "allow_symlinks": st.booleans(),
        "shard_size": st.sampled_from([10, 10.0, 10.5, 0, "10", None]),
    },
)
ALGORITHM = st.sampled_from(["sha256", "sha256-sharded-10", "blake3"])
# Most are good, so that what is odd in one place is not refused for another.
ITEMS = st.one_of(
    st.tuples(
        st.lists(NAME, min_size=1, max_size=3, unique=True),
        st.sampled_from([GOOD, GOOD, {"method": "files", "hash_type": "sha256"}]),
        st.just("sha256"),
    ),
    st.tuples(
        st.lists(PART, min_size=1, max_size=2, unique=True),
        st.just(PARTS),
        st.just("sha256-sharded-10"),
    ),
    st.tuples(st.lists(st.one_of(NAME, PART), max_size=3), ODD, ALGORITHM),
)
IGNORED = st.one_of(st.just([]), st.just([".git", "model.sig"]), st.lists(NAME, max_size=2))


@given(ITEMS, IGNORED, st.sampled_from(["m", "", "git-model/v1"]))
def test_a_statement_that_is_accepted_reads_as_to_the_library(
    hand: Pair, items: tuple[list[str], dict[str, object], str], ignored: list[str], name: str
) -> None:
    names, terms, algorithm = items
    digests = [bytes([number]) * 32 for number in range(len(names))]
    made = statement({}, name)
    made["subject"][0]["digest"]["sha256"] = sha256(b"".join(digests)).hexdigest()
    made["predicate"]["serialization"] = {
        **terms,
        **({"ignore_paths": ignored} if ignored else {}),
    }
    made["predicate"]["resources"] = [
        {"name": item, "algorithm": algorithm, "digest": digest.hex()}
        for item, digest in zip(names, digests, strict=True)
    ]
    assert_agreed(signed(hand, made), hand)


@pytest.mark.parametrize(
    "terms",
    [
        GOOD,
        {**GOOD, "allow_symlinks": True, "ignore_paths": []},
    ],
)
def test_the_two_agree_on_a_good_statement(terms: dict[str, object], hand: Pair) -> None:
    made = statement({"w.bin": bytes(32), "a/b": b"1" * 32})
    made["predicate"]["serialization"] = terms
    assert assert_agreed(signed(hand, made), hand)


@given(st.integers(min_value=0), st.integers(0, 7), st.sampled_from(["payload", "sig"]))
def test_no_flipped_bit_is_accepted(hand: Pair, at: int, bit: int, where: str) -> None:
    document = signed(hand, statement({"w.bin": bytes(32)}))
    path = "dsseEnvelope.payload" if where == "payload" else "dsseEnvelope.signatures.0.sig"
    envelope = document["dsseEnvelope"]
    text = envelope["payload"] if where == "payload" else envelope["signatures"][0]["sig"]
    flipped = bytearray(base64.b64decode(text))
    flipped[at % len(flipped)] ^= 1 << bit
    altered = changed(document, path, base64.b64encode(flipped).decode())
    assert not assert_agreed(altered, hand)


def test_the_fingerprint_of_a_key_is_the_librarys_hint(pair: Pair) -> None:
    manifest = Manifest("m", "sha256", {"a": bytes(32)})
    document = json.loads(KeySigner(pair.private).sign(manifest))
    hint = document["verificationMaterial"]["publicKey"]["hint"]
    assert hint == KeySigner(pair.private).identity.fingerprint
