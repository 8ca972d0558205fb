"""Nothing gets round the verification of a deploy clone, whatever command Git runs.

Mallory can push. What she pushed is even in the clone, past the hook that refuses it in a
fetch; the operator then has Git write it, in every way there is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.deployments import EVIL, copied
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.deployments import Deployment
    from tests.fixtures.repositories import Repository

    Deed = Callable[[Repository], object]

DEED = "refs/remotes/origin/"


def code(repo: Repository) -> None:
    repo.write("train.py", EVIL)
    repo.write("lib/evil.py", EVIL)


def converted(repo: Repository) -> None:
    """Attributes in every place where they could take the filter away, or change bytes."""
    code(repo)
    repo.write("aaa.py", EVIL)
    repo.write("model/evil.json", EVIL)
    macros = "[attr]git-model-verified -filter\n[attr]m -filter !filter\n"
    repo.write(".gitattributes", f"{macros}* m\n*.py ident filter=lfs\naaa.py filter=\n")
    repo.write("lib/.gitattributes", "* text eol=crlf working-tree-encoding=ISO-8859-1\n")
    repo.write("model/.gitattributes", "* -filter\n*.json !filter git-model-verified\n")


def linked(path: str, target: str) -> Deed:
    def deed(repo: Repository) -> None:
        if (repo.path / path).is_dir():
            repo.git("rm", "--quiet", "-r", path)
        (repo.path / path).unlink(missing_ok=True)
        (repo.path / path).symlink_to(target)

    return deed


def swapped(repo: Repository) -> None:
    repo.write("model/config.json", repo.blob("HEAD:model/model.sig"))


def moved(repo: Repository) -> None:
    repo.git("mv", "--force", "lib/util.py", "train.py")


def as_a_link(repo: Repository) -> None:
    """Content in the place of a link's target."""
    oid = repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=EVIL)
    repo.git("update-index", "--cacheinfo", f"120000,{oid},train.py")
    repo.git("commit", "--quiet", "--message", "Link")
    repo.git("reset", "--quiet", "--hard")


def of_all(repo: Repository) -> None:
    """Links before and after the files at which Git is stopped."""
    for path in ("aaa", "lib/evil", "zzz"):
        linked(path, "/etc")(repo)
    code(repo)


DEEDS: dict[str, Deed] = {
    "code": code,
    "converted": converted,
    "swapped": swapped,
    "moved": moved,
    "link-for-a-file": linked("train.py", "/etc/passwd"),
    "new-link": linked("lib/evil", "/etc"),
    "link-for-a-directory": linked("lib", "/etc"),
    "content-as-a-link": as_a_link,
    "mode": lambda repo: (repo.path / "train.py").chmod(0o755),
    "emptied": lambda repo: repo.write("train.py", ""),
    "removed": lambda repo: repo.git("rm", "--quiet", "lib/util.py"),
    "all": of_all,
}


