"""Projects with husky: the committed hook calls ours, and serves people without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.setup.hooks import hook_place, hook_setup, husky
from git_model_security.setup.hooks.shims import HOOKS
from tests.fixtures.hooks import THEIRS, Hooks, opened, script, snapshot

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.fixtures.repositories import CloneFactory, Repository

# husky 9.1: `.husky/_/h`, and a line for each hook that reads it.
RUNNER = """\
[ "$HUSKY" = "2" ] && set -x
n=$(basename "$0")
s=$(dirname "$(dirname "$0")")/$n

[ ! -f "$s" ] && exit 0

i="${XDG_CONFIG_HOME:-$HOME/.config}/husky/init.sh"
[ -f "$i" ] && . "$i"

[ "${HUSKY-}" = "0" ] && exit 0

export PATH="node_modules/.bin:$PATH"
sh -e "$s" "$@"
c=$?

[ $c != 0 ] && echo "husky - $n script failed (code $c)"
[ $c = 127 ] && echo "husky - command not found in PATH=$PATH"
exit $c
"""
# What husky 9 knows, and what of ours it does not.
KNOWN = (
    *("pre-commit", "pre-merge-commit", "prepare-commit-msg", "commit-msg", "post-commit"),
    *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-rebase", "post-rewrite"),
    *("post-checkout", "post-merge", "pre-push", "pre-auto-gc"),
)
UNKNOWN = ("post-index-change", "reference-transaction")
# husky 8: `.husky/_/husky.sh`, sourced by each hook, which it then runs again.
SOURCED = """\
if [ -z "$husky_skip_init" ]; then
  readonly hook_name="$(basename -- "$0")"
  readonly husky_skip_init=1
  export husky_skip_init
  sh -e "$0" "$@"
  exitCode="$?"
  if [ $exitCode != 0 ]; then
    echo "husky - $hook_name hook exited with code $exitCode (error)"
  fi
  exit $exitCode
