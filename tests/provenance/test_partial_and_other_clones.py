"""Clones of all kinds: nothing is fetched for a look, and no verdict is another one."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.lfs_projects import FILES
from tests.fixtures.people import founded
from tests.fixtures.repositories import NO_HOOKS, Repository
from tests.provenance.scenes import (
    CODE,
    EVIL_LINE,
    MODEL,
    OWN_LINE,
    SIGNED,
    TEXT,
    TOOL,
    append,
    asked,
    bring_tool,
    change_code,
    commit,
    forge,
    lose_memory,
    prepend,
    push,
    readme,
    shallow_clone,
    signing_key,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProjectFactory
    from tests.fixtures.people import Person, Project


def partial_clone(project: Project, home: Path, kind: str) -> Repository:
    """Clones without the objects of a kind for Ada, who signs there too."""
    project.remote.git("config", "uploadpack.allowFilter", "true")
    project.remote.git("config", "uploadpack.allowAnySHA1InWant", "true")
    path = project.ada.path.with_name("partial")
    url = f"file://{project.remote.path}"
    project.ada.git("clone", "--filter", kind, url, str(path))
    clone = Repository(path)
    keys = ("--key", str(project.key), "--signing-key", str(signing_key(home)))
    clone.model("unlock", *keys)
    return clone


def missing(repo: Repository) -> int:
    """Counts the objects that the remote has promised, and that are not here."""
    words = ("rev-list", "--objects", "--all", "--missing=print")
    return sum(line.startswith("?") for line in repo.git(*words).splitlines())


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
class TestPartial:
    def test_a_fetch_downloads_nothing_more(
        self, published: Project, home: Path, mallory: Repository, kind: str
    ) -> None:
        clone = partial_clone(published, home, kind)
        plain = Repository(clone.path.with_name("plain"))
        shutil.copytree(clone.path, plain.path, symlinks=True)
        for number in range(3):
            mallory.write(TOOL, TEXT.replace("text", f"evil text {number}"))
            push(mallory, "evil")
        before = missing(clone)
        clone.git("fetch")
        plain.git(*NO_HOOKS, "fetch")
        assert before < missing(clone) == missing(plain)

    def test_own_work_is_signed_and_downloads_nothing(
        self, published: Project, home: Path, mallory: Repository, kind: str
    ) -> None:
        clone = partial_clone(published, home, kind)
        forge(mallory)
        clone.git("fetch")
        before = missing(clone)
        readme(clone)
        clone.write(MODEL, weights(9))
        assert verdict(clone, commit(clone)) == SIGNED
        assert missing(clone) == before

    def test_a_strangers_commit_is_asked_about(
        self, published: Project, home: Path, mallory: Repository, kind: str
    ) -> None:
        clone = partial_clone(published, home, kind)
        change_code(mallory, "main")
        clone.git("pull")
        readme(clone)
        assert verdict(clone, commit(clone)) == asked(CODE)

    @pytest.mark.parametrize(
        ("deed", "path", "own"),
        [(bring_tool, TOOL, ""), (change_code, CODE, OWN_LINE), (forge, MODEL, "")],
        ids=["a text", "a text that was edited", "weights"],
    )
    def test_what_was_checked_out_of_a_strangers_branch(
        self,
        published: Project,
        home: Path,
        mallory: Repository,
        kind: str,
        deed: Callable[[Repository], None],
        path: str,
        own: str,
    ) -> None:
        clone = partial_clone(published, home, kind)
        deed(mallory)
        clone.git("fetch")
        clone.git("checkout", "origin/evil", "--", path)
        if own:
            append(clone, path, own)
        assert verdict(clone, commit(clone)) == asked(path)

    def test_with_the_memory_lost(
        self, published: Project, home: Path, mallory: Repository, kind: str
    ) -> None:
        clone = partial_clone(published, home, kind)
        change_code(mallory, "main")
        clone.git("pull")
        before = missing(clone)
        lose_memory(clone)
        clone.write(MODEL, weights(9))
        assert verdict(clone, commit(clone)) == asked(CODE)
        assert missing(clone) == before


class TestShallow:
    @pytest.mark.parametrize("depth", [1, 2])
    def test_own_work_on_a_signed_tip(self, published: Project, home: Path, depth: int) -> None:
        clone = shallow_clone(published, home, depth=depth)
        readme(clone)
        clone.write(MODEL, weights(9))
        assert verdict(clone, commit(clone)) == SIGNED

    def test_a_strangers_commit_that_was_fetched_shallow(
        self, published: Project, home: Path, mallory: Repository
    ) -> None:
        clone = shallow_clone(published, home, depth=1)
        for _ in range(3):
            append(mallory, CODE, EVIL_LINE)
            push(mallory, "main")
        clone.git("fetch", "--depth", "1")
        clone.git("reset", "--hard", "origin/main")
        readme(clone)
        found = verdict(clone, commit(clone))
        assert not found.is_signed
        assert CODE in found.paths

    def test_a_clone_that_is_made_whole(
        self, published: Project, home: Path, mallory: Repository
    ) -> None:
        change_code(mallory, "main")
        readme(mallory)
        push(mallory, "main")
        clone = shallow_clone(published, home, depth=1)
        clone.git("fetch", "--unshallow")
        clone.write(MODEL, weights(9))
        found = verdict(clone, commit(clone))
        assert found == asked(CODE, "README.md")

    def test_a_text_of_before_that_came_when_the_clone_was_made_whole(
        self, published: Project, home: Path, mallory: Repository
    ) -> None:
        bring_tool(mallory, "evil")
        mallory.git("rm", TOOL)
        push(mallory, "evil")
        clone = shallow_clone(published, home, depth=1)
        clone.git("fetch", "--depth", "1", "origin", "+refs/heads/*:refs/remotes/origin/*")
        clone.git("fetch", "--unshallow")
        clone.git("checkout", "origin/evil~1", "--", TOOL)
        append(clone, TOOL, OWN_LINE)
        assert verdict(clone, commit(clone)) == asked(TOOL)


@pytest.fixture
def sha256(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository of Ada's that names objects by SHA-256, with its remote."""
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    directory = tmp_path / "sha256"
    directory.mkdir()
    made = founded(directory)
    repo = Repository(made.path)
    repo.write(MODEL, weights(1))
    repo.write(CODE, TEXT)
    repo.model("init")
    repo.commit("First")
    repo.git("push", "--set-upstream", "origin", "main")
    return repo


