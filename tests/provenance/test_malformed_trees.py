"""Trees that Git itself would not make: what is in them is asked about, and commits go on."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import (
    CODE,
    EVIL_LINE,
    SIGNED,
    TEXT,
    append,
    asked,
    commit,
    prepend,
    push,
    readme,
    send,
    verdict,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

EVIL = TEXT.replace("text", "evil text")
ENTRY = "src/a.py"
DEEP = "/".join("d" * 260)

Record = tuple[str, str, str]
"""Mode, name and oid of an entry of a tree."""


def _records(repo: Repository, treeish: str) -> list[Record]:
    rows = (line.split(None, 3) for line in repo.git("ls-tree", treeish).splitlines())
    return [(mode.lstrip("0"), name, oid) for mode, _, oid, name in rows]


def _blob(repo: Repository, text: str) -> str:
    return repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=text)


def _tree(repo: Repository, records: list[Record]) -> str:
    """Writes a tree with just these entries, whatever Git thinks of them."""
    content = b"".join(
        b"%s %s\0%s" % (mode.encode(), name.encode(), bytes.fromhex(oid))
        for mode, name, oid in records
    )
    words = ("hash-object", "-t", "tree", "-w", "--literally", "--stdin")
    return str(repo.git.run(*words, stdin=content, text=False).stdout.decode().strip())


def _next(repo: Repository, tree: str, *above: str) -> str:
    parents = [word for one in above or ("HEAD",) for word in ("-p", one)]
    return repo.git("commit-tree", tree, *parents, "-m", "Nothing to see here")


def _send(repo: Repository, oid: str) -> None:
    repo.git("push", "--no-verify", "--force", "origin", f"{oid}:refs/heads/main")


def _twice(mallory: Repository, base: str, name: str) -> str:
    """Makes two commits with an entry of that name, which changes its content."""
    tip = mallory.git("rev-parse", "HEAD")
    for text in (EVIL + "1\n", EVIL):
        records = [*_records(mallory, base), ("100644", name, _blob(mallory, text))]
        tip = _next(mallory, _tree(mallory, records), tip)
    return tip


def test_a_slash_in_a_name_that_is_new(ada: Repository, mallory: Repository) -> None:
    _send(mallory, _twice(mallory, "HEAD", "tools/evil.py"))
    ada.git("pull")
    assert ada.read("tools/evil.py") == EVIL.encode()
    readme(ada)
    assert verdict(ada, commit(ada)) == asked("tools/evil.py")


def test_a_slash_in_the_name_of_a_file_that_stood(ada: Repository, mallory: Repository) -> None:
    ada.write(ENTRY, "print(1)\n" * 9)
    commit(ada)
    ada.git("push")
    mallory.git("pull")
    _send(mallory, _twice(mallory, "HEAD~1", ENTRY))
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(ENTRY)


def test_a_tree_that_lists_like_a_signed_one_is_not_verified(
    ada: Repository, mallory: Repository
) -> None:
    ada.write(ENTRY, "print(1)\n" * 9)
    commit(ada)
    ada.git("push")
    mallory.git("pull")
    records = [one for one in _records(mallory, "HEAD") if one[1] != "src"]
    records.append(("100644", ENTRY, mallory.git("rev-parse", f"HEAD:{ENTRY}")))
    tip = _next(mallory, _tree(mallory, sorted(records, key=lambda one: one[1])))
    mallory.git("push", "--no-verify", "origin", f"{tip}:refs/heads/odd")
    ada.git("fetch")
    said = ada.model("verify", "origin/odd", check=False)
    assert said.returncode == 1
    assert "a name that no tree may have" in said.stdout


@pytest.mark.parametrize("name", [".", "..", ".git", ".GIT"])
def test_a_name_that_stands_for_something_else_does_not_stop_commits(
    ada: Repository, mallory: Repository, name: str
) -> None:
    records = [*_records(mallory, "HEAD"), ("100644", name, _blob(mallory, EVIL))]
    tip = _next(mallory, _tree(mallory, records))
    clean = mallory.git("rev-parse", "HEAD^{tree}")
    mallory.git("reset", "--hard", _next(mallory, clean, tip))
    append(mallory, CODE, EVIL_LINE)
    push(mallory)
    ada.git("pull")
    readme(ada)
    assert CODE in verdict(ada, commit(ada)).paths


def _bring_deep(mallory: Repository, *branches: str) -> None:
    """Publishes a line of code beside a deep directory, which the next commit takes away."""
    append(mallory, CODE, EVIL_LINE)
    mallory.write(f"{DEEP}/f", "x\n")
    push(mallory, *branches)
    mallory.git("rm", "-r", "--quiet", "d")
    mallory.git("commit", "--message", "Nothing to see here")
    send(mallory, *branches)


def test_a_deep_directory_hides_no_suspect(ada: Repository, mallory: Repository) -> None:
    _bring_deep(mallory, "evil")
    ada.git("fetch")
    ada.git("checkout", "origin/evil", "--", CODE)
    prepend(ada, CODE, "mine\n")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_deep_directory_does_not_stop_commits(ada: Repository, mallory: Repository) -> None:
    _bring_deep(mallory)
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(CODE)


def _write_loose(repo: Repository, kind: bytes, content: bytes) -> str:
    whole = b"%s %d\0%s" % (kind, len(content), content)
    oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    path = repo.path / ".git" / "objects" / oid[:2] / oid[2:]
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        path.write_bytes(zlib.compress(whole))
    return oid


def test_a_commit_that_nobody_can_judge_is_in_doubt_as_a_whole(
    ada: Repository, mallory: Repository
) -> None:
    if ada.git("rev-parse", "--show-object-format") != "sha1":
        pytest.skip("writes objects by hand")
    below = _write_loose(mallory, b"tree", b"")
    for _ in range(2100):
        below = _write_loose(mallory, b"tree", b"40000 d\0" + bytes.fromhex(below))
    append(mallory, CODE, EVIL_LINE)
    mallory.git("commit", "--all", "--message", "Nothing to see here")
    records = [*_records(mallory, "HEAD"), ("40000", "d", below)]
    deep = _next(mallory, _tree(mallory, records))
    mallory.git("reset", "--hard", _next(mallory, "HEAD^{tree}", deep))
    send(mallory, "evil")
    ada.git("fetch")
    readme(ada)
    assert verdict(ada, commit(ada)) == SIGNED
    ada.git("checkout", "origin/evil", "--", CODE)
    prepend(ada, CODE, "mine\n")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_commit_that_is_gone_accuses_nobody(ada: Repository, mallory: Repository) -> None:
    _bring_deep(mallory, "evil")
    ada.git("fetch")
    ada.git("checkout", "origin/evil", "--", "README.md")
    ada.git("push", "--no-verify", "origin", ":evil")
    ada.git("fetch", "--prune")
    ada.git("reflog", "expire", "--expire=now", "--all")
    ada.git("gc", "--quiet", "--prune=now")
    prepend(ada, CODE, "mine\n")
    assert verdict(ada, commit(ada)) == SIGNED
