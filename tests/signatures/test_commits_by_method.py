"""Commits signed by certificate, by a token, and by a key with a passphrase."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from git_model_security.signing import certificates
from tests.fixtures.chains import IDENTITY
from tests.fixtures.hooks import script
from tests.fixtures.people import assert_clean
from tests.fixtures.processes import execute
from tests.fixtures.terminals import typed
from tests.fixtures.tokens import PIN

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.fixtures.chains import Chains
    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository
    from tests.fixtures.tokens import SoftToken

PASSPHRASE = "correct horse"


def configure(repo: Repository, **settings: str | Path) -> None:
    for name, value in settings.items():
        repo.git("config", f"git-model.{name}", str(value))


def trust_root(repo: Repository, chains: Chains) -> None:
    who = ("--certificate-chain", str(chains.root), "--identity", IDENTITY)
    repo.model("trust", "add", *who, "--yes")


def commit(repo: Repository) -> None:
    repo.write("config.json", b"changed\n")
    repo.commit("Changed")


def test_what_a_certificate_signed_verifies_before_it_is_committed(
    project: Project, chains: Chains
) -> None:
    repo, good = project.ada, chains["good"]
    repo.write("config.json", b"changed\n")
    repo.git("add", "--all")
    files = ("--private-key", str(good.key), "--signing-certificate", str(good.certificate))
    above = ("--certificate-chain", str(chains.chain("good")[0]))
    repo.model("sign", "certificate", *files, *above)
    said = repo.model("verify", check=False).stdout
    assert "which is not trusted" in said
    assert "tampered" not in said
    trust_root(repo, chains)
    assert "as it is staged" in repo.model("verify").stdout


def test_a_certificate_signs_each_commit(project: Project, chains: Chains) -> None:
    repo, good = project.ada, chains["good"]
    repo.model("unlock", "--signing-key", str(good.key))
    configure(
        repo,
        signingMethod="certificate",
        signingCertificate=good.certificate,
        certificateChain=chains.chain("good")[0],
    )
    commit(repo)
    assert_clean(repo)
    # Her own key is trusted, the certificate is not yet.
    refused = repo.model("verify", check=False)
    assert refused.returncode == 1
    assert f"signed by a certificate of {IDENTITY}, which is not trusted" in refused.stdout
    trust_root(repo, chains)
    repo.model("verify")
    repo.model("verify", "HEAD", "--encrypted")
    given = ("--certificate-chain", str(chains.root), "--identity")
    repo.model("verify", "certificate", *given, "Release signing")
    other = repo.model("verify", *given, "CN=Other", check=False)
    assert other.returncode == 1
    assert "not by certificate CN=Other as given" in other.stdout


def test_a_method_and_its_files_can_be_given_to_one_signature(
    project: Project, chains: Chains
) -> None:
    repo = project.ada

    def sign(name: str, *options: str) -> subprocess.CompletedProcess[str]:
        one = chains[name]
        files = ("--private_key", str(one.key), "--signing_certificate", str(one.certificate))
        above = ("--certificate_chain", str(chains.chain(name)[0]))
        return repo.model("sign", "certificate", *files, *above, *options, check=False)

    def leaf() -> bytes:
        chain = json.loads(repo.blob("HEAD:.model-encrypted.sig"))["verificationMaterial"]
        return base64.b64decode(chain["x509CertificateChain"]["certificates"][0]["rawBytes"])

    for name in ("good", "renewed"):
        assert sign(name, "--amend").returncode == 0
        (certificate,) = certificates.load(chains[name].certificate)
        assert leaf() == certificates.der(certificate)
    who = ("--certificate-chain", str(chains.root), "--identity", IDENTITY)
    repo.model("verify", "HEAD", *who)
    refused = sign("expired", "--amend")
    assert refused.returncode == 1
    assert "expired on 2021-01-01" in refused.stderr


def test_a_key_in_a_token_signs_each_commit(
    project: Project, chains: Chains, token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = project.ada
    configure(repo, signingMethod="pkcs11-key", pkcs11Uri=token.uri())
    repo.write("config.json", b"changed\n")
    repo.git("add", "--all")
    failed = repo.git.run("commit", "-m", "Without a PIN", check=False)
    assert failed.returncode != 0
    assert "wants a PIN" in failed.stderr
    monkeypatch.setenv("GIT_MODEL_PKCS11_PIN", PIN)
    repo.git("commit", "--quiet", "-m", "With a PIN")
    public = project.public.with_name("token.pub")
    execute("openssl", "pkey", "-in", chains["good"].key, "-pubout", "-out", public)
    repo.model("verify", "--public-key", str(public))


@pytest.fixture
def locked(project: Project, chains: Chains, tmp_path: Path) -> Repository:
    """Ada's repository, whose signing key has a passphrase."""
    key = tmp_path / "locked.pem"
    command = ("pkcs8", "-topk8", "-in", chains["good"].key, "-out", key)
    execute("openssl", *command, "-passout", f"pass:{PASSPHRASE}")
    key.chmod(0o600)
    env = {"GIT_MODEL_SIGNING_KEY_PASSWORD": PASSPHRASE}
    execute("git", "model", "unlock", "--signing-key", key, cwd=project.ada.path, env=env)
    project.ada.write("config.json", b"changed\n")
    project.ada.git("add", "--all")
    return project.ada


