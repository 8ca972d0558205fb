"""What `git commit` signs: both signatures are in the commit, and hold for just its content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_clean, assert_signed, is_sealed
from tests.fixtures.processes import execute, tool
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project


def changed_files(repo: Repository) -> set[str]:
    return set(repo.git("show", "--name-only", "--format=", "HEAD").splitlines())


def signed_names(repo: Repository) -> set[str]:
    """Returns what `model.sig` in the work tree lists, read without git-model."""
    import base64

    bundle = json.loads(repo.read("model.sig"))
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    return {item["name"] for item in statement["predicate"]["resources"]}


def test_a_commit_holds_both_signatures(project: Project) -> None:
    project.ada.write("model.safetensors", b"version 2")
    project.ada.commit()
    assert changed_files(project.ada) == {
        *("model.safetensors", "model.sig", ".model-encrypted.sig")
    }
    assert is_sealed(project.ada.blob("HEAD:model.sig"))
    assert json.loads(project.ada.blob("HEAD:.model-encrypted.sig"))
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_every_tracked_file_is_signed(project: Project) -> None:
    project.ada.write("sub dir/größe.txt", "x")
    project.ada.commit()
    assert signed_names(project.ada) == {
        *("model.safetensors", "config.json", "train.py", "README.md", "sub dir/größe.txt")
    }


@pytest.mark.parametrize("changed", ["model.safetensors", "train.py"])
def test_the_stock_command_accepts_the_clean_checkout(project: Project, changed: str) -> None:
    project.ada.write(changed, b"changed")
    project.ada.commit()
    stock = (
        *(tool("model_signing"), "verify", "key", "--signature", "model.sig"),
        *("--public_key", str(project.public), "."),
    )
    execute(*stock, cwd=project.ada.path)
    project.ada.write(changed, b"tampered")
    assert execute(*stock, cwd=project.ada.path, check=False).returncode != 0


def test_blake3_is_signed_and_verified_when_asked_for(repo: Repository) -> None:
    repo.write("model.bin", b"weights" * 1000)
    repo.write("train.py", "pass\n")
    repo.model("init", "--digest", "blake3")
    repo.commit()
    assert b"blake3" in execute("base64", "-d", stdin=payload(repo), text=False).stdout
    assert_clean(repo)
    assert_signed(repo)
    repo.model("verify")
    repo.write("model.bin", b"tampered")
    assert repo.model("verify", check=False).returncode == 1


def payload(repo: Repository) -> str:
    return str(json.loads(repo.read("model.sig"))["dsseEnvelope"]["payload"])


def test_a_commit_of_clear_files_alone_is_signed_too(project: Project) -> None:
    project.ada.write("train.py", "print('better')\n")
    project.ada.commit()
    assert changed_files(project.ada) == {"train.py", "model.sig", ".model-encrypted.sig"}
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_dotfiles_and_modes_are_covered(project: Project) -> None:
    project.ada.write(".gitignore", "*.log\n")
    (project.ada.path / "train.py").chmod(0o755)
    project.ada.commit()
    assert ".model-encrypted.sig" in changed_files(project.ada)
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_an_empty_commit_keeps_the_signatures(project: Project) -> None:
    before = project.ada.git("rev-parse", "HEAD^{tree}")
    project.ada.git("commit", "--quiet", "--allow-empty", "--message", "Empty")
    assert project.ada.git("rev-parse", "HEAD^{tree}") == before
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_a_commit_of_nothing_stays_a_commit_of_nothing(project: Project) -> None:
    head = project.ada.git("rev-parse", "HEAD")
    said = project.ada.git.run("commit", "--message", "Nothing", check=False)
    assert said.returncode == 1
    assert "nothing to commit" in said.stdout
    assert project.ada.git("rev-parse", "HEAD") == head
    assert_clean(project.ada)


def test_an_amended_commit_is_signed_anew(project: Project) -> None:
    project.ada.write("model.safetensors", b"version 2")
    project.ada.commit()
    project.ada.write("model.safetensors", b"version 3")
    project.ada.git("add", "--all")
    project.ada.git("commit", "--quiet", "--amend", "--no-edit")
    assert project.ada.git("rev-list", "--count", "HEAD") == "2"
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_a_new_message_alone_keeps_the_tree(project: Project) -> None:
    before = project.ada.git("rev-parse", "HEAD^{tree}")
    project.ada.git("commit", "--quiet", "--amend", "--message", "In other words")
    assert project.ada.git("rev-parse", "HEAD^{tree}") == before
    assert_clean(project.ada)


def test_a_removed_and_a_renamed_file_are_signed_as_such(project: Project) -> None:
    project.ada.git("rm", "--quiet", "config.json")
    project.ada.git("mv", "model.safetensors", "weights.safetensors")
    project.ada.git("commit", "--quiet", "--message", "Tidy up")
    assert signed_names(project.ada) == {"weights.safetensors", "train.py", "README.md"}
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_the_last_model_file_may_go(repo: Repository) -> None:
    repo.write("model.bin", b"weights")
    repo.model("init")
    repo.commit()
    repo.git("rm", "--quiet", "model.bin")
    repo.git("commit", "--quiet", "--message", "Empty it")
    assert repo.git.run("verify-commit", "HEAD", check=False).returncode == 1  # not GPG
    repo.model("verify", "HEAD", "--encrypted")
    assert_clean(repo)


def test_a_detached_head_is_signed(project: Project) -> None:
    project.ada.git("switch", "--quiet", "--detach")
    project.ada.write("model.safetensors", b"version 2")
    project.ada.commit()
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_a_linked_worktree_is_signed(project: Project, tmp_path: Path) -> None:
    linked = Repository(tmp_path / "linked tree")
    project.ada.git("worktree", "add", "--quiet", str(linked.path), "-b", "side")
    assert_clean(linked)
    linked.write("model.safetensors", b"version 2")
    linked.commit()
    assert_clean(linked)
    assert_signed(linked)
    assert_clean(project.ada)
    linked.write("train.py", "print('side')\n")
    linked.git("commit", "--quiet", "--message", "Partial", "train.py")
    assert_clean(linked)
    assert_signed(linked)


def test_a_signature_that_a_user_changed_is_made_anew(project: Project) -> None:
    project.ada.write("model.sig", b"nonsense")
    project.ada.write(".model-encrypted.sig", b"nonsense")
    project.ada.write("train.py", "changed\n")
    project.ada.commit()
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_an_unsigned_commit_of_ones_own_is_signed_by_the_next(project: Project) -> None:
    project.ada.write("model.safetensors", b"version 2")
    project.ada.git("commit", "--quiet", "--no-verify", "--all", "--message", "Unchecked")
    assert project.ada.model("verify", "HEAD", check=False).returncode == 1
    project.ada.write("README.md", "# Better\n")
    project.ada.commit()
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_an_unsigned_commit_of_ones_own_is_signed_by_amending(project: Project) -> None:
    project.ada.write("model.safetensors", b"version 2")
    project.ada.git("commit", "--quiet", "--no-verify", "--all", "--message", "Unchecked")
    project.ada.model("sign", "--amend")
    assert project.ada.git("rev-list", "--count", "HEAD") == "2"
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_commits_put_together_again_are_signed(project: Project) -> None:
    for number in (2, 3):
        project.ada.write("model.safetensors", b"version %d" % number)
        project.ada.commit()
    project.ada.git("reset", "--quiet", "--soft", "HEAD~2")
    project.ada.git("commit", "--quiet", "--message", "Together")
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_sign_stages_and_says_when_there_is_nothing_to_do(project: Project) -> None:
    project.ada.write("train.py", "changed\n")
    project.ada.git("add", "--all")
    assert "the signatures are staged" in project.ada.model("sign").stdout
    assert "Signed already" in project.ada.model("sign").stdout
    project.ada.git("commit", "--quiet", "--message", "Change")
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_without_a_signing_key_commits_are_unsigned_which_is_said_once(
    project: Project, person: PersonFactory
) -> None:
    bob = project.unlocked(person("bob"))
    said = []
    for number in (1, 2):
        bob.write("model.safetensors", b"bob %d" % number)
        bob.git("add", "--all")
        said.append(bob.git.run("commit", "--message", f"Bob {number}").stderr)
    assert "this clone has no signing key: its commits are unsigned" in said[0]
    assert "git model unlock --signing-key FILE" in said[0]
    assert "signing key" not in said[1]
    assert_clean(bob)
    assert "model.sig" not in changed_files(bob)
    assert bob.model("verify", "HEAD", check=False).returncode == 1
    refused = bob.model("sign", check=False)
    assert refused.returncode == 1
    assert "this clone has no signing key" in refused.stderr


def test_a_second_signer_is_believed_once_pinned(
    project: Project, person: PersonFactory
) -> None:
    bob = project.signing(person("bob"))
    bob.write("model.safetensors", b"by bob")
    bob.commit()
    bob.git("push", "--quiet")
    assert_signed(bob)
    said = project.ada.git.run("pull", "--quiet").stderr
    assert "is verified: its signatures hold" in said
    project.ada.write("train.py", "by ada\n")
    project.ada.commit()
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_nothing_to_commit_leaves_the_index_alone(
    project: Project, person: PersonFactory
) -> None:
    bob = project.signing(person("bob"))
    done = bob.git.run("commit", "--message", "Nothing", check=False)
    assert "nothing to commit" in done.stdout
    assert_clean(bob)
    bob.git("commit", "--quiet", "--allow-empty", "--message", "Empty")
    bob.model("verify", "HEAD")


def test_what_is_only_meant_to_be_added_is_not_signed(project: Project) -> None:
    project.ada.write("later.bin", b"not yet")
    project.ada.write("empty.py", b"")
    project.ada.git("add", "empty.py")
    project.ada.git("add", "--intent-to-add", "later.bin")
    project.ada.git("commit", "--quiet", "--message", "Without it")
    project.ada.model("verify", "HEAD")
    assert "empty.py" in project.ada.git("ls-tree", "--name-only", "HEAD")
    assert "later.bin" not in project.ada.git("ls-tree", "--name-only", "HEAD")
