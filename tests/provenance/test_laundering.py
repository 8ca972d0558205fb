"""Signing never launders: what came unsigned is signed only when a person says so.

Mallory has the AES key, may push, and is trusted by nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import assert_clean, assert_signed
from tests.fixtures.repositories import Repository, hookless
from tests.provenance.scenes import asked, sign, verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project, Publication

CONFIG = '{\n  "layers": %d,\n  "heads": 4,\n  "width": %d\n}\n'


@pytest.fixture(scope="module")
def versions(publication: Publication, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    """The model in two versions, with Mallory's clone."""
    made = publication.again(tmp_path_factory.mktemp("versions"))
    ada = made.project.ada
    ada.write("model.safetensors", b"version 2")
    ada.write("other.bin", b"another file")
    ada.commit()
    ada.git("push", "--quiet")
    made.project.unlocked(made.person("mallory"))
    return made


@pytest.fixture
def project(versions: Publication, home: Path, tmp_path: Path) -> Project:
    return versions.copy(tmp_path, home)


@pytest.fixture
def mallory(versions: Publication, project: Project, person: PersonFactory) -> Repository:
    """Mallory's clone, where she has Git run no hooks."""
    return hookless(versions.clone(person("mallory"), project))


def forge(mallory: Repository) -> list[str]:
    mallory.write("model.safetensors", b"forged weights")
    return ["model.safetensors"]


def swap(mallory: Repository) -> list[str]:
    one, other = mallory.read("model.safetensors"), mallory.read("other.bin")
    mallory.write("model.safetensors", other)
    mallory.write("other.bin", one)
    return ["model.safetensors", "other.bin"]


def roll_back(mallory: Repository) -> list[str]:
    mallory.git("checkout", "HEAD~1", "--", "model.safetensors")
    return ["model.safetensors"]


def change_code(mallory: Repository) -> list[str]:
    mallory.write("train.py", "import os; os.system('evil')\n")
    return ["train.py"]


def change_policy(mallory: Repository) -> list[str]:
    mallory.write(".gitattributes", "* !filter\n")
    return [".gitattributes"]


ATTACKS = [forge, swap, roll_back, change_code, change_policy]


def publish(mallory: Repository, attack: Callable[[Repository], list[str]]) -> list[str]:
    """Pushes what somebody attacks with, to main and a branch; returns the paths."""
    paths = attack(mallory)
    mallory.commit("Nothing to see here")
    mallory.git(
        "push", "--quiet", "--no-verify", "--force", "origin", "HEAD:main", "HEAD:mallory"
    )
    return paths


def refuse(repo: Repository) -> None:
    """Has this clone make no commit that nobody vouches for."""
    repo.git("config", "git-model.unvouched", "refuse")


def assert_unsigned(repo: Repository, paths: list[str], *command: str) -> None:
    """Fails unless a commit is made without a signature, and just these paths are named.

    Only what Mallory touched: a list of everything would be adopted unread.
    """
    head = repo.git("rev-parse", "HEAD")
    said = repo.git.run(*(command or ("commit", "--message", "Innocent")))
    assert verdict(repo, said) == asked(*paths)
    assert repo.git("rev-parse", "HEAD") != head


def assert_refused(repo: Repository, paths: list[str], *command: str) -> None:
    """Fails unless a commit is refused, nothing has changed, and just these paths are named."""
    head = repo.git("rev-parse", "HEAD")
    said = repo.git.run(*(command or ("commit", "--message", "Innocent")), check=False)
    assert said.returncode == 1, said.stderr
    listed = [line[2:] for line in said.stderr.splitlines() if line.startswith("  ")]
    assert [line.split(" (")[0] for line in listed] == paths
    assert "without a trusted signature" in said.stderr
    assert "git model sign --adopt PATH" in said.stderr
    assert repo.git("rev-parse", "HEAD") == head


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_next_innocent_commit_is_unsigned_until_one_adopts(
    project: Project, mallory: Repository, attack: Callable[[Repository], list[str]]
) -> None:
    paths = publish(mallory, attack)
    said = project.ada.git.run("pull", "--quiet").stderr
    assert "is unverified" in said
    head = project.ada.git("rev-parse", "HEAD")
    project.ada.write("README.md", "# Better\n")
    project.ada.git("add", "--all")

    assert_unsigned(project.ada, paths)

    project.ada.model("sign", *(f"--adopt={path}" for path in paths))
    assert_signed(project.ada)
    assert project.ada.git("rev-parse", "HEAD~1") == head
    assert project.ada.git("log", "-1", "--format=%s") == "Innocent"


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_next_innocent_commit_is_refused_where_that_is_set(
    project: Project, mallory: Repository, attack: Callable[[Repository], list[str]]
) -> None:
    refuse(project.ada)
    paths = publish(mallory, attack)
    project.ada.git("pull", "--quiet")
    project.ada.write("README.md", "# Better\n")
    project.ada.git("add", "--all")

    assert_refused(project.ada, paths)
    assert project.ada.git("diff", "--cached", "--name-only") == "README.md"


