"""`git model log`: what was signed and verified here, one JSON line each."""

from __future__ import annotations

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
    signed, checked, head, bad = events(model)
    assert signed["action"] == "sign"
    assert signed["tree"] == model.git("rev-parse", "HEAD^{tree}")
    assert signed["method"] == "key"
    assert set(signed["digests"]) == {"model.sig", ".model-encrypted.sig"}
    assert signed["repository"] == "https://forge.example/ml/model.git"
    assert checked["action"] == "verify"
    assert checked["good"] is True
    assert checked["commits"] == [model.git("rev-parse", "HEAD")]
    assert checked["signer"] == signed["signer"]
    assert checked["digests"]["."] in signed["digests"].values()
    assert checked["run"] == "https://forge.example/ml/model/actions/runs/17"
    assert head["subject"].startswith("HEAD")
    assert bad["good"] is False
    assert bad["findings"]


def test_it_reads_as_a_list_with_the_newest_first(model: Repository) -> None:
    model.model("verify")
    first, second = model.model("log").stdout.splitlines()
    assert "verify" in first
    assert "good" in first
    assert "sign" in second
    assert "secret" not in model.model("log", "--json").stdout
    assert len(events(model, "-n", "1")) == 1
    assert {event["action"] for event in events(model, "--action", "sign")} == {"sign"}


def test_a_commit_that_needs_no_new_signature_is_no_event(model: Repository) -> None:
    before = events(model)
    model.git("commit", "--quiet", "--allow-empty", "--message", "Nothing")
    assert events(model) == before


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
