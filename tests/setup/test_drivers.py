"""The drivers in Git's configuration: absolute, complete, and failing closed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import GitError
from git_model_security.setup import drivers
from git_model_security.setup.drivers import Program
from tests.fixtures.hooks import opened, script

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.repositories import Git, Repository


def settings(git: Git, scope: str = "--local") -> dict[str, str]:
    out = git("config", scope, "--get-regexp", r"^(filter|diff|merge)\.", check=False)
    return dict(line.split(" ", 1) for line in out.splitlines())


@pytest.mark.usefixtures("cold")
def test_the_drivers_run_this_python_isolated(repo: Repository) -> None:
    command = f"{sys.executable} -I -m git_model_security"
    assert drivers.configure(opened(repo))
    assert settings(repo.git) == {
        "filter.git-model.required": "true",
        "filter.git-model.process": f"{command} filter-process",
        "diff.git-model.textconv": f"{command} textconv",
        "diff.git-model-signature.textconv": "true",
        "merge.git-model.name": "git-model, merging what is encrypted",
        "merge.git-model.driver": f"{command} merge-file %O %A %B %L %P",
        "merge.git-model-signature.name": "git-model signature, made anew by the commit",
        "merge.git-model-signature.driver": "true",
    }


def test_the_global_scope_needs_no_repository(
    home: Path, git: Git, repo: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert drivers.configure(None)
    assert "filter.git-model.process" in settings(git, "--global")
    assert settings(repo.git) == {}
    assert drivers.remove(None)
    assert settings(git, "--global") == {"filter.git-model.required": "true"}


def test_configuring_again_changes_nothing(repo: Repository) -> None:
    drivers.configure(opened(repo))
    before = repo.read(".git/config")
    assert not drivers.configure(opened(repo))
    assert repo.read(".git/config") == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("filter.git-model.process", "/gone/python -m git_model_security filter-process"),
        ("filter.git-model.required", "false"),
        ("filter.git-model.clean", "cat"),
        ("filter.git-model.smudge", "cat"),
        ("diff.git-model.binary", "true"),
        ("diff.git-model.cachetextconv", "true"),
    ],
)
def test_what_is_stale_or_dangerous_is_replaced(repo: Repository, key: str, value: str) -> None:
    drivers.configure(opened(repo))
    wanted = settings(repo.git)
    repo.git("config", "--add", key, value)
    assert drivers.configure(opened(repo))
    assert settings(repo.git) == wanted


def test_other_drivers_are_not_touched(repo: Repository) -> None:
    for key in ("filter.lfs.process", "filter.git-modeler.clean", "merge.git-model-x.driver"):
        repo.git("config", key, "theirs")
    before = settings(repo.git)
    drivers.configure(opened(repo))
    drivers.remove(opened(repo))
    assert settings(repo.git) == {**before, "filter.git-model.required": "true"}


def test_after_removal_git_refuses_to_add_what_is_protected(repo: Repository) -> None:
    drivers.configure(opened(repo))
    assert drivers.remove(opened(repo))
    assert not drivers.remove(opened(repo))
    repo.write(".git/info/attributes", "*.bin filter=git-model\n")
    repo.write("a.bin", b"plaintext")
    assert repo.git.run("add", "a.bin", check=False).returncode == 128
    assert repo.git("ls-files") == ""


def test_removing_where_nothing_was_configured_leaves_nothing(repo: Repository) -> None:
    before = repo.read(".git/config")
    assert not drivers.remove(opened(repo))
    assert repo.read(".git/config") == before


def test_any_directory_name_survives_the_shell_and_gits_placeholders(
    repo: Repository, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    odd = tmp_path / 'it\'s 100%O "$HOME" `x` ü'
    python = script(odd / "python", f'echo "$*" >>"{log}"\n[ "$4" = merge-file ] || cat "$5"\n')
    drivers.configure(opened(repo), program=Program(python, odd / "__main__.py"))
    # Git would clean with the stand-in, which does not speak the protocol.
    repo.git("config", "--unset", "filter.git-model.process")
    repo.git("config", "--unset", "filter.git-model.required")
    repo.write(".gitattributes", "*.bin diff=git-model merge=git-model\n")
    repo.write("it's a.bin", "one\n")
    repo.commit()
    repo.git("switch", "--quiet", "--create", "side")
    repo.write("it's a.bin", "two\n")
    repo.commit()
    repo.git("switch", "--quiet", "main")
    repo.write("it's a.bin", "three\n")
    repo.git("diff")
    repo.commit()
    repo.git("merge", "--quiet", "side")
    lines = log.read_text().splitlines()
    assert lines[0].startswith("-I -m git_model_security textconv ")
    assert lines[-1].startswith("-I -m git_model_security merge-file .merge_file_")
    assert lines[-1].endswith(" it's a.bin")


def test_a_conflict_in_a_signature_keeps_ours(repo: Repository) -> None:
    drivers.configure(opened(repo))
    repo.write(".gitattributes", "model.sig merge=git-model-signature\n")
    repo.write("model.sig", "base\n")
    repo.commit()
    repo.git("switch", "--quiet", "--create", "side")
    repo.write("model.sig", "theirs\n")
    repo.commit()
    repo.git("switch", "--quiet", "main")
    repo.write("model.sig", "ours\n")
    repo.commit()
    repo.git("merge", "--quiet", "--no-edit", "side")
    assert repo.read("model.sig") == b"ours\n"


def test_a_locked_configuration_is_an_error_of_git(repo: Repository) -> None:
    repo.write(".git/config.lock", "")
    with pytest.raises(GitError, match="lock"):
        drivers.configure(opened(repo))