def test_adopting_signs_and_is_needed_once(project: Project, mallory: Repository) -> None:
    paths = publish(mallory, forge)
    project.ada.git("pull", "--quiet")
    project.ada.write("README.md", "# Better\n")
    project.ada.git("add", "--all")

    said = project.ada.model("sign", "--adopt", *paths)

    assert "adopted model.safetensors" in said.stderr
    project.ada.git("commit", "--quiet", "--message", "Checked it")
    assert_clean(project.ada)
    assert_signed(project.ada)
    project.ada.write("README.md", "# Best\n")
    project.ada.commit()
    assert_signed(project.ada)


def test_adopting_something_else_does_not_help(project: Project, mallory: Repository) -> None:
    publish(mallory, swap)
    project.ada.git("pull", "--quiet")
    refused = project.ada.model("sign", "--adopt", "other.bin", check=False)
    assert refused.returncode == 1
    assert verdict(project.ada, refused) == asked("model.safetensors")
    project.ada.model("sign", "--adopt", "model.safetensors")
    refused = project.ada.model("sign", "--adopt", "no such file", check=False)
    assert refused.returncode == 1
    assert "no such file" in refused.stderr


def test_a_soft_reset_below_it_does_not_launder(project: Project, mallory: Repository) -> None:
    paths = publish(mallory, forge)
    project.ada.git("pull", "--quiet")
    project.ada.git("reset", "--quiet", "--soft", "HEAD~1")
    assert_unsigned(project.ada, paths)


def test_amending_does_not_launder(project: Project, mallory: Repository) -> None:
    paths = publish(mallory, forge)
    project.ada.git("pull", "--quiet")
    assert_unsigned(project.ada, paths, "commit", "--amend", "--no-edit")
    refused = sign(project.ada)
    assert refused.returncode == 1
    assert verdict(project.ada, refused) == asked(*paths)


@pytest.mark.parametrize("attack", [forge, swap, change_code])
def test_merging_the_branch_does_not_launder(
    project: Project, mallory: Repository, attack: Callable[[Repository], list[str]]
) -> None:
    paths = publish(mallory, attack)
    project.ada.git("fetch", "--quiet")
    project.ada.write("README.md", "# Ada\n")
    project.ada.commit()

    assert_unsigned(project.ada, paths, "merge", "--no-edit", "origin/mallory")

    assert_clean(project.ada)
    project.ada.model("sign", *(f"--adopt={path}" for path in paths))
    assert_signed(project.ada)
    merged = project.ada.git("rev-parse", "origin/mallory")
    assert project.ada.git("rev-parse", "HEAD^2") == merged


@pytest.mark.parametrize("attack", [forge, swap, change_code])
def test_merging_the_branch_is_refused_where_that_is_set(
    project: Project, mallory: Repository, attack: Callable[[Repository], list[str]]
) -> None:
    refuse(project.ada)
    paths = publish(mallory, attack)
    project.ada.git("fetch", "--quiet")
    project.ada.write("README.md", "# Ada\n")
    project.ada.commit()

    assert_refused(project.ada, paths, "merge", "--no-edit", "origin/mallory")
    assert_refused(project.ada, paths)
    project.ada.git("merge", "--abort")
    assert_clean(project.ada)


@pytest.mark.parametrize(
    "command",
    [
        ("merge", "--quiet", "--squash", "origin/mallory"),
        ("checkout", "--quiet", "origin/mallory", "--", "model.safetensors"),
        ("restore", "--staged", "--worktree", "--source=origin/mallory", "model.safetensors"),
    ],
    ids=["squash", "checkout", "restore"],
)
def test_taking_the_file_over_does_not_launder(
    project: Project, mallory: Repository, command: tuple[str, ...]
) -> None:
    paths = publish(mallory, forge)
    project.ada.git("fetch", "--quiet")
    project.ada.git(*command)
    assert_unsigned(project.ada, paths)


def test_a_text_merged_with_what_is_untrusted_stays_untrusted(
    project: Project, mallory: Repository
) -> None:
    mallory.write("config.json", CONFIG % (3, 8))
    mallory.commit()
    mallory.git("push", "--quiet", "--no-verify", "origin", "HEAD:mallory")
    project.ada.git("fetch", "--quiet")
    project.ada.write("config.json", CONFIG % (2, 16))
    project.ada.commit()

    assert_unsigned(project.ada, ["config.json"], "merge", "--no-edit", "origin/mallory")
    # Given up and tried again in a way that leaves no trace of the other parent.
    project.ada.git("reset", "--quiet", "--hard", "HEAD~1")
    project.ada.git("merge", "--quiet", "--squash", "origin/mallory")
    assert project.ada.read("config.json").decode() == CONFIG % (3, 16)
    assert_unsigned(project.ada, ["config.json"])


