"""`git model repair`: the tip is ciphertext again, and it is said what leaked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.histories import MODEL
from tests.fixtures.people import assert_clean, is_sealed

if TYPE_CHECKING:
    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository

CLEAR = os.urandom(3000)


def web_edit(project: Project, person: PersonFactory, **files: bytes | None) -> None:
    """Commits files in clear from a clone without any of this, as a web page does."""
    web = person("web").clone(project.remote)
    for name, content in files.items():
        path = name.replace("__", ".")
        if content is None:
            web.git("rm", "--quiet", path)
        else:
            oid = web.git("hash-object", "-w", "--stdin", "--no-filters", stdin=content)
            web.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{path}")
    web.git("commit", "--quiet", "--message", "Web edit")
    web.git("push", "--quiet", "origin", "main")


def arrived(project: Project, person: PersonFactory, **files: bytes | None) -> Repository:
    """Returns Ada's repository after she pulled such a commit."""
    web_edit(project, person, **files)
    project.ada.git("pull", "--quiet")
    return project.ada


def test_the_tip_is_ciphertext_again_and_the_leak_is_named(
    project: Project, person: PersonFactory
) -> None:
    ada = arrived(project, person, new__bin=CLEAR)
    leak = ada.git("rev-parse", "HEAD")
    done = ada.model("repair", "--reason", "web edit")
    assert "Encrypted 1 file in commit" in done.stdout
    assert "new.bin: plaintext at a protected path" in done.stdout
    assert f"since commit {leak[:12]}" in done.stdout
    assert "`git model migrate`" in done.stderr
    assert is_sealed(ada.blob("HEAD:new.bin"))
    assert ada.read("new.bin") == CLEAR
    assert ada.git("rev-parse", "HEAD^") == leak
    assert_clean(ada)
    event = ada.events()[-1]
    assert (event["action"], event["reason"]) == ("repair", "web edit")
    assert event["commits"] == [ada.git("rev-parse", "HEAD")]


def test_what_somebody_pushed_is_not_signed_without_a_person(
    project: Project, person: PersonFactory
) -> None:
    ada = arrived(project, person, new__bin=CLEAR)
    done = ada.model("repair")
    assert "the commit is unsigned" in done.stderr
    assert "`git model sign --adopt PATH --amend`" in done.stderr
    assert ada.model("verify", "HEAD", check=False).returncode == 1
    ada.model("sign", "--adopt", "new.bin", "--amend")
    ada.model("verify", "HEAD")
    ada.git("push", "--quiet")


def test_the_next_clone_is_as_it_should_be(project: Project, person: PersonFactory) -> None:
    ada = arrived(project, person, new__bin=CLEAR)
    ada.model("repair")
    ada.model("sign", "--adopt", "new.bin", "--amend")
    ada.git("push", "--quiet")
    ben = project.unlocked(person("ben"))
    assert ben.read("new.bin") == CLEAR
    assert ben.model("verify", "HEAD").returncode == 0


@pytest.mark.parametrize("name", ["__gitattributes", "__gitmodel"])
def test_an_unprotecting_policy_is_put_back(
    project: Project, person: PersonFactory, name: str
) -> None:
    content = project.ada.blob(f"HEAD:{name.replace('__', '.')}")
    ada = arrived(project, person, **{name: None}, new__bin=CLEAR)
    done = ada.model("repair")
    assert "Put back .gitmodel and .gitattributes" in done.stdout
    assert ada.blob(f"HEAD:{name.replace('__', '.')}") == content
    assert is_sealed(ada.blob("HEAD:new.bin"))


def test_there_is_nothing_to_do_in_a_good_repository(project: Project) -> None:
    head = project.ada.git("rev-parse", "HEAD")
    done = project.ada.model("repair")
    assert "Nothing to encrypt" in done.stdout
    assert project.ada.git("rev-parse", "HEAD") == head
    assert_clean(project.ada)


def test_what_only_a_person_can_take_away_is_left_and_said(
    project: Project, person: PersonFactory
) -> None:
    ada = arrived(project, person, __cache=MODEL)
    done = ada.model("repair", check=False)
    assert done.returncode == 1
    assert "left: .cache: model file (safetensors) on an unprotected path" in done.stderr
    assert "`git model track PATH`" in done.stderr


def test_what_is_staged_does_not_get_into_the_repair(
    project: Project, person: PersonFactory
) -> None:
    ada = arrived(project, person, new__bin=CLEAR)
    ada.write("README.md", "# Words\n")
    ada.git("add", "README.md")
    done = ada.model("repair", check=False)
    assert done.returncode == 1
    assert "something is staged" in done.stderr
    assert "hint: commit it" in done.stderr


def test_a_locked_clone_cannot_repair(project: Project, person: PersonFactory) -> None:
    project.ada.model("lock")
    ada = arrived(project, person, new__bin=CLEAR)
    done = ada.model("repair", check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "git model unlock" in done.stderr


def test_changes_of_the_work_tree_stay_where_they_are(
    project: Project, person: PersonFactory
) -> None:
    ada = arrived(project, person, new__bin=CLEAR)
    ada.write("config.json", '{"mine": 1}\n')
    ada.model("repair")
    assert ada.read("config.json") == b'{"mine": 1}\n'
    assert ada.status() == " M config.json"


def test_what_came_in_clear_is_not_signed_but_repaired(
    project: Project, person: PersonFactory
) -> None:
    ada = arrived(project, person, config__json=CLEAR)
    ada.git("config", "git-model.unvouched", "refuse")
    ada.write("README.md", "# Words\n")
    said = ada.git.run("commit", "--all", "--message", "Words", check=False).stderr
    assert "config.json came in clear: `git model repair`" in said
    for words in (["--adopt", "."], ["--amend"]):
        said = ada.model("sign", *words, check=False)
        assert said.returncode == 1
        assert "config.json: plaintext at a protected path" in said.stderr
        assert "hint: `git model repair` encrypts config.json" in said.stderr
    ada.model("repair")
    said = ada.model("sign", "--adopt", "train.py", "--amend", check=False)
    assert "adopted" not in said.stderr
    assert "then `git model sign --adopt PATH --amend`" in said.stderr
    ada.model("sign", "--adopt", "config.json", "--amend")
    ada.git("commit", "--all", "--message", "Words")
    ada.model("verify", "HEAD")


def test_what_is_staged_in_clear_is_not_signed(project: Project) -> None:
    oid = project.ada.git("hash-object", "-w", "--stdin", "--no-filters", stdin=CLEAR)
    project.ada.git("update-index", "--cacheinfo", f"100644,{oid},config.json")
    said = project.ada.model("sign", check=False)
    assert said.returncode == 1
    assert "`git add --renormalize config.json`" in said.stderr
    assert "repair" not in said.stderr
