"""The index guard: what the next commit would put into history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key
from git_model_security.git.repository import Repository as Facts
from git_model_security.guard import finding, staged
from git_model_security.guard.knowledge import Knowledge
from tests.fixtures.histories import MODEL, History, sealed

if TYPE_CHECKING:
    from git_model_security.guard.knowledge import Known
    from tests.fixtures.repositories import CloneFactory, Repository

KEY = Key(b"k" * 32)
OTHER = Key(b"o" * 32)
HELD = {KEY.id: KEY}


@pytest.fixture
def history(repo: Repository) -> History:
    """A history made without any filter, where all but dotfiles is protected."""
    return History(repo, "* filter=git-model\n.* !filter\nclear/** !filter\n")


def _rules(
    history: History, known: Known | None = None, *, authored_only: bool = False
) -> list[tuple[str, bytes]]:
    knowledge = Knowledge(HELD, known)
    found = staged.findings(history.facts, knowledge, authored_only=authored_only)
    return [(one.rule, one.path) for one in found]


def test_an_index_of_envelopes_and_empty_files_is_clean(history: History) -> None:
    history.stage("a.bin", sealed(KEY, b"weights"))
    history.stage("b.bin", sealed(KEY, bytes(3 << 20)))
    history.stage("empty", b"")
    history.stage(".gitmodel", b"[git-model]\n\tversion = 1\n")
    assert _rules(history) == []


def test_plaintext_at_a_protected_path_is_found(history: History) -> None:
    oid = history.stage("dir/a.bin", MODEL)
    (found,) = staged.findings(history.facts)
    assert (found.rule, found.path, found.oid) == (finding.PLAINTEXT, b"dir/a.bin", oid)
    assert found.describe() == (
        "dir/a.bin: plaintext at a protected path (safetensors) "
        f"(blob {oid[:12]}, {len(MODEL)} bytes)"
    )


def test_an_executable_file_is_judged_as_any_other(history: History) -> None:
    history.stage("run", b"#!/bin/sh\n", mode="100755")
    assert _rules(history) == [(finding.PLAINTEXT, b"run")]


def test_an_altered_envelope_is_told_from_plaintext(history: History) -> None:
    envelope = bytearray(sealed(KEY, b"weights"))
    envelope[100] ^= 1
    history.stage("a.bin", bytes(envelope))
    (found,) = staged.findings(history.facts, Knowledge(HELD))
    assert found.rule == finding.DAMAGED
    assert found.detail.startswith("envelope does not authenticate")
    # Without the key one flipped bit of ciphertext cannot be seen.
    assert staged.findings(history.facts, Knowledge({OTHER.id: OTHER})) == []


@pytest.mark.parametrize("keys", [None, HELD, {OTHER.id: OTHER}])
def test_plaintext_behind_a_copied_header_is_found_with_and_without_a_key(
    history: History, keys: dict[str, Key] | None
) -> None:
    history.stage("a.bin", sealed(KEY, b"weights")[:64] + MODEL)
    history.stage("short.bin", sealed(KEY, b"weights")[:40])
    found = staged.findings(history.facts, Knowledge(keys))
    assert [one.rule for one in found] == [finding.DAMAGED, finding.DAMAGED]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_pointer_is_found_since_its_object_was_not_seen(history: History, end: str) -> None:
    lines = (
        "version https://git-lfs.github.com/spec/v1",
        f"oid sha256:{'0' * 64}",
        "size 12",
        "",
    )
    history.stage("a.bin", end.join(lines).encode())
    (found,) = staged.findings(history.facts)
    assert found.rule == finding.POINTER
    said = "a pointer that is not written" if end == "\r\n" else "a pointer that nobody checked"
    assert found.detail.startswith(said)


def test_a_model_on_an_unprotected_path_is_found_by_its_content(history: History) -> None:
    history.stage("clear/ckpt", MODEL)
    history.stage("clear/notes.txt", b"words\n")
    history.stage(".cache", b"GGUF\x03\0\0\0" + bytes(9000))
    assert _rules(history) == [(finding.MODEL, b".cache"), (finding.MODEL, b"clear/ckpt")]


def test_one_blob_at_a_protected_and_a_clear_path_is_found_at_both(history: History) -> None:
    history.stage("a", MODEL)
    history.stage("clear/a", MODEL)
    assert _rules(history) == [(finding.PLAINTEXT, b"a"), (finding.MODEL, b"clear/a")]


def test_links_and_submodules_at_protected_paths_pass(history: History) -> None:
    history.stage("link", b"a.bin", mode="120000")
    history.commit()
    history.stage_gitlink("sub")
    assert _rules(history) == []


def test_a_model_in_place_of_a_link_is_found(history: History) -> None:
    history.stage("link", MODEL, mode="120000")
    assert _rules(history) == [(finding.MODEL, b"link")]


def test_what_a_parent_has_already_is_marked_inherited_or_left_out(history: History) -> None:
    history.stage("old.bin", MODEL)
    history.stage("clear/old", MODEL)
    history.commit()
    history.stage("new.bin", b"plain")
    found = staged.findings(history.facts)
    assert [(one.path, one.inherited) for one in found] == [
        (b"new.bin", False),
        (b"old.bin", True),
    ]
    assert _rules(history, authored_only=True) == [(finding.PLAINTEXT, b"new.bin")]


def test_what_a_merge_brings_is_inherited_from_the_other_parent(history: History) -> None:
    history.stage("a.bin", sealed(KEY, b"1"))
    base = history.commit()
    history.stage("web.bin", b"edited on the web")
    theirs = history.commit()
    history.reset(base)
    history.stage("mine.bin", sealed(KEY, b"2"))
    history.commit()
    history.repo.git("merge", "--quiet", "--no-commit", "--no-ff", theirs)
    assert _rules(history) == [(finding.PLAINTEXT, b"web.bin")]
    assert _rules(history, authored_only=True) == []


def test_in_a_clean_merge_the_hook_sees_the_other_parent(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = history.commit()
    history.stage("web.bin", b"edited on the web")
    theirs = history.commit()
    history.reset(base)
    history.stage("web.bin", b"edited on the web")
    assert _rules(history, authored_only=True) == [(finding.PLAINTEXT, b"web.bin")]
    monkeypatch.setenv(f"GITHEAD_{theirs}", "origin/main")
    monkeypatch.setenv(f"GITHEAD_{'1' * 40}", "of another repository")
    monkeypatch.setenv("GITHEAD_x", "no oid")
    assert _rules(history, authored_only=True) == []


def test_git_names_the_other_parent_to_the_hook_of_a_clean_merge(history: History) -> None:
    # What `parents_to_be` relies on; MERGE_HEAD is written only after this hook.
    hook = history.repo.write(".git/hooks/pre-merge-commit", "#!/bin/sh\nenv >seen\n")
    hook.chmod(0o755)
    history.stage(".a", b"1\n")
    base = history.commit()
    history.stage(".b", b"2\n")
    theirs = history.commit()
    history.reset(base)
    history.stage(".c", b"3\n")
    history.commit()
    history.repo.git("reset", "--quiet", "--hard")
    history.repo.git("merge", "--quiet", "--no-edit", theirs)
    assert f"GITHEAD_{theirs}=" in history.repo.read("seen").decode()


def test_a_known_blob_is_not_read_again(history: History) -> None:
    envelope = bytearray(sealed(KEY, b"weights"))
    envelope[100] ^= 1
    oid = history.stage("a.bin", bytes(envelope))
    assert _rules(history) == [(finding.DAMAGED, b"a.bin")]
    assert _rules(history, known={oid}.__contains__) == []


def test_a_conflict_is_left_to_git(history: History) -> None:
    oid = history.blob(b"plain")
    lines = "".join(f"100644 {oid} {stage}\ta.bin\n" for stage in (1, 2, 3))
    history.repo.git("update-index", "--index-info", stdin=lines)
    assert _rules(history) == []


def test_names_of_any_bytes_are_judged_and_shown_safely(history: History) -> None:
    history.stage(b'we"ird\n\x1b[2J\xff', b"plain")
    (found,) = staged.findings(history.facts)
    assert found.path == b'we"ird\n\x1b[2J\xff'
    assert found.describe().startswith('we"ird\\n\\x1b[2J\\xff: plaintext')


def test_the_index_that_git_names_to_the_hook_is_the_one_judged(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_INDEX_FILE", str(history.repo.path / ".git" / "next-index.lock"))
    history.stage("a.bin", b"plain")
    assert _rules(history) == [(finding.PLAINTEXT, b"a.bin")]
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert _rules(history) == []


def test_an_empty_index_before_the_first_commit_is_clean(history: History) -> None:
    assert _rules(history) == []


def test_a_locked_clone_judges_by_framing(
    history: History, remote: Repository, clone: CloneFactory
) -> None:
    history.stage("a.bin", sealed(KEY, bytes(2 << 20)))
    history.commit()
    history.repo.git("push", "--quiet", str(remote.path), "HEAD:main")
    facts = Facts.discover(clone().path, local=False)
    assert staged.findings(facts) == []


def test_a_pinned_pattern_covers_names_in_another_unicode_form(repo: Repository) -> None:
    repo.model("init", "--profile", "all-but-source", "--include", "donn\xe9es/*.py")
    repo.commit()
    repo.write("donne\u0301es/secret.py", "secret = 2\n")
    repo.git("add", "--all")
    refused = repo.git.run("commit", "--message", "In clear", check=False)
    assert refused.returncode == 1
    assert "another Unicode form" in refused.stderr
