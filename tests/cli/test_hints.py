"""What a guard says is to be done fits what it found."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.histories import MODEL

if TYPE_CHECKING:
    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository
    from tests.fixtures.servers import Client

PEM = b"-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n"
CLEAR = os.urandom(300)


def stage(repo: Repository, path: str, content: bytes) -> None:
    oid = repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=content)
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{path}")


def hint_of(said: str) -> str:
    return said.partition("git-model: hint: ")[2].splitlines()[0]


@pytest.mark.parametrize("option", ["--verify", "--no-verify"])
@pytest.mark.parametrize(
    ("path", "content", "wanted"),
    [
        ("new.bin", CLEAR, "`git add --renormalize new.bin` with the filter in place"),
        (".notes", MODEL, "`git model track .notes`"),
        (".ci/a key", PEM, "`git rm --cached '.ci/a key'`"),
    ],
)
def test_each_rule_has_a_hint_of_its_own(
    project: Project, path: str, content: bytes, wanted: str, option: str
) -> None:
    stage(project.ada, path, content)
    done = project.ada.git.run("commit", option, "-m", "Oops", check=False)
    assert done.returncode != 0
    assert hint_of(done.stderr).startswith(wanted)
    assert ("git add" in hint_of(done.stderr)) == ("git add" in wanted)


def test_content_that_is_encrypted_elsewhere_is_tracked_or_taken_out(project: Project) -> None:
    project.ada.write("words.bin", CLEAR)
    project.ada.commit("Words")
    stage(project.ada, ".words", CLEAR)
    done = project.ada.git.run("commit", "-m", "Oops", check=False)
    assert "`git model track .words`, or `git rm --cached .words`" in hint_of(done.stderr)


def test_a_server_tells_how_to_get_a_signature(
    project: Project, signed: Client, person: PersonFactory
) -> None:
    signed.put("train.py", b"print('eve')\n")
    signed.record()
    hint = signed.refused("main")
    lines = [line.removeprefix("remote: ").strip() for line in hint.splitlines()]
    assert "git-model: hint: push to another branch and let somebody sign it" in lines
    assert "git-model: hint: with git-model: `git model sign --amend` signs the tip" in lines
    assert "without it, ask whoever administers this repository" in hint
    assert "install --server --public-key" not in hint
    bob = project.signing(person("bob"))
    bob.write("train.py", "print('bob')\n")
    bob.commit()
    hint = bob.git.run("push", "--no-verify", "origin", "main", check=False).stderr
    assert "`git model install --server --public-key FILE`" in hint
    assert "sign --amend" not in hint


def test_a_server_advises_to_track_an_unprotected_model(guarded: Client) -> None:
    guarded.put(".notes", MODEL)
    guarded.record()
    said = guarded.refused("main")
    assert "`git model track .notes`" in said
    assert "git model repair" not in said


def test_what_only_the_server_protects_is_said_to_be_so(
    project: Project, guarded: Client
) -> None:
    project.remote.model("install", "--server", "--profile", "weights", "--include", "*.py")
    guarded.put(".hidden.py", b"print('clear')\n")
    guarded.put("config.json", b"{}\n")
    guarded.record()
    said = guarded.refused("main").replace("remote: ", "")
    lines = [line for line in said.splitlines() if "own policy, which" in line]
    own = [line.split(":")[0].strip() for line in lines]
    assert own == [".hidden.py"]
    assert "for example .hidden.py" in said


def test_a_record_of_untrack_takes_nothing_off_the_servers_own_policy(
    project: Project,
) -> None:
    public = str(project.public)
    project.remote.model("install", "--server", "--profile", "weights", "--public-key", public)
    project.ada.model("untrack", "config.json", "--yes")
    project.ada.git("commit", "--quiet", "--message", "Untrack")
    said = project.ada.git.run("push", "origin", "main", check=False).stderr
    assert "config.json: plaintext at a protected path, by this server's own policy" in said
    assert "that policy changes only by the administrator of the server" in said
    assert "git add" not in said


def test_what_only_history_holds_is_not_added_again(project: Project) -> None:
    stage(project.ada, "config.json", CLEAR)
    project.ada.git("-c", "git-model.guard=warn", "commit", "--quiet", "--message", "Oops")
    project.ada.git("add", "--renormalize", "config.json")
    project.ada.git("commit", "--quiet", "--message", "Mended")
    hint = hint_of(project.ada.git.run("push", "origin", "main", check=False).stderr)
    assert "git add" not in hint
    assert "`git model migrate`" in hint
    project.ada.git("-c", "git-model.guard=warn", "push", "origin", "main")
    project.ada.write("config.json", "{}\n")
    project.ada.commit()
    project.ada.git("push", "origin", "main")


def test_what_a_tag_names_by_itself_is_told_so(project: Project) -> None:
    oid = project.ada.git("hash-object", "-w", "--stdin", "--no-filters", stdin=MODEL)
    done = project.ada.git.run("tag", "odd", oid, check=False)
    assert hint_of(done.stderr).startswith("no commit has what a tag or another ref names")
    assert "git model track" not in done.stderr


def test_a_profile_that_covers_less_is_told_in_words(guarded: Client) -> None:
    policy = guarded.blob("HEAD:.gitmodel").decode()
    assert "profile = weights" in policy
    guarded.put(".gitmodel", policy.replace("= weights", "= all").encode())
    guarded.record()
    said = guarded.refused("main")
    assert (
        "what begins with a dot, or is in a directory that does, is no longer covered" in said
    )
