"""`git model verify -- PATHSPEC...`: some files, and nothing said of the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.errors import UNCHECKED
from tests.compat.oms import make_kinds
from tests.fixtures.repositories import NO_HOOKS
from tests.verification.test_directory_of_others import NEWEST, PUBLIC, model_of
from tests.verification.test_verify import findings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository


def part(repo: Repository, *arguments: str) -> dict[str, Any]:
    verdict: dict[str, Any] = json.loads(
        repo.model("verify", "--json", *arguments, check=False).stdout
    )
    return verdict


def test_what_was_looked_at_and_what_was_not_is_said(project: Project) -> None:
    ada = project.ada
    tracked = ada.git("ls-files").split()
    done = ada.model("verify", "--", "config.json", "*.safetensors")
    first, *names = done.stdout.splitlines()
    said = f"Verified: 2 of {len(tracked)} files of the work tree, these, signed by "
    assert first.startswith(said)
    assert names == ["  config.json", "  model.safetensors"]
    assert "not looked at: .gitattributes, " in done.stderr
    assert "and Git does not track" in done.stderr
    found = part(ada, "--", "config.json")
    assert found["part"]["files"] == ["config.json"]
    assert [*found["part"]["files"], *found["part"]["not_looked_at"]].sort() == tracked.sort()
    # Nobody who reads what is covered takes this for a work tree.
    assert found["covers"] == "part of work tree"
    assert part(ada)["part"] is None


@pytest.mark.parametrize("words", [(), ("HEAD",), ("--encrypted",)])
def test_files_of_any_place_are_chosen(words: tuple[str, ...], project: Project) -> None:
    found = part(project.ada, *words, "--", "config.json")
    assert found["good"]
    assert found["part"]["files"] == ["config.json"]
    assert found["covers"].startswith("part of ")


def test_damage_counts_where_it_is_looked_for(project: Project) -> None:
    ada = project.ada
    ada.write("model.safetensors", b"tampered")
    ada.write("more.py", b"import os")
    (ada.path / "config.json").unlink()
    assert findings(ada, "--", "*.safetensors") == {"tampered": ["model.safetensors"]}
    assert findings(ada, "--", "config.json") == {"missing file": ["config.json"]}
    assert findings(ada, "--", "*.py") == {"extra file": ["more.py"]}
    assert findings(ada, "--", ".git*") == {}
    assert set(findings(ada, "--", ".")) == {"tampered", "missing file", "extra file"}
    assert findings(ada, "--", ".", ":!more.py", ":!*.json", ":!*.safetensors") == {}
    assert findings(ada, "--") == findings(ada)


def test_a_link_in_the_place_of_a_directory_is_seen_from_both_of_its_names(
    project: Project,
) -> None:
    ada = project.ada
    ada.write("tokenizer/vocab.txt", "words\n")
    ada.commit()
    (ada.path / "tokenizer").rename(ada.path.parent / "elsewhere")
    (ada.path / "tokenizer").symlink_to("../elsewhere")
    for chosen in ("tokenizer", "tokenizer/vocab.txt", "tokenizer/*"):
        assert "symbolic link" in findings(ada, "--", chosen)


def test_a_repository_below_a_chosen_directory_is_extra(project: Project) -> None:
    ada = project.ada
    ada.write("sub/w.bin", b"weights")
    ada.commit()
    for name in ("sub/nested/.git/HEAD", "sub/nested/run.py", "sub/odd/.GIT/run.py"):
        ada.write(name, b"!")
    found = findings(ada, "--", "sub")["extra file"]
    assert sorted(found) == ["sub/nested/", "sub/odd/.GIT/run.py"]
    assert findings(ada, "--", "sub/*/*.py") == {"extra file": found}
    assert findings(ada, "--", "sub/w.bin") == {}
    assert findings(ada, "--", "config.json") == {}


def test_paths_are_relative_to_where_one_stands(project: Project) -> None:
    ada = project.ada
    ada.write("sub/w.bin", b"weights")
    ada.commit()
    done = ada.model("verify", "--", "w.bin", cwd=ada.path / "sub")
    assert done.stdout.endswith("\n  sub/w.bin\n")
    done = ada.model("verify", "HEAD", "--", ":/config.json", cwd=ada.path / "sub")
    assert done.stdout.endswith("\n  config.json\n")


def test_a_tree_that_is_not_the_signed_one_is_stale_whatever_is_chosen(
    project: Project,
) -> None:
    ada = project.ada
    ada.write("README.md", "more\n")
    ada.git("add", "-A")
    ada.git(*NO_HOOKS, "commit", "--quiet", "-m", "unsigned")
    for words in ((), ("HEAD",), ("--encrypted",)):
        assert "stale signature" in findings(ada, *words, "--", "config.json")


def test_a_locked_clone_verifies_some_ciphertext(
    project: Project, person: PersonFactory
) -> None:
    clone = person("carol").clone(project.remote)
    asked = ("--encrypted", "--public-key", str(project.public))
    (clone.path / "config.json").unlink()
    assert findings(clone, *asked, "--", "*.safetensors") == {}
    assert findings(clone, *asked, "--", "config.json") == {"missing file": ["config.json"]}
    clone.write("model.safetensors", b"other")
    assert findings(clone, *asked, "--", "*.safetensors") == {"tampered": ["model.safetensors"]}


@pytest.mark.parametrize("words", [(), ("HEAD",), ("--encrypted",)])
def test_what_matches_nothing_is_not_verified(words: tuple[str, ...], project: Project) -> None:
    for chosen in (("nothing",), ("config.json", "nothing")):
        done = project.ada.model("verify", *words, "--", *chosen, check=False)
        assert done.returncode == UNCHECKED
        assert "'nothing' did not match any file" in done.stderr
        assert done.stdout == ""


def test_only_unsigned_files_that_may_pass_are_no_verification(project: Project) -> None:
    project.ada.write("more.py", b"import os")
    done = project.ada.model("verify", "--ignore-unsigned-files", "--", "more.py", check=False)
    assert done.returncode == UNCHECKED
    assert "no file that a signature is over" in done.stderr


@pytest.mark.parametrize(
    "words", [("HEAD~1..HEAD",), ("--all-models",), ("--dir", ".", "--model-root", "a")]
)
def test_of_many_no_part_is_verified(words: tuple[str, ...], project: Project) -> None:
    done = project.ada.model("verify", *words, "--", "config.json", check=False)
    assert done.returncode == 2
    assert "paths go with one commit" in done.stderr


def test_without_git_a_file_is_verified_as_a_whole(project: Project, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(b"w")
    one = ("key", "--public-key", str(project.public), "--signature", "w.sig")
    done = project.ada.model(
        "verify", *one, str(tmp_path / "w.bin"), "--", "w.bin", check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""


def test_a_path_before_the_dashes_is_still_a_revision(project: Project) -> None:
    done = project.ada.model("verify", "config.json", check=False)
    assert done.returncode == UNCHECKED
    assert "config.json" in done.stderr


def test_a_model_of_others_is_verified_in_part(tmp_path: Path, project: Project) -> None:
    model = model_of(NEWEST, tmp_path / "bert")
    (model / "a.c").write_bytes(b"other")
    (model / "weights" / "run.py").write_bytes(b"!")
    (model / "weights" / ".git").write_bytes(b"!")
    key = ("key", "--public-key", str(PUBLIC), "--dir", str(model))
    found = part(project.ada, *key, "--", "config.json", "weights/*.bin")
    assert found["good"]
    assert found["part"]["files"] == ["config.json", "weights/part-1.bin"]
    assert set(found["part"]["not_looked_at"]) == {"a.c", "a/c", "empty"}
    assert found["covers"] == "part of directory"
    assert findings(project.ada, *key, "--", "weights") == {
        "extra file": ["weights/.git", "weights/run.py"]
    }
    assert findings(project.ada, *key, "--", "a*") == {"tampered": ["a.c"]}
    (model / "config.json").unlink()
    assert findings(project.ada, *key, "--", "config.json") == {"missing file": ["config.json"]}
    done = project.ada.model("verify", *key, "--", "nothing", check=False)
    assert done.returncode == UNCHECKED
    assert make_kinds.FILES
