"""Ciphertext of a newer git-model: it is kept, and nobody is told to seal it again.

A colleague upgraded first. What they push is not damaged, and no older git-model may put
its own content in the place of it.
"""

from __future__ import annotations

import json

import pytest

from tests.fixtures.people import PersonFactory, Project, assert_clean
from tests.fixtures.repositories import NO_HOOKS, Repository

NAME = "model.safetensors"
SEALED_AGAIN = (
    "git add",
    "git model migrate",
    "git model repair",
    "git model track",
    "damaged",
)

OFFSETS = {"version": 12, "suite": 13, "reserved": 14}


@pytest.fixture(params=OFFSETS)
def newer(request: pytest.FixtureRequest, project: Project) -> bytes:
    content = bytearray(project.ada.blob(f"HEAD:{NAME}"))
    content[OFFSETS[request.param]] += 1
    return bytes(content)


@pytest.fixture
def colleague(project: Project, person: PersonFactory, newer: bytes) -> Repository:
    """Somebody's clone that has pushed what their newer git-model sealed."""
    clone = person("bob").clone(project.remote)
    stage(clone, newer)
    clone.git(*NO_HOOKS, "commit", "--quiet", "--message", "Tuned")
    clone.git(*NO_HOOKS, "push", "--quiet")
    return clone


def stage(repo: Repository, content: bytes) -> None:
    oid = repo.git("hash-object", "-w", "--no-filters", "--stdin", stdin=content)
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{NAME}")


def advises_to_upgrade(said: str) -> bool:
    assert not [words for words in SEALED_AGAIN if words in said], said
    return "upgrade: a newer git-model wrote it" in said


def test_a_pull_leaves_it_encrypted_and_the_rest_works_on(
    project: Project, colleague: Repository, newer: bytes
) -> None:
    ada = project.ada
    pulled = ada.git.run("pull", "--quiet")
    assert advises_to_upgrade(pulled.stderr)
    assert ada.read(NAME) == newer
    assert_clean(ada)
    files = json.loads(ada.model("status", "--json", check=False).stdout)["files"]
    (file,) = [one for one in files if one["path"] == NAME]
    assert (file["encrypted"], file["work_tree"]) == (True, "ciphertext")
    ada.model("lock")
    for command in ("unlock", "checkout"):
        done = ada.model(command, check=False)
        assert done.returncode == 1
        assert advises_to_upgrade(done.stderr)
        assert ada.read(NAME) == newer
    # Nothing here seals it again, and what is added beside it is as it was.
    ada.write("config.json", "{}")
    ada.git("add", "config.json")
    assert ada.blob(f":{NAME}") == newer


def test_audit_migrate_and_repair_say_that_a_newer_git_model_is_needed(
    project: Project, colleague: Repository, newer: bytes
) -> None:
    ada = project.ada
    ada.git("pull", "--quiet")
    audit = ada.model("audit", check=False)
    assert "a newer git-model is needed" in audit.stdout
    assert '"newer-format"' in ada.model("audit", "--json", check=False).stdout
    for command in (("migrate", "--dry-run"), ("repair",), ("verify", "HEAD")):
        done = ada.model(*command, check=False)
        assert done.returncode != 0
        assert advises_to_upgrade(done.stderr), command
    assert ada.blob(f"HEAD:{NAME}") == newer


def test_guards_let_none_of_it_be_authored_here_and_say_why(
    project: Project, newer: bytes
) -> None:
    ada = project.ada
    stage(ada, newer)
    refused = ada.git.run("commit", "--quiet", "--message", "Tuned", check=False)
    assert refused.returncode == 1
    assert advises_to_upgrade(refused.stderr)


def test_clean_gives_back_what_git_has_and_seals_no_other(
    project: Project, newer: bytes
) -> None:
    ada = project.ada
    before = ada.blob(f":{NAME}")
    ada.write(NAME, newer)
    refused = ada.git.run("add", NAME, check=False)
    assert refused.returncode != 0
    assert advises_to_upgrade(refused.stderr)
    assert ada.blob(f":{NAME}") == before
    stage(ada, newer)
    ada.git("add", NAME)
    assert ada.blob(f":{NAME}") == newer


def test_diffs_and_merges_leave_it_whole(
    project: Project, colleague: Repository, newer: bytes
) -> None:
    ada = project.ada
    ada.git("fetch", "--quiet")
    said = ada.git("log", "-p", "-1", "origin/main", "--", NAME)
    assert "+encrypted by a newer git-model" in said
    ada.git("diff", "HEAD", "origin/main")
    ada.write(NAME, b"weights of ada")
    ada.git("commit", "--quiet", "--all", "-m", "Mine")
    merged = ada.git.run("merge", "origin/main", check=False)
    assert merged.returncode == 1
    assert "Traceback" not in merged.stderr
    assert ada.read(NAME) == b"weights of ada"
    assert ada.blob(f":3:{NAME}") == newer
