"""A deploy clone goes back behind nothing that it had, unless a person names the commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.deployments import copied
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from tests.fixtures.deployments import Deployment

OLD, NEW = b"print('train')\n", b"print('better')\n"
FIRST = "HEAD~1"


@pytest.fixture(scope="module")
def updated(deployed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment whose clone has pulled a second version."""
    made = copied(deployed, tmp_path_factory.mktemp("updated") / "deployment")
    made.publish(train_py=NEW.decode())
    for one in (made.clone, made.mallory):
        one.git("pull", "--quiet")
    return made.directory


@pytest.fixture
def deployment(updated: Path, tmp_path: Path) -> Deployment:
    """That deployment, for the test's own use."""
    return copied(updated, tmp_path / "deployment")


def state(deployment: Deployment) -> tuple[str, str]:
    clone = deployment.clone
    return clone.git("rev-parse", "HEAD"), clone.status()


def test_an_older_tree_is_refused(deployment: Deployment) -> None:
    clone = deployment.clone
    first, before = clone.git("rev-parse", FIRST), state(deployment)
    for way in (f"reset --hard {first}", f"checkout {first} -- .", f"branch -f x {first}"):
        done = clone.git.run(*way.split(), check=False)
        assert "goes back behind" in done.stderr, way
    clone.git("reset", "--quiet", "--hard")
    assert state(deployment) == before
    # The host takes the branch back.
    deployment.mallory.git("push", "--quiet", "--force", "origin", f"{first}:main")
    done = clone.git.run("pull", "--quiet", check=False)
    assert "goes back behind" in done.stderr
    assert state(deployment) == before


def disguised(mallory: Repository, how: str) -> str:
    """Returns a tree that signs what the first version does."""
    mallory.git("read-tree", FIRST)
    mallory.git("checkout-index", "--all", "--force")
    bundle = "model/.model-encrypted.sig"
    if how == "bundle":
        mallory.write(bundle, mallory.read(bundle) + b" ")
        mallory.git("add", "--all")
    tree = mallory.git("write-tree")
    if how == "tree":
        listed = mallory.git("ls-tree", tree).replace("100644", "100664")
        empty = mallory.git("mktree", stdin="")
        tree = mallory.git("mktree", stdin=f"{listed}\n040000 tree {empty}\tnew\n")
    return tree


@pytest.mark.parametrize("how", ["as it was", "bundle", "tree"])
def test_an_older_version_in_a_new_commit_is_refused(deployment: Deployment, how: str) -> None:
    mallory, before = deployment.mallory, state(deployment)
    tree = disguised(mallory, how)
    commit = mallory.git("commit-tree", tree, "-p", "HEAD", "-m", "Innocent")
    mallory.git("push", "--quiet", "origin", f"{commit}:main")
    done = deployment.clone.git.run("pull", "--quiet", check=False)
    assert "goes back behind" in done.stderr
    assert state(deployment) == before
    assert deployment.clone.read("train.py") == NEW


@pytest.mark.parametrize(
    "way",
    [
        f"read-tree -u --reset {FIRST}",
        f"restore --source={FIRST}^{{tree}} -- train.py",
        "revert --no-commit HEAD",
        "revert --no-edit HEAD",
    ],
)
def test_files_of_before_are_not_written_where_git_names_no_commit(
    deployment: Deployment, way: str
) -> None:
    clone, before = deployment.clone, state(deployment)
    assert clone.git.run(*way.split(), check=False).returncode
    train = clone.path / "train.py"
    assert not train.exists() or train.read_bytes() == NEW
    clone.git("reset", "--quiet", "--hard")
    assert state(deployment) == before


def test_what_is_deployed_is_written_wherever_git_has_it_from(deployment: Deployment) -> None:
    clone, before = deployment.clone, state(deployment)
    clone.git("read-tree", "-u", "--reset", "HEAD")
    clone.write("train.py", "mine\n")
    clone.git("stash", "--quiet")
    clone.git("restore", "--source=HEAD^{tree}", "--", ".")
    (clone.path / "train.py").unlink()
    clone.git("checkout", "--", "train.py")
    assert state(deployment) == before


def test_with_history_cut_off_nothing_is_new(deployment: Deployment) -> None:
    clone = deployment.clone
    clone.git("fetch", "--quiet", "--depth", "1")
    commit = deployment.publish(train_py="print('best')\n")
    done = clone.git.run("pull", "--quiet", check=False)
    assert "history is cut off" in done.stderr
    assert clone.read("train.py") == NEW
    clone.git("fetch", "--quiet", "--unshallow")
    clone.git("pull", "--quiet")
    assert clone.git("rev-parse", "HEAD") == commit


def test_a_person_goes_back_by_the_name_of_the_commit(deployment: Deployment) -> None:
    clone = deployment.clone
    first = clone.git("rev-parse", FIRST)
    clone.git("config", "git-model.rollback", first)
    assert clone.git.run("reset", "--hard", first, check=False).returncode
    clone.git("config", "--unset", "git-model.rollback")
    clone.git("-c", f"git-model.rollback={first}", "reset", "--hard", first)
    assert clone.read("train.py") == OLD
    assert "rolled-back" in (clone.path / ".git/git-model/audit.log").read_text()
    clone.git("pull", "--quiet")
    assert clone.read("train.py") == NEW


def test_without_its_memory_it_verifies_again_and_goes_not_back(deployment: Deployment) -> None:
    clone = deployment.clone
    for file in (clone.path / ".git" / "git-model").glob("memory*"):
        file.unlink()
    (clone.path / "train.py").unlink()
    clone.git("checkout", "--", "train.py")
    assert clone.read("train.py") == NEW
    assert clone.git.run("reset", "--hard", FIRST, check=False).returncode


def test_a_new_branch_is_measured_by_what_a_reset_deployed(deployment: Deployment) -> None:
    """From git 2.48 the hook is told of the branch alone, and no longer of HEAD."""
    clone = deployment.clone
    second = clone.git("rev-parse", "HEAD")
    deployment.publish(train_py="print('best')\n")
    clone.git("fetch", "--quiet")
    clone.git("reset", "--quiet", "--hard", "origin/main")
    done = clone.git.run("branch", "other", second, check=False)
    assert "goes back behind" in done.stderr
    assert clone.read("train.py") == b"print('best')\n"


def test_what_was_signed_in_another_repository_is_refused(deployment: Deployment) -> None:
    another = Repository(deployment.directory / "another")
    another.write("train.py", "print('another project')\n")
    another.git("init", "--quiet")
    ada = deployment.ada
    fingerprint = ada.git("config", "git-model.signingKey")
    keys = Path(ada.env.get("HOME") or Path.home())
    key = next(keys.rglob(f"{fingerprint}.pem"))
    another.model("init", "--signing-key", str(key))
    another.commit("Another project")
    mallory, before = deployment.mallory, state(deployment)
    mallory.git("fetch", "--quiet", str(another.path), "HEAD")
    commit = mallory.git("commit-tree", "FETCH_HEAD^{tree}", "-p", "HEAD", "-m", "Innocent")
    mallory.git("push", "--quiet", "origin", f"{commit}:main")
    done = deployment.clone.git.run("pull", "--quiet", check=False)
    assert "signed in another repository" in done.stderr
    assert state(deployment) == before
