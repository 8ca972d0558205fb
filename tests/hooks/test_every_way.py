"""Every way to make a commit or to move a ref, and who stops or reports plaintext on it.

The table is `WAYS`. Each way is tried in a clone that is set up, with plaintext at a
protected path. What no guard of this machine stops is then pushed past pre-push to a
server that has no key, and audited: there the table ends, and no line of it is empty.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.processes import need
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository
    from tests.fixtures.servers import Client

CLEAR = b"plaintext of a model, and nobody else's\n" * 40
PATH = "new.bin"
NO_FILTER = tuple(
    word
    for name, value in {"process": "", "clean": "", "smudge": "", "required": "false"}.items()
    for word in ("-c", f"filter.git-model.{name}={value}")
)
"""As for a tool that knows no filters, or a colleague whose tools are missing."""

PRE_COMMIT = "pre-commit"
TRANSACTION, PRE_PUSH, ARRIVAL = "reference-transaction", "pre-push", "reported"
SERVER = "server"
"""Who stops it, the earliest: ours, or only the server (and, always, the audit)."""


@dataclass
class Scene:
    """Ada's clone, a client without git-model, their remote, and Git's trace of events."""

    project: Project
    eve: Client
    trace: Path

    @property
    def ada(self) -> Repository:
        """The clone that is set up."""
        return self.project.ada

    def run(self, *arguments: str, **options: Any) -> str:
        """Runs git in Ada's clone, whatever becomes of it; returns what it said."""
        return str(self.ada.git.run(*arguments, check=False, **options).stderr)

    def vetoes(self) -> set[str]:
        """Returns the hooks that failed, by what Git traced of them."""
        lines = map(json.loads, self.trace.read_text().splitlines())
        events = [event for event in lines if event["event"] in {"child_start", "child_exit"}]
        hooks = {
            (event["sid"], event["child_id"]): event["hook_name"]
            for event in events
            if "hook_name" in event
        }
        failed = {
            (event["sid"], event["child_id"]) for event in events if event.get("code", 0) != 0
        }
        return {hooks[child] for child in failed & hooks.keys()}

    def stage(self) -> None:
        """Stages plaintext as a tool without filter does."""
        self.ada.write(PATH, CLEAR)
        oid = self.ada.git("hash-object", "-w", "--no-filters", PATH)
        self.ada.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{PATH}")

    def made(self) -> str:
        """Returns a commit with plaintext that no ref holds, and leaves no trace."""
        self.stage()
        tree = self.ada.git("write-tree")
        self.ada.git("reset", "--quiet", "--hard")
        (self.ada.path / PATH).unlink(missing_ok=True)
        return self.ada.git("commit-tree", tree, "-p", "HEAD", "-m", "Oops")

    def side(self) -> str:
        """Makes a branch with such a commit past all hooks; returns its base."""
        self.ada.git(*NO_HOOKS, "branch", "side", self.made())
        self.ada.write("README.md", "# Ahead\n")
        self.ada.commit("Ahead")
        return self.ada.git("rev-parse", "main")

    def published(self) -> str:
        """Lets Eve push such a commit to a branch of the remote, before it is guarded."""
        self.eve.put(PATH, CLEAR)
        commit = self.eve.record("Web edit")
        self.eve.git("push", "--quiet", "--no-verify", "origin", "main")
        return commit


def commit(scene: Scene) -> str:
    scene.stage()
    return scene.run("commit", "-m", "x")


def commit_no_verify(scene: Scene) -> str:
    scene.stage()
    return scene.run("commit", "--no-verify", "-m", "x")


def commit_all(scene: Scene) -> str:
    scene.ada.write("config.json", CLEAR)
    return scene.run(*NO_FILTER, "commit", "--all", "-m", "x")


def commit_path(scene: Scene) -> str:
    scene.ada.write("config.json", CLEAR)
    return scene.run(*NO_FILTER, "commit", "-m", "x", "config.json")


def amend(scene: Scene) -> str:
    scene.stage()
    return scene.run("commit", "--amend", "--no-edit")


def amend_no_verify(scene: Scene) -> str:
    scene.stage()
    return scene.run("commit", "--amend", "--no-edit", "--no-verify")


def merge(scene: Scene) -> str:
    scene.side()
    return scene.run(*NO_FILTER, "merge", "--no-edit", "side")


def merge_fast_forward(scene: Scene) -> str:
    return scene.run("merge", "--ff-only", scene.made())


def merge_squash(scene: Scene) -> str:
    scene.side()
    scene.run(*NO_FILTER, "merge", "--squash", "side")
    return scene.run("commit", "-m", "x")


