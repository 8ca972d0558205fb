"""`git model verify A..B`: which commits are signed, by whom, and which are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.errors import UNCHECKED
from tests.fixtures.processes import execute
from tests.fixtures.repositories import NO_HOOKS, Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project


def rows(repo: Repository, *arguments: str) -> list[dict[str, Any]]:
    """Returns the commits told of, newest first."""
    done = repo.model("verify", "--json", *arguments, check=False)
    verdict: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == verdict["exit_status"]
    found: list[dict[str, Any]] = verdict["commits"]
    return found


def assert_table(repo: Repository, *arguments: str) -> None:
    """Fails unless the table says what the document says."""
    done = repo.model("verify", "--json", *arguments, check=False)
    verdict = json.loads(done.stdout)
    told = repo.model("verify", *arguments, check=False)
    assert told.returncode == done.returncode
    first, last = ("Verified: ", "commit") if verdict["good"] else ("NOT verified: ", "of ")
    assert told.stdout.splitlines()[-1].startswith(first)
    assert last in told.stdout.splitlines()[-1]
    for row in verdict["commits"]:
        line = next(one for one in told.stdout.splitlines() if row["commit"][:12] in one)
        assert f" {row['state']} " in line
        assert row["subject"] in line


def states(repo: Repository, *arguments: str) -> list[tuple[str, str]]:
    return [(row["subject"], row["state"]) for row in rows(repo, *arguments)]


@pytest.fixture
def history(project: Project) -> Repository:
    """Signed, stale, tampered, unsigned; and signed again by ada."""
    ada = project.ada
    ada.write("config.json", "{}\n")
    ada.commit("Second")
    ada.write("config.json", "{ }\n")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--all", "--message", "No hooks")
    bundle = json.loads(ada.read(".model-encrypted.sig"))
    signature = bundle["dsseEnvelope"]["signatures"][0]
    signature["sig"] = "AAAA" + signature["sig"][4:]
    ada.write(".model-encrypted.sig", json.dumps(bundle))
    ada.git(*NO_HOOKS, "commit", "--quiet", "--all", "--message", "Forged")
    ada.git("rm", "--quiet", "--cached", "model.sig", ".model-encrypted.sig")
    ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Bare")
    ada.model("sign", "--adopt", ".")
    ada.git("commit", "--quiet", "--message", "Last")
    return ada


def test_each_commit_of_a_range_is_told(history: Repository, project: Project) -> None:
    expected = [
        ("Last", "signed"),
        ("Bare", "unsigned"),
        ("Forged", "tampered"),
        ("No hooks", "stale"),
        ("Second", "signed"),
    ]
    assert states(history, "HEAD~5..") == expected
    # What held is remembered now, and nothing else.
    assert_table(history, "HEAD~5..")
    assert_table(history, "HEAD^..")
    assert states(history, "HEAD~5..") == expected
    assert states(history, "--encrypted", "HEAD", "^HEAD~5") == expected
    assert states(history, "HEAD~5..HEAD~4") == expected[-1:]
    assert states(history, "HEAD^!") == expected[:1]
    # As git has it: what is on either side, whichever is named first.
    assert states(history, "HEAD...HEAD^") == expected[:1]
    assert states(history, f"{'0' * 40}..HEAD~4") == [expected[-1], ("First", "signed")]
    assert (
        states(history, "HEAD~5..HEAD~4", "--public-key", str(project.public)) == expected[4:]
    )


def test_what_held_under_another_trust_is_not_remembered(
    project: Project, tmp_path: Path
) -> None:
    project.ada.git("commit", "--quiet", "--allow-empty", "--message", "Second")
    assert states(project.ada, "HEAD^..") == [("Second", "signed")]
    (next((project.ada.path / ".git/git-model/trust").glob("*.pub"))).unlink()
    private, public = tmp_path / "other.pem", tmp_path / "other.pub"
    project.ada.model("key", "generate-signing", str(private), str(public))
    project.ada.model("unlock", "--public-key", str(public))
    (row,) = rows(project.ada, "HEAD^..")
    assert row["state"] == "untrusted"
    assert row["signers"] == {}
    (claimed,) = row["signers_claimed"]
    told = project.ada.model("verify", "HEAD^..", check=False).stdout
    assert f"claimed: {claimed}" in told


def test_a_change_of_the_signer_is_shown(project: Project, tmp_path: Path) -> None:
    private, public = tmp_path / "other.pem", tmp_path / "other.pub"
    project.ada.model("key", "generate-signing", str(private), str(public))
    project.ada.model("unlock", "--public-key", str(public), "--signing-key", str(private))
    for number in range(2):
        project.ada.write("config.json", f"{number}\n")
        project.ada.commit(f"By another {number}")
    last, middle = rows(project.ada, "HEAD~2..")
    assert last["signers_before"] == []
    before = middle["signers_before"]
    assert len(before) == 1
    assert before != list(middle["signers"].values()) == list(last["signers"].values())
    assert "(before: " in project.ada.model("verify", "HEAD~2..").stdout


def test_a_clone_that_was_never_set_up_verifies_ciphertext(
    project: Project, person: PersonFactory, tmp_path: Path
) -> None:
    project.ada.write("config.json", "{}\n")
    project.ada.commit("Second")
    project.ada.git("push", "--quiet")
    clone = person("carol").clone(project.remote)
    options = ("--encrypted", "--public-key", str(project.public))
    assert states(clone, *options, "HEAD^..") == [("Second", "signed")]
    assert states(project.remote, *options, "main^..main") == [("Second", "signed")]

    shallow = Repository(tmp_path / "shallow", clone.env)
    url = f"file://{project.remote.path}"
    execute("git", "clone", "--quiet", "--depth=1", url, shallow.path, env=clone.env)
    cut = shallow.model("verify", *options, "HEAD^..HEAD", check=False)
    assert cut.returncode == UNCHECKED
    assert "fetch-depth: 0" in cut.stderr
    assert shallow.model("verify", *options, "HEAD").returncode == 0


def test_a_range_without_commits_verifies_nothing(project: Project) -> None:
    for words in (["HEAD..HEAD"], ["HEAD", "^HEAD"]):
        done = project.ada.model("verify", *words, check=False)
        assert done.returncode == UNCHECKED
        assert "nothing was verified" in done.stderr
    done = project.ada.model("verify", "nope..HEAD", check=False)
    assert "nope: no such revision" in done.stderr
    assert project.ada.model("verify", "--all-models", "HEAD^..", check=False).returncode == 2


def test_a_tag_of_a_branchs_name_does_not_choose_the_range(project: Project) -> None:
    project.ada.git("commit", "--quiet", "--allow-empty", "--message", "Second")
    project.ada.git("tag", "main", "HEAD^")
    done = project.ada.model("verify", "HEAD^..main", check=False)
    assert done.returncode == UNCHECKED
    assert "names refs/tags/main and refs/heads/main" in done.stderr
