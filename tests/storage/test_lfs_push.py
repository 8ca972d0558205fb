"""pre-push: objects go before the pointers to them, and nothing goes without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from git_model_security.clone.clone import Clone
from git_model_security.git import lfs_push
from git_model_security.git.lfs_push import Target
from tests.fixtures.hooks import opened
from tests.fixtures.lfs_projects import FILES, SMALL
from tests.fixtures.processes import execute
from tests.fixtures.repositories import NO_HOOKS, Repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProject, LfsProjectFactory
    from tests.fixtures.people import PersonFactory


@pytest.fixture
def project(lfs_project: LfsProjectFactory) -> LfsProject:
    return lfs_project()


def _uploaded(project: LfsProject) -> set[str]:
    return _objects(project.remote)


def _objects(remote: Repository) -> set[str]:
    return {path.name for path in remote.path.glob("lfs/objects/??/??/*")}


def _mirror(tmp_path: Path, name: str) -> Repository:
    execute("git", "init", "--quiet", "--bare", tmp_path / name)
    return Repository(tmp_path / name)


def _branches(project: LfsProject) -> str:
    return project.remote.git("for-each-ref")


def test_a_push_uploads_the_objects(project: LfsProject) -> None:
    project.push()
    assert _uploaded(project) == set(project.objects.values())


def test_a_push_to_an_address_uploads_them_too(project: LfsProject) -> None:
    project.ada.git("push", "--quiet", str(project.remote.path), "main")
    assert _uploaded(project) == set(project.objects.values())


def test_the_hook_of_git_lfs_beside_ours_uploads_once(project: LfsProject) -> None:
    project.ada.model("uninstall")
    project.ada.git("lfs", "install", "--local")
    project.ada.model("init")
    hook = project.ada.path / ".git" / "hooks" / "pre-push.before-git-model"
    assert "git lfs pre-push" in hook.read_text()
    done = project.ada.git.run("push", "origin", "main", env={"GIT_TRACE": "1"})
    assert done.stderr.count("exec: git-lfs pre-push") == 1
    assert _uploaded(project) == set(project.objects.values())


@pytest.mark.parametrize("named", [False, True])
def test_what_is_here_goes_in_one_transfer_where_nobody_can_lock(
    project: LfsProject, tmp_path: Path, named: bool
) -> None:
    if named:
        project.ada.git("config", "lfs.url", project.remote.path.as_uri())
    trace = tmp_path / "trace"
    project.ada.git("push", "--quiet", "origin", "main", env={"GIT_TRACE": str(trace)})
    started = trace.read_text()
    assert started.count("exec: git-lfs push --object-id") == 1
    assert started.count("exec: git-lfs pre-push") == named
    assert started.count("exec: git-lfs version") == 1
    assert _uploaded(project) == set(project.objects.values())


@pytest.mark.parametrize("url", ["https://host.example/m.git/", "https://host.example/m"])
def test_a_server_is_asked_for_locks_until_it_is_known_to_have_none(
    repo: Repository, url: str
) -> None:
    def is_asked(to: str) -> bool:
        return lfs_push.is_asked_for_locks(
            opened(repo), Target("origin", to, is_remote=True), Clone(opened(repo)).settings
        )

    assert is_asked(url)
    # What git-lfs writes when a server answers that it knows no locks.
    key = "lfs.https://host.example/m.git/info/lfs.locksverify"
    repo.git("config", key, "false")
    assert not is_asked(url)
    assert is_asked("https://other.example/m.git")
    assert is_asked("git@host.example:m.git")
    assert not is_asked(str(repo.path))
    repo.write(".lfsconfig", "[lfs]\n\turl = https://third.example\n")
    assert is_asked(url)
    assert is_asked(str(repo.path))


@pytest.mark.parametrize(
    "text", ["exit 0\n# git lfs pre-push\n", 'echo git lfs pre-push "$@"\n']
)
def test_a_hook_that_only_names_git_lfs_is_not_relied_on(
    project: LfsProject, text: str
) -> None:
    project.ada.model("uninstall")
    hook = project.ada.write(".git/hooks/pre-push", f"#!/bin/sh\n{text}")
    hook.chmod(0o755)
    project.ada.model("init")
    project.push()
    assert _uploaded(project) == set(project.objects.values())


@pytest.mark.parametrize("lenient", ["false", "true"])
def test_a_missing_object_stops_the_push_and_is_named(
    project: LfsProject, lenient: str
) -> None:
    project.ada.git("config", "lfs.allowincompletepush", lenient)
    stored = project.stored(project.ada, FILES[0])
    content = stored.read_bytes()
    stored.unlink()
    done = project.ada.git.run("push", "origin", "main", check=False)
    assert done.returncode != 0
    assert FILES[0] in done.stderr
    assert "git lfs fetch" in done.stderr
    assert _branches(project) == ""
    stored.write_bytes(content)
    project.push()
    assert _uploaded(project) == set(project.objects.values())


def test_plaintext_stops_the_push_before_anything_is_uploaded(project: LfsProject) -> None:
    project.ada.git("config", "filter.git-model.process", "")
    project.ada.git("config", "filter.git-model.required", "false")
    project.ada.write("leak.bin", b"\0leak" * 100)
    project.ada.git("add", "leak.bin")
    project.ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Leak")
    done = project.ada.git.run("push", "origin", "main", check=False)
    assert done.returncode != 0
    assert "leak.bin" in done.stderr
    assert _uploaded(project) == set()
    assert _branches(project) == ""


def test_without_git_lfs_no_pointer_leaves(project: LfsProject, path_without_lfs: str) -> None:
    env = {"PATH": path_without_lfs}
    done = project.ada.git.run("push", "origin", "main", env=env, check=False)
    assert done.returncode != 0
    assert "git-lfs is not installed" in done.stderr
    assert "install git-lfs" in done.stderr
    assert _branches(project) == ""


def test_without_git_lfs_what_needs_none_can_be_pushed(
    project: LfsProject, path_without_lfs: str
) -> None:
    project.push()
    project.ada.write(SMALL, b'{"layers": 3}\n')
    project.ada.commit("Smaller")
    project.ada.git("push", "origin", "main", env={"PATH": path_without_lfs})


def test_what_left_git_lfs_for_inline_still_pushes_its_old_objects(project: LfsProject) -> None:
    project.ada.model("init", "--storage", "inline")
    project.ada.commit("Inline from now on")
    project.push()
    assert _uploaded(project) == set(project.objects.values())


@pytest.mark.parametrize("options", [("--push",), ()])
@pytest.mark.parametrize("beside", [False, True])
def test_each_address_of_a_remote_gets_all_objects(
    project: LfsProject, tmp_path: Path, options: tuple[str, ...], beside: bool
) -> None:
    ada = project.ada
    if beside:
        ada.model("uninstall")
        ada.git("lfs", "install", "--local")
        ada.model("init")
    project.push()
    mirrors = [_mirror(tmp_path, name) for name in ("one.git", "two.git")]
    first = [str(project.remote.path)] if options else []
    for url in [*first, *(str(mirror.path) for mirror in mirrors)]:
        ada.git("remote", "set-url", "--add", *options, "origin", url)
    ada.write(FILES[0], b"other" * 100_000)
    ada.commit("Other")
    ada.git("push", "--quiet", "origin", "main")
    all_of_them = _uploaded(project)
    assert all_of_them > set(project.objects.values())
    for mirror in mirrors:
        assert mirror.git("rev-parse", "main") == ada.git("rev-parse", "main")
        assert _objects(mirror) == all_of_them
    ada.git("push", "--quiet", "origin", "main:again")


def test_an_address_for_pushes_gets_what_the_one_for_fetches_has(
    project: LfsProject, tmp_path: Path
) -> None:
    project.push()
    fork = _mirror(tmp_path, "fork.git")
    project.ada.git("remote", "set-url", "--push", "origin", str(fork.path))
    project.ada.git("push", "--quiet", "origin", "main")
    assert _objects(fork) == set(project.objects.values())


def test_a_server_that_was_made_anew_gets_the_objects_again(project: LfsProject) -> None:
    (project.ada.path / ".git" / "git-model" / "remotes").unlink()
    project.ada.model("unlock")  # tracking refs speak of where the remote is now
    project.push()
    project.remote.path.rename(project.remote.path.with_name("lost.git"))
    _mirror(project.remote.path.parent, project.remote.path.name)
    project.ada.git("push", "--quiet", "origin", "main:main", "origin/main:refs/heads/side")
    assert _uploaded(project) == set(project.objects.values())


@pytest.mark.parametrize("setting", ["lfs.url", "remote.origin.lfsurl"])
def test_addresses_share_the_server_for_objects_that_is_named(
    project: LfsProject, tmp_path: Path, setting: str
) -> None:
    ada = project.ada
    server = _mirror(tmp_path, "objects.git")
    mirrors = [_mirror(tmp_path, name) for name in ("one.git", "two.git")]
    ada.git("config", "--file", ".lfsconfig", setting, server.path.as_uri())
    for mirror in mirrors:
        ada.git("remote", "set-url", "--add", "--push", "origin", str(mirror.path))
    ada.git("push", "--quiet", "origin", "main")
    assert _objects(server) == set(project.objects.values())
    assert [_objects(mirror) for mirror in mirrors] == [set(), set()]


def test_what_is_not_here_stops_the_push_to_the_address_that_lacks_it(
    project: LfsProject, tmp_path: Path
) -> None:
    project.push()
    fork = _mirror(tmp_path, "fork.git")
    project.ada.git("remote", "set-url", "--add", "--push", "origin", str(fork.path))
    project.stored(project.ada, FILES[0]).unlink()
    done = project.ada.git.run("push", "origin", "main", check=False)
    assert done.returncode != 0
    assert fork.git("for-each-ref") == ""


def test_objects_come_from_the_address_that_git_fetches_from(
    project: LfsProject, tmp_path: Path, person: PersonFactory
) -> None:
    project.push()
    ben = person("ben").clone(project.remote)
    empty = _mirror(tmp_path, "empty.git")
    ben.git("remote", "set-url", "--add", "origin", str(empty.path))
    ben.model("unlock", "--key", str(project.key))
    project.assert_complete(ben)