def rebase(scene: Scene) -> str:
    scene.side()
    return scene.run(*NO_FILTER, "rebase", "main", "side")


def rebase_interactive(scene: Scene) -> str:
    scene.side()
    env = {"GIT_SEQUENCE_EDITOR": "true"}
    return scene.run(*NO_FILTER, "rebase", "--interactive", "main", "side", env=env)


def cherry_pick(scene: Scene) -> str:
    return scene.run(*NO_FILTER, "cherry-pick", scene.made())


def revert(scene: Scene) -> str:
    scene.stage()
    scene.ada.git(*NO_HOOKS, "commit", "--quiet", "-m", "Oops")
    scene.ada.git("rm", "--quiet", "--cached", PATH)
    scene.ada.git(*NO_HOOKS, "commit", "--quiet", "-m", "Take it away")
    (scene.ada.path / PATH).unlink()
    return scene.run(*NO_FILTER, "revert", "--no-edit", "HEAD")


def am(scene: Scene) -> str:
    made = scene.made()
    patch = scene.ada.git("format-patch", "--binary", "--stdout", "-1", made)
    return scene.run(*NO_FILTER, "am", stdin=f"{patch}\n")


def stash(scene: Scene) -> str:
    scene.stage()
    return scene.run("stash")


def worktree(scene: Scene) -> str:
    scene.ada.git("worktree", "add", "--quiet", "../beside", "-b", "beside")
    made = scene.made()
    return scene.run("-C", "../beside", *NO_FILTER, "cherry-pick", made)


def plumbing(scene: Scene) -> str:
    return scene.run("update-ref", "refs/heads/new", scene.made())


def fast_import(scene: Scene) -> str:
    stream = b"commit refs/heads/new\ncommitter A <a@b> 0 +0000\ndata 1\nx\n"
    stream += b"M 100644 inline %s\ndata %d\n%s\n" % (PATH.encode(), len(CLEAR), CLEAR)
    done = scene.ada.git.run("fast-import", "--quiet", stdin=stream, text=False, check=False)
    return bytes(done.stderr).decode()


def tag(scene: Scene) -> str:
    return scene.run("tag", "new", scene.made())


def with_pygit2(scene: Scene) -> str:
    import pygit2

    repo = pygit2.Repository(str(scene.ada.path))
    repo.index.read()
    entry = pygit2.IndexEntry(PATH, repo.create_blob(CLEAR), pygit2.enums.FileMode.BLOB)
    repo.index.add(entry)
    who = pygit2.Signature("A", "a@b")
    tree = repo.index.write_tree()
    repo.create_commit("HEAD", who, who, "x", tree, [repo.head.target])
    return ""


def with_dulwich(scene: Scene) -> str:
    porcelain = pytest.importorskip("dulwich.porcelain")
    repo = str(scene.ada.path)
    scene.ada.write(PATH, CLEAR)
    oid = scene.ada.git("hash-object", "-w", "--no-filters", PATH)
    scene.ada.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{PATH}")
    porcelain.commit(
        repo, message=b"x", author=b"A <a@b>", committer=b"A <a@b>", no_verify=True
    )
    return ""


def without_hooks(scene: Scene) -> str:
    scene.stage()
    return scene.run(*NO_HOOKS, "commit", "-m", "x")


def push(scene: Scene) -> str:
    scene.ada.git(*NO_HOOKS, "update-ref", "HEAD", scene.made())
    return scene.run("push", "origin", "main")


def push_unverified(scene: Scene) -> str:
    scene.ada.git(*NO_HOOKS, "update-ref", "HEAD", scene.made())
    return ""


def fetch_into_a_branch(scene: Scene) -> str:
    scene.published()
    return scene.run("fetch", "origin", "main:refs/heads/theirs")


def pull(scene: Scene) -> str:
    scene.published()
    return scene.run("pull")


def reset_to_the_remote(scene: Scene) -> str:
    scene.published()
    scene.ada.git("fetch", "--quiet")
    return scene.run("reset", "--hard", "origin/main")


def web_edit(scene: Scene) -> str:
    bare = scene.project.remote
    oid = bare.git("hash-object", "-w", "--stdin", stdin=CLEAR)
    env = {"GIT_INDEX_FILE": str(bare.path / "web.index")}
    bare.git("read-tree", "main", env=env)
    bare.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{PATH}", env=env)
    tree = bare.git("write-tree", env=env)
    new = bare.git("commit-tree", tree, "-p", "main", "-m", "Edit on the web page")
    bare.git("update-ref", "refs/heads/main", new)
    return scene.run("pull")


