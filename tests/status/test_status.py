"""`git model status`, and the line that a checkout says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.errors import FAILED, UNCHECKED
from tests.fixtures.histories import MODEL
from tests.fixtures.people import assert_clean
from tests.fixtures.processes import MODEL as PROGRAM
from tests.fixtures.terminals import typed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository


def state(repo: Repository) -> dict[str, Any]:
    done = repo.model("status", "--json", check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == found["exit_status"]
    return found


def files(repo: Repository) -> dict[str, dict[str, Any]]:
    return {file["path"]: file for file in state(repo)["files"]}


def test_the_document_for_machines(project: Project) -> None:
    found = state(project.ada)
    key_id = project.ada.git("config", "git-model.keyId")
    assert found["version"] == 1
    assert found["locked"] is False
    assert found["key_id"] == key_id
    assert found["head"] == "verified"
    assert (found["good"], found["exit_status"], found["conflicts"]) == (True, 0, [])
    assert found["commit"] == project.ada.git("rev-parse", "HEAD")
    assert len(found["signers"]) == 1
    assert found["missing_hooks"] == []
    assert found["digest"] == "sha256"
    assert found["stock_verifies"] is True
    assert files(project.ada)["model.safetensors"] == {
        "path": "model.safetensors",
        "encrypted": True,
        "key_id": key_id,
        "size": len(MODEL),
        "storage": "inline",
        "here": True,
        "pushed": True,
        "unseen": False,
        "work_tree": "decrypted",
        "signed": True,
    }
    assert set(files(project.ada)) == {"config.json", "model.safetensors", "model.sig"}


def test_a_digest_that_the_stock_command_does_not_check(repo: Repository) -> None:
    repo.write("model.bin", b"w")
    repo.model("init", "--digest", "blake3")
    repo.commit()
    assert state(repo)["stock_verifies"] is False
    assert "`model_signing verify` does not" in repo.model("status").stdout


def test_the_table_for_people(project: Project) -> None:
    project.ada.write("odd [bold]name.bin", b"x")
    project.ada.git("add", "--all")
    said = project.ada.model("status", env={"COLUMNS": "120"}).stdout
    assert said.startswith("Unlocked, key ")
    assert "HEAD verified" in said
    assert "Digest sha256: the stock `model_signing verify` checks it as well" in said
    line = next(line for line in said.splitlines() if "model.safetensors" in line)
    words = line.split()
    assert words[1:3] == ["encrypted,", "inline"]
    assert words[4:6] == ["decrypted", "yes"]
    new = next(line for line in said.splitlines() if "odd [bold]name.bin" in line)
    assert " no " in new


def on_a_terminal(repo: Repository, columns: int, *arguments: str) -> list[str]:
    """Returns the lines that `git model status` writes on a terminal."""
    env = {**repo.env, "COLUMNS": str(columns)}
    _, shown = typed([*PROGRAM, "status", *arguments], {}, repo.path, env)
    return [line.rstrip("\r") for line in shown.split("\n") if line]


def test_a_file_keeps_its_name_on_every_terminal_and_has_a_line_in_a_pipe(
    project: Project,
) -> None:
    name = f"{'deep/' * 40}model.safetensors"
    project.ada.write(name, b"w")
    project.ada.git("add", "--all")
    (line,) = (one for one in project.ada.model("status").stdout.splitlines() if name in one)
    assert line.startswith(f"{name}  encrypted, inline")
    for columns in (80, 60, 40):
        lines = on_a_terminal(project.ada, columns, "config.json", "model.sig")
        assert any(line.startswith("config.json") for line in lines)
        told = lines[lines.index(next(x for x in lines if x.startswith("Digest"))) + 1 :]
        assert all(len(line) <= columns for line in told)
        assert "decrypted" in "".join(told)
    assert name in on_a_terminal(project.ada, 40, "deep")


def test_a_pathspec_chooses(project: Project) -> None:
    said = project.ada.model("status", "config.json").stdout
    assert "config.json" in said
    assert "model.safetensors" not in said
    wrong = project.ada.model("status", "nothing", check=False)
    assert wrong.returncode == UNCHECKED
    assert "pathspec 'nothing' did not match any file" in wrong.stderr


def test_many_files_are_summed_up_on_a_terminal_and_told_one_by_one_elsewhere(
    project: Project,
) -> None:
    for number in range(50):
        project.ada.write(f"shards/{number}.bin", b"%d" % number)
    project.ada.commit()
    project.ada.write("odd.bin", b"odd")
    project.ada.git("add", "--all")
    shown = on_a_terminal(project.ada, 120)
    assert len(shown) < 20
    assert any(line.startswith("odd.bin  ") for line in shown)
    assert any(line.startswith(("50 files ", "51 files ")) for line in shown)
    said = project.ada.model("status").stdout
    assert all(f"shards/{number}.bin " in said for number in range(50))
    named = on_a_terminal(project.ada, 120, "shards")
    assert sum(line.startswith("shards/") for line in named) == 50


def test_a_conflict_is_told_and_nothing_is_called_verified_beside_it(
    project: Project,
) -> None:
    ada = project.ada
    ada.git("switch", "--quiet", "--create", "side")
    ada.write("model.safetensors", b"theirs" * 100)
    ada.commit()
    ada.git("switch", "--quiet", "main")
    ada.write("model.safetensors", b"ours" * 100)
    ada.commit()
    assert ada.git.run("merge", "--quiet", "side", check=False).returncode
    found = state(ada)
    assert found["conflicts"] == ["model.safetensors"]
    assert found["exit_status"] == FAILED
    said = ada.model("status", check=False).stdout
    assert "HEAD unverified: 1 path in conflict" in said
    assert "In conflict (1):\n  model.safetensors\n" in said
    assert "HEAD verified" not in said


def test_a_locked_clone(project: Project, person: PersonFactory) -> None:
    clone = person("bob").clone(project.remote)
    found = state(clone)
    assert found["locked"] is True
    assert found["head"].startswith("unverified")
    assert found["exit_status"] == UNCHECKED
    file = files(clone)["model.safetensors"]
    assert (file["encrypted"], file["work_tree"]) == (True, "ciphertext")
    assert file["size"] == len(MODEL)
    assert clone.model("status", check=False).stdout.startswith("Locked: this clone has no key")


def test_files_that_changed_are_not_signed_and_missing_ones_are_missing(
    project: Project,
) -> None:
    project.ada.write("model.safetensors", b"version 2")
    project.ada.git("add", "--all")
    (project.ada.path / "config.json").unlink()
    found = files(project.ada)
    assert found["model.safetensors"]["signed"] is False
    assert found["config.json"]["work_tree"] == "missing"
    assert found["config.json"]["signed"] is True


def test_plaintext_in_the_index_is_told(project: Project) -> None:
    oid = project.ada.git("hash-object", "-w", "--stdin", "--no-filters", stdin="in clear")
    project.ada.git("update-index", "--add", "--cacheinfo", f"100644,{oid},leak.bin")
    project.ada.write("leak.bin", "in clear")
    assert files(project.ada)["leak.bin"]["encrypted"] is False
    done = project.ada.model("status", check=False)
    assert "IN CLEAR" in done.stdout
    assert done.returncode == FAILED


def test_before_the_first_commit(repo: Repository) -> None:
    repo.model("init")
    assert state(repo)["head"] == ""
    assert "No commits yet" in repo.model("status").stdout


@pytest.mark.parametrize("command", ["switch", "checkout"])
def test_a_checkout_says_in_one_line_that_the_signature_holds(
    project: Project, command: str
) -> None:
    project.ada.git("branch", "side")
    said = project.ada.git.run(command, "--quiet", "side").stderr.splitlines()
    commit = project.ada.git("rev-parse", "HEAD")[:10]
    assert said == [f"git-model: {commit} is verified: its signatures hold"]


@pytest.fixture
def unsigned(project: Project) -> Repository:
    """Ada's repository with a branch `unsigned`."""
    ada = project.ada
    ada.git("switch", "--quiet", "--create", "unsigned")
    ada.write("model.safetensors", b"forged")
    ada.git("commit", "--quiet", "--no-verify", "--all", "--message", "Unsigned")
    ada.git("switch", "--quiet", "main")
    return ada


