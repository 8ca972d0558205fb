"""What a file is called that is not what was signed: tampered, converted, or not fetched."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from git_model_security.clone import database
from git_model_security.git import index
from git_model_security.git.repository import Repository as Facts
from tests.fixtures.lfs_projects import FILES, LARGE_BYTES, THRESHOLD
from tests.fixtures.processes import need
from tests.verification.test_verify import findings

if TYPE_CHECKING:
    from tests.fixtures.lfs_projects import LfsProjectFactory
    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository

NAME = FILES[-1]
LONG = "/".join([letter * 240 for letter in "abcd"])
TOO_MANY = 2_200
"""Of such paths: more than 2 MiB, which is all that Linux takes for the arguments."""
CRLF = b"@echo off\r\ntrain.py\r\n"


def forget(repo: Repository) -> None:
    """Removes all git-lfs objects, and what a clone remembers of them."""
    shutil.rmtree(repo.path / ".git/lfs/objects")
    (repo.path / ".git/git-model" / database.NAME).unlink()


def test_a_changed_file_whose_object_is_gone_is_tampered(
    lfs_project: LfsProjectFactory,
) -> None:
    project = lfs_project()
    ada = project.ada
    forget(ada)
    assert findings(ada) == {}
    ada.write(NAME, project.content[NAME][:-1] + b"\0")
    assert findings(ada) == {"tampered": [NAME]}


def test_a_file_beside_the_models_whose_object_is_gone_cannot_be_compared(
    repo: Repository,
) -> None:
    need("git-lfs")
    repo.write("models/w.bin", b"w")
    repo.write("beside.bin", bytes(LARGE_BYTES))
    repo.model("init", "--storage", "lfs", "--threshold", THRESHOLD, "--model-root", "models")
    repo.commit()
    forget(repo)
    assert findings(repo) == {"could not be read": ["beside.bin"]}
    pointer = repo.blob("HEAD:beside.bin")
    repo.write("beside.bin", pointer)
    assert findings(repo) == {"not fetched": ["beside.bin"]}


def test_a_pointer_and_ciphertext_in_the_place_of_a_file_are_told_apart(
    lfs_project: LfsProjectFactory,
) -> None:
    project = lfs_project()
    ada = project.ada
    ada.write(FILES[0], ada.blob(f"HEAD:{FILES[0]}"))
    ada.write(FILES[1], project.stored(ada, FILES[1]).read_bytes())
    assert findings(ada) == {"not fetched": [FILES[0]], "not materialised": [FILES[1]]}


def test_the_pointer_of_a_file_in_clear_is_not_stale(repo: Repository) -> None:
    need("git-lfs")
    repo.git("lfs", "install", "--local")
    repo.write(".gitattributes", "*.py filter=lfs diff=lfs merge=lfs -text\n")
    repo.write("tool.py", "pass\n")
    repo.commit()
    repo.write("w.bin", b"w")
    repo.model("init")
    repo.commit()
    assert findings(repo) == {}
    repo.write("tool.py", repo.blob("HEAD:tool.py"))
    assert findings(repo) == {"not fetched": ["tool.py"]}
    assert "hint: `git lfs pull`" in repo.model("verify", check=False).stderr
    forget(repo)
    assert findings(repo) == {"not fetched": ["tool.py"]}


@pytest.fixture
def converted(project: Project) -> Project:
    """A project with a script in clear; a checkout converts it, and Ada has it as signed."""
    ada = project.ada
    ada.write(".gitattributes", b"*.bat text eol=crlf\n" + ada.read(".gitattributes"))
    ada.write("run.bat", CRLF.replace(b"\r", b""))
    ada.commit()
    ada.git("push", "--quiet")
    return project


def test_text_that_a_checkout_converts_is_called_that(
    converted: Project, person: PersonFactory
) -> None:
    clone = converted.unlocked(person("bob"))
    assert clone.read("run.bat") == CRLF
    assert findings(clone) == {"converted": ["run.bat"]}
    assert findings(clone, "HEAD") == {}
    clone.write("run.bat", CRLF + b"evil.py\r\n")
    assert findings(clone) == {"tampered": ["run.bat"]}


def test_what_head_has_otherwise_than_it_was_signed_is_still_stale(converted: Project) -> None:
    ada = converted.ada
    ada.write("run.bat", b"other.py\r\n")
    ada.git("commit", "--quiet", "--all", "--no-verify", "--message", "Unsigned")
    assert findings(ada) == {"stale signature": ["run.bat"]}


def test_a_locked_clone_takes_converted_text_for_what_head_holds(
    converted: Project, person: PersonFactory
) -> None:
    clone = person("carol").clone(converted.remote)
    public = ("--encrypted", "--public-key", str(converted.public))
    assert clone.read("run.bat") == CRLF
    assert findings(clone, *public) == {}
    clone.write("model.safetensors", b"changed, and nobody can seal it here")
    assert findings(clone, *public) == {"tampered": ["model.safetensors"]}
    clone.write("run.bat", CRLF + b"evil.py\r\n")
    assert findings(clone, *public) == {"tampered": ["model.safetensors", "run.bat"]}


def test_a_file_that_a_filter_refuses_says_nothing_of_another(
    converted: Project, person: PersonFactory
) -> None:
    clone = converted.unlocked(person("bob"))
    clone.write(".git/info/attributes", b"README.md filter=broken\n")
    clone.git("config", "filter.broken.clean", "false")
    clone.git("config", "filter.broken.required", "true")
    clone.write("README.md", b"changed\n")
    assert findings(clone) == {"tampered": ["README.md"], "converted": ["run.bat"]}


def test_more_changed_files_than_a_command_line_holds_are_told(repo: Repository) -> None:
    names = [f"{LONG}/{number:04}.py" for number in range(TOO_MANY)]
    for name in names:
        repo.write(name, "pass\n")
    repo.commit()
    for name in names[1:]:
        repo.write(name, "import evil\n")
    repo.write("other.py", "pass\n")
    repo.git("add", "other.py")
    facts = Facts.discover(repo.path)
    assert index.unlike(facts, "HEAD", index.staged(facts)[:TOO_MANY]) == [
        name.encode() for name in names[1:]
    ]
