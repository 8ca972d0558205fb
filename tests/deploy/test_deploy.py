"""`git model clone --deploy`: what it does on a good day, and when it must not."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import FAILED, UNCHECKED
from tests.fixtures.deployments import EVIL, SECRET
from tests.fixtures.lfs_projects import FILES
from tests.fixtures.people import assert_clean
from tests.fixtures.repositories import NO_HOOKS, Repository

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from tests.fixtures.deployments import Deployment
    from tests.fixtures.lfs_projects import LfsProjectFactory


def deploy(
    deployment: Deployment,
    *options: str,
    name: str = "new",
    key: bool = True,
    signer: bool = True,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[Any]:
    """Deploys once more, with Ada's key and as signed by her unless that is left out."""
    usual = ("--key", "aes256.bin") * key + ("--public-key", "ada.pub") * signer
    return deployment.ada.model(
        *("clone", "--deploy", "remote.git", name, *usual, *options),
        cwd=deployment.directory,
        check=False,
        env=env or {},
    )


AtClone = Callable[[str], dict[str, str]]


@pytest.fixture
def at_clone(tmp_path: Path) -> AtClone:
    """An environment in which a command runs once, just before Git clones."""

    def wrapped(command: str) -> dict[str, str]:
        git = tmp_path / "wrapper" / "git"
        git.parent.mkdir(exist_ok=True)
        git.write_text(
            "#!/bin/sh\n"
            f"PATH={shlex.quote(os.environ['PATH'])}\n"
            f'case " $* " in *" clone "*) ({command}) >&2 ;; esac\n'
            'exec git "$@"\n'
        )
        git.chmod(0o755)
        return {"PATH": f"{git.parent}{os.pathsep}{os.environ['PATH']}"}

    return wrapped


def assert_nothing(deployment: Deployment, name: str = "new") -> None:
    assert not (deployment.directory / name).exists()


def files(deployment: Deployment, name: str = "new") -> list[str]:
    return sorted(path.name for path in (deployment.directory / name).iterdir())


def test_a_deploy_clone_is_what_was_signed_with_modes_and_links(deployment: Deployment) -> None:
    clone = deployment.clone
    for path in deployment.ada.git("ls-files").splitlines():
        ours, theirs = clone.path / path, deployment.ada.path / path
        assert ours.is_symlink() == theirs.is_symlink()
        assert ours.stat().st_mode == theirs.stat().st_mode
        assert ours.is_dir() or ours.read_bytes() == theirs.read_bytes()
    assert (clone.path / "current").readlink().name == "lib"
    assert_clean(clone)
    clone.model("verify")


def test_it_needs_a_signer(deployment: Deployment) -> None:
    done = deployment.ada.model(
        "clone", "--deploy", "remote.git", "new", cwd=deployment.directory, check=False
    )
    assert done.returncode == 2
    assert "--deploy needs --public-key" in done.stderr
    assert not (deployment.directory / "new").exists()


def test_it_needs_all_of_history(deployment: Deployment) -> None:
    done = deploy(deployment, "--depth", "1")
    assert done.returncode == 2
    assert "--deploy needs all of history" in done.stderr
    # The remote itself may be cut off.
    remote = deployment.remote
    remote.write("shallow", f"{remote.git('rev-parse', 'main')}\n")
    done = deploy(deployment)
    assert done.returncode
    assert "its history is cut off" in done.stderr
    assert_nothing(deployment)


@pytest.mark.parametrize("deed", ["code", "a link", "swapped blobs", "no signature"])
def test_what_is_not_signed_leaves_no_file(deployment: Deployment, deed: str) -> None:
    mallory = deployment.mallory
    if deed == "code":
        mallory.write("train.py", EVIL)
    elif deed == "a link":
        (mallory.path / "lib" / "util.py").unlink()
        (mallory.path / "lib" / "util.py").symlink_to("/etc/passwd")
    elif deed == "swapped blobs":
        mallory.write("model/config.json", mallory.blob("HEAD:model/model.sig"))
    else:
        mallory.git("rm", "--quiet", "model/.model-encrypted.sig")
    deployment.attack()
    done = deploy(deployment)
    assert done.returncode == FAILED
    assert "is not deployed" in done.stderr
    assert "hint: nothing is left of it" in done.stderr
    assert_nothing(deployment)


def test_an_unknown_signer_or_a_missing_key_leaves_nothing(deployment: Deployment) -> None:
    deployment.ada.model("key", "generate-signing", "../x.pem", "../x.pub")
    done = deploy(deployment, "--public-key", "x.pub", signer=False)
    assert done.returncode == FAILED
    assert "untrusted signer" in done.stderr
    assert_nothing(deployment)
    deployment.ada.model("key", "generate", "../wrong.bin")
    done = deploy(deployment, "--key", "wrong.bin", key=False, name="a/b")
    assert done.returncode == UNCHECKED
    assert "wrong key" in done.stderr
    assert not (deployment.directory / "a").exists()


