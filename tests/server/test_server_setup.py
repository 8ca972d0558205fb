"""`git model install --server`: what it writes, keeps and puts back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.hooks import script, snapshot
from tests.fixtures.processes import need

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository
    from tests.fixtures.servers import Client

PIN = ("--profile", "weights", "--include", "*.csv", "--protected-ref", "release/*")


def log_input(path: Path, log: Path, status: int = 0) -> Path:
    return script(path, f"cat >>'{log}'\nexit {status}\n")


def test_installing_again_changes_nothing(project: Project, remote: Repository) -> None:
    words = ("install", "--server", *PIN, "--public-key", str(project.public))
    remote.model(*words)
    before = snapshot(remote.path)
    remote.model(*words)
    remote.model("install", "--server")
    assert snapshot(remote.path) == before


def test_uninstalling_puts_back_what_was_there(remote: Repository) -> None:
    (remote.path / "info" / "attributes").write_text("*.txt text\n")
    script(remote.path / "hooks" / "pre-receive", "exit 0\n")
    before = snapshot(remote.path / "hooks", remote.path / "info")
    config = (remote.path / "config").read_text()
    remote.model("install", "--server", *PIN)
    assert snapshot(remote.path / "hooks", remote.path / "info") != before
    remote.model("uninstall")
    assert snapshot(remote.path / "hooks", remote.path / "info") == before
    assert (remote.path / "config").read_text() == config


def test_it_is_for_bare_repositories(repo: Repository) -> None:
    for where in (repo.path, repo.path / ".git"):
        refused = repo.model("install", "--server", cwd=where, check=False)
        assert refused.returncode == 1
        assert "not a bare repository" in refused.stderr
        assert "git model init" in refused.stderr
    assert not (repo.path / ".git" / "hooks" / "pre-receive").exists()


def test_a_shared_repository_lets_every_pusher_use_what_the_hook_needs(
    project: Project, client: Client
) -> None:
    project.remote.git("config", "core.sharedRepository", "group")
    project.remote.model("install", "--server", "--public-key", str(project.public))
    state = project.remote.path / "git-model"
    # Who is not of the group cannot push, and reads nothing here.
    assert {path.stat().st_mode & 0o2077 for path in (state, state / "trust")} == {0o2070}
    assert {path.stat().st_mode & 0o064 for path in (state / "trust").iterdir()} == {0o064}


def test_its_options_ask_for_it(remote: Repository) -> None:
    refused = remote.model("install", "--profile", "all", check=False)
    assert refused.returncode == 2
    assert "--server" in refused.stderr


def test_patterns_need_a_profile_to_be_on_top_of(remote: Repository) -> None:
    refused = remote.model("install", "--server", "--include", "*.csv", check=False)
    assert refused.returncode == 2
    assert "--profile" in refused.stderr


def test_a_key_that_is_none_changes_nothing(remote: Repository, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("no key\n")
    before = snapshot(remote.path / "hooks", remote.path / "info")
    words = ("install", "--server", "--public-key", str(tmp_path / "key"))
    assert remote.model(*words, check=False).returncode == 1
    assert snapshot(remote.path / "hooks", remote.path / "info") == before


def test_a_foreign_hook_gets_the_same_lines_after_ours(
    project: Project, client: Client, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log_input(project.remote.path / "hooks" / "pre-receive", log)
    project.remote.model("install", "--server")
    old = client.git("rev-parse", "HEAD")
    client.put("train.py", b"print()\n")
    new = client.record()
    client.accepted("main", "main:refs/heads/side")
    zero = "0" * len(old)
    assert log.read_text() == f"{old} {new} refs/heads/main\n{zero} {new} refs/heads/side\n"


def test_a_foreign_hook_is_not_asked_about_what_we_refuse(
    project: Project, client: Client, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    log_input(project.remote.path / "hooks" / "pre-receive", log)
    project.remote.model("install", "--server")
    client.put("config.json", b"{}\n")
    client.record()
    assert "config.json: plaintext" in client.refused("main")
    assert not log.exists()


def test_a_foreign_hook_can_refuse(project: Project, client: Client, tmp_path: Path) -> None:
    log_input(project.remote.path / "hooks" / "pre-receive", tmp_path / "log", status=1)
    project.remote.model("install", "--server")
    client.put("train.py", b"print()\n")
    client.record()
    client.refused("main")


@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_hooks_in_another_directory_still_run(
    project: Project, client: Client, tmp_path: Path, home: Path, scope: str
) -> None:
    theirs, log = tmp_path / "their hooks", tmp_path / "log"
    log_input(theirs / "pre-receive", log)
    script(theirs / "post-receive", f"echo post >>'{log}'\n")
    before = snapshot(theirs)
    project.remote.git("config", scope, "core.hooksPath", str(theirs))
    project.remote.model("install", "--server")
    assert snapshot(theirs) == before
    installed = snapshot(project.remote.path)
    project.remote.model("install", "--server")
    assert snapshot(project.remote.path) == installed
    client.put("train.py", b"print()\n")
    client.record()
    # A server runs hooks with its own home, not with that of who pushes.
    push = (
        "-c",
        f"remote.origin.receivepack=HOME={home} GIT_CONFIG_GLOBAL={home}/.gitconfig"
        " git-receive-pack",
        "push",
        "--no-verify",
        "origin",
    )
    client.git(*push, "main")
    assert log.read_text().endswith("refs/heads/main\npost\n")
    log.unlink()
    client.put("config.json", b"{}\n")
    client.record()
    refused = client.git.run(*push, "main", check=False)
    assert "config.json: plaintext" in refused.stderr
    assert not log.exists()
    project.remote.model("uninstall")
    assert project.remote.git("config", scope, "core.hooksPath") == str(theirs)
    client.git(*push, "main")


def test_a_host_with_a_directory_of_hooks_keeps_its_own(
    project: Project, client: Client
) -> None:
    hooks = project.remote.path / "hooks"
    own = script(
        hooks / "pre-receive",
        "lines=$(cat)\nfor hook in hooks/pre-receive.d/*; do\n"
        '[ ! -x "$hook" ] || printf "%s\\n" "$lines" | "$hook" || exit 1\ndone\n',
    )
    before = own.read_bytes()
    place = ("--hook", "hooks/pre-receive.d/git-model")
    project.remote.model("install", "--server", *place)
    written = snapshot(hooks)
    project.remote.model("install", "--server")
    assert snapshot(hooks) == written
    assert own.read_bytes() == before
    client.put("train.py", b"print()\n")
    client.record()
    client.accepted("main")
    client.put("config.json", b"{}\n")
    client.record()
    assert "config.json: plaintext" in client.refused("main")
    project.remote.model("uninstall")
    assert not list((hooks / "pre-receive.d").iterdir())
    client.accepted("main")


def test_a_hook_of_somebody_else_is_not_written_over(remote: Repository) -> None:
    theirs = script(remote.path / "hooks" / "pre-receive.d" / "theirs", "exit 0\n")
    words = ("install", "--server", "--hook", str(theirs))
    refused = remote.model(*words, check=False)
    assert refused.returncode == 1
    assert "there is another hook" in refused.stderr
    assert theirs.read_text() == "#!/bin/sh\nexit 0\n"


@pytest.mark.parametrize("what", ["python", "main"])
def test_without_the_program_nothing_comes_in(
    project: Project, guarded: Client, what: str
) -> None:
    hook = project.remote.path / "hooks" / "pre-receive"
    lines = hook.read_text().splitlines(keepends=True)
    hook.write_text(
        "".join(
            f"{what}=/nowhere/{what}\n" if line.startswith(f"{what}=") else line
            for line in lines
        )
    )
    guarded.put("train.py", b"print()\n")
    guarded.record()
    said = guarded.refused("main")
    assert f"/nowhere/{what} is missing on the server" in said
    assert "git model install --server" in said


@pytest.mark.parametrize("scheme", ["path", "file"])
def test_it_works_with_next_to_no_environment(
    project: Project, guarded: Client, scheme: str
) -> None:
    path = project.remote.path
    guarded.git("remote", "set-url", "origin", path.as_uri() if scheme == "file" else str(path))
    program = os.path.join(guarded.git("--exec-path"), "git-receive-pack")  # noqa: PTH118
    bare = f"{need('env', 'coreutils')} -i PATH=/nowhere {program}"
    guarded.git("config", "remote.origin.receivepack", bare)
    guarded.put("train.py", b"print()\n")
    guarded.record()
    guarded.accepted("main")
    guarded.put("config.json", b"{}\n")
    guarded.record()
    assert "config.json: plaintext" in guarded.refused("main")


def test_a_line_that_is_not_understood_lets_nothing_in(remote: Repository) -> None:
    for line in ("x", "a b refs/heads/main", f"{'0' * 40} refs/heads/main"):
        done = remote.model("hook", "pre-receive", stdin=f"{line}\n", check=False)
        assert done.returncode == 1
        assert "line that it does not understand" in done.stderr


def test_a_server_with_sha256_objects(project: Project, person: object, tmp_path: Path) -> None:
    server, clone = tmp_path / "s.git", tmp_path / "c"
    project.ada.git("init", "--quiet", "--bare", "--object-format=sha256", str(server))
    project.ada.git("init", "--quiet", "--object-format=sha256", str(clone))
    from tests.fixtures.servers import Client

    client = Client(clone)
    client.git("remote", "add", "origin", str(server))
    client.model("install", "--server", "--profile", "all", cwd=server)
    client.put(".hidden", b"words\n")
    client.record()
    client.accepted("main")
    client.put("config.json", b"{}\n")
    client.record()
    assert "config.json: plaintext" in client.refused("main")
