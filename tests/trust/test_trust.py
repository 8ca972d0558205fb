"""Whose signatures a clone believes, and the settings of how it signs."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from git_model_security.signing.sigstore_instance import MEDIA_TYPE
from tests.fixtures.bundles import Pair, make_pair
from tests.fixtures.people import founded, inherited

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("model")
    repo = founded(directory)
    repo.git("remote", "remove", "origin")
    repo.write("weights.bin", b"weights")
    repo.model("init", "--profile", "all")
    repo.commit()
    return directory


@pytest.fixture
def model(template: Path, home: Path, tmp_path: Path) -> Repository:
    return inherited(template, home, tmp_path / "repo")


@pytest.fixture
def other(tmp_path: Path) -> Pair:
    pair = make_pair(tmp_path / "other.pem")
    (tmp_path / "other.pub").write_bytes(pair.public)
    return pair


def public(pair: Pair) -> Path:
    return pair.private.with_suffix(".pub")


def trusted(repo: Repository) -> list[str]:
    listed = json.loads(repo.model("trust", "list", "--json").stdout)
    return [signer["identity"] for signer in listed["signers"]]


def refused(repo: Repository, *words: str | Path, status: int = 1) -> str:
    done = repo.model(*map(str, words), check=False)
    assert done.returncode == status, done.stderr
    return str(done.stdout + done.stderr)


def test_a_signer_is_shown_and_nobody_is_trusted_without_a_person(
    model: Repository, other: Pair
) -> None:
    before = trusted(model)
    said = refused(model, "trust", "add", "--public-key", public(other))
    assert other.fingerprint in said
    assert "no terminal" in said
    assert trusted(model) == before


def test_several_signers_are_trusted_each_of_them_until_removed(
    model: Repository, other: Pair
) -> None:
    (own,) = trusted(model)
    model.model("trust", "add", "--public_key", public(other), "--yes")
    assert sorted(trusted(model)) == sorted([own, other.fingerprint])
    model.model("sign", "key", "--private-key", other.private, "--amend")
    model.model("verify")
    model.model("trust", "remove", other.fingerprint[:16])
    assert trusted(model) == [own]
    said = refused(model, "verify")
    assert "untrusted signer" in said
    assert "git model trust add key --public-key FILE" in said


def test_an_untrusted_signer_is_told_from_a_bad_signature(
    model: Repository, other: Pair
) -> None:
    asked = ("verify", "key", "--public-key", public(other), "HEAD")
    assert "wrong key" in refused(model, *asked)
    sealed = json.loads(model.blob("HEAD:.model-encrypted.sig"))
    sealed["dsseEnvelope"]["payload"] = sealed["dsseEnvelope"]["payload"][:-4] + "AAAA"
    model.write(".model-encrypted.sig", json.dumps(sealed))
    model.git("add", ".")
    model.git("-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "altered")
    assert "invalid signature" in refused(model, "verify", "HEAD")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["sigstore", "--identity", "a@b"], "needs --identity-provider too"),
        (["certificate", "--identity", "CN=a"], "needs --certificate-chain too"),
        (["key", "--identity", "a@b"], "--identity says nothing of the method key"),
        (["--identity", "a", "--public-key", "k"], "belong to different methods"),
    ],
)
def test_what_describes_no_signer_is_refused(
    asked: list[str], said: str, model: Repository
) -> None:
    for command in (["verify"], ["trust", "add"]):
        assert said in refused(model, *command, *asked, status=2)


@pytest.mark.parametrize("name", ["a\u202eb@c", "a\x1b[2Jb@c"])
def test_a_signer_whose_name_cannot_be_shown_as_it_is_is_not_trusted(
    name: str, model: Repository
) -> None:
    issuer = ("--identity-provider", "https://issuer.example")
    said = refused(model, "trust", "add", "sigstore", "--identity", name, *issuer, status=2)
    assert "characters that cannot be seen" in said
    assert not {"\u202e", "\x1b"} & set(said)


def test_trust_add_needs_a_signer(model: Repository) -> None:
    assert "no signer to trust" in refused(model, "trust", "add", status=2)
    assert "/nowhere" in refused(model, "trust", "add", "--public-key", "/nowhere")


def test_what_belongs_to_another_method_of_signing_is_refused(model: Repository) -> None:
    said = refused(model, "sign", "--pkcs11_uri", "pkcs11:object=x", status=2)
    assert "--pkcs11-uri says nothing of the method key" in said


def test_settings_are_checked_and_shown(model: Repository, tmp_path: Path) -> None:
    assert model.model("config", "signing.when").stdout == "commit\n"
    assert refused(model, "config", "trustConfig") == ""
    chosen = tmp_path / "chosen.json"
    chosen.write_text(json.dumps({"mediaType": MEDIA_TYPE}))
    model.model("config", "trustConfig", str(chosen))
    named = model.model("config", "trustConfig").stdout.strip()
    assert named == hashlib.sha256(chosen.read_bytes()).hexdigest()
    chosen.write_text("{}")
    assert "not a Sigstore client trust config" in refused(
        model, "config", "trustConfig", chosen
    )
    assert model.model("config", "trustConfig").stdout.strip() == named
    model.model("config", "verify", "enforce")
    assert model.git("config", "git-model.verify") == "enforce"
    model.model("config", "--unset", "VERIFY")
    assert refused(model, "config", "verify") == ""
    model.model("config", "signedRefs", "refs/heads/a", "refs/heads/b")
    assert model.model("config", "signedrefs").stdout == "refs/heads/a\nrefs/heads/b\n"
    listed = model.model("config").stdout
    assert "publicLog" in listed
    assert "refs/heads/a, refs/heads/b" in listed


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (["nosuch", "1"], "no setting 'nosuch'", 2),
        (["verify", "perhaps"], "none of enforce, warn, off", 2),
        (["verify", "warn", "off"], "has one value", 2),
        (["signing.when", "never"], "none of commit, push, release", 2),
        (["--unset", "signing.when"], "has a value in any case", 1),
        (["signingKey", "0" * 64], "is not in", 1),
        (["pkcs11Uri", "pkcs11:object=k?pin-value=1234"], "holds the PIN", 1),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    words: list[str], said: str, status: int, model: Repository
) -> None:
    found = refused(model, "config", *words, status=status)
    assert said in found
    assert "1234" not in found


def test_what_all_clones_agree_on_is_staged(model: Repository) -> None:
    model.model("config", "signing.when", "push")
    assert model.status() == "M  .gitmodel"
    model.commit()
    assert b"when = push" in model.read(".gitmodel")
    before = model.blob("HEAD:model.sig")
    model.write("weights.bin", b"other weights")
    said = model.git.run("commit", "--quiet", "--all", "--message", "Unsigned").stderr
    assert "unsigned, sign before push" in said
    assert "git model sign --amend" in said
    assert model.blob("HEAD:model.sig") == before
    model.model("sign", "--amend")
    model.model("verify")
