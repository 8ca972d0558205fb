"""A key among the files that it is to protect: nothing is written then."""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import git_model_security
from git_model_security.directories import encryption
from git_model_security.errors import PolicyError
from tests.directories.conftest import FILES, HIDDEN
from tests.directories.test_verbs import is_sealed, run
from tests.fixtures.processes import execute
from tests.vectors.enc import forge
from tests.vectors.enc.forge import OTHER_MATERIAL

if TYPE_CHECKING:
    from tests.directories.conftest import Signed


@pytest.mark.parametrize("form", ["raw", "hexadecimal", "base64"])
@pytest.mark.parametrize("name", ["k.bin", ".hidden-key"])
def test_a_copy_of_the_key_in_the_directory_stops_all_of_it(
    signed: Signed, form: str, name: str
) -> None:
    raw = signed.key.read_bytes()
    forms = {"raw": raw, "hexadecimal": raw.hex().encode(), "base64": base64.b64encode(raw)}
    (signed.top / name).write_bytes(forms[form])
    before = signed.read()
    with pytest.raises(PolicyError, match=f"{name}: is the key itself") as caught:
        encryption.encrypt(signed.top, signed.key)
    assert caught.value.hint is not None
    assert f"`mv {signed.top / name} {signed.top.parent}`" in caught.value.hint
    assert signed.read() == before


@pytest.mark.parametrize("verb", ["encrypt", "sign+encrypt", "encrypt+sign"])
def test_the_key_that_a_link_names_is_not_encrypted_under_itself(
    signed: Signed, verb: str
) -> None:
    os.link(signed.key, signed.top / "k.bin")
    by = () if verb == "encrypt" else ("key", "--private-key", signed.private)
    said = run(verb, *by, "--encryption-key", signed.key, signed.top, status=1).stderr
    assert "k.bin: is the key itself" in said
    assert not is_sealed(signed)
    assert not (signed.top / "model.sig").exists()


def test_the_hint_is_the_command_that_goes_on(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(signed.key, signed.top / "k.bin")
    monkeypatch.chdir(signed.top)
    said = run("encrypt", "--encryption-key", "../aes256.bin", ".", status=1).stderr
    command = said.split("`")[1]
    assert command == "mv ./k.bin .."
    execute(*command.split())
    run("encrypt", "--encryption-key", "../aes256.bin", ".")


def test_the_key_of_a_variable_or_of_a_program_is_no_other(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = signed.top / "aes256.bin"
    signed.key.rename(inside)
    monkeypatch.setenv("GIT_MODEL_KEY_FILE", str(inside))
    assert "is the key itself" in run("encrypt", signed.top, status=1).stderr
    with pytest.raises(PolicyError, match="is the key itself"):
        git_model_security.encrypt(signed.top, inside)
    with pytest.raises(PolicyError, match="is the key itself"):
        git_model_security.encrypt(inside, inside.read_bytes())
    assert inside.read_bytes() == bytes(range(32))
    run("encrypt", "--ignore-paths", inside, signed.top)
    assert inside.read_bytes() == bytes(range(32))


@pytest.mark.parametrize("verb", ["sign", "sign+encrypt", "encrypt+sign"])
@pytest.mark.parametrize("is_locked", [False, True])
def test_a_private_key_is_no_part_of_a_model(
    signed: Signed, verb: str, is_locked: bool
) -> None:
    inside = signed.top / "weights.bin"
    words = ("-topk8", "-in", signed.private, "-out", inside)
    protected = ("-passout", "pass:secret") if is_locked else ("-nocrypt",)
    execute("openssl", "pkcs8", *map(str, words), *protected)
    key = () if verb == "sign" else ("--encryption-key", signed.key)
    said = run(verb, "key", "--private-key", signed.private, *key, signed.top, status=1)
    assert "weights.bin: holds a private key" in said.stderr
    assert not is_sealed(signed)
    assert not (signed.top / "model.sig").exists()


def test_a_public_key_may_be_part_of_a_model(signed: Signed) -> None:
    shutil.copy(signed.public, signed.top / "key.pub")
    run("sign", "key", "--private-key", signed.private, signed.top)
    assert signed.read().keys() == {*FILES, *HIDDEN, "key.pub"}


@pytest.mark.parametrize("which", ["--encryption-key", "--key"])
def test_neither_key_lies_beside_what_is_taken_over(
    signed: Signed, tmp_path: Path, which: str
) -> None:
    top, other = tmp_path / "theirs", tmp_path / "other.bin"
    top.mkdir()
    other.write_bytes(OTHER_MATERIAL)
    other.chmod(0o600)
    forge.encrypt_file(Path(shutil.copy(signed.top / "config.json", top)))
    keys = {"--encryption-key": other, "--key": signed.key}
    os.link(keys[which], top / "k.bin")
    words = (word for pair in keys.items() for word in pair)
    said = run("import-enc", *words, top, status=1).stderr
    assert "k.bin: is the key itself" in said
    assert sorted(path.name for path in top.iterdir()) == ["config.json.enc", "k.bin"]
