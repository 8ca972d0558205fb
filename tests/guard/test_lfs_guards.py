"""The guards look through a pointer: what stands behind it is what leaves."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key
from git_model_security.guard import finding, outgoing, staged
from git_model_security.guard.audit import audit
from git_model_security.guard.knowledge import Knowledge
from git_model_security.storage.pointer import Pointer
from tests.fixtures.histories import MODEL, History, sealed

if TYPE_CHECKING:
    from git_model_security.guard.finding import Finding
    from git_model_security.guard.report import Report
    from tests.fixtures.repositories import Repository

KEY = Key(b"k" * 32)
HELD = {KEY.id: KEY}
ENVELOPE = sealed(KEY, b"weights" * 1000)
RULES = "* filter=git-model\n.* !filter\nclear/** !filter\n"


@pytest.fixture
def history(repo: Repository) -> History:
    """A history where all but dotfiles and `clear/` is protected."""
    return History(repo, RULES)


def pointer(history: History, content: bytes, *, kept: bool = True) -> bytes:
    """Returns the pointer to content, whose object is put into the clone or not."""
    oid = hashlib.sha256(content).hexdigest()
    if kept:
        place = history.repo.path / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return Pointer(oid, len(content)).render()


def _staged(history: History, *, held: bool = False) -> list[Finding]:
    return staged.findings(history.facts, Knowledge(HELD if held else None))


def _audited(history: History) -> Report:
    history.commit()
    return audit(history.facts)


@pytest.mark.parametrize("held", [True, False], ids=["with the key", "without a key"])
def test_a_pointer_to_an_envelope_may_stand_at_a_protected_path(
    history: History, held: bool
) -> None:
    history.stage("a.bin", pointer(history, ENVELOPE))
    assert _staged(history, held=held) == []


def test_the_key_tells_a_forged_object_from_a_sealed_one(history: History) -> None:
    forged = ENVELOPE[:-1] + bytes([ENVELOPE[-1] ^ 1])
    history.stage("a.bin", pointer(history, forged))
    (found,) = _staged(history, held=True)
    assert found.rule == finding.DAMAGED
    assert "in the git-lfs object" in found.detail


def test_plaintext_behind_a_pointer_is_found(history: History) -> None:
    oid = history.stage("a.bin", pointer(history, MODEL))
    (found,) = _staged(history)
    assert (found.rule, found.path, found.oid) == (finding.PLAINTEXT, b"a.bin", oid)
    assert "safetensors" in found.detail


def test_a_copied_header_before_plaintext_is_found_behind_a_pointer(history: History) -> None:
    history.stage("a.bin", pointer(history, ENVELOPE[:64] + MODEL))
    (found,) = _staged(history)
    assert found.rule == finding.DAMAGED


def test_a_pointer_behind_a_pointer_is_found(history: History) -> None:
    history.stage("a.bin", pointer(history, pointer(history, ENVELOPE)))
    (found,) = _staged(history)
    assert found.rule == finding.POINTER


def test_a_pointer_whose_object_is_not_here_is_not_committed(history: History) -> None:
    history.stage("a.bin", pointer(history, ENVELOPE, kept=False))
    (found,) = _staged(history)
    assert found.rule == finding.POINTER
    assert "git lfs fetch" in found.detail


def test_an_object_of_another_length_counts_as_not_here(history: History) -> None:
    text = pointer(history, ENVELOPE)
    (place,) = history.repo.path.glob(".git/lfs/objects/??/??/*")
    place.write_bytes(ENVELOPE + b"x")
    history.stage("a.bin", text)
    (found,) = _staged(history)
    assert found.rule == finding.POINTER


def test_a_pointer_that_this_clone_knows_needs_no_object(history: History) -> None:
    oid = history.stage("a.bin", pointer(history, ENVELOPE, kept=False))
    assert staged.findings(history.facts, Knowledge(known=oid.__eq__)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"git-lfs.github.com", b"hawser.github.com"),
        lambda text: b"\n" + text,
        lambda text: text + b"\n",
    ],
    ids=["CRLF", "old address", "blank before", "blank after"],
)
def test_only_the_canonical_pointer_is_followed(history: History, change: object) -> None:
    assert callable(change)
    history.stage("a.bin", change(pointer(history, ENVELOPE)))
    (found,) = _staged(history)
    assert found.rule == finding.POINTER


def test_lfs_storage_says_where_objects_are(history: History) -> None:
    text = pointer(history, ENVELOPE)
    (history.repo.path / ".git" / "lfs").rename(history.repo.path / ".git" / "elsewhere")
    history.repo.git("config", "lfs.storage", "elsewhere")
    history.stage("a.bin", text)
    assert _staged(history) == []


def test_a_model_behind_a_pointer_on_an_unprotected_path_is_found(history: History) -> None:
    history.stage("clear/ckpt", pointer(history, MODEL))
    history.stage("clear/data.csv", pointer(history, b"1,2,3\n" * 100))
    history.stage("clear/absent", pointer(history, b"GGUF\x03\0\0\0", kept=False))
    (found,) = _staged(history)
    assert (found.rule, found.path) == (finding.MODEL, b"clear/ckpt")


def test_the_plaintext_of_what_is_sealed_is_found_behind_a_pointer_without_it(
    history: History,
) -> None:
    plaintext = b"weights" * 1000
    digest = hashlib.sha256(plaintext).digest()
    history.stage("clear/copy", pointer(history, plaintext, kept=False))

    def sealed_before(length: int, digests: object) -> bool:
        assert length == len(plaintext)
        return digests is None or (isinstance(digests, dict) and digests["sha256"] == digest)

    (found,) = staged.findings(history.facts, Knowledge(sealed_before=sealed_before))
    assert found.rule == finding.COPY


def test_nothing_clear_follows_a_pointer_to_an_envelope(history: History) -> None:
    history.stage("clear/a.bin", pointer(history, ENVELOPE))
    first = history.commit()
    history.stage("clear/a.bin", b"just text")
    (found,) = _staged(history)
    assert (found.rule, found.path) == (finding.PLAINTEXT, b"clear/a.bin")
    tip = history.commit()
    line = ("refs/heads/main", tip, "refs/heads/main", first)
    (found,) = outgoing.judge(history.facts, [line]).findings
    assert (found.rule, found.path) == (finding.PLAINTEXT, b"clear/a.bin")


def test_the_audit_counts_absent_objects_as_not_proven(history: History) -> None:
    history.stage("a.bin", pointer(history, ENVELOPE))
    history.stage("b.bin", pointer(history, ENVELOPE + b"", kept=True))
    history.stage("c.bin", pointer(history, sealed(KEY, b"other"), kept=False))
    report = _audited(history)
    assert report.clean
    assert (report.proven, report.unproven, report.absent) == (0, 2, 1)
    assert "1 in git-lfs and not here" in report.summary()
    with_key = audit(history.facts, keys=HELD)
    assert (with_key.proven, with_key.unproven) == (1, 1)


def test_the_audit_finds_plaintext_behind_an_old_pointer(history: History) -> None:
    history.stage("a.bin", pointer(history, MODEL))
    bad = history.commit()
    history.stage("a.bin", pointer(history, ENVELOPE))
    (found,) = _audited(history).findings
    assert (found.rule, found.commit) == (finding.PLAINTEXT, bad)


def test_before_anything_is_encrypted_an_absent_object_is_plaintext_to_the_audit(
    history: History,
) -> None:
    history.stage("a.bin", pointer(history, MODEL, kept=False))
    history.commit()
    (found,) = audit(history.facts, rules="* filter=git-model\n").findings
    assert found.rule == finding.POINTER


def test_a_pointer_whose_object_is_not_here_does_not_leave(history: History) -> None:
    history.stage("a.bin", pointer(history, ENVELOPE, kept=False))
    tip = history.commit()
    line = ("refs/heads/main", tip, "refs/heads/main", "0" * 40)
    judged = outgoing.judge(history.facts, [line])
    assert [one.rule for one in judged.findings] == [finding.POINTER]
    assert len(judged.seen.pointers) == 1
