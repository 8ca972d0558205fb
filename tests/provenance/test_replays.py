"""One's own signed work is rebased, picked, reverted and restored without anybody's leave.

What somebody pushed unsigned is not let in by the same doors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_signed
from tests.fixtures.processes import execute, need
from tests.fixtures.repositories import NO_HOOKS
from tests.provenance.scenes import asked, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project, Publication
    from tests.fixtures.repositories import Repository

LINES = [f"line {number}" for number in range(1, 11)]


def text(**changes: str) -> str:
    return "\n".join([changes.get(line.replace(" ", ""), line) for line in LINES]) + "\n"


@pytest.fixture(scope="module")
def series(publication: Publication, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    made = publication.again(tmp_path_factory.mktemp("series"))
    ada = made.project.ada
    ada.git("switch", "--quiet", "--create", "series")
    for number in range(3):
        ada.write("config.json", f'{{"number": {number}}}\n')
        ada.write("train.py", f"print({number})\n")
        ada.commit(f"Step {number}")
    return made


@pytest.fixture
def ada(series: Publication, home: Path, tmp_path: Path) -> Repository:
    """Ada, with a series of three on a branch, each of one protected file."""
    return series.copy(tmp_path, home).ada


def test_a_signed_series_is_rebased_and_each_commit_signed(ada: Repository) -> None:
    ada.git("switch", "--quiet", "main")
    ada.write("README.md", "main went on\n")
    ada.commit("Elsewhere")
    ada.git("switch", "--quiet", "series")
    ada.git("rebase", "--quiet", "--exec", "git model sign --amend", "main")
    for commit in ("HEAD", "HEAD~1", "HEAD~2"):
        ada.model("verify", commit)


def test_a_signed_commit_is_picked_and_the_result_is_signed(ada: Repository) -> None:
    ada.git("switch", "--quiet", "main")
    ada.git("cherry-pick", "series~2")
    ada.model("sign", "--amend")
    assert_signed(ada)


def test_a_revert_stands_in_the_way_of_nothing(ada: Repository) -> None:
    ada.write("tokenizer.json", "{}\n")
    ada.commit("One more file")
    ada.git("revert", "--no-edit", "HEAD~1")
    ada.write("README.md", "after the revert\n")
    ada.commit("Go on")
    assert_signed(ada)
    assert ada.read("config.json") == b'{"number": 1}\n'


def test_signatures_that_git_log_shows_are_read_over(ada: Repository, tmp_path: Path) -> None:
    need("ssh-keygen", "openssh-client")
    key = tmp_path / "key"
    execute("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"* {key.with_suffix('.pub').read_text()}")
    for name, value in (
        ("gpg.format", "ssh"),
        ("gpg.ssh.allowedSignersFile", str(allowed)),
        ("user.signingKey", str(key)),
        ("commit.gpgSign", "true"),
        ("log.showSignature", "true"),
    ):
        ada.git("config", name, value)
    ada.write("tokenizer.json", "{}\n")
    ada.commit("One more file")
    ada.git("revert", "--no-edit", "HEAD~1")
    ada.write("README.md", "after the revert\n")
    ada.commit("Go on")
    assert "Good" in ada.git("log", "-1", "--format=%H")
    assert_signed(ada)
    ada.git("checkout", "HEAD~3", "--", "config.json", "train.py")
    ada.commit("Back")
    assert_signed(ada)


def test_a_version_of_before_is_taken_back(ada: Repository) -> None:
    ada.git("checkout", "HEAD~2", "--", "config.json", "train.py")
    ada.commit("Back")
    assert_signed(ada)


@pytest.fixture
def feature(project: Project, person: PersonFactory) -> Repository:
    """Ada, with a clear file renamed; the remote has Mallory's edit of the old name."""
    ada = project.ada
    ada.write("scripts/run.py", text())
    ada.commit("A script")
    ada.git("push", "--quiet")
    mallory = project.unlocked(person("mallory"))
    mallory.git("switch", "--quiet", "--create", "feature")
    mallory.write("scripts/run.py", text(line2="evil"))
    mallory.git("commit", "--quiet", "--all", "--message", "Improve")
    mallory.git(*NO_HOOKS, "push", "--quiet", "origin", "feature")
    ada.git("mv", "scripts", "tools")
    ada.write("tools/run.py", text(line9="mine"))
    ada.commit("Rename")
    ada.git("fetch", "--quiet")
    return ada


INTO_MAIN = [
    pytest.param([("merge", "--no-edit", "origin/feature")], id="merge"),
    pytest.param(
        [("merge", "--squash", "origin/feature"), ("commit", "-m", "Squash")], id="squash"
    ),
]
"""Commands that take the branch in, the last of which commits."""


@pytest.mark.parametrize("commands", INTO_MAIN)
def test_a_rename_carries_the_doubt_along(
    commands: list[tuple[str, ...]], feature: Repository
) -> None:
    *before, last = commands
    for command in before:
        feature.git(*command)
    assert verdict(feature, feature.git.run(*last)) == asked("tools/run.py")
    feature.model("sign", "--adopt", "tools/run.py")
    assert_signed(feature)


@pytest.mark.parametrize("commands", INTO_MAIN)
def test_a_rename_carries_the_doubt_along_where_that_is_refused(
    commands: list[tuple[str, ...]], feature: Repository
) -> None:
    feature.git("config", "git-model.unvouched", "refuse")
    *before, last = commands
    for command in before:
        feature.git(*command)
    head = feature.git("rev-parse", "HEAD")
    refused = feature.git.run(*last, check=False)
    assert refused.returncode == 1
    assert "\n  tools/run.py (" in refused.stderr
    assert feature.git("rev-parse", "HEAD") == head


def test_a_rename_of_what_came_unsigned_is_not_ones_own(feature: Repository) -> None:
    feature.git("switch", "--quiet", "--create", "theirs", "origin/feature")
    feature.git("mv", "scripts", "elsewhere")
    feature.write("elsewhere/run.py", text(line2="evil", line9="mine"))
    feature.git("add", ".")
    said = feature.git.run("commit", "-m", "Rename")
    assert verdict(feature, said) == asked("elsewhere/run.py")
    feature.model("sign", "--adopt", "elsewhere/run.py")
    assert_signed(feature)


def test_any_number_of_newer_branches_hides_none(feature: Repository) -> None:
    tip = feature.git("rev-parse", "HEAD")
    tree = feature.git("rev-parse", "HEAD^{tree}")
    future = {"GIT_COMMITTER_DATE": "2035-01-01T00:00:00Z"}
    newer = feature.git("commit-tree", tree, "-p", tip, "-m", "newer", env=future)
    lines = [f"create refs/remotes/origin/b{number} {newer}\n" for number in range(100)]
    feature.git("update-ref", "--stdin", stdin="".join(lines))
    feature.git("checkout", "origin/feature", "--", "scripts/run.py")
    said = feature.git.run("commit", "-m", "Steal")
    assert verdict(feature, said) == asked("scripts/run.py")
    feature.model("sign", "--adopt", "scripts/run.py")
    assert_signed(feature)