def test_what_cannot_be_read_is_told_before_anything_is_fetched(
    deployment: Deployment,
) -> None:
    deployment.remote.path.rename(deployment.remote.path.with_name("away"))
    for options, told in {
        ("--key", "no.bin"): "no.bin: cannot read the key",
        ("--public-key", "no.pub"): "no.pub: cannot read the key",
    }.items():
        done = deploy(deployment, *options, key="--key" not in options)
        assert done.returncode == UNCHECKED
        assert told in done.stderr
    done = deploy(deployment, key=False, env={"GIT_MODEL_KEY": "no key"})
    assert (done.returncode, "GIT_MODEL_KEY: not a key" in done.stderr) == (UNCHECKED, True)
    done = deploy(deployment)
    assert done.returncode == UNCHECKED
    assert "away" not in done.stderr
    assert_nothing(deployment)


def test_a_failure_removes_what_it_made_and_nothing_else(deployment: Deployment) -> None:
    deployment.mallory.write("train.py", EVIL)
    deployment.attack()
    (deployment.directory / "new").mkdir()
    assert deploy(deployment).returncode == FAILED
    assert files(deployment) == []
    (deployment.directory / "new" / "own").write_bytes(b"mine")
    done = deploy(deployment)
    assert done.returncode == UNCHECKED
    assert "exists and is not empty" in done.stderr
    assert files(deployment) == ["own"]


def test_a_deployment_that_another_process_made_meanwhile_stays(
    deployment: Deployment, at_clone: AtClone
) -> None:
    (deployment.directory / "new").mkdir()
    for name in ("new", "a/b"):
        place = deployment.directory / name
        env = at_clone(f"cp -r {deployment.clone.path}/. {place}")
        assert deploy(deployment, name=name, env=env).returncode == UNCHECKED
        assert files(deployment, name) == files(deployment, "clone")
        assert (place / ".git" / "config").is_file()


def test_two_deployments_to_one_directory_do_not_meet(
    deployment: Deployment, at_clone: AtClone
) -> None:
    other = "git-model clone --deploy remote.git new --key aes256.bin --public-key ada.pub"
    env = at_clone(f"cd {deployment.directory}; {other} 2>other; echo $? >status")
    for is_there in (False, True):
        if is_there:
            shutil.rmtree(deployment.directory / "new")
            (deployment.directory / "new").mkdir()
        assert deploy(deployment, env=env).returncode == 0
        assert (deployment.directory / "status").read_text() == f"{UNCHECKED}\n"
        assert "another process clones into it" in (deployment.directory / "other").read_text()
        assert files(deployment) == files(deployment, "clone")


def test_what_is_no_directory_is_refused(deployment: Deployment) -> None:
    (deployment.directory / "new").write_bytes(b"mine")
    done = deploy(deployment)
    assert (done.returncode, "exists and is no directory" in done.stderr) == (UNCHECKED, True)
    done = deploy(deployment, name="new/below")
    assert (done.returncode, "cannot be made" in done.stderr) == (UNCHECKED, True)
    assert (deployment.directory / "new").read_bytes() == b"mine"


