"""`git model log`: what was signed and verified here, one JSON line each."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

RUN = {
    "GITHUB_RUN_ID": "17",
    "GITHUB_SERVER_URL": "https://forge.example",
    "GITHUB_REPOSITORY": "ml/model",
}


@pytest.fixture
def model(repo: Repository) -> Repository:
    repo.write("weights.bin", b"weights")
    repo.model("init", "--profile", "all")
    repo.git("remote", "add", "origin", "https://user:secret@forge.example/ml/model.git")
    repo.commit()
    return repo


SIGNATURES = ("model.sig", ".model-encrypted.sig")


def sha256(repo: Repository, name: str) -> str:
    """Returns what `sha256sum` says of a file, as anybody can."""
    return hashlib.sha256(repo.read(name)).hexdigest()


def events(repo: Repository, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(repo.model("log", "--json", *options).stdout)[
        "events"
    ]
    return found


def test_a_signature_and_its_checks_are_on_record(model: Repository) -> None:
    model.model("verify", env=RUN)
    model.model("verify", "HEAD")
    model.write("weights.bin", b"others")
    assert model.model("verify", check=False).returncode == 1
    bad, head, checked, signed = events(model)
    assert signed["action"] == "sign"
    assert signed["tree"] == model.git("rev-parse", "HEAD^{tree}")
    assert signed["method"] == "key"
    assert signed["commits"] == [model.git("rev-parse", "HEAD")]
    assert signed["digests"] == {name: sha256(model, name) for name in SIGNATURES}
    assert signed["repository"] == "https://forge.example/ml/model.git"
    assert checked["action"] == "verify"
    assert checked["good"] is True
    assert checked["commits"] == [model.git("rev-parse", "HEAD")]
    assert checked["signer"] == signed["signer"]
    assert checked["digests"] == {"model.sig": sha256(model, "model.sig")}
    assert checked["run"] == "https://forge.example/ml/model/actions/runs/17"
    assert head["subject"].startswith("HEAD")
    assert head["digests"] == signed["digests"]
    assert bad["good"] is False
    assert bad["findings"]


def test_it_reads_as_a_list_with_the_newest_first(model: Repository) -> None:
    model.model("verify")
    first, second = model.model("log").stdout.splitlines()
    assert "verify" in first
    assert "good" in first
    assert "sign" in second
    assert "secret" not in model.model("log", "--json").stdout
    assert [event["action"] for event in events(model, "-n", "1")] == ["verify"]
    assert {event["action"] for event in events(model, "--action", "sign")} == {"sign"}


def test_a_commit_that_needs_no_new_signature_is_no_event(model: Repository) -> None:
    model.git("commit", "--quiet", "--allow-empty", "--message", "Nothing")
    (signed,) = events(model)
    assert signed["commits"] == model.git("rev-list", "HEAD").splitlines()


def test_what_cannot_be_logged_is_not_signed(model: Repository) -> None:
    log = model.path / ".git" / "git-model" / "audit.log"
    log.unlink()
    log.mkdir()
    model.write("weights.bin", b"others")
    model.git("add", ".")
    done = model.git.run("commit", "--quiet", "--message", "x", check=False)
    assert done.returncode == 1
    assert "audit.log" in done.stderr
    model.git("restore", "--staged", "--worktree", ".")
    checked = model.model("verify")
    assert "warning" in checked.stderr


def test_a_line_that_was_cut_off_is_passed_over(model: Repository) -> None:
    log = model.path / ".git" / "git-model" / "audit.log"
    log.write_bytes(log.read_bytes() + b'{"time": "2026-')
    assert len(events(model)) == 1


def test_the_commits_of_a_signature_are_those_that_have_it(model: Repository) -> None:
    first = model.git("rev-parse", "HEAD")
    model.git("commit", "--quiet", "--amend", "--message", "Said better")
    (signed,) = events(model)
    assert set(signed["commits"]) == {first, model.git("rev-parse", "HEAD")}
    model.write("weights.bin", b"others")
    model.model("sign", check=False)
    model.git("add", ".")
    model.model("sign")
    assert events(model)[0]["commits"] == []  # there is none yet
    model.git("commit", "--quiet", "--message", "More")
    assert events(model)[0]["commits"] == [model.git("rev-parse", "HEAD")]
