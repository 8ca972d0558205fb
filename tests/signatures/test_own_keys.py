"""The keys of one's own keyring: found again in a second clone, and shown nowhere."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import PersonFactory, Project, assert_signed
from tests.fixtures.processes import MODEL, execute
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path
    from typing import Any

KEY = bytes(range(32))
SPELLINGS = {
    "hexadecimal": KEY.hex(),
    "base64": base64.b64encode(KEY).decode(),
    "a digit short": KEY.hex()[1:],
    "after a blank": f" {KEY.hex()}",
    "after a word": f"hex:{KEY.hex()}",
    "too long for a name": KEY.hex() * 8,
}


def again(
    project: Project, *options: str
) -> tuple[Repository, subprocess.CompletedProcess[Any]]:
    path = project.ada.path.parent / "again"
    done = execute(*MODEL, "clone", project.remote.path, path, *options)
    return Repository(path), done


def test_a_second_clone_signs_with_the_key_that_signed_the_repository(
    project: Project,
) -> None:
    clone, done = again(project)
    assert "this clone signs with your key" in done.stderr
    assert "HEAD is verified" in done.stderr
    clone.write("config.json", "{}")
    clone.commit()
    assert_signed(clone)


def test_so_it_does_where_somebody_else_signed_last(
    project: Project, person: PersonFactory
) -> None:
    project.ada.git("config", "--global", "log.showSignature", "true")
    bob = project.signing(person("bob"))
    bob.write("config.json", '{"by": "bob"}')
    bob.commit()
    bob.git("push", "--quiet")
    clone, done = again(project)
    assert "this clone signs with your key" in done.stderr
    mine = clone.git("config", "git-model.signingKey")
    assert mine == project.ada.git("config", "git-model.signingKey")
    (trusted,) = clone.model("trust", "list").stdout.splitlines()
    assert trusted.startswith(mine[:16])
    # Whom else it trusts is still a person's choice.
    assert "HEAD is unverified" in done.stderr


def test_who_names_his_own_public_key_signs_with_it(project: Project) -> None:
    clone, _ = again(project, "--public-key", str(project.public))
    clone.write("train.py", "print('again')\n")
    clone.commit()
    assert_signed(clone)


def test_who_names_a_signer_trusts_that_one_alone(
    project: Project, person: PersonFactory, tmp_path: Path
) -> None:
    other = person("bob").home / "other"
    execute(*MODEL, "key", "generate-signing", f"{other}.pem", f"{other}.pub")
    path = tmp_path / "named"
    done = execute(
        *(*MODEL, "clone", project.remote.path, path, "--public-key", f"{other}.pub"),
        check=False,
    )
    assert done.returncode == 1
    clone = Repository(path)
    assert clone.git("config", "git-model.signingKey", check=False) == ""
    assert len(list((path / ".git" / "git-model" / "trust").iterdir())) == 1


def test_a_signature_from_elsewhere_makes_no_repository_ones_own(
    project: Project, person: PersonFactory
) -> None:
    mallory = person("mallory")
    key = mallory.home / "m.key"
    (mallory.home / "model").mkdir()
    model = Repository(mallory.home / "model", mallory.env)
    model.git("init", "--quiet")
    model.write("weights.bin", b"weights")
    model.model("init")
    model.write("docs/.model-encrypted.sig", project.ada.read(".model-encrypted.sig"))
    model.commit()
    model.model("key", "export", str(key))
    path = project.ada.path.parent / "theirs"
    execute(*MODEL, "clone", model.path, path, "--key", key, check=False)
    assert Repository(path).git("config", "git-model.signingKey", check=False) == ""


def test_somebody_who_never_signed_gets_no_signing_key(
    project: Project, person: PersonFactory
) -> None:
    bob = person("bob")
    repo = Repository(bob.home, bob.env)
    repo.model("key", "generate-signing", "b.pem", "b.pub")
    (bob.home / "own").mkdir()
    own = Repository(bob.home / "own", bob.env)
    own.git("init", "--quiet")
    own.write("weights.bin", b"weights")
    own.model("init", "--signing-key", "../b.pem")
    clone = project.unlocked(bob)
    assert clone.git("config", "git-model.signingKey", check=False) == ""


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("place", ["GIT_MODEL_KEY_FILE", "--key", "--signing-key"])
def test_a_key_where_its_file_belongs_is_not_shown(
    project: Project, place: str, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = SPELLINGS[spelling]
    ada = project.ada
    ada.model("lock")
    option = [place, value] if place.startswith("--") else []
    if not option:
        monkeypatch.setenv(place, value)
    for words in (["unlock", *option], ["--log-level", "debug", "unlock", *option]):
        done = ada.model(*words, check=False)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        assert KEY.hex()[1:33] not in done.stdout + done.stderr
        assert SPELLINGS["base64"][:32] not in done.stdout + done.stderr
        assert "generate" not in done.stderr


def test_a_private_key_in_pem_where_its_file_belongs_is_not_shown(
    project: Project, tmp_path: Path
) -> None:
    project.ada.model("key", "generate-signing", str(tmp_path / "a"), str(tmp_path / "a.pub"))
    pem = (tmp_path / "a").read_text()
    for words in (["unlock", "--signing-key"], ["sign", "--private-key"]):
        done = project.ada.model(*words, pem, check=False)
        assert done.returncode != 0
        assert pem.splitlines()[1] not in done.stdout + done.stderr


def test_a_missing_key_file_is_named_and_no_new_key_advised(project: Project) -> None:
    project.ada.model("lock")
    done = project.ada.model("unlock", "--key", "nowhere/aes256.bin", check=False)
    assert "nowhere/aes256.bin: cannot read the key" in done.stderr
    assert "generate" not in done.stderr


@pytest.mark.parametrize("place", [".git/aes256.bin", ".git/refs/key", "{remote}/key"])
@pytest.mark.parametrize(
    "command", [("export",), ("generate",), ("generate-signing",)], ids=lambda words: words[0]
)
def test_no_private_key_is_written_into_a_git_directory(
    project: Project, command: tuple[str, ...], place: str, tmp_path: Path
) -> None:
    path = place.format(remote=project.remote.path)
    more = [str(tmp_path / "public")] if command == ("generate-signing",) else []
    done = project.ada.model("key", *command, path, *more, check=False)
    assert done.returncode == 1
    assert "does not belong in a Git directory" in done.stderr
    assert not (project.ada.path / path).exists()
