"""What a person is told of a commit that nobody vouches for, by each command that meets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import (
    CODE,
    EVIL_LINE,
    MODEL,
    append,
    bring_tool,
    change_code,
    commit,
    forge,
    prepend,
    push,
    readme,
    weights,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

BY_MALLORY = '"Nothing to see here" by mallory, unsigned'
ADOPT = "look at them, then `git model sign --adopt PATH` (`.` for all)"


def origin(repo: Repository, commit: str = "origin/main") -> str:
    """Returns how a message names a commit of Mallory's."""
    return f"{repo.git('rev-parse', '--short=7', commit)} {BY_MALLORY}"


@pytest.fixture
def doubted(ada: Repository, mallory: Repository) -> Repository:
    """Ada's own commit on top of Mallory's weights: it has no signature."""
    forge(mallory, "main")
    ada.git("pull")
    readme(ada)
    commit(ada)
    return ada


@pytest.mark.parametrize("words", [(), ("HEAD",), ("HEAD~1..HEAD",)])
def test_verify_says_who_is_behind_it_and_what_to_do(
    doubted: Repository, words: tuple[str, ...]
) -> None:
    said = doubted.model("verify", *words, check=False)
    assert said.returncode == 1
    assert f"Nobody vouches for (1):\n  {MODEL}  ({origin(doubted)})\n" in said.stdout
    assert ADOPT in said.stderr
    # That would be refused, and who changed it is said.
    assert "sign --amend" not in said.stderr
    assert "find out who" not in said.stderr


def test_verify_of_an_earlier_commit_does_not_offer_what_is_for_head(
    doubted: Repository,
) -> None:
    commits = doubted.git("rev-parse", "HEAD")
    doubted.model("sign", "--adopt", ".")
    said = doubted.model("verify", commits, check=False)
    assert f"  {MODEL}  ({origin(doubted)})\n" in said.stdout
    assert "sign after it: `git model sign --adopt PATH`" in said.stderr


def test_verify_of_a_changed_work_tree_asks_nobody(ada: Repository) -> None:
    ada.write(MODEL, weights(40))
    said = ada.model("verify", check=False)
    assert said.returncode == 1
    assert "vouches" not in said.stdout


def test_verify_with_a_signer_of_ones_own_speaks_of_that_one(doubted: Repository) -> None:
    key = doubted.path.parent / "ada.pub"
    said = doubted.model("verify", "HEAD", "--public-key", str(key), check=False)
    assert said.returncode == 1
    assert "vouches" not in said.stdout


def test_status_says_who_is_behind_it(doubted: Repository) -> None:
    said = doubted.model("status", check=False)
    assert f"Nobody vouches for (1):\n  {MODEL}  ({origin(doubted)})\n" in said.stdout
    assert ADOPT in said.stderr
    found = json.loads(doubted.model("status", "--json", check=False).stdout)
    assert found["unvouched"] == [MODEL]


def test_the_log_keeps_what_was_left_unsigned_and_what_was_adopted(doubted: Repository) -> None:
    unsigned = doubted.git("rev-parse", "HEAD")
    doubted.model("sign", "--adopt", MODEL)
    events = json.loads(doubted.model("log", "--json").stdout)["events"]
    signed, adopted, left = events[:3]
    assert [signed["action"], adopted["action"]] == ["sign", "adopt"]
    assert adopted["findings"] == [MODEL]
    assert (left["action"], left["commits"]) == ("not-signed", [unsigned])
    assert left["findings"] == [f"{MODEL} ({origin(doubted)})"]


def test_a_merge_warns_once(ada: Repository, mallory: Repository) -> None:
    forge(mallory)
    readme(ada)
    ada.commit()
    ada.git("fetch")
    said = ada.git.run("merge", "--no-edit", "origin/evil").stderr
    assert said.count("git-model: warning: ") == 1
    assert f"  {MODEL} ({origin(ada, 'origin/evil')})\n" in said
    events = json.loads(ada.model("log", "--json").stdout)["events"]
    assert events[0]["action"] == "not-signed"


def test_a_merge_past_its_hook_warns_all_the_same(ada: Repository, mallory: Repository) -> None:
    forge(mallory)
    readme(ada)
    ada.commit()
    ada.git("fetch")
    said = ada.git.run("merge", "--no-edit", "--no-verify", "origin/evil").stderr
    assert said.count("git-model: warning: ") == 1
    assert "this commit is not signed" in said


