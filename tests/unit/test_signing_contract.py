"""What we rely on in model_signing, and what importing it may cost."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from git_model_security import signing
from git_model_security.errors import VerificationError
from git_model_security.signing import _library, dsse, key_bundle
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.manifest import Digest, Manifest, plaintext_manifest
from tests.fixtures.bundles import Pair, make_pair
from tests.fixtures.processes import execute

MODULES = sorted(path.stem for path in Path(signing.__path__[0]).glob("*.py"))
HEAVY = ("model_signing", "cryptography", "pydantic", "google.protobuf", "blake3")
SELDOM = ("sigstore", "requests", "tuf", "OpenSSL", "rich")

SIGN_AND_VERIFY = """
import sys, json
from pathlib import Path
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.ciphertext import ciphertext_manifest
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.signing.pem import public_pem
from git_model_security.signing.keys import load_private
private = Path(sys.argv[1])
data = KeySigner(private).sign(ciphertext_manifest(".", [(b"w", bytes(32))], b""))
open_bundle(data, [KeyVerifier(public_pem(load_private(private)))])
print(json.dumps(sorted(sys.modules)))
"""

TOUCH_SIGSTORE = """
from git_model_security.signing import _library
model_signing = _library.load()
import sys
assert "sigstore" not in sys.modules and "OpenSSL" not in sys.modules
model_signing.verifying.Config().use_sigstore_verifier
from model_signing._signing import sign_certificate, sign_sigstore
assert issubclass(sign_certificate.Signer, model_signing.signing.ec_key.Signer)
assert sign_sigstore.Signature.__name__ == "Signature"
assert "sigstore" in sys.modules and "OpenSSL" in sys.modules
assert not [finder for finder in sys.meta_path if type(finder).__name__ == "_LazyFinder"]
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


def test_signing_and_verifying_by_key_load_no_sigstore(pair: Pair) -> None:
    names = json.loads(run(SIGN_AND_VERIFY, pair.private))
    assert "model_signing" in names
    assert loaded(names, SELDOM) == []


def test_sigstore_and_certificates_load_when_they_are_touched() -> None:
    run(TOUCH_SIGSTORE)


@pytest.mark.parametrize("digest", ["sha256", "blake3"])
def test_we_write_the_statement_that_the_library_would_write(digest: Digest) -> None:
    _library.load()
    from google.protobuf import json_format
    from model_signing._signing.signing import Payload

    items = {
        name: bytes([number]) * 32 for number, name in enumerate(("b/ü", "b", "a.c", "a/c"))
    }
    manifest = Manifest("git-model/v1/plaintext:.", digest, items, ("model.sig", ".git"))
    theirs = Payload(_library.prepared(manifest).hash(Path(), files_to_hash=None))
    written = json_format.MessageToJson(theirs.statement.pb)
    assert json.loads(key_bundle.statement(manifest)) == json.loads(written)


def test_the_library_compares_what_it_was_given_with_what_was_signed(
    pair: Pair, tmp_path: Path
) -> None:
    library = _library.load()
    manifest = Manifest("m", "sha256", {"a": bytes(32)}, ("x",))
    path = tmp_path / "bundle"
    made = KeySigner(pair.private).sign(manifest)
    path.write_bytes(made)
    hashing, seen = _library.recorder()
    config = library.verifying.Config().set_hashing_config(hashing)
    KeyVerifier(pair.public).configure(config, tmp_path, dsse.parse(made))
    config.verify(tmp_path, path)
    (signed,) = seen
    assert signed.model_name == "m"
    assert [item.identifier for item in signed.resource_descriptors()] == ["a"]
    assert signed.serialization_type["ignore_paths"] == ["x"]


def test_a_library_that_compares_nothing_verifies_nothing(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = KeySigner(pair.private).sign(plaintext_manifest(".", "sha256", [(b"w", bytes(32))]))
    library = _library.load()

    class Careless(library.verifying.Config):  # type: ignore[name-defined, misc]
        def verify(self, model_path: object, signature_path: object) -> None:
            pass

    careless = SimpleNamespace(verifying=SimpleNamespace(Config=Careless))
    monkeypatch.setattr(_library, "load", lambda: careless)
    with pytest.raises(VerificationError, match="compared nothing"):
        open_bundle(data, [KeyVerifier(pair.public)])


def test_the_fingerprint_of_a_key_is_the_librarys_hint(pair: Pair) -> None:
    manifest = Manifest("m", "sha256", {"a": bytes(32)})
    document = json.loads(KeySigner(pair.private).sign(manifest))
    hint = document["verificationMaterial"]["publicKey"]["hint"]
    assert hint == KeySigner(pair.private).identity.fingerprint
