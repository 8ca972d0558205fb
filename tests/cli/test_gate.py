"""The contract of a gate: exit status 1 or 4, and one document whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from git_model_security.errors import FAILED, UNCHECKED, UNHEARD, USAGE
from tests.fixtures.processes import MODEL, execute
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project

GATES = ("verify", "audit", "status")


def document(repo: Repository, *arguments: str, **options: Any) -> dict[str, Any]:
    """Returns what a gate prints, which is one document that has its exit status."""
    done = repo.model(*arguments, "--json", check=False, **options)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == found["exit_status"]
    assert bool(done.returncode) != found.get("good", found.get("clean"))
    assert "Traceback" not in done.stderr
    return found


@pytest.mark.parametrize("gate", GATES)
def test_every_error_is_a_document(project: Project, tmp_path: Path, gate: str) -> None:
    assert document(project.ada, gate)["exit_status"] == 0
    wrong = document(project.ada, gate, "--no-such-option")
    assert wrong["exit_status"] == USAGE
    assert wrong["error"]["type"] == "UsageError"
    assert "--help" in wrong["error"]["hint"]
    level = document(project.ada, gate, env={"GIT_MODEL_LOG_LEVEL": "loud"})
    assert level["exit_status"] == USAGE
    lost = document(Repository(tmp_path), gate)
    assert (lost["exit_status"], lost["error"]["type"]) == (UNCHECKED, "GitError")
    bare = document(project.remote, gate)
    assert bare["exit_status"] == (0 if gate == "audit" else UNCHECKED)


@pytest.mark.parametrize("gate", GATES)
def test_what_is_not_known_could_not_be_checked(project: Project, gate: str) -> None:
    nothing = document(project.ada, gate, "no-such-thing")
    assert nothing["exit_status"] == UNCHECKED
    assert "no-such-thing" in nothing["error"]["message"]


def test_what_nobody_set_up_does_not_hold(project: Project, tmp_path: Path) -> None:
    repo = Repository(tmp_path / "plain")
    execute("git", "init", "--quiet", repo.path)
    public = ("--public-key", str(project.public))
    assert document(repo, "verify", *public)["exit_status"] == FAILED
    assert document(repo, "status")["exit_status"] == FAILED
    assert repo.model("status", check=False).returncode == FAILED


def test_the_document_says_what_was_looked_at_and_who_signed_it(project: Project) -> None:
    ada, commit = project.ada, project.ada.git("rev-parse", "HEAD")
    signer = ada.model("trust", "list").stdout[:16]
    covered = {
        (): "work tree",
        ("HEAD",): "commit",
        ("--encrypted",): "ciphertext",
        ("HEAD", "--encrypted"): "ciphertext",
    }
    for arguments, covers in covered.items():
        found = document(ada, "verify", *arguments)
        assert (found["covers"], found["commit"]) == (covers, commit)
        assert found["signers"]["."].startswith(signer)
        assert found["bundles"]
    for row in document(ada, "verify", "HEAD^!")["commits"]:
        assert (row["commit"], row["covers"]) == (commit, "commit")
    public = ("--public-key", str(project.public))
    found = document(ada, "verify", "--dir", ".", *public, "--ignore-unsigned-files")
    assert (found["covers"], found["commit"]) == ("directory", None)


def test_a_clone_that_cannot_look_does_not_say_that_it_does_not_hold(
    project: Project, person: PersonFactory
) -> None:
    bob = person("bob").clone(project.remote)
    public = ("--public-key", str(project.public))
    for arguments in ([], ["HEAD"], ["--encrypted"]):
        assert document(bob, "verify", *arguments)["exit_status"] == UNCHECKED
    assert document(bob, "status")["exit_status"] == UNCHECKED
    locked = document(bob, "verify", *public)
    assert locked["findings"][0]["reason"] == "key not held"
    assert locked["exit_status"] == UNCHECKED
    assert document(bob, "verify", "--encrypted", *public)["exit_status"] == 0


def test_what_does_not_hold_outweighs_what_could_not_be_seen(project: Project) -> None:
    stranger = project.ada.path.parent / "stranger.pub"
    project.ada.model(
        "key", "generate-signing", str(stranger.with_suffix(".pem")), str(stranger)
    )
    public = ("--public-key", str(stranger))
    assert document(project.ada, "verify", *public)["exit_status"] == FAILED
    project.ada.write("model.safetensors", b"changed")
    assert document(project.ada, "verify")["exit_status"] == FAILED


def test_any_one_of_several_public_keys_may_have_signed(
    project: Project, person: PersonFactory
) -> None:
    stranger = project.ada.path.parent / "stranger.pub"
    project.ada.model(
        "key", "generate-signing", str(stranger.with_suffix(".pem")), str(stranger)
    )
    good, other = str(project.public), str(stranger)
    for first, last in ((good, other), (other, good)):
        keys = ("--public-key", first, "--public-key", last)
        assert document(project.ada, "verify", *keys)["exit_status"] == 0
        assert document(project.ada, "verify", "key", *keys, "HEAD")["exit_status"] == 0
    bob = person("bob").clone(project.remote)
    bob.model("trust", "add", *keys, "--yes")
    assert len(bob.model("trust", "list").stdout.splitlines()) == 2
    place = person("carol").home / "deployed"
    bob.model(
        "clone", "--deploy", str(project.remote.path), str(place), *keys, "--key", project.key
    )


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "--expect", "a" * 40, "--expect", "b" * 40),
        ("verify", "--dir", "a", "--dir", "b"),
        ("audit", "--ci", "a..b", "--ci", "c..d"),
        ("trust", "add", "--identity", "a", "--identity", "b"),
        ("key", "export", "--public", "--public"),
    ],
    ids=" ".join,
)
def test_an_option_that_counts_once_is_not_taken_from_its_last_place(
    project: Project, words: tuple[str, ...]
) -> None:
    done = project.ada.model(*words, check=False)
    assert done.returncode == USAGE
    assert ("may be given once" in done.stderr) == ("key" not in words)


def test_a_reader_that_leaves_has_seen_no_verdict(project: Project) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*MODEL, "verify", "--json"],
        cwd=project.ada.path,
        env={**os.environ, **project.ada.env},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (UNHEARD, b"")


@pytest.mark.parametrize("kind", ["directory", "pipe", "link"])
def test_what_is_no_file_in_the_place_of_a_bundle(
    project: Project, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "deployed"
    place.mkdir()
    if kind == "directory":
        (place / "model.sig").mkdir()
    elif kind == "pipe":
        execute("mkfifo", place / "model.sig")
    else:
        (place / "model.sig").symlink_to(project.ada.path / "model.sig")
    public = ("--public-key", str(project.public))
    found = document(project.ada, "verify", "--dir", str(place), *public)
    assert found["exit_status"] == FAILED
    assert found["findings"][0]["detail"].startswith("model.sig: cannot read it: ")
    asked = ("--signature", str(place / "model.sig"))
    document(project.ada, "verify", "--dir", str(project.ada.path), *asked, *public)