WAYS: dict[Callable[[Scene], str], str] = {
    commit: PRE_COMMIT,
    commit_no_verify: TRANSACTION,
    commit_all: PRE_COMMIT,
    commit_path: PRE_COMMIT,
    amend: PRE_COMMIT,
    amend_no_verify: TRANSACTION,
    merge_fast_forward: TRANSACTION,
    merge_squash: PRE_COMMIT,
    rebase: TRANSACTION,
    rebase_interactive: TRANSACTION,
    cherry_pick: TRANSACTION,
    revert: TRANSACTION,
    am: TRANSACTION,
    stash: TRANSACTION,
    worktree: TRANSACTION,
    plumbing: TRANSACTION,
    fast_import: TRANSACTION,
    tag: TRANSACTION,
    push: PRE_PUSH,
    # libgit2 and dulwich run none of these hooks, and whoever turns them off has none.
    with_pygit2: SERVER,
    with_dulwich: SERVER,
    without_hooks: SERVER,
    push_unverified: SERVER,
    # What others brought in is let in, said and logged.
    fetch_into_a_branch: ARRIVAL,
    pull: ARRIVAL,
    merge: ARRIVAL,
    reset_to_the_remote: ARRIVAL,
    web_edit: ARRIVAL,
}


@pytest.fixture
def scene(
    project: Project, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Scene:
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2_EVENT", str(trace))
    return Scene(project, client, trace)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_somebody_stops_or_reports_it(scene: Scene, way: Callable[[Scene], str]) -> None:
    if way in {with_pygit2, with_dulwich} and scene.ada.has_ref_tables:
        pytest.skip("no other library than Git's own commits where refs are in tables")
    guard = WAYS[way]
    before = refs(scene.ada)
    said = way(scene)
    assert "Traceback" not in said
    if guard in {PRE_COMMIT, TRANSACTION}:
        assert "git-model: error: " in said
        assert "refused" in said or "without a trusted signature" in said
        assert (TRANSACTION in scene.vetoes()) == (guard == TRANSACTION), said
        assert not leaks(scene.ada, set(refs(scene.ada)) - set(before))
        return
    if guard == ARRIVAL:
        assert "plaintext at a protected path" in said
        assert "`git model repair`" in said
    if guard == PRE_PUSH:
        assert "plaintext at a protected path" in said
        assert scene.project.remote.git("rev-parse", "main") != scene.ada.git(
            "rev-parse", "HEAD"
        )
    audit = scene.ada.model("audit", check=False)
    assert audit.returncode == 1
    assert "plaintext at a protected path" in audit.stdout
    if guard == SERVER:
        scene.project.remote.model("install", "--server")
        server = scene.project.remote.git("for-each-ref")
        pushed = scene.run("push", "--no-verify", "origin", "HEAD:main", "HEAD:refs/heads/new")
        assert "plaintext at a protected path" in pushed
        assert scene.project.remote.git("for-each-ref") == server


def test_git_lfs_push_is_seen_by_the_audit_and_the_next_push(scene: Scene) -> None:
    """`git lfs push` uploads whatever a pointer names and asks no hook."""
    need("git-lfs")
    ada = scene.ada
    ada.git("lfs", "install", "--local", "--skip-repo")
    ada.write(PATH, CLEAR)
    pointer = ada.git("lfs", "clean", PATH, stdin=CLEAR)
    oid = ada.git("hash-object", "-w", "--stdin", stdin=f"{pointer}\n")
    ada.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{PATH}")
    ada.git(*NO_HOOKS, "commit", "--quiet", "-m", "x")
    ada.git("lfs", "push", "origin", "main")
    audit = ada.model("audit", check=False)
    assert f"{PATH}: plaintext at a protected path, in the git-lfs object" in audit.stdout
    pushed = ada.git.run("push", "origin", "main", check=False)
    assert f"{PATH}: plaintext at a protected path, in the git-lfs object" in pushed.stderr


def refs(repo: Repository) -> list[str]:
    """Returns the refs with what they hold."""
    return repo.git("for-each-ref", "--format=%(objectname) %(refname)").splitlines()


def leaks(repo: Repository, changed: set[str]) -> bool:
    """Tells whether the tip of one of some refs holds the plaintext; `side` was made so."""
    oid = repo.git("hash-object", "--stdin", "--no-filters", stdin=CLEAR)
    made = {line for line in changed if not line.endswith("refs/heads/side")}
    tips = [line.split()[0] for line in made]
    return any(oid in repo.git("ls-tree", "-r", tip) for tip in tips)