@pytest.mark.parametrize("is_merged", [False, True])
def test_a_cherry_pick_lists_what_it_took(
    ada: Repository, mallory: Repository, is_merged: bool
) -> None:
    change_code(mallory)
    if is_merged:
        prepend(ada, CODE, "mine\n")
        ada.commit()
    ada.git("fetch")
    said = ada.git.run("cherry-pick", "origin/evil").stderr
    assert said.count("this commit is not signed: 1 file came from") == 1
    assert f"  {CODE} ({origin(ada, 'origin/evil')})\n" in said
    assert "then `git model sign --adopt PATH` (`.` for all)" in said
    verified = ada.model("verify", "HEAD", check=False).stdout
    assert f"Nobody vouches for (1):\n  {CODE}  ({origin(ada, 'origin/evil')})\n" in verified


def test_a_revert_lists_what_it_leaves(ada: Repository, mallory: Repository) -> None:
    forge(mallory, "main")
    change_code(mallory, "main")
    ada.git("pull")
    said = ada.git.run("revert", "--no-edit", "HEAD").stderr
    assert f"  {MODEL} ({origin(ada, 'HEAD~2')})\n" in said
    assert CODE not in said


def test_an_own_pick_is_not_asked_about(ada: Repository) -> None:
    ada.git("switch", "--create", "topic")
    prepend(ada, "README.md", "top\n")
    ada.commit()
    ada.git("switch", "main")
    prepend(ada, CODE, "mine\n")
    ada.commit()
    said = ada.git.run("cherry-pick", "topic").stderr
    assert "vouches" not in said
    assert "came from" not in said
    assert "`git model sign --amend` signs it" in said


def test_what_replaces_a_strangers_file_is_not_called_theirs(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    ada.git("pull")
    append(ada, CODE, "own\n")
    ada.write(MODEL, weights(250))
    said = commit(ada).stderr
    if "this commit is not signed" in said:
        assert "1 file was changed on top of a commit without a trusted signature" in said
        assert f"  {MODEL} (on top of {origin(ada)})\n" in said
        assert "look whether all of it is yours" in said


def test_what_came_and_what_was_changed_since_are_told_apart(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory, "main")
    change_code(mallory, "main", line=EVIL_LINE * 3)
    ada.git("pull")
    append(ada, CODE, "own\n")
    said = commit(ada).stderr
    assert "2 files came from a commit without a trusted signature, or were changed" in said
    assert f"  {MODEL} ({origin(ada, 'origin/main~1')})\n" in said
    assert f"  {CODE} (on top of {origin(ada)})\n" in said


def test_nobody_is_named_upon_a_guess(ada: Repository, mallory: Repository) -> None:
    bring_tool(mallory, "one")
    mallory.git("reset", "--hard", "HEAD~1")
    mallory.write(".tools/other.py", "".join(f"another line {n}\n" for n in range(30)))
    push(mallory, "two")
    ada.git("fetch")
    ada.git("checkout", "origin/one", "--", ".tools")
    ada.git("checkout", "origin/two", "--", ".tools")
    ada.git("mv", ".tools/other.py", "mine.py")
    ada.git("rm", "--force", ".tools/run.py")
    append(ada, "mine.py", "own line\n")
    said = commit(ada).stderr
    assert "  mine.py (changed)\n" in said


def test_what_a_trusted_signer_signed_is_shown_although_head_is_unverified(
    ada: Repository, mallory: Repository
) -> None:
    change_code(mallory, "main")
    ada.git("pull")
    said = json.loads(ada.model("status", "--json", check=False).stdout)
    assert said["head"].startswith("unverified")
    assert {file["path"]: file["signed"] for file in said["files"]}[MODEL]


def test_a_refused_push_names_what_is_left_to_adopt(
    ada: Repository, mallory: Repository
) -> None:
    append(mallory, CODE, EVIL_LINE)
    forge(mallory, "main")
    ada.git("pull")
    readme(ada)
    commit(ada)
    ada.model("sign", "--adopt", min(CODE, MODEL), check=False)
    said = ada.git.run("push", check=False)
    assert f"{max(CODE, MODEL)} for example" in said.stderr
