"""Histories, names and messages that somebody made to confuse: no verdict turns by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.provenance.scenes import (
    CODE,
    EVIL_LINE,
    MODEL,
    OWN_LINE,
    SIGNED,
    TEXT,
    append,
    asked,
    change_code,
    commit,
    prepend,
    push,
    readme,
    send,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

MESSAGES = {
    "is empty": b"",
    "is not UTF-8": b"caf\xe9 \xff\xfe\n",
    "has control characters": b"Tune\x01\x02\x1b[31m \x07\n",
    "has line separators of Unicode": "Tune\u2028\x85\x1c\x1e\x0b\x0cof it\n".encode(),
    "has tabs": b"\tTune\tby\tsomebody\n",
    "has carriage returns": b"Tune\rby\r\nsomebody\r\n",
    "names a commit": b"commit \n\ncommit HEAD\n\x0ccommit \x0ccommit HEAD~1\n",
    "is like a picked one": b"Tune\n\n(cherry picked from commit %s)\n" % (b"0" * 40),
    "has nothing but comments": b"# Tune\n# it\n",
    "has a line of a rebase": b"Tune\x0cpick HEAD~1\x0cdrop HEAD\n",
    "is long": b"Tune " * 100_000,
}


def write_commit(
    repo: Repository,
    message: bytes,
    *,
    author: bytes = b"mal <m@example.com>",
    header: bytes = b"",
    when: int = 1_700_000_000,
    parents: tuple[str, ...] = (),
) -> str:
    """Commits the index with a message that no editor would keep; moves the branch there."""
    tree = repo.git("write-tree").encode()
    above = parents or (repo.git("rev-parse", "HEAD"),)
    lines = b"".join(b"parent %s\n" % oid.encode() for oid in above)
    who = b"%s %d +0000" % (author, when)
    head = b"tree %s\n%sauthor %s\ncommitter %s\n%s" % (tree, lines, who, who, header)
    words = ("hash-object", "-w", "-t", "commit", "--literally", "--stdin")
    oid = repo.git(*words, stdin=head + b"\n" + message)
    repo.git("update-ref", "HEAD", oid)
    return oid


def stage_evil_line(stranger: Repository) -> None:
    append(stranger, CODE, EVIL_LINE)
    stranger.git("add", "--all")


def stage_evil_file(stranger: Repository, path: str) -> str:
    """Stages a new clear file of a stranger's, and returns its path."""
    stranger.write(path, TEXT.replace("text", f"evil text of {path}"))
    stranger.git("add", path)
    return path


def test_commits_on_top_of_strangers_messages(ada: Repository, mallory: Repository) -> None:
    paths = []
    for number, message in enumerate(MESSAGES.values()):
        paths.append(stage_evil_file(mallory, f"evil-{number}.py"))
        write_commit(mallory, message)
    send(mallory, "main")
    ada.git("pull")
    readme(ada)
    said = commit(ada)
    assert verdict(ada, said) == asked(*paths)
    assert "\x01" not in said.stderr
    assert "\x1b" not in said.stderr
    found = ada.model("status", check=False).stdout
    assert all(path in found for path in paths)


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
class TestMessages:
    @pytest.mark.parametrize(
        "command",
        [
            ("cherry-pick", "--no-commit", "--allow-empty-message", "origin/evil"),
            ("merge", "--squash", "origin/evil"),
        ],
        ids=["a pick without a commit", "a squashed merge"],
    )
    def test_texts_are_merged(
        self, ada: Repository, mallory: Repository, message: bytes, command: tuple[str, ...]
    ) -> None:
        stage_evil_line(mallory)
        write_commit(mallory, message)
        send(mallory, "evil")
        ada.git("fetch")
        prepend(ada, CODE, OWN_LINE)
        commit(ada)
        ada.git(*command)
        assert verdict(ada, commit(ada)) == asked(CODE)

    def test_a_rebase_stopped_at_a_conflict(
        self, ada: Repository, mallory: Repository, message: bytes
    ) -> None:
        mallory.write(CODE, mallory.read(CODE).replace(b"number 4 ", b"number evil "))
        mallory.git("add", "--all")
        write_commit(mallory, message)
        send(mallory, "evil")
        ada.git("fetch")
        ada.write(CODE, ada.read(CODE).replace(b"number 4 ", b"number own "))
        commit(ada)
        ada.git("checkout", "-b", "try", "origin/evil")
        ada.git("rebase", "main", check=False)
        ada.write(CODE, TEXT.replace("number 4 ", "number own, number evil "))
        ada.git("add", CODE)
        ada.git("-c", "core.editor=true", "rebase", "--continue", check=False)
        if (ada.path / ".git" / "rebase-merge").exists():
            ada.git("commit", "--allow-empty-message", "-m", "Resolved")
            ada.git("-c", "core.editor=true", "rebase", "--continue")
        readme(ada)
        assert verdict(ada, commit(ada)) == asked(CODE)


