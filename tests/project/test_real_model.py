"""The whole flow on a real model: 91 MB of safetensors, a tokenizer, JSON files."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from safetensors import safe_open

from git_model_security.storage.lfs import ObjectStore
from git_model_security.storage.pointer import parse
from tests.fixtures.people import assert_clean, assert_signed, is_sealed
from tests.fixtures.processes import execute, tool
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory


def held(remote: Repository, name: str) -> bytes:
    """Returns what a remote holds of a file: its blob, or the object of git-lfs."""
    blob = remote.blob(f"main:{name}")
    pointer = parse(blob)
    return blob if pointer is None else ObjectStore(remote.path / "lfs").open(pointer).read()


def test_a_real_model_goes_round(
    real_model: Path,
    repo: Repository,
    remote: Repository,
    person: PersonFactory,
    tmp_path: Path,
) -> None:
    shutil.copytree(real_model, repo.path, dirs_exist_ok=True)
    originals = {
        str(path.relative_to(real_model)): path
        for path in real_model.rglob("*")
        if path.is_file()
    }
    key, public = tmp_path / "aes256.bin", tmp_path / "key.pub"

    # The publisher.
    assert "Profile: all" in repo.model("init").stdout
    repo.model("key", "export", str(key))
    repo.model("key", "export", "--public", str(public))
    repo.commit("Publish")
    repo.git("push", "--quiet", str(remote.path), "HEAD:refs/heads/main")
    assert_signed(repo)
    stored = remote.git("ls-tree", "-r", "-z", "--name-only", "main").split("\0")
    assert {*originals, ".gitmodel", "model.sig"} <= set(stored)
    for name, original in originals.items():
        if not name.startswith(".") and original.stat().st_size:
            assert is_sealed(held(remote, name)), name

    # A user with the key.
    bob = person("bob")
    where = Repository(bob.home, bob.env)
    where.model(
        *("clone", str(remote.path), "mine", "--key", str(key), "--public-key", str(public))
    )
    mine = Repository(bob.home / "mine", bob.env)
    for name, original in originals.items():
        if name != ".gitattributes":  # ours stands behind the publisher's lines
            assert (mine.path / name).read_bytes() == original.read_bytes(), name
    assert_clean(mine)
    mine.model("verify")
    with safe_open(mine.path / "model.safetensors", framework="numpy") as tensors:
        names = list(tensors.keys())
        assert len(names) > 100
        assert all(tensors.get_tensor(name).size for name in names)
    execute(
        *(tool("model_signing"), "verify", "key", "--signature", "model.sig"),
        *("--public_key", str(public), "."),
        cwd=mine.path,
    )

    # A mirror without it, and one flipped byte.
    mirror = person("mirror").clone(remote)
    mirror.model("verify", "--encrypted", "--public-key", str(public))
    with (mine.path / "model.safetensors").open("r+b") as file:
        file.seek(50_000_000)
        byte = file.read(1)[0]
        file.seek(50_000_000)
        file.write(bytes((byte ^ 1,)))
    refused = mine.model("verify", check=False)
    assert refused.returncode == 1
    said = "tampered: not the content that was signed, as `git status` shows too\n"
    assert f"{said}  model.safetensors\n" in refused.stdout
    mine.git("restore", "model.safetensors")
    mine.model("verify")
