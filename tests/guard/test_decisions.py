"""A large binary file that would go out in clear needs somebody's decision, once."""

from __future__ import annotations

import random
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from git_model_security.guard.judgement import LIMIT_BYTES
from tests.fixtures.people import assert_clean, founded, inherited, is_sealed
from tests.policy.test_archives import torch_zip

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Repository

PATH = "assets/net.data-00000-of-00001"


def binary(seed: int, size: int = LIMIT_BYTES + 1) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("old")
    repo = founded(directory)
    repo.git("remote", "remove", "origin")
    repo.write("train.py", "pass\n")
    repo.commit()
    repo.model("init", "--profile", "weights")
    repo.commit()
    return directory


@pytest.fixture
def old(template: Path, home: Path, tmp_path: Path) -> Repository:
    """A repository as it was set up before there was another profile."""
    return inherited(template, home, tmp_path / "repo")


def refused(repo: Repository, *command: str, path: str = PATH) -> None:
    before = repo.git("for-each-ref")
    done = repo.git.run(*command, check=False)
    assert done.returncode != 0
    assert f"{path}: binary, 256 KiB, and nobody decided" in done.stderr
    for way in (f"`git model track {path}`", f"`git model untrack {path}`"):
        assert way in done.stderr
    assert repo.git("for-each-ref") == before


def test_it_is_refused_until_it_is_encrypted(old: Repository) -> None:
    old.write(PATH, binary(1))
    old.git("add", "--all")
    refused(old, "commit", "--message", "x")
    refused(old, "commit", "--no-verify", "--message", "x")

    old.model("track", PATH)
    old.commit()

    assert is_sealed(old.blob(f"HEAD:{PATH}"))
    assert_clean(old)


@pytest.mark.parametrize("pattern", [PATH, "*.data-*", "assets/"])
def test_it_is_refused_until_a_pattern_says_that_it_is_clear_on_purpose(
    old: Repository, pattern: str
) -> None:
    old.write(PATH, binary(2))
    old.git("add", "--all")
    refused(old, "commit", "--message", "x")

    said = old.model("untrack", pattern, "--yes")
    old.commit()

    assert f"Clear, and on record from now on (1):\n  {PATH}\n" in said.stdout
    assert old.blob(f"HEAD:{PATH}") == binary(2)
    # The record stands: a next version is asked for no more.
    old.write(PATH, binary(3))
    old.commit()
    assert old.blob(f"HEAD:{PATH}") == binary(3)


@pytest.mark.parametrize("verb", ["track", "untrack"])
@pytest.mark.parametrize(
    "path", [".a b[1].data", "a/x*[0-9]?.data", "a/[b]/c.data", r"back\slash.data", "#!.data"]
)
def test_the_commands_of_a_refusal_go_on_whatever_the_name(
    old: Repository, verb: str, path: str
) -> None:
    old.write(path, binary(15))
    old.git("add", "--all")
    done = old.git.run("commit", "--message", "x", check=False)
    command = re.search(rf"`git model ({verb} .+?)`", done.stderr)
    assert command is not None
    words = shlex.split(command[1])
    old.model(*words, *["--yes"] * (verb == "untrack"))
    old.commit()
    assert is_sealed(old.blob(f"HEAD:{path}")) == (verb == "track")


@pytest.mark.parametrize("word", ["a[1].data", "d[1]", "d[1]/"])
def test_the_name_of_what_is_there_is_no_pattern_of_something_else(
    old: Repository, word: str
) -> None:
    path = word if word.endswith(".data") else "d[1]/net.data"
    other = path.replace("[1]", "1")
    for name, seed in ((path, 16), (f"sub/{path}", 17)):
        old.write(name, binary(seed, 1000))
    old.git("add", "--all")
    old.model("track", word)
    old.write(other, binary(18, 1000))
    old.commit()
    assert is_sealed(old.blob(f"HEAD:{path}"))
    assert not is_sealed(old.blob(f"HEAD:sub/{path}"))
    assert not is_sealed(old.blob(f"HEAD:{other}"))
    # Where the other file is there, and not this one, it is a pattern again.
    if word != "d[1]":
        old.git("--literal-pathspecs", "rm", "--quiet", "-r", path)
        old.model("track", word)
        assert is_sealed(old.blob(f":{other}"))


def test_a_refusal_names_all_of_a_few_files(old: Repository) -> None:
    for at in range(3):
        old.write(f"net {at}", binary(19 + at))
    old.git("add", "--all")
    done = old.git.run("commit", "--message", "x", check=False)
    named = "'net 0' 'net 1' 'net 2'"
    assert f"`git model track {named}` encrypts them" in done.stderr
    assert f"`git model untrack {named}` puts on record that they are clear" in done.stderr
    old.model("track", "net 0", "net 1", "net 2")
    old.commit()


def test_what_was_excluded_when_it_was_set_up_is_on_record(repo: Repository) -> None:
    repo.write("train.py", "pass\n")
    repo.model("init", "--exclude", "assets/**")
    repo.write(PATH, binary(4))
    repo.commit()
    assert repo.blob(f"HEAD:{PATH}") == binary(4)


def test_a_record_that_this_clone_never_took_over_decides_nothing(old: Repository) -> None:
    policy = old.read(".gitmodel").decode()
    old.write(".gitmodel", policy.replace("[storage]", "\texclude = assets/**\n[storage]"))
    old.write(PATH, binary(5))
    old.git("add", "--all")
    refused(old, "commit", "--message", "x")