def stranger_of(repo: Repository, who: Person) -> Repository:
    """Clones for somebody who has no key: clear files are all that they change."""
    remote = Repository(repo.path.with_name("remote.git"))
    return who.clone(remote)


class TestSha256:
    def test_own_work(self, sha256: Repository) -> None:
        sha256.write(MODEL, weights(2))
        append(sha256, CODE, OWN_LINE)
        assert verdict(sha256, commit(sha256)) == SIGNED
        sha256.git("checkout", "HEAD~1", "--", MODEL)
        assert verdict(sha256, commit(sha256)) == SIGNED

    def test_a_strangers_commit(self, sha256: Repository, ben: Person) -> None:
        stranger = stranger_of(sha256, ben)
        change_code(stranger, "main")
        sha256.git("pull")
        sha256.write(MODEL, weights(2))
        assert verdict(sha256, commit(sha256)) == asked(CODE)

    def test_a_strangers_text_that_is_merged(self, sha256: Repository, ben: Person) -> None:
        stranger = stranger_of(sha256, ben)
        change_code(stranger)
        sha256.git("fetch")
        prepend(sha256, CODE, OWN_LINE)
        commit(sha256)
        sha256.git("cherry-pick", "--no-commit", "origin/evil")
        assert verdict(sha256, commit(sha256)) == asked(CODE)

    def test_a_rebase(self, sha256: Repository, ben: Person) -> None:
        stranger = stranger_of(sha256, ben)
        change_code(stranger)
        sha256.git("fetch")
        sha256.write(MODEL, weights(2))
        commit(sha256)
        sha256.git("rebase", "origin/evil")
        sha256.write("own.py", OWN_LINE)
        assert verdict(sha256, commit(sha256)) == asked(CODE)

    def test_with_the_memory_lost(self, sha256: Repository, ben: Person) -> None:
        stranger = stranger_of(sha256, ben)
        change_code(stranger, "main")
        sha256.git("pull")
        lose_memory(sha256)
        sha256.write(MODEL, weights(2))
        assert verdict(sha256, commit(sha256)) == asked(CODE)


