"""`git commit PATH`, `-a`, `-p`: another index is committed than the one in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.hooks import script
from tests.fixtures.people import assert_clean, assert_signed, is_sealed

if TYPE_CHECKING:
    from tests.fixtures.people import Project


@pytest.mark.parametrize(
    "options",
    [("--all",), ("model.safetensors",), ("--only", "model.safetensors")],
    ids=["all", "path", "only"],
)
def test_the_commit_is_signed_and_the_index_clean(
    project: Project, options: tuple[str, ...]
) -> None:
    project.ada.write("model.safetensors", b"version 2")
    project.ada.git("commit", "--quiet", "--message", "Change", *options)
    assert is_sealed(project.ada.blob("HEAD:model.safetensors"))
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_what_else_is_staged_stays_staged_and_unsigned(project: Project) -> None:
    project.ada.write("config.json", "{}\n")
    project.ada.write("new.bin", b"new")
    project.ada.git("add", "--all")
    project.ada.write("model.safetensors", b"version 2")

    project.ada.git("commit", "--quiet", "--message", "Only this", "model.safetensors")

    assert_signed(project.ada)
    assert project.ada.status() == "M  config.json\nA  new.bin"
    project.ada.git("commit", "--quiet", "--message", "The rest")
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_what_else_is_changed_stays_changed(project: Project) -> None:
    project.ada.write("config.json", "{}\n")
    project.ada.write("train.py", "changed\n")
    project.ada.git("commit", "--quiet", "--message", "Only this", "train.py")
    assert project.ada.status() == " M config.json"
    assert_signed(project.ada)
    project.ada.git("commit", "--quiet", "--all", "--message", "The rest")
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_include_adds_to_what_is_staged(project: Project) -> None:
    project.ada.write("config.json", "{}\n")
    project.ada.git("add", "config.json")
    project.ada.write("train.py", "changed\n")
    project.ada.git("commit", "--quiet", "--message", "Both", "--include", "train.py")
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_amending_with_a_path_and_with_all(project: Project) -> None:
    for options in (("model.safetensors",), ("--all",)):
        project.ada.write("model.safetensors", b"amended by " + repr(options).encode())
        project.ada.git("commit", "--quiet", "--amend", "--no-edit", *options)
        assert_clean(project.ada)
        assert_signed(project.ada)


def test_a_partial_commit_of_a_removal(project: Project) -> None:
    (project.ada.path / "config.json").unlink()
    project.ada.git("commit", "--quiet", "--message", "Remove", "config.json")
    assert_clean(project.ada)
    assert_signed(project.ada)


@pytest.mark.parametrize(
    "options", [(), ("--all",), ("train.py",)], ids=["plain", "all", "path"]
)
def test_a_commit_that_does_not_happen_is_made_good_by_the_next(
    project: Project, options: tuple[str, ...]
) -> None:
    project.ada.write("train.py", "changed\n")
    if not options:
        project.ada.git("add", "--all")
    veto = script(project.ada.path / ".git/hooks/commit-msg", "exit 1\n")
    failed = project.ada.git.run("commit", "--message", "No", *options, check=False)
    assert failed.returncode == 1
    veto.unlink()
    # Nothing but what the user changed, and the signatures, looks changed.
    changed = {line[3:] for line in project.ada.status().splitlines()}
    assert changed <= {"train.py", "model.sig", ".model-encrypted.sig"}

    project.ada.git("commit", "--quiet", "--message", "Yes", *options)

    assert_clean(project.ada)
    assert_signed(project.ada)


def test_giving_up_a_commit_leaves_nothing_that_lock_would_mind(project: Project) -> None:
    project.ada.write("train.py", "changed\n")
    veto = script(project.ada.path / ".git/hooks/commit-msg", "exit 1\n")
    project.ada.git.run("commit", "--all", "--message", "No", check=False)
    veto.unlink()
    project.ada.git("checkout", "--quiet", "HEAD", "--", ".")
    assert_clean(project.ada)
    project.ada.model("lock")


@pytest.mark.parametrize("version", ["3", "4"])
def test_other_index_formats_are_clean_as_well(project: Project, version: str) -> None:
    project.ada.git("update-index", f"--index-version={version}")
    project.ada.write("model.safetensors", b"version 2")
    project.ada.git("commit", "--quiet", "--message", "One", "model.safetensors")
    assert_clean(project.ada)
    assert_signed(project.ada)
    project.ada.write("model.safetensors", b"version 3")
    project.ada.git("commit", "--quiet", "--message", "All", "--all")
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_a_split_index_is_clean_as_well(project: Project) -> None:
    project.ada.git("update-index", "--split-index")
    project.ada.write("model.safetensors", b"version 2")
    project.ada.commit()
    assert_clean(project.ada)
    assert_signed(project.ada)
