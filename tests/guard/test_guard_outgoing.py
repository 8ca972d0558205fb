"""The push guard: what the commits that leave would put on the remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key
from git_model_security.git import remotes
from git_model_security.guard import finding, outgoing
from tests.fixtures.histories import MODEL, History, sealed

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

KEY = Key(b"k" * 32)
ZERO = "0" * 40


@pytest.fixture
def history(repo: Repository, remote: Repository) -> History:
    """A history with `origin`, where all but dotfiles is protected."""
    repo.git("remote", "add", "origin", str(remote.path))
    history = History(repo, "* filter=git-model\n.* !filter\nclear/** !filter\n")
    remotes.note(history.facts)
    return history


def _held(history: History, remote: str | None = "origin", url: str | None = None) -> list[str]:
    if remote is None:
        return []
    known = history.repo.git.run("remote", "get-url", remote, check=False).stdout.strip()
    return remotes.find_held(history.facts, remote, url or known).oids


def _paths(
    history: History, local: str, there: str = ZERO, remote: str | None = "origin"
) -> list[bytes]:
    pushed = [("refs/heads/main", local, "refs/heads/main", there)]
    held = _held(history, remote)
    return [one.path for one in outgoing.judge(history.facts, pushed, there=held).findings]


def test_a_new_branch_is_judged_from_its_root(history: History) -> None:
    history.stage("a.bin", b"plain")
    history.commit()
    history.stage("clear/ckpt", MODEL)
    tip = history.commit()
    assert _paths(history, tip) == [b"a.bin", b"clear/ckpt"]


def test_ciphertext_may_leave(history: History) -> None:
    history.stage("a.bin", sealed(KEY, b"1"))
    history.stage(".gitmodel", b"[git-model]\n\tversion = 1\n")
    assert _paths(history, history.commit()) == []


def test_plaintext_that_a_later_commit_encrypts_leaves_all_the_same(history: History) -> None:
    history.stage("a.bin", b"plain")
    bad = history.commit()
    history.stage("a.bin", sealed(KEY, b"plain"))
    tip = history.commit()
    pushed = [("refs/heads/main", tip, "refs/heads/main", ZERO)]
    (found,) = outgoing.judge(history.facts, pushed, there=_held(history)).findings
    assert (found.rule, found.commit) == (finding.PLAINTEXT, bad)


def test_what_the_remote_has_already_is_not_refused(history: History) -> None:
    history.stage("a.bin", b"edited on the web")
    there = history.commit()
    history.stage("b.bin", sealed(KEY, b"1"))
    tip = history.commit()
    assert _paths(history, tip, there) == []
    assert _paths(history, tip) == [b"a.bin"]
    history.repo.git("update-ref", "refs/remotes/origin/main", there)
    assert _paths(history, tip) == []


def test_what_another_remote_has_does_not_count(history: History) -> None:
    history.stage("a.bin", b"plain")
    tip = history.commit()
    history.repo.git("remote", "add", "private", "../private.git")
    remotes.note(history.facts)
    history.repo.git("update-ref", "refs/remotes/private/main", tip)
    assert _paths(history, tip) == [b"a.bin"]
    assert _paths(history, tip, remote="private") == []
    assert _paths(history, tip, remote="*") == [b"a.bin"]
    assert _paths(history, tip, remote=None) == [b"a.bin"]


def test_the_memory_of_a_remote_that_moved_does_not_count(
    history: History, remote: Repository
) -> None:
    history.stage("a.bin", b"plain")
    tip = history.commit()
    history.repo.git("update-ref", "refs/remotes/origin/main", tip)
    assert _held(history) == [tip]
    # It is asked what it has: nothing.
    remote.git("init", "--quiet", "--bare", "../elsewhere.git")
    elsewhere = str(remote.path.parent / "elsewhere.git")
    assert _held(history, url=elsewhere) == []
    history.repo.git("remote", "set-url", "origin", elsewhere)
    assert _paths(history, tip) == [b"a.bin"]
    history.repo.git("push", "--quiet", "--no-verify", "origin", "HEAD:refs/heads/main")
    assert _paths(history, tip) == []


def test_a_remote_with_a_longer_name_is_another_one(history: History) -> None:
    # `git remote add` refuses the name now (seen with 2.55); older clones have such.
    remote = "remote.origin/fork"
    history.repo.git("config", f"{remote}.url", "../fork.git")
    history.repo.git("config", f"{remote}.fetch", "+refs/heads/*:refs/remotes/origin/fork/*")
    remotes.note(history.facts)
    history.stage("a.bin", b"plain")
    tip = history.commit()
    history.repo.git("update-ref", "refs/remotes/origin/fork/main", tip)
    assert _paths(history, tip) == [b"a.bin"]


def test_an_unknown_tip_of_the_remote_leaves_nothing_out(history: History) -> None:
    history.stage("a.bin", b"plain")
    assert _paths(history, history.commit(), "1" * 40) == [b"a.bin"]


def test_a_merge_with_what_the_remote_has_is_judged_by_what_it_adds(history: History) -> None:
    base = history.commit()
    history.stage("web.bin", b"edited on the web")
    there = history.commit()
    history.reset(base)
    history.stage("mine.bin", sealed(KEY, b"1"))
    mine = history.commit()
    history.stage("web.bin", b"edited on the web")
    assert _paths(history, history.commit(mine, there), there) == []
    history.stage("web.bin", b"edited again, in clear")
    assert _paths(history, history.commit(mine, there), there) == [b"web.bin"]


def test_a_deletion_passes(history: History) -> None:
    history.stage("a.bin", b"plain")
    tip = history.commit()
    pushed = [("(delete)", ZERO, "refs/heads/main", tip)]
    assert outgoing.judge(history.facts, pushed).findings == []
    assert outgoing.judge(history.facts, []).findings == []


def test_pushed_tags_are_followed_to_what_they_tag(history: History) -> None:
    history.stage("a.bin", b"plain")
    history.commit()
    history.repo.git("tag", "--annotate", "--message", "x", "inner", "main")
    history.repo.git("tag", "--annotate", "--message", "x", "outer", "inner")
    assert _paths(history, history.repo.git("rev-parse", "outer")) == [b"a.bin"]
    assert _paths(history, history.blob(MODEL)) == [b""]


def test_a_push_of_commits_and_of_a_blob_judges_both(history: History) -> None:
    history.stage("a.bin", b"plain")
    pushed = [
        ("refs/heads/main", history.commit(), "refs/heads/main", ZERO),
        ("refs/tags/w", history.blob(MODEL + b"x"), "refs/tags/w", ZERO),
    ]
    found = outgoing.judge(history.facts, pushed, there=_held(history)).findings
    assert [one.path for one in found] == [b"a.bin", b""]