@pytest.mark.parametrize(
    ("content", "is_asked"),
    [
        (binary(6, LIMIT_BYTES), False),
        (b"text \xc3\xa9\n" * 60_000, False),
        (b"#!/bin/sh\n" * 60_000 + b"\0payload", True),
        ("größer\n".encode("latin-1") * 60_000, True),
        (b"words\n" * 60_000 + b"\xc3", True),
    ],
    ids=["short", "text", "text, then not", "Latin-1", "cut in a character"],
)
def test_binary_is_what_is_not_utf8_to_its_end(
    old: Repository, content: bytes, *, is_asked: bool
) -> None:
    old.write(PATH, content)
    old.git("add", "--all")
    done = old.git.run("commit", "--quiet", "--message", "x", check=False)
    assert (done.returncode != 0) == is_asked
    assert ("nobody decided" in done.stderr) == is_asked


def test_a_program_that_is_called_source_is_asked_for_too(repo: Repository) -> None:
    repo.write("train.py", "pass\n")
    repo.model("init")
    repo.write("net.py", binary(7))
    repo.git("add", "--all")
    refused(repo, "commit", "--message", "x", path="net.py")


def test_what_a_branch_has_is_moved_merged_and_rebased_without_a_question(
    repo: Repository,
) -> None:
    """It was clear before there was this question: what is public stays so."""
    repo.write("train.py", "pass\n")
    repo.write("a/picture", binary(8))
    repo.commit()
    repo.model("init", "--profile", "weights")
    repo.commit()
    repo.git("mv", "a", "b")
    repo.git("commit", "--quiet", "--message", "Move")
    repo.git("commit", "--quiet", "--amend", "--message", "Moved")
    (repo.path / "b/picture").chmod(0o755)
    repo.commit()
    repo.git("switch", "--quiet", "--create", "side", "HEAD~1")
    repo.write("c.py", "pass\n")
    repo.commit()
    repo.git("rebase", "--quiet", "main")
    repo.git("rm", "--quiet", "-r", "b")
    repo.commit("Remove")
    repo.git("checkout", "--quiet", "main", "--", "b")
    repo.commit("Take it back")
    assert repo.blob("HEAD:b/picture") == binary(8)


def test_a_rebase_that_brings_it_in_is_refused_in_its_end(old: Repository) -> None:
    old.write(PATH, binary(9))
    old.git("add", "--all")
    old.git("-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "Past all")
    made = old.git("rev-parse", "HEAD")
    old.git("-c", "core.hooksPath=/dev/null", "reset", "--quiet", "--hard", "HEAD~1")
    refused(old, "cherry-pick", made)


def test_a_stash_is_nobodys_publication(old: Repository) -> None:
    old.write(PATH, binary(10))
    old.git("stash", "--quiet", "--include-untracked")
    old.git("stash", "pop", "--quiet")
    old.git("add", "--all")
    refused(old, "commit", "--message", "x")


@pytest.mark.parametrize(
    "publish",
    [
        ("branch", "side"),
        ("branch", "--force", "old"),
        ("tag", "side"),
        ("update-ref", "refs/x/y"),
    ],
    ids=" ".join,
)
def test_what_only_a_stash_has_is_asked_about_when_another_ref_gets_it(
    old: Repository, publish: tuple[str, ...]
) -> None:
    old.git("branch", "old")
    old.write(PATH, binary(13))
    old.git("add", "--all")
    old.git("stash", "--quiet")
    refused(old, *publish, "stash@{0}")
    old.git("stash", "pop", "--quiet", "--index")
    assert old.read(PATH) == binary(13)


def test_a_stash_of_what_was_decided_becomes_a_branch(old: Repository) -> None:
    old.write(PATH, binary(14))
    old.model("untrack", PATH, "--yes")
    old.git("add", "--all")
    old.git("stash", "--quiet")
    old.git("branch", "side", "stash@{0}")
    old.git("tag", "side", "stash@{0}")
    assert old.blob(f"side:{PATH}") == binary(14)


def test_an_override_lets_it_through_and_is_logged(old: Repository) -> None:
    old.write(PATH, binary(11))
    old.git("add", "--all")
    old.git("-c", "git-model.guard=warn", "commit", "--quiet", "--message", "x")
    assert old.blob(f"HEAD:{PATH}") == binary(11)
    assert PATH in str(old.events()[-1])


def test_history_is_never_asked(old: Repository, remote: Repository) -> None:
    """An audit and a push judge what is there: who has it cannot decide about it."""
    old.write(PATH, binary(12))
    old.git("add", "--all")
    old.git("-c", "git-model.guard=warn", "commit", "--quiet", "--message", "x")
    assert "0 findings" in old.model("audit").stdout
    old.git("push", "--quiet", str(remote.path), "main")


def test_a_torchscript_whose_pickle_comes_last_is_a_model_to_everybody(old: Repository) -> None:
    """To the guard of a commit, the audit, a migration, and whoever would let it out."""
    path = ".cache/net.jit"
    old.write(path, torch_zip(b"net/data/0", b"net/data/1", b"net/data.pkl"))
    old.git("add", "--all")
    done = old.git.run("commit", "--message", "x", check=False)
    assert f"{path}: model file (PyTorch) on an unprotected path" in done.stderr
    old.git("-c", "git-model.guard=warn", "commit", "--quiet", "--message", "x")
    for command in (("audit",), ("migrate", "--dry-run")):
        found = old.model(*command, check=False)
        assert found.returncode == 1
        assert f"{path}: model file (PyTorch)" in found.stdout
    old.model("track", path)
    old.commit()
    refused = old.model("untrack", ".cache/", "--yes", check=False)
    assert f"{path}: a model file (PyTorch)" in refused.stderr