def test_an_unverified_checkout_is_said_and_breaks_nothing(unsigned: Repository) -> None:
    done = unsigned.git.run("switch", "--quiet", "unsigned")
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert "is unverified: stale signature" in lines[0]
    assert unsigned.git("branch", "--show-current") == "unsigned"
    assert state(unsigned)["head"].startswith("unverified: stale signature")
    assert state(unsigned)["exit_status"] == FAILED
    signed = {path for path, file in files(unsigned).items() if file["signed"]}
    assert "model.safetensors" not in signed
    assert signed == files(unsigned).keys() - {"model.safetensors"}


def test_enforcing_fails_the_command_and_off_is_silent(unsigned: Repository) -> None:
    enforced = unsigned.git.run(
        "switch", "--quiet", "unsigned", check=False, env={"GIT_MODEL_VERIFY": "enforce"}
    )
    assert enforced.returncode == 1
    unsigned.git("switch", "--quiet", "main")
    unsigned.git("config", "git-model.verify", "off")
    assert unsigned.git.run("switch", "--quiet", "unsigned").stderr == ""


def test_a_worktree_and_a_bisection_work_in_spite_of_unverified_commits(
    unsigned: Repository,
) -> None:
    unsigned.git("worktree", "add", "--quiet", "../linked", "unsigned")
    unsigned.git("bisect", "start", "unsigned", "main")
    unsigned.git("bisect", "reset")
    assert_clean(unsigned)


def test_a_checkout_of_one_file_says_nothing(project: Project) -> None:
    assert project.ada.git.run("checkout", "HEAD", "--", "config.json").stderr == ""


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_what_is_known_of_the_hooks_is_not_asked_again(
    project: Project, tmp_path: Path, command: str
) -> None:
    trace = tmp_path / "trace"
    project.ada.model(command, env={"GIT_TRACE": str(trace)})
    assert trace.read_text().count("--git-path hooks") == 1
    assert "'^hook\\.'" not in trace.read_text()