@pytest.fixture(scope="module")
def attacked(deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment whose clone has each deed as a branch of its remote."""
    made = copied(deployed, tmp_path_factory.mktemp("attacked") / "deployment")
    for name, deed in DEEDS.items():
        made.mallory.git("switch", "--quiet", "--create", name, "origin/main")
        deed(made.mallory)
        made.attack("origin", name)
    made.smuggle()
    return made.directory


@pytest.fixture
def victim(attacked: Path, tmp_path: Path) -> Deployment:
    """That deployment, for the test's own use."""
    return copied(attacked, tmp_path / "deployment")


def state(deployment: Deployment) -> tuple[str, str]:
    clone = deployment.clone
    return clone.git("rev-parse", "HEAD"), clone.status()


@pytest.mark.parametrize("deed", ["new-link", "emptied"])
def test_a_merge_of_it_is_refused_before_it_begins(victim: Deployment, deed: str) -> None:
    before = state(victim)
    done = victim.clone.git.run("merge", DEED + deed, check=False)
    assert "is not verified" in done.stderr
    assert state(victim) == before
    victim.assert_honest()


@pytest.mark.parametrize("deed", DEEDS)
def test_a_hard_reset_to_it_moves_no_branch(victim: Deployment, deed: str) -> None:
    before = state(victim)
    done = victim.clone.git.run("reset", "--hard", DEED + deed, check=False)
    assert done.returncode
    victim.assert_honest()
    victim.clone.git("reset", "--hard")
    assert state(victim) == before


def test_a_pull_of_it_brings_no_ref(deployment: Deployment) -> None:
    code(deployment.mallory)
    deployment.attack()
    before = state(deployment)
    for command in ("pull", "fetch", "pull --rebase"):
        done = deployment.clone.git.run(*command.split(), check=False)
        assert done.returncode
        assert "is not verified" in done.stderr
    assert state(deployment) == before
    assert deployment.clone.git("rev-parse", "origin/main") == before[0]
    deployment.assert_honest()


ALL = f"{DEED}all"
WAYS = [
    f"checkout {ALL}",
    "switch --create other --track origin/all",
    f"checkout {ALL} -- .",
    f"restore --source {ALL} --staged --worktree .",
    f"cherry-pick {ALL}",
    f"rebase {ALL}",
    f"merge --squash {ALL}",
    f"merge --no-ff {ALL}",
    f"worktree add ../tree {ALL}",
    f"archive --output ../tree.tar {ALL}",
    f"read-tree -u -m HEAD {ALL}",
    f"stash apply {ALL}",
    f"update-ref refs/heads/main {ALL}",
    f"branch --force other {ALL}",
    f"checkout {DEED}new-link",
    f"checkout {DEED}new-link -- lib/evil",
    f"read-tree -u -m HEAD {DEED}new-link",
    f"cherry-pick {DEED}new-link",
    f"restore --source {DEED}new-link lib/evil",
]


@pytest.mark.parametrize("way", WAYS)
def test_no_command_writes_it(victim: Deployment, way: str) -> None:
    before = victim.clone.git("rev-parse", "HEAD")
    victim.clone.git.run(*way.split(), check=False)
    tree = victim.directory / "tree"
    victim.assert_honest(*([tree] if tree.exists() else []))
    archive = victim.directory / "tree.tar"
    assert not archive.exists() or b"EVIL" not in archive.read_bytes()
    assert victim.clone.git("rev-parse", "HEAD") == before


def test_a_link_of_the_operator_stays(victim: Deployment) -> None:
    mine = victim.clone.path / "mine"
    mine.symlink_to("lib")
    time.sleep(0.1)  # by the clock of the file system it was there before Git began
    victim.clone.git.run("checkout", ALL, check=False)
    victim.clone.git("checkout", "--", "train.py")
    assert mine.is_symlink()


def test_rules_in_info_attributes_are_put_back_before_a_merge(victim: Deployment) -> None:
    place = victim.clone.path / ".git" / "info" / "attributes"
    before = place.read_text()
    place.write_text(f"{before}* -filter\n")
    said = victim.clone.model("doctor", check=False).stdout
    assert "info/attributes lets files into this deploy clone" in said
    victim.clone.git.run("merge", f"{DEED}code", check=False)
    assert place.read_text().endswith(before.splitlines()[-1] + "\n")
    victim.assert_honest()


def test_rules_of_the_machine_do_not_take_the_filter_away(victim: Deployment) -> None:
    rules = victim.directory / "attributes"
    rules.write_text("[attr]x -filter\n* x\n* -filter\n")
    victim.clone.git("config", "core.attributesFile", str(rules))
    for way in ("reset --hard {}", "checkout {} -- ."):
        command = way.format(f"{DEED}code").split()
        assert victim.clone.git.run(*command, check=False).returncode
    victim.assert_honest()


def test_a_patch_is_not_applied(victim: Deployment) -> None:
    patch = victim.mallory.git("format-patch", "--stdout", "-1", "origin/code")
    for command in (("apply",), ("am", "--quiet")):
        assert victim.clone.git.run(*command, stdin=f"{patch}\n", check=False).returncode
    victim.assert_honest()


def test_direct_checkout_and_unlock_write_nothing_either(victim: Deployment) -> None:
    clone = victim.clone
    clone.git(*NO_HOOKS, "read-tree", f"{DEED}swapped")
    (clone.path / "model" / "config.json").unlink()
    clone.model("checkout", check=False)
    clone.model("unlock", check=False)
    assert not (clone.path / "model" / "config.json").exists()


def test_links_that_git_made_from_the_index_go_though_others_are_not_there(
    victim: Deployment,
) -> None:
    clone = victim.clone
    clone.git(*NO_HOOKS, "read-tree", ALL)
    done = clone.git.run("checkout", "--", "zzz", check=False)
    assert "git-model: error: zzz: a link that is in no verified tree: removed" in done.stderr
    assert not (clone.path / "zzz").is_symlink()


def test_without_the_signer_nothing_is_written(deployment: Deployment) -> None:
    clone = deployment.clone
    for pin in (clone.path / ".git" / "git-model" / "trust").iterdir():
        pin.unlink()
    (clone.path / "train.py").unlink()
    done = clone.git.run("checkout", "--", "train.py", check=False)
    assert done.returncode
    assert not (clone.path / "train.py").exists()