PICKS = {
    "in another encoding": (b"encoding ISO-8859-1\n", "T\xfcne it".encode("latin-1"), ()),
    "in an encoding of mainframes": (b"encoding IBM037\n", "Tune it".encode("cp037"), ()),
    "signed off": (b"", b"Tune it\n\nTested-by: mal <m@example.com>\n", ("--signoff",)),
}


@pytest.mark.parametrize(("header", "message", "options"), PICKS.values(), ids=PICKS)
def test_a_pick_without_a_commit_whose_message_git_writes_otherwise(
    ada: Repository,
    mallory: Repository,
    header: bytes,
    message: bytes,
    options: tuple[str, ...],
) -> None:
    stage_evil_line(mallory)
    write_commit(mallory, message, header=header)
    send(mallory, "evil")
    ada.git("fetch")
    prepend(ada, CODE, OWN_LINE)
    commit(ada)
    ada.git("cherry-pick", "--no-commit", *options, "origin/evil")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_pick_without_a_commit_that_stops_at_a_conflict_where_comments_begin_otherwise(
    ada: Repository, mallory: Repository
) -> None:
    ada.git("config", "core.commentChar", ";")
    mallory.write(CODE, mallory.read(CODE).replace(b"number 4 ", b"number evil "))
    append(mallory, CODE, EVIL_LINE)
    push(mallory, "evil", message="; Tune it\n\nTune\n")
    ada.git("fetch")
    ada.write(CODE, ada.read(CODE).replace(b"number 4 ", b"number own "))
    commit(ada)
    ada.git("cherry-pick", "--no-commit", "origin/evil", check=False)
    ada.write(CODE, TEXT.replace("number 4 ", "number own ") + EVIL_LINE)
    assert verdict(ada, commit(ada)) == asked(CODE)


AUTHORS = {
    "a tab": b"mal\tory <m@example.com>",
    "no name": b"<m@example.com>",
    "bytes that are no UTF-8": b"m\xe4l\xff <m@example.com>",
    "line separators": "m\u2028al\x85\x1c <m@example.com>".encode(),
    "no address": b"mal",
}


def test_authors_with_odd_names(ada: Repository, mallory: Repository) -> None:
    paths = []
    for number, author in enumerate(AUTHORS.values()):
        paths.append(stage_evil_file(mallory, f"evil-{number}.py"))
        write_commit(mallory, b"Tune %d" % number, author=author)
    send(mallory, "main")
    ada.git("pull")
    readme(ada)
    said = commit(ada)
    assert verdict(ada, said) == asked(*paths)
    for number in range(len(AUTHORS)):
        assert f'"Tune {number}"' in said.stderr


NAMES = [
    *("refs/tags/HEAD", "refs/heads/HEAD", "refs/tags/CHERRY_PICK_HEAD", "refs/tags/ORIG_HEAD"),
    *("refs/heads/CHERRY_PICK_HEAD", "refs/tags/MERGE_HEAD", "refs/tags/FETCH_HEAD"),
    *("refs/tags/main", "refs/heads/origin/main", "refs/tags/origin/main"),
    *(
        "refs/heads/a\u2028b",
        "refs/heads/%s" % ("0" * 40),
        "refs/rewritten/main",
        "refs/x/stash",
    ),
    "refs/notes/commits",
]