def test_a_quiet_clone_says_nothing(deployment: Deployment) -> None:
    done = deploy(deployment, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_expected_commit_is_asked_for(deployment: Deployment) -> None:
    first = deployment.ada.git("rev-parse", "HEAD")
    second = deployment.publish(train_py="print('better')\n")
    done = deploy(deployment, "--expect", first)
    assert done.returncode == FAILED
    assert f"{second} is not the commit {first}" in done.stderr
    assert_nothing(deployment)
    assert deploy(deployment, "--expect", second, name="a").returncode == 0
    for said in ("main", second[:12]):
        refused = deploy(deployment, "--expect", said, name="b")
        assert refused.returncode == 2
        assert f"--expect: '{said}' is " in refused.stderr
    assert deploy(deployment, "--at-least", second[:12], name="b").returncode == 2
    lost = deploy(deployment, "--at-least", "v9", name="c")
    assert lost.returncode == UNCHECKED
    assert "--at-least: v9: no such revision" in lost.stderr
    assert_nothing(deployment, "c")


def test_a_pull_of_what_is_signed_goes_through(deployment: Deployment) -> None:
    ada, clone = deployment.ada, deployment.clone
    (ada.path / "new").symlink_to("lib")
    (ada.path / "train.py").chmod(0o755)
    ada.write("model/vocab.json", SECRET)
    commit = deployment.publish(new_py="print('new')\n")
    said = clone.git.run("pull", "--quiet").stderr
    assert "warning" not in said
    assert clone.git("rev-parse", "HEAD") == commit
    assert clone.read("model/vocab.json") == SECRET.encode()
    assert (clone.path / "new").is_symlink()
    assert (clone.path / "train.py").stat().st_mode & 0o100
    assert_clean(clone)


def test_git_commands_on_verified_content_work(deployment: Deployment) -> None:
    clone = deployment.clone
    for path in ("model/config.json", "train.py"):
        (clone.path / path).unlink()
    clone.git("checkout", "--", "train.py")
    clone.git("restore", ".")
    clone.write("train.py", "mine\n")
    clone.git("stash", "--quiet")
    assert clone.read("train.py") == b"print('train')\n"
    clone.git("worktree", "add", "--quiet", "../tree")
    assert (deployment.directory / "tree" / "model" / "config.json").read_text() == SECRET
    clone.git("archive", "HEAD", "--output", "../a.tar")
    assert SECRET.encode() in (deployment.directory / "a.tar").read_bytes()
    clone.git("switch", "--quiet", "--create", "side")
    clone.git("switch", "--quiet", "main")
    assert_clean(clone)


def test_the_environment_does_not_turn_verification_off(deployment: Deployment) -> None:
    deployment.mallory.write("train.py", EVIL)
    deployment.attack()
    off = {"GIT_MODEL_VERIFY": "off"}
    done = deployment.clone.git.run("pull", "--quiet", env=off, check=False)
    assert done.returncode
    command = ("-c", "git-model.deploy=false", "reset", "--hard", "FETCH_HEAD")
    assert deployment.clone.git.run(*command, env=off, check=False).returncode
    deployment.assert_honest()


def test_a_mistyped_mode_is_an_error(deployment: Deployment) -> None:
    ada = deployment.ada
    done = ada.git.run("checkout", "HEAD", env={"GIT_MODEL_VERIFY": "enforced"}, check=False)
    assert "'enforced' is no way to verify" in done.stderr
    ada.git("config", "git-model.verify", "enforce")
    ada.write("train.py", "unsigned\n")
    ada.git("commit", "--quiet", "--all", "--no-verify", "--message", "x")
    assert ada.git.run("checkout", "--detach", check=False).returncode == 1


def test_expect_and_at_least_pin_a_commit(deployment: Deployment) -> None:
    ada = deployment.ada
    first = ada.git("rev-parse", "HEAD")
    second = deployment.publish(train_py="print('better')\n")
    ada.model("verify", "--expect", second)
    ada.model("verify", "HEAD", "--expect", second[:10], "--at-least", first)
    older = ada.model("verify", first, "--at-least", second, check=False)
    assert older.returncode == 1
    assert "rolled back" in older.stdout
    other = ada.model("verify", "--expect", first, check=False)
    assert other.returncode == 1
    assert "another commit" in other.stdout
    assert ada.model("verify", "--expect", second[:4], check=False).returncode == 2
    assert ada.model("verify", "--expect", "main", check=False).returncode == 2


def test_objects_of_git_lfs_are_verified_by_every_road(lfs_project: LfsProjectFactory) -> None:
    project = lfs_project()
    project.push()
    ada, directory = project.ada, project.key.parent
    keys = project.keys
    ada.model("clone", "--deploy", *keys, str(project.remote.path), "mine", cwd=directory)
    clone = Repository(directory / "mine")
    project.assert_complete(clone)
    assert_clean(clone)
    large, other = FILES[:2]
    ada.write(large, project.content[other] + b"more")
    ada.commit()
    project.push()
    clone.git("config", "git-model.directThreshold", "100k")
    clone.git("pull", "--quiet")
    assert clone.read(large) == ada.read(large)
    # Somebody without a key has one pointer stand for another file.
    ada.git(
        *NO_HOOKS,
        "update-index",
        "--cacheinfo",
        f"100644,{ada.git('rev-parse', f':{other}')},{large}",
    )
    ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Swapped")
    ada.git(*NO_HOOKS, "push", "--quiet")
    clone.git(*NO_HOOKS, "fetch", "--quiet")
    for direct in ("100k", "1g"):
        clone.git("config", "git-model.directThreshold", direct)
        clone.git.run("reset", "--hard", "origin/main", check=False)
        assert not (clone.path / large).exists()
    clone.git(*NO_HOOKS, "read-tree", "origin/main")
    # Its pointer stands there, as the filter would have left it.
    clone.write(large, clone.blob(f":{large}"))
    for command in ("checkout", "unlock"):
        assert clone.model(command, check=False).returncode == 1
    assert len(clone.read(large)) < 200
