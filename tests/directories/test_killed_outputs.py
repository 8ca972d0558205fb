"""What was killed while it wrote an output, or a bundle: the same run goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from git_model_security.directories import encryption, signing
from git_model_security.directories import model as models
from git_model_security.errors import KeyNotFoundError, PolicyError
from git_model_security.signing.by_key import KeySigner
from tests.directories.conftest import FILES, HIDDEN
from tests.directories.test_signed_encryption import own, shown
from tests.directories.test_verbs import MAGIC, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.directories.conftest import Signed

MARK = ".git-model-unfinished"
KILLED_AT = {
    "written": "replacement.Replacement.commit = die",
    "complete": "outputs.Run.finish = die",
}
BUNDLE = "model.sig"


def sign_and_encrypt_killed(signed: Signed, output: Path | None, at: str) -> None:
    """Runs `sign+encrypt` in a process that is killed as its bundle is written, or after."""
    script = f"""
import os, sys
from git_model_security.cli import run
from git_model_security.directories import outputs, signing
from git_model_security.git import replacement
replacement._NAMELESS = None  # a file system without files that have no name
def die(*_): os.kill(os.getpid(), 9)
write = signing.write
def dying(path, bundle):
    {KILLED_AT[at]}
    write(path, bundle)
signing.write = dying
sys.exit(run(sys.argv[1:]))
"""
    words = ("sign+encrypt", *own(signed), signed.top)
    to = () if output is None else ("--output", output)
    argv = [sys.executable, "-c", script, *map(str, (*words, *to))]
    assert subprocess.run(argv, check=False).returncode == -9


@pytest.mark.parametrize("at", KILLED_AT)
def test_an_output_goes_on_whose_bundle_was_being_written(
    signed: Signed, tmp_path: Path, at: str
) -> None:
    out = tmp_path / "out"
    sign_and_encrypt_killed(signed, out, at)
    assert (out / MARK).exists()
    run("sign+encrypt", *own(signed), "--output", out, signed.top)
    assert {path.name for path in out.iterdir()} == {
        *(name.partition("/")[0] for name in FILES | HIDDEN),
        BUNDLE,
    }
    run("decrypt+verify", *shown(signed), out)


def test_no_part_of_a_bundle_becomes_a_file_of_the_model(signed: Signed) -> None:
    sign_and_encrypt_killed(signed, None, "written")
    run("sign+encrypt", *own(signed), signed.top)
    run("decrypt+verify", *shown(signed), signed.top)
    assert signed.read() == FILES | HIDDEN


@pytest.mark.parametrize("is_one", [True, False])
def test_a_container_that_starts_anew_gets_the_bundle_of_what_it_writes(
    signed: Signed, tmp_path: Path, is_one: bool
) -> None:
    path = signed.top / "model.safetensors" if is_one else signed.top
    out, signer = tmp_path / "out", KeySigner(signed.private)
    for content in (b"one", b"other"):
        (signed.top / "model.safetensors").write_bytes(content)
        made = signing.sign(models.find(path), signer).signature
        encryption.encrypt(path, signed.key)
        run("decrypt+verify", *shown(signed), "--output", out, path)
        assert (out / made.name).read_bytes() == made.read_bytes()
        encryption.decrypt(path, signed.key)


def test_what_is_not_complete_is_no_model(signed: Signed, tmp_path: Path) -> None:
    encryption.encrypt(signed.top, signed.key)
    (signed.top / MARK).touch()
    before = signed.read()
    for work in (encryption.encrypt, encryption.decrypt):
        with pytest.raises(PolicyError, match="is not complete") as caught:
            work(signed.top, signed.key, output=tmp_path / "out")
        assert os.fspath(signed.top / MARK) in (caught.value.hint or "")
    with pytest.raises(PolicyError, match="is not complete"):
        signing.sign(models.find(signed.top), KeySigner(signed.private))
    assert signed.read() == before
    assert not (tmp_path / "out").exists()


def test_of_two_keys_neither_decrypts_a_part(signed: Signed) -> None:
    large = signed.top / "model.safetensors"
    encryption.encrypt(large, bytes(32))
    encryption.encrypt(signed.top / "config.json", signed.key)
    with pytest.raises(KeyNotFoundError, match=r"model\.safetensors") as caught:
        encryption.decrypt(signed.top, signed.key)
    assert f"--ignore-paths {large}" in (caught.value.hint or "")
    assert (signed.top / "config.json").read_bytes().startswith(MAGIC)
    encryption.decrypt(signed.top, signed.key, ignore_paths=[large])
    assert (signed.top / "config.json").read_bytes() == FILES["config.json"]