def test_a_rebase_onto_it_does_not_launder(project: Project, mallory: Repository) -> None:
    paths = publish(mallory, forge)
    project.ada.write("README.md", "# Ada\n")
    project.ada.commit()
    said = project.ada.git.run("pull", "--rebase")
    assert "is unverified" in said.stderr
    refused = sign(project.ada)
    assert refused.returncode == 1
    assert verdict(project.ada, refused) == asked(*paths)
    project.ada.write("README.md", "# Ada again\n")
    project.ada.git("add", "--all")
    assert_unsigned(project.ada, paths)


def test_work_on_top_of_a_forged_file_is_adopted_as_well(
    project: Project, mallory: Repository
) -> None:
    # What is made of a forged file holds some of it: a new blob proves nothing.
    paths = publish(mallory, forge)
    project.ada.git("pull", "--quiet")
    forged = project.ada.read("model.safetensors")
    project.ada.write("model.safetensors", forged + b", edited by Ada")
    project.ada.git("add", "--all")
    assert_unsigned(project.ada, paths)
    project.ada.model("sign", "--adopt", *paths)
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_going_back_to_the_last_verified_state_needs_no_leave(
    project: Project, mallory: Repository
) -> None:
    publish(mallory, forge)
    project.ada.git("pull", "--quiet")
    project.ada.git("checkout", "HEAD~1", "--", ".")
    project.ada.git("commit", "--quiet", "--message", "Back to what was signed")
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_an_untrusted_signature_is_none(
    project: Project, versions: Publication, person: PersonFactory
) -> None:
    mallory = versions.clone(person("mallory"), project)
    private, public = str(mallory.path / "../m.pem"), str(mallory.path / "../m.pub")
    mallory.model("key", "generate-signing", private, public)
    mallory.model("unlock", "--signing-key", private)
    paths = publish(mallory, forge)
    assert_signed(mallory)
    project.ada.git("pull", "--quiet")
    project.ada.write("README.md", "# Better\n")
    project.ada.git("add", "--all")
    assert_unsigned(project.ada, paths)


def test_renames_and_copies_of_verified_files_are_fine(project: Project) -> None:
    project.ada.git("mv", "model.safetensors", "weights.safetensors")
    project.ada.write("copy.json", project.ada.read("config.json"))
    project.ada.commit()
    assert_clean(project.ada)
    assert_signed(project.ada)


def test_a_fresh_clone_of_a_signer_commits_without_being_asked(
    project: Project, person: PersonFactory
) -> None:
    bob = project.signing(person("bob"))
    bob.write("new.bin", b"new")
    bob.write("train.py", "print('bob')\n")
    bob.commit()
    assert_clean(bob)
    assert_signed(bob)


def test_unsigned_work_of_a_colleague_is_adopted_file_by_file(
    project: Project, person: PersonFactory
) -> None:
    bob = project.unlocked(person("bob"))
    for number in (1, 2):
        bob.write(f"bob-{number}.bin", b"work")
        bob.commit()
    bob.git("push", "--quiet", "origin", "main:bob")
    project.ada.git("pull", "--quiet", "origin", "bob")
    project.ada.write("README.md", "# Better\n")
    project.ada.git("add", "--all")
    assert_unsigned(project.ada, ["bob-1.bin", "bob-2.bin"])
    project.ada.model("sign", "--adopt", "bob-*.bin")
    assert_signed(project.ada)


def test_an_older_version_made_in_another_work_tree_is_no_more_made_here(
    project: Project, mallory: Repository, tmp_path: Path
) -> None:
    ada = project.ada
    ada.git("worktree", "add", "--quiet", "-b", "side", tmp_path / "side")
    side = Repository(tmp_path / "side", ada.env)
    side.write("model.safetensors", b"version 3")
    side.commit("In the other work tree")
    ada.git("merge", "--quiet", "--ff-only", "side")
    ada.write("model.safetensors", b"version 4")
    ada.commit("And on")
    ada.git("push", "--quiet")
    mallory.git("pull", "--quiet")
    mallory.git("checkout", "HEAD~1", "--", "model.safetensors")
    mallory.git("commit", "--quiet", "--message", "typo")
    mallory.git("push", "--quiet", "--no-verify")
    ada.git("pull", "--quiet")
    ada.write("README.md", "# Innocent\n")
    ada.git("add", "README.md")
    assert_unsigned(ada, ["model.safetensors"])