class TestRefs:
    @pytest.fixture
    def refspecs(self) -> list[str]:
        return [f"+{name}:{name}" for name in NAMES]

    def test_own_work_beside_a_strangers_refs(
        self, ada: Repository, mallory: Repository, refspecs: list[str]
    ) -> None:
        change_code(mallory, *NAMES)
        ada.git("fetch", "--tags", "origin", *refspecs)
        readme(ada)
        ada.write(MODEL, weights(9))
        assert verdict(ada, commit(ada)) == SIGNED

    def test_a_strangers_commit_below_such_refs(
        self, ada: Repository, mallory: Repository, refspecs: list[str]
    ) -> None:
        signed = ada.git("rev-parse", "HEAD")
        change_code(mallory, "evil")
        pushed = [f"{signed}:{name}" for name in NAMES]
        mallory.git("push", "--no-verify", "--force", "origin", *pushed)
        ada.git("fetch", "--tags", "origin", *refspecs)
        ada.git("fetch", "origin")
        ada.git("merge", "--ff-only", "refs/remotes/origin/evil")
        readme(ada)
        assert verdict(ada, commit(ada)) == asked(CODE)

    def test_new_protected_files_of_a_stranger(
        self, ada: Repository, mallory: Repository, refspecs: list[str]
    ) -> None:
        files = {name: f"new-{number}.bin" for number, name in enumerate(NAMES)}
        for number, file in enumerate(files.values()):
            mallory.write(file, weights(66 + number))
        push(mallory, *NAMES)
        ada.git("fetch", "--tags", "origin", *refspecs)
        for name, file in files.items():
            ada.git("checkout", name, "--", file)
        assert verdict(ada, commit(ada)) == asked(*files.values())


PATHS = {
    "a line feed": b"a\nb.py",
    "a quote and a tab": b'a"\t.py',
    "a colon before it": b":a.py",
    "a glob": b"*.py",
    "magic": b":(top)train.py",
    "a dash before it": b"--all.py",
    "control characters": b"a\x01\x1b[2J.py",
}


class TestPaths:
    @pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
    def test_a_strangers_commit(
        self, ada: Repository, mallory: Repository, path: bytes
    ) -> None:
        mallory.write(path, TEXT.replace("text", "evil text"))
        push(mallory, "main")
        ada.git("pull")
        readme(ada)
        said = commit(ada)
        found = verdict(ada, said)
        assert not found.is_signed
        assert len(found.paths) == 1
        assert "\x1b" not in said.stderr
        ada.model("sign", "--amend", "--adopt", path)
        assert ada.model("verify", "HEAD").returncode == 0

    def test_a_strangers_files_that_were_checked_out(
        self, ada: Repository, mallory: Repository
    ) -> None:
        for path in PATHS.values():
            mallory.write(path, TEXT.replace("text", "evil text"))
        push(mallory, "evil")
        ada.git("fetch")
        ada.git("--literal-pathspecs", "checkout", "origin/evil", "--", *PATHS.values())
        assert len(verdict(ada, commit(ada)).paths) == len(PATHS)

    def test_ones_own_versions_of_before(self, ada: Repository) -> None:
        for version in ("first", "second"):
            for path in PATHS.values():
                ada.write(path, f"own text, the {version} version\n" * 4)
            commit(ada)
        ada.git("--literal-pathspecs", "checkout", "HEAD~1", "--", *PATHS.values())
        assert verdict(ada, commit(ada)) == SIGNED


def test_a_strangers_path_that_is_no_utf_8(ada: Repository, mallory: Repository) -> None:
    mallory.write(b"caf\xe9.py", TEXT.replace("text", "evil text"))
    push(mallory, "main")
    ada.git("pull")
    readme(ada)
    said = commit(ada)
    assert len(verdict(ada, said).paths) == 1
    # Such a name cannot be signed, by whomever (docs/THREAT_MODEL.md): it is not adopted.
    refused = ada.model("sign", "--amend", "--adopt", ".", check=False)
    assert refused.returncode == 1
    assert "not UTF-8" in refused.stderr


