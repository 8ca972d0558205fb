"""Signing methods in a second clone: what it lacks, and what it gives to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures.chains import IDENTITY
from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.chains import Chains
    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository
    from tests.fixtures.tokens import SoftToken


def by_certificate(repo: Repository, chains: Chains, *above: Path) -> None:
    """Has a clone sign by the certificate `good`."""
    repo.model("config", "signingMethod", "certificate")
    repo.model("config", "signingCertificate", str(chains["good"].certificate))
    repo.model("config", "certificateChain", *map(str, above or (*chains.chain("good"),)))
    repo.model("unlock", "--signing-key", str(chains["good"].key))


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
    by_certificate(project.ada, chains)
    refused = project.ada.model("key", "export", "--public", "../ca.pem", check=False)
    assert refused.returncode == 1
    assert "git model config certificateChain" in refused.stderr
    assert not (tmp_path / "ca.pem").exists()
    by_certificate(project.ada, chains, *chains.chain("good"), chains.root)
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
