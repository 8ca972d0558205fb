"""`git add`: encrypts, deterministically; recognises its own ciphertext; sticks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_clean, assert_signed, is_sealed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository

NEW_CONTENT = b"new weights " * 100


def use_new_key(repo: Repository, home: Path, tmp_path: Path) -> str:
    """Gives the clone another key for new content, beside the one it has."""
    file = tmp_path / "second.bin"
    key_id = repo.model("key", "generate", str(file)).stdout.split()[-1]
    (home / ".config/git-model/keys" / key_id).write_bytes(file.read_bytes())
    repo.git("config", "--add", "git-model.keyId", key_id)
    return key_id


def test_what_reaches_the_remote_is_ciphertext(project: Project) -> None:
    secret = b"a marker that must never leave " + os.urandom(8).hex().encode()
    project.ada.write("model.safetensors", secret)
    project.ada.commit()
    project.ada.git("push", "--quiet")

    remote = project.remote
    names = remote.git("rev-list", "--objects", "--all").splitlines()
    for name in names:
        content = remote.git.run("cat-file", "-p", name.split()[0], text=False).stdout
        assert secret not in content
    for name in ("model.safetensors", "config.json", "model.sig"):
        assert is_sealed(remote.blob(f"main:{name}"))
    for name in ("train.py", "README.md", ".gitmodel", ".gitattributes"):
        assert remote.blob(f"main:{name}") == project.ada.read(name)


def test_the_same_content_is_the_same_blob_in_every_clone(
    project: Project, person: PersonFactory
) -> None:
    bob = project.unlocked(person("bob"))
    for repo, name in ((project.ada, "one.bin"), (bob, "other/two.bin")):
        repo.write(name, NEW_CONTENT)
        repo.git("add", name)
    assert project.ada.git("rev-parse", ":one.bin") == bob.git("rev-parse", ":other/two.bin")


def test_adding_what_is_unchanged_changes_nothing(project: Project) -> None:
    for name in ("model.safetensors", "config.json"):
        content = project.ada.read(name)
        (project.ada.path / name).unlink()
        project.ada.write(name, content)
    project.ada.git("add", "--all", "--renormalize")
    assert_clean(project.ada)


def test_an_empty_file_stays_the_empty_blob(project: Project) -> None:
    project.ada.write("empty.bin", b"")
    project.ada.commit()
    assert project.ada.blob("HEAD:empty.bin") == b""
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_a_new_key_leaves_unchanged_files_alone(
    project: Project, home: Path, tmp_path: Path
) -> None:
    old = project.ada.git("rev-parse", "HEAD:model.safetensors")
    new_key = use_new_key(project.ada, home, tmp_path)

    assert_clean(project.ada)
    project.ada.git("add", "--all")
    assert project.ada.git("rev-parse", ":model.safetensors") == old
    project.ada.write("new.bin", NEW_CONTENT)
    project.ada.write("config.json", "{}\n")
    project.ada.commit()

    found = {file["path"]: file["key_id"] for file in status(project.ada)["files"]}
    assert found["new.bin"] == found["config.json"] == new_key
    assert found["model.safetensors"] not in {new_key, ""}
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_a_forgotten_digest_cache_does_not_unstick(
    project: Project, home: Path, tmp_path: Path
) -> None:
    use_new_key(project.ada, home, tmp_path)
    for file in (project.ada.path / ".git/git-model").glob("memory-*"):
        file.unlink()
    assert_clean(project.ada)


def test_a_clone_unlocked_by_the_key_of_the_policy_stays_clean(
    project: Project, person: PersonFactory, home: Path, tmp_path: Path
) -> None:
    # What a rotation will leave: old files under the old key, the policy names the new.
    for number in range(10):
        project.ada.write(f"a{number}.bin", b"%d" % number)
    project.ada.commit()
    new_key = use_new_key(project.ada, home, tmp_path)
    policy = project.ada.read(".gitmodel").decode()
    old_key = policy.split("keyid = ")[1].split("\n")[0]
    project.ada.write(".gitmodel", policy.replace(old_key, new_key))
    project.ada.write("new.bin", NEW_CONTENT)
    project.ada.commit()
    project.ada.git("push", "--quiet")

    bob = project.unlocked(person("bob"))
    bob.model("unlock", "--key", str(tmp_path / "second.bin"))

    assert bob.read("new.bin") == NEW_CONTENT
    assert bob.read("model.safetensors") == project.ada.read("model.safetensors")
    assert_clean(bob)


def test_own_ciphertext_passes_as_it_is(project: Project) -> None:
    sealed = project.ada.blob("HEAD:model.safetensors")
    project.ada.write("model.safetensors", sealed)
    project.ada.write("copy.bin", sealed)
    project.ada.git("add", "--all")
    assert project.ada.git("diff", "--cached", "--name-only") == "copy.bin"
    assert project.ada.blob(":copy.bin") == sealed


@pytest.mark.parametrize("kept_bytes", [64, 200])
def test_plaintext_behind_a_copied_header_is_refused(project: Project, kept_bytes: int) -> None:
    header = project.ada.blob("HEAD:model.safetensors")[:kept_bytes]
    marker = b"the plaintext behind it"
    project.ada.write("forged.bin", header + marker * 100)

    refused = project.ada.git.run("add", "forged.bin", check=False)

    assert refused.returncode == 128
    assert "git-model: error: forged.bin: " in refused.stderr
    assert "Traceback" not in refused.stderr
    assert project.ada.git("ls-files", "forged.bin") == ""
    found = [path for path in (project.ada.path / ".git").rglob("*") if path.is_file()]
    assert not any(marker in path.read_bytes() for path in found)


def test_many_files_need_one_filter_process(project: Project, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    command = project.ada.git("config", "filter.git-model.process")
    project.ada.git("config", "filter.git-model.process", f"echo x >>'{log}'; {command}")
    for number in range(30):
        project.ada.write(f"many/{number}.bin", b"%d" % number)
    project.ada.git("add", "--all")
    assert log.read_text() == "x\n"


def test_an_executable_keeps_its_mode(project: Project) -> None:
    project.ada.write("run.bin", b"#!/bin/sh\n").chmod(0o755)
    project.ada.commit()
    assert project.ada.git("ls-files", "--stage", "run.bin").startswith("100755 ")
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_a_subdirectory_is_a_place_to_work_in(project: Project) -> None:
    project.ada.write("sub/dir/model.bin", NEW_CONTENT)
    inside = type(project.ada)(project.ada.path / "sub" / "dir")
    inside.git("add", ".")
    inside.git("commit", "--quiet", "--message", "From below")
    assert is_sealed(project.ada.blob("HEAD:sub/dir/model.bin"))
    inside.model("verify")
    inside.model("status")
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_stashing_keeps_content_and_encrypts_it(project: Project) -> None:
    project.ada.write("model.safetensors", NEW_CONTENT)
    project.ada.git("stash")
    assert project.ada.read("model.safetensors") != NEW_CONTENT
    assert is_sealed(project.ada.blob("stash@{0}:model.safetensors"))
    project.ada.git("stash", "pop")
    assert project.ada.read("model.safetensors") == NEW_CONTENT
    project.ada.commit()
    assert_clean(project.ada)
    assert_signed(project.ada)


def status(repo: Repository) -> dict[str, list[dict[str, str]]]:
    import json

    found: dict[str, list[dict[str, str]]] = json.loads(
        repo.model("status", "--json", check=False).stdout
    )
    return found
