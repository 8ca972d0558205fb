"""What pre-push makes of the lines that Git gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from tests.fixtures.people import Project

ZERO = "0" * 40


def test_a_local_ref_with_blanks_can_be_pushed(project: Project) -> None:
    project.ada.write("notes.txt", "words\n")
    project.ada.commit()
    done = project.ada.git.run("push", "origin", "HEAD@{0 seconds ago}:refs/heads/side")
    assert "Traceback" not in done.stderr
    assert project.remote.git("rev-parse", "side") == project.ada.git("rev-parse", "HEAD")


def test_plaintext_under_a_local_ref_with_blanks_is_refused(project: Project) -> None:
    project.ada.git("rm", "--quiet", "--cached", "config.json")
    blob = project.ada.git("hash-object", "-w", "--no-filters", "config.json")
    project.ada.git("update-index", "--add", "--cacheinfo", f"100644,{blob},config.json")
    project.ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Oops")
    refused = project.ada.git.run(
        "push", "origin", "HEAD@{0 seconds ago}:refs/heads/side", check=False
    )
    assert refused.returncode == 1
    assert "config.json: plaintext at a protected path" in refused.stderr


@pytest.mark.parametrize(
    "line", ["x", "a b c", f"refs/heads/main {ZERO} refs/heads/main", f"a b c {ZERO}", "\xff d"]
)
def test_a_line_that_is_not_understood_stops_the_push(project: Project, line: str) -> None:
    refused = project.ada.model(
        "hook", "pre-push", "origin", "url", stdin=f"{line}\n", check=False
    )
    assert refused.returncode == 1
    assert "line that it does not understand" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_ref_whose_object_is_lost_stops_no_commit_and_no_push(project: Project) -> None:
    ada = project.ada
    lost = ada.git("commit-tree", "HEAD^{tree}", "-m", "lost")
    ada.git("update-ref", "refs/remotes/origin/lost", lost)
    ada.git("tag", "-a", "-m", "of it", "lost", lost)
    (ada.path / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    ada.write("train.py", "print('on')\n")
    ada.commit()
    ada.git("push", "--quiet", "origin", "HEAD:main")
