"""A directory of ciphertext against its bundle: read once, and told apart without a key."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.directories import encryption, verified
from git_model_security.directories import model as models
from git_model_security.directories.outputs import Run
from git_model_security.errors import GitError, NotFetchedError, Reason
from git_model_security.keyring import key_material
from git_model_security.signing.by_key import KeyVerifier
from git_model_security.storage.pointer import Pointer
from git_model_security.verification import file_digests, sealed_check
from git_model_security.verification.scope import Scope
from tests.directories.test_verbs import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from git_model_security.trust.verdict import Verdict
    from tests.fixtures.people import Project

BUNDLE = ".model-encrypted.sig"


@pytest.fixture
def exported(project: Project, tmp_path: Path) -> Path:
    top = tmp_path / "exported"
    project.ada.model("export", "--encrypted", "HEAD", str(top))
    return top


def verifiers(project: Project) -> list[KeyVerifier]:
    return [KeyVerifier.from_file(project.public)]


def check(top: Path, project: Project, **scope: Any) -> Verdict:
    asked = Scope(encrypted=True, **{"signature": BUNDLE, **scope})
    return sealed_check.check(top, verifiers(project), asked)


def found(top: Path, project: Project, **scope: Any) -> dict[str, list[str]]:
    return {
        finding.reason.value: list(finding.names)
        for finding in check(top, project, **scope).findings
    }


def detail(top: Path, project: Project) -> dict[str, str]:
    return {
        name: finding.detail
        for finding in check(top, project).findings
        for name in finding.names
    }


def pointer_to(content: bytes) -> bytes:
    return Pointer(hashlib.sha256(content).hexdigest(), len(content)).render()


class Exchange:
    """Has one file be another one before it is hashed, while it is, and after."""

    def __init__(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = file
        self._digests = file_digests.digests
        self._decrypt = encryption.decrypt_found
        self.hashed = self.after = self.written = file.read_bytes()
        monkeypatch.setattr(file_digests, "digests", self._hash)
        monkeypatch.setattr(encryption, "decrypt_found", self._write)

    def _hash(self, *arguments: Any, **named: Any) -> Mapping[bytes, bytes]:
        self._file.write_bytes(self.hashed)
        digests = self._digests(*arguments, **named)
        self._file.write_bytes(self.after)
        return digests

    def _write(self, *arguments: Any, **named: Any) -> object:
        self._file.write_bytes(self.written)
        return self._decrypt(*arguments, **named)


@pytest.mark.parametrize("to_another_directory", [True, False])
def test_a_pointer_that_comes_after_the_hashing_says_nothing_of_what_was_hashed(
    exported: Path,
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    to_another_directory: bool,
) -> None:
    weights = exported / "model.safetensors"
    exchange = Exchange(weights, monkeypatch)
    exchange.after = pointer_to(weights.read_bytes())
    evil = (exported / "config.json").read_bytes()  # authentic, under another name
    exchange.hashed = exchange.written = evil
    output = tmp_path / "out" if to_another_directory else None
    done = verified.verify_and_decrypt(
        models.find(exported, is_sealed=True),
        key_material.of(project.key),
        verifiers(project),
        run=Run(output=output),
    )
    assert done.done is None
    reasons = {finding.reason for finding in done.verdict.findings}
    assert reasons == {Reason.TAMPERED}
    assert output is None or not output.exists()


def test_what_was_a_pointer_when_it_was_hashed_is_never_written(
    exported: Path, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = exported / "model.safetensors"
    signed = weights.read_bytes()
    exchange = Exchange(weights, monkeypatch)
    exchange.hashed = pointer_to(signed)
    key, who = key_material.of(project.key), verifiers(project)
    model = models.find(exported, is_sealed=True)
    for at, after in enumerate(((exported / "config.json").read_bytes(), signed, b"clear")):
        exchange.after = exchange.written = after
        with pytest.raises(GitError, match="exchanged after it was verified"):
            verified.verify_and_decrypt(model, key, who, run=Run(output=tmp_path / f"out{at}"))
        assert not (tmp_path / f"out{at}" / "model.safetensors").exists()
    exchange.after = exchange.hashed
    with pytest.raises(NotFetchedError, match="pointer of an object"):
        verified.verify_and_decrypt(model, key, who, run=Run(output=tmp_path / "out"))


@pytest.mark.parametrize("what", ["directory", "link", "code", "empty"])
def test_nothing_but_a_bundle_stands_in_the_place_of_the_bundle(
    exported: Path, project: Project, tmp_path: Path, what: str
) -> None:
    place = exported / BUNDLE
    shutil.copy(place, tmp_path / "elsewhere.sig")
    elsewhere = {"signature": str(tmp_path / "elsewhere.sig")}
    assert found(exported, project, **elsewhere) == {}
    place.unlink()
    assert found(exported, project, **elsewhere) == {}
    if what == "directory":
        place.mkdir()
        (place / "evil.py").write_bytes(b"import os\n")
    elif what == "link":
        place.symlink_to(tmp_path / "elsewhere.sig")
    else:
        place.write_bytes(b"import os\n" if what == "code" else b"")
    assert found(exported, project, **elsewhere) == {"extra file": [BUNDLE]}
    assert found(exported, project, **elsewhere, ignore_unsigned_files=True) == {}


def test_what_was_decrypted_is_not_called_tampered(exported: Path, project: Project) -> None:
    encryption.decrypt(exported / "config.json", project.key)
    assert found(exported, project) == {"invalid signature": ["config.json"]}
    assert detail(exported, project) == {
        "config.json": "decrypted, where ciphertext was signed"
    }


@pytest.mark.parametrize("is_decrypted", [True, False])
def test_a_file_that_was_signed_in_clear_is_tampered_and_not_decrypted(
    exported: Path, project: Project, is_decrypted: bool
) -> None:
    if is_decrypted:
        encryption.decrypt(exported, project.key)
    with (exported / "train.py").open("ab") as file:
        file.write(b"import os\n")
    assert detail(exported, project)["train.py"] == "not the content that was signed"
    assert found(exported, project)["tampered"] == ["train.py"]


@pytest.mark.parametrize("content", [b"", b"\x00GITMODEL\x00\r\nbut no header"])
def test_what_is_neither_ciphertext_nor_clear_was_not_decrypted(
    exported: Path, project: Project, content: bytes
) -> None:
    (exported / "config.json").write_bytes(content)
    assert found(exported, project) == {"tampered": ["config.json"]}


def test_of_altered_ciphertext_nobody_is_told_to_decrypt_it(
    exported: Path, project: Project
) -> None:
    weights = exported / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"X")
    assert found(exported, project) == {"tampered": ["model.safetensors"]}


def test_without_the_bundle_over_ciphertext_it_is_named(
    exported: Path, project: Project
) -> None:
    (exported / BUNDLE).unlink()
    words = ("verify", "--dir", exported, "--encrypted", "--public-key", project.public)
    said = run(*words, status=1)
    assert f"the bundle over the ciphertext, {BUNDLE}, is missing" in said.stdout
    assert "git model decrypt+verify" in said.stderr
    assert "JSON" not in said.stdout


def test_a_part_of_the_ciphertext_is_verified(exported: Path, project: Project) -> None:
    for file in exported.iterdir():
        if file.name not in {BUNDLE, "model.safetensors"}:
            file.unlink()
    words = ("verify", "--dir", exported, "--encrypted", "--public-key", project.public)
    said = run(*words, "--json", "--", "model.safetensors")
    document = json.loads(said.stdout)
    assert document["part"]["files"] == ["model.safetensors"]
    assert "train.py" in document["part"]["not_looked_at"]
    assert (document["files"], document["covers"]) == (1, "part of ciphertext")
    assert "1 of " in run(*words, "--", "model.safetensors").stdout
    run(*words, status=1)
    weights = exported / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"X")
    said = run(*words, "--json", "--", "model.safetensors", status=1)
    (finding,) = json.loads(said.stdout)["findings"]
    assert finding["files"] == ["model.safetensors"]
    run(*words, "--", "absent.bin", status=4)