fi
"""


@pytest.fixture
def hooks(tmp_path: Path) -> Hooks:
    return Hooks.make(tmp_path / "git-model's home")


def install_husky(repo: Repository, below: str = ".husky") -> Path:
    """Does what `npm install` does with husky 9."""
    directory = repo.path / below
    script(directory / "_" / "h", RUNNER)
    for hook in KNOWN:
        script(directory / "_" / hook, '. "$(dirname "$0")/h"\n')
    (directory / "_" / ".gitignore").write_text("*")
    repo.git("config", "core.hooksPath", f"{below}/_")
    return directory


def commit(repo: Repository, *options: str, **more: bool) -> subprocess.CompletedProcess[str]:
    return repo.git.run("commit", "--quiet", "--allow-empty", "-m", "Change", *options, **more)


def add_line(repo: Repository, hooks: Hooks, hook: str) -> Path:
    """Commits a husky hook that logs."""
    path = repo.path / ".husky" / hook
    path.parent.mkdir(exist_ok=True)
    text = THEIRS.replace("NAME", hook)
    path.write_text(text.replace("LOG", f'"{hooks.log}"'))
    return path


def test_our_part_is_called_from_the_committed_hooks(repo: Repository, hooks: Hooks) -> None:
    directory = install_husky(repo)
    add_line(repo, hooks, "pre-commit")
    add_line(repo, hooks, "post-commit")
    generated = snapshot(directory / "_")
    assert hook_place.missing(opened(repo)) == list(HOOKS)
    lines = hooks.install(repo)
    assert f"added a git-model block to {directory}: " in lines[-1]
    assert hook_place.missing(opened(repo)) == []
    written = {str(directory / "_" / hook) for hook in UNKNOWN}
    now = snapshot(directory / "_")
    assert {path: now[path] for path in now if path not in written} == generated
    assert written <= set(now)
    assert not {directory / hook for hook in UNKNOWN} & set(directory.iterdir())
    assert repo.git("config", "core.hooksPath") == ".husky/_"
    commit(repo)
    assert hooks.calls() == [
        "theirs pre-commit",
        "ours pre-commit",
        "ours post-commit",
        "theirs post-commit",
    ]
    install_husky(repo)
    assert hook_place.missing(opened(repo)) == []


def test_a_second_install_changes_nothing_and_uninstall_puts_every_file_back(
    repo: Repository, hooks: Hooks
) -> None:
    install_husky(repo)
    add_line(repo, hooks, "pre-push")
    add_line(repo, hooks, "post-merge")
    (repo.path / ".git" / "git-model").mkdir(mode=0o700)
    before = snapshot(repo.path)
    hooks.install(repo)
    installed = snapshot(repo.path)
    assert hooks.install(repo) == []
    assert snapshot(repo.path) == installed
    lines = hook_setup.uninstall(opened(repo))
    assert any("removed the git-model block" in line for line in lines)
    assert snapshot(repo.path) == before


def test_a_push_gives_its_input_to_ours_and_to_theirs(
    repo: Repository, remote: Repository, hooks: Hooks
) -> None:
    install_husky(repo)
    add_line(repo, hooks, "pre-push")
    hooks.install(repo)
    commit(repo)
    hooks.calls()
    tip = repo.git("rev-parse", "HEAD")
    repo.git("push", "--quiet", str(remote.path), "main", "main:other")
    calls = hooks.calls()
    words = ["ours", "refs/heads/main", "theirs", "refs/heads/main"]
    assert [line.split()[0] for line in calls] == words
    assert tip in calls[0]
    assert calls[2:] == [line.replace("ours", "theirs") for line in calls[:2]]
    hooks.fail("pre-push")
    assert repo.git.run("push", str(remote.path), "main:x", check=False).returncode != 0
    assert [line.split()[0] for line in hooks.calls()] == ["ours"]
    # An empty input stays empty.
    (hooks.directory / "fail-pre-push").unlink()
    add_line(repo, hooks, "pre-push").write_text(f'wc -c >>"{hooks.log}"\n')
    hooks.install(repo)
    repo.git("hook", "run", "pre-push", "--", "origin", "url")
    assert [line.strip() for line in hooks.calls()] == ["ours pre-push origin url", "0"]


def test_a_set_up_clone_whose_shims_are_gone_fails_closed(
    repo: Repository, remote: Repository, hooks: Hooks
) -> None:
    install_husky(repo)
    hooks.install(repo)
    commit(repo)
    repo.git("config", "filter.git-model.process", "git-model filter-process")
    for shim in (repo.path / ".git" / "git-model" / "hooks").iterdir():
        shim.unlink()
    assert set(hook_place.missing(opened(repo))) == set(HOOKS) - set(UNKNOWN)
    for refused in (
        commit(repo, check=False),
        repo.git.run("push", str(remote.path), "main", check=False),
    ):
        assert refused.returncode != 0
        assert "git-model: hint: run `git model doctor --fix` in this clone" in refused.stderr
    assert repo.git.run("switch", "--create", "other").returncode == 0


def test_a_colleague_without_git_model_is_not_disturbed(
    repo: Repository, remote: Repository, hooks: Hooks, clone: CloneFactory
) -> None:
    install_husky(repo)
    add_line(repo, hooks, "pre-commit")
    hooks.install(repo)
    repo.commit()
    repo.git("push", "--quiet", str(remote.path), "main")
    assert str(hooks.directory) not in repo.git("grep", "git_model_hook")
    theirs = clone()
    install_husky(theirs)
    hooks.calls()
    commit(theirs)
    done = theirs.git.run("push", "--quiet", "origin", "main")
    assert hooks.calls() == ["theirs pre-commit"]
    assert "git-model" not in done.stderr


def test_a_hook_that_changes_directory_does_not_mislead_ours(
    repo: Repository, hooks: Hooks
) -> None:
    install_husky(repo, "front/.husky")
    (repo.path / "front" / ".husky" / "pre-commit").write_text("cd front\n")
    hooks.install(repo)
    script(hooks.program.python, f'pwd >>"{hooks.log}"\n')
    commit(repo)
    assert hooks.calls()[0] == str(repo.path)


def test_a_worktree_without_npm_install_is_reported_mended_and_left_as_it_was(
    repo: Repository, hooks: Hooks, tmp_path: Path
) -> None:
    install_husky(repo)
    commit(repo)
    repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    linked = type(repo)(tmp_path / "linked")
    hooks.install(repo)
    assert hook_place.missing(opened(linked)) == list(HOOKS)
    hooks.install(linked)
    assert hook_place.missing(opened(linked)) == []
    assert linked.status() == ""
    commit(linked)
    assert hooks.calls() == ["ours pre-commit", "ours post-commit"]
    hook_setup.uninstall(opened(linked))
    assert not (linked.path / ".husky").exists()
    hooks.install(linked)
    install_husky(linked)
    assert set(hook_place.missing(opened(linked))) == set(HOOKS) - set(UNKNOWN)
    hooks.install(linked)
    assert hook_place.missing(opened(linked)) == []
    hooks.calls()
    commit(linked)
    assert hooks.calls() == ["ours pre-commit", "ours post-commit"]


def test_husky_that_is_switched_off_is_told(
    repo: Repository, hooks: Hooks, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_husky(repo)
    hooks.install(repo)
    clone = opened(repo)
    file = home / ".config" / "husky" / "init.sh"
    file.parent.mkdir(parents=True)
    file.write_text("export HUSKY=0\n")
    for where in (str(file), "the environment"):
        missing = hook_place.missing(clone)
        commit(repo)
        assert hooks.calls() == []
        assert set(missing) == set(HOOKS) - set(UNKNOWN)
        (remedy,) = hook_place.remedies(clone, missing)
        assert remedy == f"husky runs no hooks with HUSKY=0 in {where}: take it back"
        file.write_text("")
        monkeypatch.setenv("HUSKY", "0")


def test_husky_that_takes_over_later_replaces_what_we_had(
    repo: Repository, hooks: Hooks
) -> None:
    repo.git("config", "core.hooksPath", "githooks")
    hooks.install(repo)
    install_husky(repo)
    assert hook_place.missing(opened(repo)) == list(HOOKS)
    hooks.install(repo)
    assert hook_place.missing(opened(repo)) == []
    assert repo.git("config", "git-model.chainedHooksPath", check=False) == ""
    commit(repo)
    assert hooks.calls() == ["ours pre-commit", "ours post-commit"]


def test_husky_8_runs_ours_once(repo: Repository, remote: Repository, hooks: Hooks) -> None:
    directory = repo.path / ".husky"
    script(directory / "_" / "husky.sh", SOURCED)
    for hook in ("pre-commit", "pre-push"):
        path = add_line(repo, hooks, hook)
        start = '#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\n'
        path.write_text(start + path.read_text())
        path.chmod(0o755)
    repo.git("config", "core.hooksPath", ".husky")
    hooks.install(repo)
    assert hook_place.missing(opened(repo)) == []
    commit(repo)
    assert hooks.calls() == ["theirs pre-commit", "ours pre-commit", "ours post-commit"]
    repo.git("push", "--quiet", str(remote.path), "main")
    assert [line.split()[0] for line in hooks.calls()] == ["ours", "theirs"]


def test_hooks_that_cannot_hold_a_block_are_named(repo: Repository, hooks: Hooks) -> None:
    directory = install_husky(repo)
    (directory / "pre-commit").symlink_to("../outside")
    (directory / "pre-push").write_text("#!/usr/bin/env node\n")
    lines = hooks.install(repo)
    ours = repo.path / ".git" / "git-model" / "hooks"
    assert lines[-2:] == [
        f"not installed: {directory}/pre-commit: not a regular file; "
        f"let it call {ours}/pre-commit",
        f"not installed: {directory}/pre-push: not a shell script; let it call {ours}/pre-push",
    ]
    missing = hook_place.missing(opened(repo))
    assert missing == ["pre-commit", "pre-push"]
    remedies = hook_place.remedies(opened(repo), missing)
    assert remedies == [line.removeprefix("not installed: ") for line in lines[-2:]]
    (directory / "pre-push").write_text(f"#!/usr/bin/env node\nrun('{ours}/pre-push')\n")
    assert hook_place.missing(opened(repo)) == ["pre-commit"]
    assert not (repo.path / "outside").exists()


def test_a_directory_outside_the_worktree_that_is_named_like_huskys_is_foreign(
    repo: Repository, hooks: Hooks, tmp_path: Path
) -> None:
    (tmp_path / ".husky").mkdir()
    repo.git("config", "core.hooksPath", str(tmp_path / ".husky"))
    hooks.install(repo)
    assert list((tmp_path / ".husky").iterdir()) == []
    assert hook_place.missing(opened(repo)) == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"npm test\n",
        b"npm test",
        b"#!/bin/sh\n",
        b"#!/bin/sh",
        b'#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"\n\nnpm test\n',
        b'#!/usr/bin/env sh\n. "$(dirname -- "$0")/_/husky.sh"',
        b"npm test\nexec npx lint-staged\n",
        b"\n\nnpm test\n\n",
    ],
)
def test_a_block_is_removed_without_a_trace(text: bytes) -> None:
    for hook in HOOKS:
        changed = husky.with_block(text, hook)
        assert changed != text
        assert husky.with_block(changed, hook) == changed
        assert husky.without_block(changed) == text


def test_a_block_for_a_commit_is_last_but_before_what_leaves_the_script() -> None:
    text = husky.with_block(b"npm test\nexec npx lint-staged\n", "pre-commit")
    assert text.startswith(b"npm test\n# >>> git-model >>>\n")
    assert text.endswith(b"# <<< git-model <<<\nexec npx lint-staged\n")


def test_a_hook_that_is_left_before_our_block_does_not_call_it(
    repo: Repository, hooks: Hooks
) -> None:
    directory = install_husky(repo)
    hooks.install(repo)
    path = directory / "pre-push"
    path.write_text(f"#!/usr/bin/env sh\nexit 0\n{path.read_text()}")
    assert hook_place.missing(opened(repo)) == ["pre-push"]
    hooks.install(repo)
    assert hook_place.missing(opened(repo)) == []
    assert path.read_text().index(">>> git-model >>>") < path.read_text().index("exit 0")


def test_a_block_that_somebody_moved_stays_where_it_is() -> None:
    block = husky.with_block(b"", "pre-push")
    moved = b"first\n" + block.replace(b"error:", b"old:") + b"second\n"
    assert husky.with_block(moved, "pre-push") == b"first\n" + block + b"second\n"
