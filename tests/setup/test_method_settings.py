"""Signing methods in a second clone: what it lacks, and what it gives to others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.chains import IDENTITY
from tests.fixtures.processes import execute
from tests.fixtures.repositories import Repository
from tests.fixtures.tokens import PIN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.chains import Chains
    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.tokens import SoftToken


def by_certificate(repo: Repository, chains: Chains, *above: Path) -> None:
    """Has a clone sign by the certificate `good`."""
    repo.git("config", "git-model.signingMethod", "certificate")
    repo.git("config", "git-model.signingCertificate", str(chains["good"].certificate))
    for path in above:
        repo.git("config", "--add", "git-model.certificateChain", str(path))
    repo.model("unlock", "--signing-key", str(chains["good"].key))


def trusted(clone: Repository) -> list[str]:
    """Returns whom a clone trusts."""
    listed = json.loads(clone.model("trust", "list", "--json").stdout)
    return [one["identity"] for one in listed["signers"]]


def test_the_public_key_of_a_token_is_exported(
    project: Project, chains: Chains, token: SoftToken, tmp_path: Path
) -> None:
    project.ada.model("config", "signingMethod", "pkcs11-key")
    project.ada.model("config", "pkcs11Uri", token.uri())
    project.ada.model("key", "export", "--public", "../token.pub")
    wanted = execute("openssl", "pkey", "-in", chains["good"].key, "-pubout").stdout
    assert (tmp_path / "token.pub").read_text() == wanted


def test_a_clone_without_a_token_is_told_which_setting_names_one(
    project: Project, person: PersonFactory
) -> None:
    project.ada.model("config", "signing.method", "pkcs11-key")
    project.ada.commit("By token")
    project.ada.git("push", "--quiet")
    bob = project.unlocked(person("bob"))
    for words in (("sign",), ("key", "export", "--public", "../b.pub"), ("doctor",)):
        told = bob.model(*words, check=False)
        assert told.returncode == 1
        said = told.stdout + told.stderr
        assert "no key in a token to sign with" in said
        assert "git model config pkcs11Uri URI" in said
        assert "--signing-key" not in said


def test_a_certificate_is_exported_as_its_root_and_not_as_its_key(
    project: Project, chains: Chains, tmp_path: Path
) -> None:
    by_certificate(project.ada, chains, *chains.chain("good"))
    refused = project.ada.model("key", "export", "--public", "../ca.pem", check=False)
    assert refused.returncode == 1
    assert "git model config certificateChain" in refused.stderr
    assert not (tmp_path / "ca.pem").exists()
    project.ada.git("config", "--add", "git-model.certificateChain", str(chains.root))
    done = project.ada.model("key", "export", "--public", "../ca.pem")
    exported = (tmp_path / "ca.pem").read_text()
    assert chains.root.read_text() in exported
    assert chains["good"].certificate.read_text() not in exported
    assert f"--certificate-chain FILE --identity '{IDENTITY}'" in done.stderr
    project.ada.write("config.json", "{}")
    project.ada.commit()
    project.ada.model("verify", "--certificate-chain", "../ca.pem", "--identity", IDENTITY)


def test_an_identity_of_sigstore_has_no_key_to_give_out(project: Project) -> None:
    project.ada.model("config", "signingMethod", "sigstore")
    refused = project.ada.model("key", "export", "--public", "../none.pub", check=False)
    assert refused.returncode == 1
    assert "an identity and its issuer" in refused.stderr


def test_a_clone_and_an_unlock_trust_a_signer_by_certificate(
    project: Project, chains: Chains, person: PersonFactory, tmp_path: Path
) -> None:
    by_certificate(project.ada, chains, *chains.chain("good"), chains.root)
    project.ada.write("config.json", "{}")
    project.ada.commit()
    project.ada.git("push", "--quiet")
    here = Repository(tmp_path, person("bob").env)
    what = ("remote.git", "--key", "aes256.bin")
    who = ("--certificate_chain", str(chains.root), "--identity")
    here.model("clone", *what, "--deploy", *who, IDENTITY, "deployed")
    assert (tmp_path / "deployed" / "config.json").read_text() == "{}"
    done = here.model("clone", *what, *who, IDENTITY, "developed")
    assert "HEAD is verified" in done.stderr
    assert f"trusts the signer {IDENTITY}" in done.stderr
    clone = Repository(tmp_path / "developed", here.env)
    clone.model("unlock", *who, "Release signing")
    assert sorted(trusted(clone)) == [IDENTITY, "Release signing"]
    refused = here.model("clone", *what, "--deploy", *who, "CN=Mallory", "not", check=False)
    assert refused.returncode == 1
    assert "nothing is left of it" in refused.stderr
    assert not (tmp_path / "not").exists()
    half = here.model("clone", *what, "--identity", IDENTITY, "half", check=False)
    assert half.returncode == 2
    assert not (tmp_path / "half").exists()


def test_a_second_clone_signs_by_the_certificate_that_the_policy_asks_for(
    project: Project, chains: Chains, person: PersonFactory
) -> None:
    project.ada.model("config", "signing.method", "certificate")
    project.ada.commit("By certificate")
    project.ada.git("push", "--quiet")
    bob = person("bob").clone(project.remote)
    key = ("--key", str(project.key))
    told = bob.model("unlock", *key).stderr
    assert "this repository is signed by certificate; to sign, `git model config" in told
    assert bob.git("config", "git-model.signingMethod") == "certificate"
    bob.model("config", "signingCertificate", str(chains["good"].certificate))
    bob.model("config", "certificateChain", *map(str, chains.chain("good")), str(chains.root))
    wrong = bob.model("unlock", "--signing-key", str(chains["renewed"].key), check=False)
    assert wrong.returncode == 1
    assert "not the key of the certificate" in wrong.stderr
    bob.model("unlock", "--signing-key", str(chains["good"].key))
    assert bob.git("config", "git-model.signingMethod") == "certificate"
    assert trusted(bob) == [IDENTITY]


def test_a_key_for_a_clone_that_signs_by_token_is_said_to_change_that(project: Project) -> None:
    project.ada.model("config", "signingMethod", "pkcs11-key")
    project.ada.model("key", "generate-signing", "../new.pem", "../new.pub")
    told = project.ada.model("unlock", "--signing-key", "../new.pem").stderr
    assert "this clone signs by key from now on" in told
    assert project.ada.git("config", "git-model.signingMethod") == "key"


def test_a_policy_does_not_make_a_clone_sign_in_public(
    project: Project, person: PersonFactory
) -> None:
    project.ada.model("config", "signing.method", "sigstore")
    project.ada.commit("By sigstore")
    project.ada.git("push", "--quiet")
    bob = person("bob").clone(project.remote)
    told = bob.model("unlock", "--key", str(project.key)).stderr
    assert "to sign, `git model config signingMethod sigstore`" in told
    assert bob.git.run("config", "git-model.signingMethod", check=False).returncode == 1


NEVER_SIGNING = {
    "expired": "expired on 2021-01-01",
    "for a web server": "its extended key usage lacks codeSigning",
    "older than its issuer": "is not valid until 2022-01-01",
}


@pytest.mark.parametrize("name", [*NEVER_SIGNING, "another key", "no root"])
def test_init_refuses_a_certificate_that_can_never_sign(
    name: str, repo: Repository, chains: Chains
) -> None:
    one = chains[name if name in NEVER_SIGNING else "good"]
    key = chains["renewed"].key if name == "another key" else one.key
    above = chains.chain(name if name in NEVER_SIGNING else "good")
    above += () if name == "no root" else (chains.root,)
    given = [part for path in above for part in ("--certificate-chain", str(path))]
    by = ("--sign-with", "certificate", "--signing-certificate", str(one.certificate))
    refused = repo.model("init", *by, *given, "--signing-key", str(key), check=False)
    assert refused.returncode == 1
    others = {
        "another key": "not the key of the certificate",
        "no root": "--certificate-chain",
    }
    assert {**NEVER_SIGNING, **others}[name] in refused.stderr
    left = repo.git("config", "--local", "--list")
    assert "git-model" not in left
    assert not (repo.path / ".gitmodel").exists()


def test_init_refuses_a_token_that_it_cannot_open(
    repo: Repository, token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_MODEL_PKCS11_PIN", "4712-secret")
    by = ("--sign-with", "pkcs11-key", "--pkcs11-uri", token.uri())
    refused = repo.model("init", *by, check=False)
    assert refused.returncode == 1
    assert "the PIN is wrong" in refused.stderr
    assert "git-model" not in repo.git("config", "--local", "--list")
    monkeypatch.setenv("GIT_MODEL_PKCS11_PIN", PIN)
    repo.model("init", *by)
    repo.model("key", "export", "--public", "../token.pub")