class TestLfs:
    @pytest.fixture
    def large(self, lfs_project: LfsProjectFactory) -> Project:
        project = lfs_project()
        project.push()
        return project

    @pytest.fixture
    def eve(self, large: Project, ben: Person) -> Repository:
        return large.unlocked(ben)

    def test_own_work(self, large: Project) -> None:
        large.ada.write(FILES[0], weights(9) * 40)
        assert verdict(large.ada, commit(large.ada)) == SIGNED
        large.ada.git("mv", FILES[0], "moved.safetensors")
        assert verdict(large.ada, commit(large.ada)) == SIGNED

    def test_forged_weights_that_were_pulled(self, large: Project, eve: Repository) -> None:
        eve.write(FILES[0], weights(66) * 40)
        push(eve, "main")
        large.ada.git("pull")
        large.ada.write("own.json", "{}\n")
        assert verdict(large.ada, commit(large.ada)) == asked(FILES[0])

    def test_a_strangers_pointer_at_another_path(self, large: Project, eve: Repository) -> None:
        eve.write("evil.safetensors", weights(66) * 40)
        push(eve, "evil")
        large.ada.git("fetch")
        eve.git("lfs", "push", "--all", "origin")
        large.ada.git("lfs", "fetch", "origin", "origin/evil")
        large.ada.git("checkout", "origin/evil", "--", "evil.safetensors")
        large.ada.git("mv", "-f", "evil.safetensors", FILES[0])
        assert verdict(large.ada, commit(large.ada)) == asked(FILES[0])

    def test_a_strangers_pointer_whose_object_is_not_here(
        self, large: Project, eve: Repository
    ) -> None:
        eve.write("evil.safetensors", weights(66) * 40)
        eve.git("add", "--all")
        eve.git("commit", "--message", "x")
        eve.git(
            "-c", "lfs.allowincompletepush=true", "push", "--no-verify", "origin", "HEAD:evil"
        )
        large.ada.git("fetch")
        entry = large.ada.git("ls-tree", "origin/evil", "evil.safetensors").split()[2]
        words = ("update-index", "--add", "--cacheinfo", f"100644,{entry},new.safetensors")
        large.ada.git(*words)
        said = large.ada.git.run("commit", "--message", "x", check=False)
        assert "Traceback" not in said.stderr
        assert said.returncode or not verdict(large.ada, said).is_signed

    def test_with_the_memory_lost(self, large: Project, eve: Repository) -> None:
        eve.write(FILES[0], weights(66) * 40)
        push(eve, "main")
        large.ada.git("pull")
        lose_memory(large.ada)
        large.ada.write(FILES[1], weights(9) * 40)
        assert verdict(large.ada, commit(large.ada)) == asked(FILES[0])


class TestWithoutKeys:
    def test_a_clone_without_keys_works(
        self, published: Project, mallory: Repository, ben: Person
    ) -> None:
        clone = ben.clone(published.remote)
        change_code(mallory, "main")
        said = clone.git.run("pull")
        readme(clone)
        said_too = commit(clone)
        assert "Traceback" not in said.stderr + said_too.stderr
        assert not (clone.path / ".git" / "git-model").exists()

    def test_a_locked_clone_works(self, ada: Repository, mallory: Repository) -> None:
        ada.model("lock")
        change_code(mallory, "main")
        ada.git("pull")
        readme(ada)
        said = commit(ada)
        assert "Traceback" not in said.stderr
        assert "git-model: error" not in said.stderr
        assert ada.model("verify", "HEAD", check=False).returncode != 0

    def test_what_a_locked_clone_committed_is_asked_about_no_more_than_it_has_to(
        self, published: Project, home: Path, mallory: Repository
    ) -> None:
        ada = published.ada
        ada.model("lock")
        change_code(mallory, "main")
        ada.git("pull")
        readme(ada)
        commit(ada)
        keys = ("--key", str(published.key), "--signing-key", str(signing_key(home)))
        ada.model("unlock", *keys)
        ada.write(MODEL, weights(9))
        assert verdict(ada, commit(ada)) == asked(CODE)

    def test_a_bare_repository_and_a_server_keep_no_record(
        self, published: Project, mallory: Repository, bob: Repository
    ) -> None:
        published.remote.model("install", "--server")
        append(bob, "README.md", "bob\n")
        bob.commit()
        bob.git("push")
        said = published.remote.git.run("fetch", str(mallory.path), "main:evil")
        assert "Traceback" not in said.stderr
        assert not list(published.remote.path.glob("git-model/memory*"))
