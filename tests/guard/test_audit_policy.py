"""What a pushed change of attributes or policy cannot hide from the guards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key
from git_model_security.git.repository import Repository as Facts
from git_model_security.guard import finding, outgoing, staged
from git_model_security.guard.audit import audit
from git_model_security.policy import gitmodel
from git_model_security.policy.gitmodel import Policy
from tests.fixtures.histories import MODEL, History, sealed

if TYPE_CHECKING:
    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import CloneFactory, Repository

KEY = Key(b"k" * 32)
ZERO = "0" * 40
WEIGHTS = gitmodel.render(Policy("weights"))


@pytest.fixture
def history(repo: Repository, remote: Repository) -> History:
    """A history whose attributes in force protect nothing."""
    repo.git("remote", "add", "origin", str(remote.path))
    return History(repo, "")


def _audited(history: History, *revisions: str) -> list[tuple[str, bytes]]:
    found = audit(history.facts, revisions or ("--all",)).findings
    return [(one.rule, one.path) for one in found]


def _staged(history: History) -> list[tuple[str, bytes]]:
    found = staged.findings(history.facts, authored_only=True)
    return [(one.rule, one.path) for one in found]


def _leaving(history: History, tip: str, there: str = ZERO) -> list[tuple[str, bytes]]:
    line = ("refs/heads/main", tip, "refs/heads/main", there)
    found = outgoing.judge(history.facts, [line], there=history.fetched()).findings
    return [(one.rule, one.path) for one in found]


def test_an_emptied_gitattributes_hides_nothing_from_a_fresh_clone(
    project: Project, person: PersonFactory
) -> None:
    mallory = person("mallory").clone(project.remote)
    mallory.git("config", "core.hooksPath", "/dev/null")
    mallory.git("config", "filter.git-model.required", "false")
    mallory.write(".gitattributes", "")
    mallory.write("config.json", '{"layers": 3, "stolen": true}\n')
    mallory.write("new.gguf.txt", "words\n")
    mallory.write("vocab.json", '{"a": 1}\n')
    mallory.commit("Innocent")
    mallory.git("push", "--quiet", "--no-verify")
    ci = person("ci").clone(project.remote)
    audited = ci.model("audit", check=False)
    assert audited.returncode == 1
    assert "config.json: plaintext at a protected path" in audited.stdout
    assert "vocab.json: plaintext at a protected path" in audited.stdout
    assert "new.gguf.txt" not in audited.stdout


def test_every_guard_judges_by_gitmodel_too(history: History) -> None:
    history.stage(".gitmodel", WEIGHTS)
    base = history.commit()
    history.stage("vocab.json", b"{}")
    history.stage("notes.txt", b"words\n")
    expected = [(finding.PLAINTEXT, b"vocab.json")]
    assert _staged(history) == expected
    tip = history.commit()
    assert _leaving(history, tip) == expected
    assert _leaving(history, tip, base) == expected
    assert _audited(history) == expected
    assert _audited(history, f"{base}..{tip}") == expected
    assert "protected by .gitmodel" in audit(history.facts).findings[0].detail


def test_the_policy_of_an_audited_branch_counts_and_so_does_heads(history: History) -> None:
    history.stage(".gitmodel", WEIGHTS)
    history.stage("vocab.json", b"{}")
    history.commit(branch="side")
    history.unstage(".gitmodel")
    history.unstage("vocab.json")
    history.stage("merges.txt", b"a b\n")
    history.repo.git("update-ref", "-d", "refs/heads/main")
    plain = history.commit()
    assert _audited(history, plain) == []
    assert _audited(history, "side") == [(finding.PLAINTEXT, b"vocab.json")]
    assert sorted(_audited(history, "--branches")) == [
        (finding.PLAINTEXT, b"merges.txt"),
        (finding.PLAINTEXT, b"vocab.json"),
    ]


def test_a_removed_gitmodel_protects_still(history: History) -> None:
    history.stage(".gitmodel", WEIGHTS)
    history.commit()
    history.unstage(".gitmodel")
    history.stage("vocab.json", b"{}")
    history.commit()
    assert _audited(history) == [(finding.PLAINTEXT, b"vocab.json")]


def test_a_broken_gitmodel_protects_nothing_and_is_found(history: History) -> None:
    history.stage(".gitmodel", b"[git-model]\n\tversion = 99\n")
    assert _staged(history) == [(finding.BROKEN_POLICY, b".gitmodel")]
    broken = history.commit()
    assert _audited(history) == [(finding.BROKEN_POLICY, b".gitmodel")]
    assert _leaving(history, broken) == [(finding.BROKEN_POLICY, b".gitmodel")]
    (found,) = audit(history.facts).findings
    assert found.commit == broken
    assert "format version 99" in found.detail
    history.stage(".gitmodel", WEIGHTS)
    assert _staged(history) == []
    mended = history.commit()
    assert _leaving(history, mended, broken) == []


@pytest.mark.parametrize(
    "content", [b"../elsewhere", b"[include]\n\tpath = x\n", b"\xff\0", bytes(70_000), b"["]
)
def test_a_hostile_gitmodel_is_a_finding_and_no_traceback(
    history: History, content: bytes
) -> None:
    history.stage(".gitmodel", content, mode="120000" if content[:2] == b".." else "100644")
    history.commit()
    rules = [rule for rule, path in _audited(history) if path == b".gitmodel"]
    assert rules == [finding.BROKEN_POLICY]


def test_what_takes_the_place_of_an_envelope_is_found_by_every_guard(history: History) -> None:
    history.stage("secret.dat", sealed(KEY, b"weights"))
    base = history.commit()
    history.stage("secret.dat", b"the words themselves\n")
    expected = [(finding.PLAINTEXT, b"secret.dat")]
    assert _staged(history) == expected
    tip = history.commit()
    assert _leaving(history, tip, base) == expected
    history.repo.git("update-ref", "refs/remotes/origin/main", base)
    assert _leaving(history, tip) == expected
    assert _audited(history) == expected
    assert _audited(history, f"{base}..{tip}") == expected
    assert "has held an envelope" in audit(history.facts).findings[0].detail


def test_what_an_envelope_takes_the_place_of_is_found_by_the_audit(history: History) -> None:
    history.stage("secret.dat", b"the words themselves\n")
    first = history.commit()
    history.stage("secret.dat", sealed(KEY, b"the words themselves\n"))
    assert _staged(history) == []
    tip = history.commit()
    assert _audited(history) == [(finding.PLAINTEXT, b"secret.dat")]
    # The remote has it in clear already: that the tip encrypts it cannot be refused.
    assert _leaving(history, tip, first) == []


def test_an_envelope_that_was_removed_in_between_counts_still(history: History) -> None:
    history.stage("secret.dat", sealed(KEY, b"weights"))
    base = history.commit()
    history.unstage("secret.dat")
    history.stage("a.txt", b"words\n")
    history.commit()
    history.stage("secret.dat", b"the words themselves\n")
    tip = history.commit()
    assert _leaving(history, tip, base) == [(finding.PLAINTEXT, b"secret.dat")]


def test_a_rewritten_history_is_measured_by_what_the_remote_holds(history: History) -> None:
    history.stage("secret.dat", sealed(KEY, b"weights"))
    there = history.commit()
    history.repo.git("update-ref", "-d", "refs/heads/main")
    history.stage("secret.dat", b"the words themselves\n")
    other = history.commit()
    assert _leaving(history, other) == []
    assert _leaving(history, other, there) == [(finding.PLAINTEXT, b"secret.dat")]


def test_a_merge_that_undoes_the_encryption_is_found(history: History) -> None:
    history.stage("a.txt", b"words\n")
    base = history.commit()
    history.stage("secret.dat", sealed(KEY, b"weights"))
    ours = history.commit()
    history.reset(base)
    history.stage("secret.dat", sealed(KEY, b"other weights"))
    theirs = history.commit()
    history.stage("secret.dat", MODEL)
    merge = history.commit(ours, theirs)
    found = audit(history.facts, (f"{theirs}..{merge}", f"^{ours}")).findings
    assert [(one.rule, one.path) for one in found] == [(finding.PLAINTEXT, b"secret.dat")]


def test_each_blob_counts_once_though_it_is_judged_anew(history: History) -> None:
    history.stage("secret.dat", sealed(KEY, b"weights"))
    history.commit()
    history.stage("secret.dat", MODEL)
    history.commit()
    report = audit(history.facts, keys={KEY.id: KEY})
    assert (report.blobs, report.proven, report.unproven) == (2, 1, 0)
    assert [(one.rule, one.path) for one in report.findings] == [
        (finding.PLAINTEXT, b"secret.dat")
    ]


def test_a_protected_name_in_another_letter_case_is_protected(history: History) -> None:
    history.stage(".gitmodel", WEIGHTS)
    history.stage("Config.JSON", b"{}")
    history.stage("dir/Model.SafeTensors", b"words")
    expected = [
        (finding.PLAINTEXT, b"Config.JSON"),
        (finding.PLAINTEXT, b"dir/Model.SafeTensors"),
    ]
    assert _staged(history) == expected
    assert _leaving(history, history.commit()) == expected
    assert _audited(history) == expected
    assert "another letter case" in audit(history.facts).findings[0].detail


def test_an_exclusion_in_another_letter_case_takes_nothing_away(history: History) -> None:
    (history.repo.path / ".git" / "info" / "attributes").write_text(
        "*.bin filter=git-model\nDocs/** !filter\n"
    )
    history.stage("docs/a.bin", b"plain")
    history.stage("Docs/a.bin", b"words")
    assert _staged(history) == [(finding.PLAINTEXT, b"docs/a.bin")]


def test_a_bare_repository_is_audited_by_the_gitmodel_of_its_head(
    history: History, remote: Repository, clone: CloneFactory
) -> None:
    history.stage(".gitmodel", WEIGHTS)
    history.stage("vocab.json", b"{}")
    history.commit()
    history.repo.git("push", "--quiet", str(remote.path), "main")
    for path in (remote.path, clone().path):
        found = audit(Facts.discover(path, local=False)).findings
        assert [one.path for one in found] == [b"vocab.json"]
