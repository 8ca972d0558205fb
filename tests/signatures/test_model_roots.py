"""Repositories with several models: each root has its two bundles."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import UNCHECKED
from git_model_security.signing.by_key import KeySigner
from tests.fixtures.bundles import Pair, encoded, make_pair, signed, statement
from tests.fixtures.people import assert_clean

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory
    from tests.fixtures.repositories import Repository


@pytest.fixture
def two(repo: Repository) -> Repository:
    """Two models, committed, and a file that belongs to neither."""
    for root in ("models/a", "models/b"):
        repo.write(f"{root}/w.bin", root.encode())
        repo.write(f"{root}/sub/w.bin", root.encode() * 2)
    repo.write("tool.py", "pass\n")
    repo.model("init", "--model-root", "./models/a/", "--model-root", "models/b")
    repo.commit()
    return repo


def reasons(repo: Repository, *arguments: str) -> dict[tuple[str, str], list[str]]:
    """Returns the files named, by root and reason."""
    done = repo.model("verify", "--json", *arguments, check=False)
    verdict = json.loads(done.stdout)
    assert done.returncode == verdict["exit_status"]
    return {(one["root"], one["reason"]): one["files"] for one in verdict["findings"]}


def test_each_root_is_verified_also_in_a_clone(
    two: Repository, person: PersonFactory, tmp_path: Path
) -> None:
    two.model("key", "export", str(tmp_path / "key"))
    two.model("key", "export", "--public", str(tmp_path / "pub"))
    ada = person("bob")
    clone = ada.clone(two)
    clone.model("unlock", "--key", str(tmp_path / "key"), "--public-key", str(tmp_path / "pub"))
    for form in ([], ["HEAD"], ["--encrypted"], ["--all-models"], ["--all-models", "HEAD"]):
        assert reasons(clone, *form) == {}
    assert_clean(clone)
    clone.write("models/b/sub/w.bin", b"!")
    assert reasons(clone) == {("models/b", "tampered"): ["sub/w.bin"]}
    assert reasons(clone, "--model-root", "models/a") == {}
    assert ("models/b", "tampered") in reasons(clone, "--model-root", "models/b/")
    assert reasons(clone, "--model-root", "models") == {("models", "unsigned"): []}
    assert reasons(clone, "HEAD", "--model-root", "models") == {("models", "unsigned"): []}


def test_roots_that_hold_one_another_are_refused(repo: Repository) -> None:
    for outer, inner in (("a", "a/x"), (".", "a"), ("a/x", "a/x/")):
        done = repo.model(
            "init",
            "--model-root",
            "b",
            "--model-root",
            inner,
            "--model-root",
            outer,
            check=False,
        )
        assert done.returncode == 1
        assert "model root" in done.stderr
        assert not (repo.path / ".gitmodel").exists()


def put_model_of_another(repo: Repository, pair: Pair, root: str = "third/v 1") -> None:
    repo.write(f"{root}/w.bin", b"w")
    items = {"w.bin": hashlib.sha256(b"w").digest()}
    repo.write(f"{root}/model.sig", encoded(signed(pair, statement(items, "bert"))))


def test_models_of_others_are_found_by_their_bundles(two: Repository, tmp_path: Path) -> None:
    other = make_pair(tmp_path / "other.pem")
    assert KeySigner(other.private).identity.fingerprint == other.fingerprint
    put_model_of_another(two, other)
    root = "third/v 1"
    assert reasons(two, "--all-models") == {(root, "untrusted signer"): []}
    (tmp_path / "other.pub").write_bytes(other.public)
    two.model("unlock", "--public-key", str(tmp_path / "other.pub"))
    assert reasons(two, "--all-models") == {}
    assert f"{root}: no model root of .gitmodel" in two.model("verify", "--all-models").stderr
    two.commit("Third")
    assert reasons(two, "--all-models", "HEAD") == {}
    two.write("third/v 1/w.bin", b"!")
    two.write("third/v 1/more.bin", b"!")
    two.commit("Not theirs")
    expected = {(root, "tampered"): ["w.bin"], (root, "extra file"): ["more.bin"]}
    assert reasons(two, "--all-models") == expected
    assert reasons(two, "--all-models", "HEAD") == expected
    assert reasons(two) == {}


def test_a_second_signature_and_what_is_gits_pass_beside_a_model_of_another(
    two: Repository, tmp_path: Path
) -> None:
    other = make_pair(tmp_path / "other.pem")
    put_model_of_another(two, other)
    two.write("third/v 1/second.sig", two.read("third/v 1/model.sig"))
    two.write("third/v 1/.gitattributes", "*.bin -text\n")
    two.write("third/v 1/odd.sig", b"no signature")
    two.commit("Third")
    (tmp_path / "other.pub").write_bytes(other.public)
    two.model("unlock", "--public-key", str(tmp_path / "other.pub"))
    expected = {("third/v 1", "extra file"): ["odd.sig"]}
    for form in ([], ["HEAD"]):
        assert reasons(two, "--all-models", *form) == expected
        said = two.model("verify", "--all-models", *form, check=False).stderr
        assert "third/v 1: not verified: other signatures: second.sig" in said


def test_a_model_of_another_over_blake2b_is_one_for_dir(
    two: Repository, tmp_path: Path
) -> None:
    other = make_pair(tmp_path / "other.pem")
    two.write("third/w.bin", b"w")
    payload = statement({"w.bin": hashlib.blake2b(b"w").digest()}, "bert")
    payload["predicate"]["serialization"]["hash_type"] = "blake2b"
    payload["predicate"]["resources"][0]["algorithm"] = "blake2b"
    two.write("third/model.sig", encoded(signed(other, payload)))
    two.commit("Third")
    (tmp_path / "other.pub").write_bytes(other.public)
    two.model("unlock", "--public-key", str(tmp_path / "other.pub"))
    assert reasons(two, "--all-models") == {}
    assert reasons(two, "--all-models", "HEAD") == {("third", "malformed bundle"): []}
    said = two.model("verify", "--all-models", "HEAD", check=False).stdout
    assert "signed over blake2b, which --dir verifies" in said


def test_a_model_of_another_lies_in_a_directory_whose_name_is_not_utf_8(
    two: Repository, tmp_path: Path
) -> None:
    put_model_of_another(two, make_pair(tmp_path / "other.pem"), os.fsdecode(b"third/v\xff"))
    two.commit("Third")
    for form in ([], ["HEAD"]):
        said = two.model("verify", "--all-models", *form, check=False)
        assert "\nuntrusted signer: third/v\\xff: model.sig: signed by " in said.stdout


def test_a_deployed_root_is_verified_by_the_trust_of_the_clone_one_stands_in(
    two: Repository, tmp_path: Path
) -> None:
    deployed = tmp_path / "deployed"
    deployed.mkdir()
    (two.path / "models/a").rename(deployed / "a")
    two.git("restore", "models/a")
    where = ("--dir", str(deployed / "a"))
    assert reasons(two, *where) == {}
    assert reasons(two, *where, "--model-root", "models/a") == {}
    assert reasons(two, *where, "--model-root", "models/b") == {(".", "invalid signature"): []}
    below = ("--dir", str(deployed), "--model-root", "a")
    assert reasons(two, *below) == {("a", "invalid signature"): []}
    shutil.copytree(deployed / "a", deployed / "models" / "a")
    below = ("--dir", str(deployed), "--model-root", "models/a")
    assert set(reasons(two, *below)) == {(".", "extra file")}
    # A model that was moved down a level is not taken for the one that is used.
    assert set(reasons(two, *below, "--ignore-unsigned-files")) == {(".", "unsigned")}
    (deployed / "a" / "extra.py").write_text("")
    assert reasons(two, *where) == {(".", "extra file"): ["extra.py"]}
    assert reasons(two, *where, "--ignore-unsigned-files") == {}
    # Outside of a clone, and in a directory that brings a repository along, nobody is.
    for place in (tmp_path, two.path):
        refused = two.model("verify", "--dir", ".", check=False, cwd=place)
        assert refused.returncode == UNCHECKED
        assert "key --public-key FILE" in refused.stderr
    assert two.model("verify", *where, "HEAD", check=False).returncode == 2
    # Nobody takes these files for ciphertext that was signed.
    assert two.model("verify", *where, "--encrypted", check=False).returncode == 1
