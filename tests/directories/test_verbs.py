"""The verbs of model-encryption and model_signing, in their words, without Git.

The commands stand as in the READMEs of these two, paths and the program's name apart.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.directories.conftest import FILES, HIDDEN, Signed
from tests.fixtures.chains import IDENTITY as SUBJECT
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository
from tests.fixtures.sigstore_loopback import IDENTITY, ISSUER, Sigstore, token
from tests.fixtures.tokens import PIN

if TYPE_CHECKING:
    import subprocess

    from tests.fixtures.chains import Chains
    from tests.fixtures.tokens import SoftToken

STOCK = (sys.executable, "-m", "model_signing")
MAGIC = b"\x00GITMODEL\x00\r\n"
ENCRYPTED = {name for name, content in FILES.items() if content}


class Method(NamedTuple):
    """The options of a method, as the READMEs have them."""

    name: str
    signing: tuple[object, ...]
    verifier: str
    verifying: tuple[object, ...]


@pytest.fixture(params=["key", "certificate", "pkcs11-key", "pkcs11-certificate", "sigstore"])
def method(
    request: pytest.FixtureRequest, signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> Method:
    name: str = request.param
    if name == "key":
        public = ("--public_key", signed.public)
        return Method(name, ("--private_key", signed.private), name, public)
    if name == "sigstore":
        monkeypatch.delenv("CI", raising=False)
        instance: Sigstore = request.getfixturevalue("sigstore")
        own = ("--trust-config", instance.trust_config)
        who = ("--identity", IDENTITY, "--identity_provider", ISSUER)
        return Method(name, ("--identity_token", token(), *own), name, (*who, *own))
    chains: Chains = request.getfixturevalue("chains")
    leaf = ("--signing_certificate", chains["good"].certificate)
    above = ("--certificate_chain", chains["intermediate"].certificate)
    certified = ("--certificate_chain", chains.root, "--identity", SUBJECT)
    if name == "certificate":
        signing = ("--private_key", chains["good"].key, *leaf, *above)
        return Method(name, signing, name, certified)
    soft: SoftToken = request.getfixturevalue("token")
    monkeypatch.setenv("GIT_MODEL_PKCS11_PIN", PIN)
    uri = ("--pkcs11_uri", soft.uri())
    if name == "pkcs11-certificate":
        return Method(name, (*uri, *leaf, *above), name, certified)
    public = signed.public.with_name("token.pub")
    public.write_bytes(chains_public(chains))
    return Method(name, uri, name, ("--public_key", public))


def chains_public(chains: Chains) -> bytes:
    from git_model_security.signing import keys, pem

    return pem.public_pem(keys.load_private(chains["good"].key))


def run(*words: object, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = Repository(Path.cwd()).model(*map(str, words), check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def is_sealed(signed: Signed) -> set[str]:
    return {name for name, content in signed.read().items() if content.startswith(MAGIC)}


def test_sign_and_encrypt_then_decrypt_and_verify_by_every_method(
    signed: Signed, method: Method
) -> None:
    bundle = signed.top / "model.sig"
    common = ("--encryption-key", signed.key, "--signature", bundle, f"{signed.top}/")
    run("sign+encrypt", method.name, *method.signing, *common)
    assert is_sealed(signed) == ENCRYPTED
    assert signed.read()[".hidden"] == HIDDEN[".hidden"]
    said = run("decrypt+verify", method.name, *method.verifying, *common).stdout
    assert "decrypted 3 files" in said
    assert signed.read() == FILES | HIDDEN
    again = run("decrypt+verify", method.name, *method.verifying, *common).stdout
    assert "decrypted nothing" in again


def test_encrypt_and_sign_then_verify_and_decrypt_by_every_method(
    signed: Signed, method: Method
) -> None:
    common = ("--encryption-key", signed.key, "--no_use_progress_bar", signed.top)
    run("encrypt+sign", method.name, *method.signing, *common)
    assert is_sealed(signed) == ENCRYPTED
    run("verify+decrypt", method.name, *method.verifying, *common)
    assert signed.read() == FILES | HIDDEN


def test_stock_verifies_what_was_signed_before_and_after(signed: Signed) -> None:
    bundle = signed.top / "model.sig"
    own = ("--private-key", signed.private, "--encryption_key", signed.key)
    check = ("--signature", bundle, "--public_key", signed.public, signed.top)
    run("sign+encrypt", "key", *own, signed.top)
    assert execute(*STOCK, "verify", "key", *check, check=False).returncode == 1
    shown = ("--public_key", signed.public, "--encryption-key", signed.key)
    run("decrypt+verify", "key", *shown, signed.top)
    execute(*STOCK, "verify", "key", *check)
    bundle.unlink()
    run("encrypt+sign", "key", *own, signed.top)
    execute(*STOCK, "verify", "key", *check)
    run("verify", "key", *check)


def test_what_stock_signed_is_verified_and_decrypted(signed: Signed) -> None:
    bundle = signed.top.parent / "elsewhere.sig"
    private = ("--private_key", signed.private)
    execute(*STOCK, "sign", "key", *private, "--signature", bundle, signed.top)
    run("encrypt", "--encryption-key", signed.key, signed.top)
    shown = ("--public_key", signed.public, "--encryption-key", signed.key)
    run("decrypt+verify", "key", *shown, "--signature", bundle, signed.top)
    assert signed.read() == FILES | HIDDEN


def test_the_commands_of_model_signings_readme(signed: Signed) -> None:
    bundle = signed.top.parent / "resnet.sig"
    run("sign", "key", signed.top, "--private-key", signed.private)
    run("sign", "key", signed.top, "--private-key", signed.private, "--signature", bundle)
    shown = ("--signature", bundle, "--public-key", signed.public)
    run("verify", "key", signed.top, *shown)
    # Released ones do not know the spelling that the README of the next has.
    stock = ("--signature", bundle, "--public_key", signed.public)
    execute(*STOCK, "verify", "key", signed.top, *stock)


@pytest.mark.parametrize("signer", ["stock", "ours"])
def test_one_file_with_its_bundle_beside_it(signed: Signed, signer: str) -> None:
    file = signed.top / "model.safetensors"
    bundle = signed.top / "model.safetensors.sig"
    private = ("--private_key", signed.private)
    if signer == "stock":
        execute(*STOCK, "sign", "key", *private, "--signature", bundle, file)
    else:
        run("sign", "key", *private, file)
    check = ("--public_key", signed.public, "--signature", bundle)
    run("verify", "key", *check, file)
    execute(*STOCK, "verify", "key", *check, file)
    said = run("verify", "key", *check, signed.top, status=1)
    assert "signs one file, and no directory" in said.stdout
    moved = file.rename(signed.top.parent / "renamed.gguf")
    run("verify", "key", *check, moved)
    moved.write_bytes(b"forged")
    assert "tampered" in run("verify", "key", *check, moved, status=1).stdout


def test_one_file_is_signed_encrypted_verified_and_decrypted(signed: Signed) -> None:
    file = signed.top / "model.safetensors"
    own = ("--private_key", signed.private, "--encryption-key", signed.key)
    shown = ("--public_key", signed.public, "--encryption-key", signed.key)
    run("sign+encrypt", "key", *own, file)
    assert is_sealed(signed) == {file.name}
    run("decrypt+verify", "key", *shown, file)
    assert signed.read() == FILES | HIDDEN


def test_a_bundle_of_a_directory_is_none_of_a_file(signed: Signed) -> None:
    run("sign", "key", "--private-key", signed.private, signed.top)
    bundle = ("--signature", signed.top / "model.sig", "--public-key", signed.public)
    said = run("verify", "key", *bundle, signed.top / "config.json", status=1)
    assert "signs a directory, and not one file" in said.stdout


def test_both_spellings_of_every_flag(signed: Signed) -> None:
    for underscored in (True, False):
        words = {
            "sign+encrypt": ("--private-key", signed.private, "--no-use-progress-bar"),
            "decrypt+verify": ("--public-key", signed.public, "--log-fingerprints"),
        }
        for verb, options in words.items():
            given = (*options, "--encryption-key", signed.key, "--ignore-git-paths")
            spelt = [str(word) for word in given]
            if underscored:
                spelt = [
                    "--" + word[2:].replace("-", "_") if word.startswith("--") else word
                    for word in spelt
                ]
            run(verb, "key", *spelt, signed.top)


def test_the_password_of_a_key_may_stand_on_the_command_line(signed: Signed) -> None:
    locked = signed.private.with_name("locked.priv")
    words = ("-topk8", "-in", signed.private, "-out", locked, "-passout", "pass:correct horse")
    execute("openssl", "pkcs8", *words)
    own = ("--private_key", locked, "--encryption-key", signed.key)
    said = run("sign+encrypt", "key", *own, "--password", "wrong", signed.top, status=1)
    assert "Traceback" not in said.stderr
    run("sign+encrypt", "key", *own, "--password", "correct horse", signed.top)


def test_what_is_ignored_is_not_signed_and_encrypted_all_the_same(signed: Signed) -> None:
    own = ("--private_key", signed.private, "--encryption-key", signed.key)
    shown = ("--public_key", signed.public, "--encryption-key", signed.key)
    ignored = ("--ignore-paths", signed.top / "config.json")
    run("sign+encrypt", "key", *own, *ignored, signed.top)
    assert is_sealed(signed) == ENCRYPTED
    said = run("decrypt+verify", "key", *shown, *ignored, signed.top)
    assert "config.json: left encrypted: no signature is over it" in said.stderr
    assert is_sealed(signed) == {"config.json"}


def test_fingerprints_of_roots_are_logged(signed: Signed, chains: Chains) -> None:
    leaf, above = chains["good"], ("--certificate_chain", chains["intermediate"].certificate)
    by = ("--private_key", leaf.key, "--signing_certificate", leaf.certificate, *above)
    run("sign", "certificate", *by, signed.top)
    check = ("--signature", signed.top / "model.sig", "--certificate_chain", chains.root)
    who = ("--identity", SUBJECT, "--log_fingerprints")
    said = run("verify", "certificate", *check, *who, signed.top).stderr
    assert "SHA-256" in said


def test_a_certificate_needs_to_be_somebodys(signed: Signed, chains: Chains) -> None:
    words = ("--certificate_chain", chains.root, "--encryption-key", signed.key)
    said = run("decrypt+verify", "certificate", *words, signed.top, status=2).stderr
    assert "needs --identity too" in said


def test_the_module_itself_is_the_command(signed: Signed, tmp_path: Path) -> None:
    if not shutil.which("git"):
        pytest.skip("no git")
    words = ("encrypt", "--encryption-key", signed.key, signed.top)
    execute(sys.executable, "-m", "git_model_security", *map(str, words), cwd=tmp_path)
    assert is_sealed(signed) == ENCRYPTED


def test_a_digest_is_the_one_that_is_signed(signed: Signed) -> None:
    private = ("--private_key", signed.private)
    bundle = signed.top.parent / "outside.sig"
    execute(*STOCK, "sign", "key", *private, "--signature", bundle, signed.top)
    payload = json.loads(bundle.read_bytes())["dsseEnvelope"]["payload"]
    subject = json.loads(base64.b64decode(payload))["subject"][0]["digest"]["sha256"]
    assert run("digest", signed.top).stdout == f"sha256:{subject}\n"
    document = json.loads(run("digest", "--manifest", signed.top).stdout)
    assert document["digest"] == {"sha256": subject}
    assert document["files"].keys() == (FILES | HIDDEN).keys()
    assert document["name"] == "granite"


def test_a_signature_is_a_file_of_a_model_as_others_have_it_and_that_is_said(
    signed: Signed,
) -> None:
    alone = run("digest", signed.top)
    assert alone.stderr == ""
    run("sign", "key", "--private_key", signed.private, signed.top)
    both = run("digest", signed.top)
    assert both.stdout != alone.stdout
    assert "model.sig is a file of it" in both.stderr
    bundle = signed.top / "model.sig"
    assert f"--ignore-paths {bundle}" in both.stderr
    assert run("digest", signed.top, "--ignore-paths", bundle).stdout == alone.stdout
    run("encrypt", "--encryption-key", signed.key, signed.top)
    said = run("digest", signed.top, "--ignore-paths", bundle).stderr
    assert "it is the digest of ciphertext: 3 files of it encrypted" in said
    assert "1 file of it" in run("digest", signed.top / "config.json").stderr