class TestOtherHistories:
    def test_a_graft_hides_no_stranger(self, ada: Repository, mallory: Repository) -> None:
        signed = ada.git("rev-parse", "HEAD~1")
        change_code(mallory, "main")
        ada.git("pull")
        readme(ada)
        commit(ada)
        grafts = ada.path / ".git" / "info" / "grafts"
        grafts.parent.mkdir(exist_ok=True)
        grafts.write_text(f"{ada.git('rev-parse', 'HEAD')} {signed}\n")
        readme(ada, "y")
        assert verdict(ada, commit(ada)) == asked(CODE)

    def test_a_graft_before_the_fetch_hides_no_stranger(
        self, ada: Repository, mallory: Repository
    ) -> None:
        change_code(mallory, "main")
        readme(mallory)
        push(mallory, "main")
        tip = mallory.git("rev-parse", "HEAD")
        grafts = ada.path / ".git" / "info" / "grafts"
        grafts.parent.mkdir(exist_ok=True)
        grafts.write_text(f"{tip} {ada.git('rev-parse', 'HEAD')}\n")
        ada.git("pull", "--ff")
        readme(ada, "y")
        assert verdict(ada, commit(ada)) == asked(CODE, "README.md")

    def test_a_graft_to_nothing_accuses_nobody(self, ada: Repository) -> None:
        grafts = ada.path / ".git" / "info" / "grafts"
        grafts.parent.mkdir(exist_ok=True)
        grafts.write_text(f"{ada.git('rev-parse', 'HEAD')} {'0' * 39}1\nnonsense\n")
        readme(ada)
        ada.git("add", "--all")
        said = ada.git.run("commit", "--message", "Change", check=False)
        assert "Traceback" not in said.stderr

    def test_a_replaced_commit_hides_no_stranger(
        self, ada: Repository, mallory: Repository
    ) -> None:
        signed = ada.git("rev-parse", "HEAD")
        change_code(mallory, "main")
        ada.git("pull")
        ada.git("replace", "HEAD", signed)
        readme(ada)
        assert verdict(ada, commit(ada)) == asked(CODE)

    def test_a_replaced_commit_that_a_stranger_pushed(
        self, ada: Repository, mallory: Repository
    ) -> None:
        signed = mallory.git("rev-parse", "HEAD")
        change_code(mallory, "main")
        mallory.git("replace", "HEAD", signed)
        mallory.git("push", "origin", "refs/replace/*:refs/replace/*")
        ada.git("fetch", "origin", "+refs/replace/*:refs/replace/*")
        ada.git("pull", check=False)
        ada.git("-c", "core.useReplaceRefs=false", "reset", "--hard", "origin/main")
        ada.git("replace", "--delete", "origin/main")
        readme(ada)
        assert verdict(ada, commit(ada)) == asked(CODE)

    def test_a_replaced_file_that_a_stranger_pushed(
        self, ada: Repository, mallory: Repository
    ) -> None:
        text = mallory.read(CODE) + EVIL_LINE.encode()
        other = mallory.git("hash-object", "-w", "--stdin", "--no-filters", stdin=text)
        mallory.git("replace", f"HEAD:{CODE}", other)
        mallory.git("push", "origin", "refs/replace/*:refs/replace/*")
        ada.git("fetch", "origin", "refs/replace/*:refs/replace/*")
        (ada.path / CODE).unlink()
        ada.git("checkout", "--", CODE)
        ada.write(CODE, ada.read(CODE))  # so that Git looks at it once more
        assert EVIL_LINE.encode() in ada.read(CODE)
        assert verdict(ada, commit(ada)) == asked(CODE)

    def test_a_replaced_commit_accuses_nobody(self, ada: Repository) -> None:
        ada.git("replace", "--graft", "HEAD")
        readme(ada)
        assert verdict(ada, commit(ada)) == SIGNED

    def test_clocks_that_go_back(self, ada: Repository, mallory: Repository) -> None:
        for when in (4_000_000_000, 1, 2_000_000_000):
            append(mallory, CODE, EVIL_LINE)
            mallory.git("add", "--all")
            write_commit(mallory, b"Tune", when=when)
        send(mallory, "main")
        ada.git("pull")
        past = {"GIT_AUTHOR_DATE": "@86400 +0000", "GIT_COMMITTER_DATE": "@86400 +0000"}
        readme(ada)
        ada.git("add", "--all")
        said = ada.git.run("commit", "--message", "Change", env=past)
        assert verdict(ada, said) == asked(CODE)

    def test_own_work_on_clocks_that_go_back(self, ada: Repository, bob: Repository) -> None:
        past = {"GIT_AUTHOR_DATE": "@86400 +0000", "GIT_COMMITTER_DATE": "@86400 +0000"}
        readme(bob)
        bob.git("add", "--all")
        bob.git("commit", "--message", "Change", env=past)
        bob.git("push")
        ada.git("pull")
        ada.write(MODEL, weights(9))
        ada.git("add", "--all")
        assert verdict(ada, ada.git.run("commit", "--message", "x", env=past)) == SIGNED
        ada.git("checkout", "HEAD~1", "--", MODEL)
        assert verdict(ada, ada.git.run("commit", "--message", "x", env=past)) == SIGNED

    def test_a_commit_that_has_one_parent_twice(
        self, ada: Repository, mallory: Repository
    ) -> None:
        stage_evil_line(mallory)
        head = mallory.git("rev-parse", "HEAD")
        write_commit(mallory, b"Tune", parents=(head, head))
        send(mallory, "main")
        ada.git("fetch")
        ada.git("reset", "--hard", "origin/main")
        readme(ada)
        assert verdict(ada, commit(ada)) == asked(CODE)

    def test_the_old_commits_of_a_rebase_are_gone(
        self, ada: Repository, mallory: Repository
    ) -> None:
        change_code(mallory)
        ada.git("fetch")
        readme(ada)
        commit(ada)
        ada.git("checkout", "-b", "try", "origin/evil")
        ada.git("rebase", "main")
        mallory.git("push", "origin", ":evil")
        ada.git("fetch", "--prune")
        ada.git("reflog", "expire", "--expire=all", "--all")
        (ada.path / ".git" / "FETCH_HEAD").unlink(missing_ok=True)
        for name in ("ORIG_HEAD", "REBASE_HEAD"):
            (ada.path / ".git" / name).unlink(missing_ok=True)
        ada.git("gc", "--prune=now")
        ada.write(MODEL, weights(9))
        found = verdict(ada, commit(ada))
        assert not found.is_signed
        assert CODE in found.paths

    def test_ones_own_rebase_whose_old_commits_are_gone(self, ada: Repository) -> None:
        ada.git("checkout", "-b", "side")
        ada.write("side.py", TEXT.replace("text", "side"))
        commit(ada)
        ada.git("checkout", "main")
        readme(ada)
        commit(ada)
        ada.git("rebase", "main", "side")
        ada.git("reflog", "expire", "--expire=all", "--all")
        (ada.path / ".git" / "ORIG_HEAD").unlink(missing_ok=True)
        ada.git("gc", "--prune=now")
        ada.write(MODEL, weights(9))
        assert verdict(ada, commit(ada)) == SIGNED


