"""The name of a backup that nobody chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_model_security.migrate.backup import unused

if TYPE_CHECKING:
    from pathlib import Path


def test_two_backups_of_one_second_have_two_names(tmp_path: Path) -> None:
    wanted = tmp_path / "a.model-plaintext-20260101-120000.bundle"
    assert unused(wanted) == wanted
    wanted.touch()
    second = tmp_path / "a.model-plaintext-20260101-120000-2.bundle"
    assert unused(wanted) == second
    second.symlink_to("nowhere")  # taken as well: what it names may come
    assert unused(wanted).name == "a.model-plaintext-20260101-120000-3.bundle"
