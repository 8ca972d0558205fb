"""Merges, rebases and picks: what Git commits by itself, and what is signed of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures.people import assert_clean, assert_signed, is_sealed

if TYPE_CHECKING:
    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository

CONFIG = '{\n  "layers": %d,\n  "heads": 4,\n  "width": %d\n}\n'


def branch_off(project: Project, **files: str | bytes) -> Repository:
    """Commits on a branch `side`, and returns to main."""
    ada = project.ada
    ada.git("switch", "--quiet", "--create", "side")
    for name, content in files.items():
        ada.write(name.replace("__", "."), content)
    ada.commit("On the side")
    ada.git("switch", "--quiet", "main")
    return ada


def test_a_clean_merge_is_signed(project: Project) -> None:
    ada = branch_off(project, new__bin=b"side")
    ada.write("model.safetensors", b"version 2")
    ada.commit()
    ada.git("merge", "--quiet", "--no-edit", "side")
    assert len(ada.git("rev-parse", "HEAD^@").split()) == 2
    assert_clean(ada)
    assert_signed(ada)


def test_a_fast_forward_keeps_the_signature(project: Project) -> None:
    ada = branch_off(project, new__bin=b"side")
    said = ada.git.run("merge", "--ff-only", "side")
    assert "is verified: its signatures hold" in said.stderr
    assert_clean(ada)
    assert_signed(ada)


def test_a_merge_without_fast_forward_is_signed(project: Project) -> None:
    ada = branch_off(project, new__bin=b"side")
    ada.git("merge", "--quiet", "--no-edit", "--no-ff", "side")
    assert_clean(ada)
    assert_signed(ada)


def test_changes_of_one_encrypted_text_merge(project: Project) -> None:
    ada = branch_off(project, config__json=CONFIG % (3, 8))
    ada.write("config.json", CONFIG % (2, 16))
    ada.commit()
    ada.git("merge", "--quiet", "--no-edit", "side")
    assert ada.read("config.json").decode() == CONFIG % (3, 16)
    assert is_sealed(ada.blob("HEAD:config.json"))
    assert_clean(ada)
    assert_signed(ada)


def test_a_conflict_is_shown_in_clear_and_its_resolution_signed(project: Project) -> None:
    ada = branch_off(project, config__json=CONFIG % (3, 8), model__safetensors=b"side")
    ada.write("config.json", CONFIG % (4, 8))
    ada.write("model.safetensors", b"main")
    ada.commit()

    failed = ada.git.run("merge", "--no-edit", "side", check=False)

    assert failed.returncode == 1
    assert ada.git("diff", "--name-only", "--diff-filter=U").splitlines() == [
        *("config.json", "model.safetensors")
    ]
    text = ada.read("config.json").decode()
    assert '<<<<<<< ours:config.json\n  "layers": 4' in text
    assert ada.read("model.safetensors") == b"main"
    ada.write("config.json", CONFIG % (5, 8))
    ada.git("checkout", "--theirs", "model.safetensors")
    assert ada.read("model.safetensors") == b"side"
    ada.git("add", "--all")
    ada.git("commit", "--quiet", "--no-edit")
    assert len(ada.git("rev-parse", "HEAD^@").split()) == 2
    assert_clean(ada)
    assert_signed(ada)


def test_a_merge_can_be_given_up(project: Project) -> None:
    ada = branch_off(project, config__json=CONFIG % (3, 8))
    ada.write("config.json", CONFIG % (4, 8))
    ada.commit()
    ada.git.run("merge", "--no-edit", "side", check=False)
    ada.git("merge", "--abort")
    assert_clean(ada)
    assert_signed(ada)


def test_a_merge_without_commit_is_signed_when_it_is_committed(project: Project) -> None:
    ada = branch_off(project, new__bin=b"side")
    ada.write("model.safetensors", b"version 2")
    ada.commit()
    ada.git("merge", "--quiet", "--no-commit", "side")
    ada.git("commit", "--quiet", "--no-edit")
    assert_clean(ada)
    assert_signed(ada)


def test_a_rebase_is_signed_by_one_command(project: Project) -> None:
    ada = branch_off(project, new__bin=b"side", config__json=CONFIG % (3, 8))
    ada.write("model.safetensors", b"version 2")
    ada.write("config.json", CONFIG % (2, 16))
    ada.commit()
    ada.git("switch", "--quiet", "side")

    said = ada.git.run("rebase", "main")

    assert "is unverified" in said.stderr
    assert ada.read("config.json").decode() == CONFIG % (3, 16)
    assert ada.status() == ""
    ada.model("sign", "--amend")
    assert_clean(ada)
    assert_signed(ada)


def test_after_a_rebase_the_next_commit_signs(project: Project) -> None:
    ada = branch_off(project, new__bin=b"side")
    ada.write("model.safetensors", b"version 2")
    ada.commit()
    ada.git("switch", "--quiet", "side")
    ada.git("rebase", "--quiet", "main")
    ada.write("train.py", "changed\n")
    ada.commit()
    assert_clean(ada)
    assert_signed(ada)


def test_a_cherry_pick_of_signed_work_leaves_a_clean_tree(project: Project) -> None:
    ada = branch_off(project, new__bin=b"side")
    ada.write("model.safetensors", b"version 2")
    ada.commit()
    ada.git("cherry-pick", "side")
    assert ada.read("new.bin") == b"side"
    assert_clean(ada)
    assert ada.model("verify", "HEAD", check=False).returncode == 1


def test_a_squash_merge_of_signed_work(project: Project) -> None:
    ada = branch_off(project, config__json=CONFIG % (3, 8))
    ada.write("train.py", "changed\n")
    ada.commit()
    ada.git("merge", "--quiet", "--squash", "side")
    refused = ada.git.run("commit", "--message", "Squashed", check=False)
    # Git leaves no trace of where it came from: a person says that it may be signed.
    if refused.returncode:
        assert "config.json" in refused.stderr
        ada.model("sign", "--adopt", "config.json")
        ada.git("commit", "--quiet", "--message", "Squashed")
    assert_clean(ada)
    assert_signed(ada)


def test_a_pull_that_merges_is_signed(project: Project) -> None:
    ada = branch_off(project, new__bin=b"side")
    ada.git("push", "--quiet", "origin", "side")
    ada.write("model.safetensors", b"version 2")
    ada.commit()
    ada.git("pull", "--quiet", "--no-rebase", "--no-edit", "origin", "side")
    assert_clean(ada)
    assert_signed(ada)