def test_own_work_after_a_stranger_took_the_policy_away(
    ada: Repository, mallory: Repository
) -> None:
    append(mallory, CODE, EVIL_LINE)
    mallory.git("rm", "--cached", ".gitmodel")
    mallory.git("add", CODE)
    mallory.git("-c", "core.hooksPath=/dev/null", "commit", "--message", "x")
    send(mallory, "main")
    ada.git("pull")
    readme(ada)
    ada.commit()
    ada.git("checkout", "HEAD~2", "--", ".gitmodel")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_a_squash_of_more_commits_than_are_looked_at(
    ada: Repository, mallory: Repository
) -> None:
    past_hooks = ("-c", "core.hooksPath=/dev/null", "commit", "--allow-empty", "--message", "x")
    for _ in range(70):
        mallory.git(*past_hooks)
    change_code(mallory, "evil")
    prepend(ada, CODE, OWN_LINE)
    ada.commit()
    ada.git("fetch")
    ada.git("merge", "--squash", "origin/evil")
    ada.git("stash")
    ada.git("stash", "pop")
    assert verdict(ada, commit(ada)) == asked(CODE)


def test_files_of_git_that_were_cut_off(ada: Repository, mallory: Repository) -> None:
    change_code(mallory, "main")
    ada.git("pull")
    git_dir = ada.path / ".git"
    (git_dir / "FETCH_HEAD").write_bytes(b"\xff\xfe\n\t\tbranch\n" + b"0" * 40)
    (git_dir / "SQUASH_MSG").write_bytes(b"commit \ncommit\ncommit \xff\ncommit HEAD --all\n")
    (git_dir / "MERGE_MSG").write_bytes(b"\xff\n")
    (git_dir / "ORIG_HEAD").write_bytes(b"\n")
    (git_dir / "CHERRY_PICK_HEAD").write_bytes(b"\xff\n")
    if not ada.has_ref_tables:
        with (git_dir / "logs" / "HEAD").open("ab") as log:
            log.write(b"\nhalf\n\xff\xff")
    readme(ada)
    ada.git("add", "--all")
    said = ada.git.run("commit", "--message", "Change", check=False)
    assert "Traceback" not in said.stderr
    (git_dir / "CHERRY_PICK_HEAD").unlink(missing_ok=True)
    if said.returncode:
        said = commit(ada)
    assert verdict(ada, said) == asked(CODE)