def test_the_program_that_git_asks_is_asked_once_for_a_commit(
    locked: Repository, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    script(tmp_path / "askpass", f'echo "$1" >>"{asked}"; echo "{PASSPHRASE}"\n')
    locked.git("config", "core.askPass", str(tmp_path / "askpass"))
    locked.git("commit", "--quiet", "-m", "Asked")
    (question,) = asked.read_text().splitlines()
    (fingerprint,) = (locked.git("config", "git-model.signingKey"),)
    assert question == f"Passphrase for the signing key {fingerprint[:16]}: "
    locked.model("verify")


def test_an_answer_that_is_wrong_or_missing_is_told_by_where_it_came_from(
    locked: Repository, tmp_path: Path
) -> None:
    script(tmp_path / "askpass", "exit 1\n")
    locked.git("config", "core.askPass", str(tmp_path / "askpass"))
    done = locked.git.run("commit", "-m", "Cancelled", check=False)
    assert f"{tmp_path}/askpass gave no passphrase" in done.stderr
    assert "GIT_ASKPASS" not in done.stderr
    env = {**locked.env, "GIT_MODEL_SIGNING_KEY_PASSWORD": "another"}
    done = execute("git", "commit", "-m", "Wrong", cwd=locked.path, env=env, check=False)
    assert "the password does not open the private key" in done.stderr
    assert "where GIT_MODEL_SIGNING_KEY_PASSWORD is set, nobody is asked" in done.stderr


def test_the_terminal_is_asked_from_within_a_hook(locked: Repository) -> None:
    env = {**locked.env, "GIT_TERMINAL_PROMPT": "1"}
    words = ("git", "commit", "--quiet", "-m", "Typed")
    status, shown = typed(words, {"Passphrase for": PASSPHRASE}, locked.path, env)
    assert status == 0, shown
    assert PASSPHRASE not in shown
    locked.model("verify")


def test_with_nobody_to_ask_the_ways_are_named_and_nothing_is_committed(
    locked: Repository,
) -> None:
    before = locked.git("rev-parse", "HEAD")
    done = locked.git.run("commit", "-m", "Nobody", check=False)
    assert done.returncode != 0
    assert "the private key is encrypted" in done.stderr
    for way in ("GIT_MODEL_SIGNING_KEY_PASSWORD", "GIT_ASKPASS", "terminal"):
        assert way in done.stderr
    assert locked.git("rev-parse", "HEAD") == before


def test_a_wrong_passphrase_is_said_and_not_shown(
    locked: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_MODEL_SIGNING_KEY_PASSWORD", "wrong-staple")
    done = locked.git.run("commit", "-m", "Wrong", check=False)
    assert done.returncode != 0
    assert "the password does not open the private key" in done.stderr
    assert "wrong-staple" not in done.stderr
