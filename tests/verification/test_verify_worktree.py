"""`git model verify` looks at the file system and at content, not at what Git remembers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_signed
from tests.verification.test_verify import findings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.deployments import Deployment
    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository


@pytest.fixture
def two(repo: Repository) -> Repository:
    """A model in a directory, and code beside it."""
    repo.write("models/a/w.bin", b"w")
    repo.write("models/a/sub/v.bin", b"v")
    repo.write("tool.py", "pass\n")
    repo.write("run.sh", "true\n")
    repo.model("init", "--model-root", "models/a")
    repo.commit()
    return repo


def test_a_repository_in_the_work_tree_is_extra(project: Project) -> None:
    ada = project.ada
    ada.git("init", "--quiet", "payload")
    ada.write("payload/__init__.py", "evil\n")
    ada.write("payload/.gitignore", "*\n")  # its own, which says nothing here
    assert findings(ada) == {"extra file": ["payload/"]}
    assert findings(ada, "--ignore-unsigned-files") == {}
    ada.git("init", "--quiet", "scratch")
    ada.write("scratch/more.py", "evil\n")
    with (ada.path / ".git/info/exclude").open("a") as file:
        file.write("payload\n")
    assert findings(ada) == {"extra file": ["scratch/"]}
    assert findings(ada, "--strict") == {
        "extra file": ["scratch/"],
        "ignored file": ["payload/"],
    }


def test_what_every_bundle_leaves_out_is_extra_where_head_has_none(project: Project) -> None:
    project.ada.write(".github/workflows/ci.yml", "on: push\n")
    assert findings(project.ada) == {"extra file": [".github/workflows/ci.yml"]}


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
@pytest.mark.parametrize("name", [".gitattributes", "model.safetensors"])
def test_flags_of_the_index_hide_nothing(flag: str, name: str, project: Project) -> None:
    ada = project.ada
    ada.git("update-index", flag, name)
    ada.write(name, "changed\n")
    assert ada.status() == ""
    assert findings(ada) == {"tampered": [name]}


def test_an_older_version_under_assume_unchanged_is_seen(project: Project) -> None:
    ada = project.ada
    names = ("model.safetensors", "model.sig", ".model-encrypted.sig")
    older = {name: ada.read(name) for name in names}
    ada.write("model.safetensors", b"version 2")
    ada.commit()
    for name, content in older.items():
        ada.git("update-index", "--assume-unchanged", name)
        ada.write(name, content)
    assert ada.status() == ""
    assert findings(ada) == {
        "tampered": ["model.safetensors"],
        "not committed": [".model-encrypted.sig", "model.sig"],
    }


def test_a_parent_of_the_model_root_that_is_a_link(two: Repository, tmp_path: Path) -> None:
    (two.path / "models").rename(tmp_path / "models")
    (two.path / "models").symlink_to(tmp_path / "models")
    for options in ((), ("--ignore-unsigned-files",), ("--model-root", "models/a")):
        assert findings(two, *options) == {"symbolic link": ["models"]}


def test_what_lies_outside_of_the_model_roots_is_compared(two: Repository) -> None:
    assert findings(two) == {}
    said = two.model("verify").stdout
    assert "2 model files and 6 others" in said
    two.write("tool.py", "import evil\n")
    (two.path / "run.sh").chmod(0o755)
    two.write("more.py", "import evil\n")
    assert findings(two) == {"tampered": ["tool.py", "run.sh"], "extra file": ["more.py"]}
    assert findings(two, "--model-root", "models/a") == {}


def test_links_and_protected_files_outside_of_the_model_roots(two: Repository) -> None:
    two.write("beside.bin", b"sealed, and in no model")
    (two.path / "link").symlink_to("tool.py")
    two.commit()
    assert findings(two) == {}
    (two.path / "link").unlink()
    (two.path / "link").symlink_to("run.sh")
    two.write("beside.bin", b"changed")
    assert findings(two) == {"tampered": ["beside.bin", "link"]}


def test_what_git_converts_is_no_change(two: Repository) -> None:
    two.write(".gitattributes", two.read(".gitattributes") + b"*.bat text eol=crlf\n")
    two.write("notes.bat", b"one\ntwo\n")
    two.commit()
    (two.path / "notes.bat").unlink()
    two.git("restore", "notes.bat")
    assert two.read("notes.bat") == b"one\r\ntwo\r\n"
    assert findings(two) == {}
    two.write("notes.bat", b"one\r\nthree\r\n")
    assert findings(two) == {"tampered": ["notes.bat"]}


def test_the_files_of_a_submodule_are_told(two: Repository, tmp_path: Path) -> None:
    two.git("init", "--quiet", str(tmp_path / "lib"))
    other = type(two)(tmp_path / "lib", two.env)
    other.write("lib.py", "pass\n")
    other.commit()
    two.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.path))
    two.commit()
    assert findings(two) == {}
    said = two.model("verify").stderr
    assert "not verified: the files of 1 submodule: lib" in said
    assert findings(two, "--strict") == {"not covered": ["lib"]}


def test_ignored_files_are_counted_and_named(project: Project) -> None:
    ada = project.ada
    ada.write(".gitignore", "build/\n*.log\n")
    ada.commit()
    for number in range(12):
        ada.write(f"build/{number:02}.py", "pass\n")
    ada.write(b":(top)x.log", "a name that looks like a pathspec\n")
    done = ada.model("verify", "--json")
    (uncovered,) = json.loads(done.stdout)["uncovered"]
    assert uncovered["reason"] == "ignored file"
    assert len(uncovered["files"]) == 13
    assert "13 files that Git ignores: :(top)x.log, build/00.py" in ada.model("verify").stderr
    assert ada.model("verify", "--strict", check=False).returncode == 1
    assert (
        ada.model("verify", "--strict", "--ignore-unsigned-files", check=False).returncode == 2
    )


def test_a_deploy_clone_lets_no_ignored_file_pass(deployment: Deployment) -> None:
    clone = deployment.clone
    assert findings(clone) == {}
    with (clone.path / ".git/info/exclude").open("a") as file:
        file.write("*.pyc\n")
    clone.write("__pycache__/train.pyc", b"evil")
    assert findings(clone) == {"ignored file": ["__pycache__/train.pyc"]}


def test_a_locked_clone_hides_nothing_either(project: Project, person: PersonFactory) -> None:
    clone = person("carol").clone(project.remote)
    public = ("--encrypted", "--public-key", str(project.public))
    clone.git("init", "--quiet", "payload")
    clone.write("payload/x.py", "evil\n")
    clone.git("update-index", "--assume-unchanged", "README.md")
    clone.write("README.md", "changed\n")
    assert findings(clone, *public) == {"extra file": ["payload/"], "tampered": ["README.md"]}


def test_signed_and_not_yet_committed_holds(project: Project) -> None:
    ada = project.ada
    ada.write("model.safetensors", b"version 2")
    ada.write("new.bin", b"new")
    ada.git("add", "--all")
    ada.model("sign")
    assert findings(ada) == {}
    assert "the work tree, as it is staged" in ada.model("verify").stdout
    # Who says which commit it has to be does not mean what is staged.
    head = ada.git("rev-parse", "HEAD")
    assert findings(ada, "--expect", head) == {
        "not committed": [".model-encrypted.sig", "model.safetensors", "model.sig", "new.bin"]
    }
    ada.write("new.bin", b"changed since")
    assert findings(ada) == {"tampered": ["new.bin"]}
    ada.git("add", "new.bin")
    assert set(findings(ada)) == {"not committed"}
    ada.git("commit", "--quiet", "--message", "Second")
    assert findings(ada) == {}
    assert_signed(ada)


def test_signed_before_the_first_commit_holds(repo: Repository) -> None:
    repo.write("model.bin", b"weights")
    repo.model("init")
    repo.git("add", "--all")
    repo.model("sign")
    assert findings(repo) == {}
    (repo.path / "model.bin").unlink()
    assert findings(repo) == {"missing file": ["model.bin"]}


def test_a_merge_conflict_is_told_as_one(project: Project) -> None:
    ada = project.ada
    ada.git("switch", "--quiet", "--create", "other")
    ada.write("config.json", '{"layers": 3}\n')
    ada.write("theirs.bin", b"theirs")
    ada.commit()
    ada.git("switch", "--quiet", "main")
    ada.write("config.json", '{"layers": 4}\n')
    ada.commit()
    assert ada.git.run("merge", "other", check=False).returncode == 1
    assert findings(ada) == {
        "merge conflict": ["config.json"],
        "not committed": ["theirs.bin"],
    }
    ada.git("merge", "--abort")
    assert findings(ada) == {}


def test_a_conflict_in_weights_is_told_though_a_file_of_one_side_stands_there(
    project: Project,
) -> None:
    ada = project.ada
    ada.git("switch", "--quiet", "--create", "other")
    ada.write("model.safetensors", b"theirs" * 100)
    ada.commit()
    ada.git("switch", "--quiet", "main")
    ada.write("model.safetensors", b"ours" * 100)
    ada.commit()
    assert ada.git.run("merge", "other", check=False).returncode == 1
    assert ada.read("model.safetensors") == b"ours" * 100
    assert findings(ada) == {"merge conflict": ["model.safetensors"]}
    assert ada.model("verify", check=False).returncode == 1


def test_a_commit_that_was_given_up_names_what_changed(project: Project) -> None:
    ada = project.ada
    ada.write("train.py", "print('changed')\n")
    given_up = ada.git.run("commit", "--all", check=False, env={"GIT_EDITOR": "true"})
    assert given_up.returncode == 1
    assert findings(ada) == {
        "tampered": ["train.py"],
        "not committed": [".model-encrypted.sig", "model.sig"],
    }
    hint = ada.model("verify", check=False).stderr
    assert "`git restore PATH` brings back the one of HEAD" in hint
    assert "find out who changed it" not in hint
    ada.git("restore", "model.sig", ".model-encrypted.sig", "train.py")
    assert findings(ada) == {}


def test_a_sparse_checkout_is_not_tampered_with(project: Project) -> None:
    ada = project.ada
    ada.write("sub/weights.bin", b"w")
    ada.commit()
    ada.git("sparse-checkout", "set", "--no-cone", "/*", "!/sub", "!/model.sig")
    assert not (ada.path / "sub").exists()
    assert findings(ada) == {}
    said = ada.model("verify").stderr
    assert "2 files that this sparse checkout leaves out: model.sig, sub/weights.bin" in said
    done = ada.model("verify", "--strict", "--json", check=False)
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["reason"] == "not checked out"
    # A file that is gone is not one that was left out.
    (ada.path / "train.py").unlink()
    assert findings(ada) == {"missing file": ["train.py"]}


def test_a_directory_nobody_can_read_is_told(two: Repository) -> None:
    if os.geteuid() == 0:
        pytest.skip("root can read everything")
    two.write("data/x", b"x")
    (two.path / "data").chmod(0)
    try:
        assert findings(two) == {"extra file": ["data"]}
    finally:
        (two.path / "data").chmod(0o755)
