"""reference-transaction: no ref moves to what was made past the other guards."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.histories import MODEL
from tests.fixtures.hooks import script
from tests.fixtures.processes import WATCHDOG_SECONDS
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository

NO_FILTER = tuple(
    word
    for name, value in {"process": "", "clean": "", "smudge": "", "required": "false"}.items()
    for word in ("-c", f"filter.git-model.{name}={value}")
)
"""As for a colleague whose tools are missing."""
CLEAR = os.urandom(3000)


def stage_in_clear(repo: Repository, path: str = "new.bin", content: bytes = CLEAR) -> str:
    """Puts plaintext into the index as a tool without the filter would."""
    oid = repo.git("hash-object", "-w", "--stdin", "--no-filters", stdin=content)
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{oid},{path}")
    return oid


def commit_in_clear(repo: Repository, path: str = "new.bin") -> str:
    """Commits plaintext past all hooks and leaves the branch where it was."""
    stage_in_clear(repo, path)
    tree = repo.git("write-tree")
    commit = repo.git("commit-tree", tree, "-p", "HEAD", "-m", "Oops")
    repo.git("read-tree", "HEAD")
    return commit


def assert_stopped(repo: Repository, *command: str) -> None:
    """Fails unless the guard refuses a git command, and no branch moves."""
    before = repo.git("for-each-ref")
    done = repo.git.run(*command, check=False)
    assert done.returncode != 0, done.stderr
    assert "new.bin: plaintext at a protected path" in done.stderr
    assert "Traceback" not in done.stderr
    assert repo.git("for-each-ref") == before


def test_a_commit_past_pre_commit_is_stopped(project: Project) -> None:
    stage_in_clear(project.ada)
    assert_stopped(project.ada, "commit", "--no-verify", "-m", "Oops")
    assert_stopped(project.ada, "commit", "--no-verify", "--amend", "-m", "Oops")


def test_a_commit_on_no_branch_is_stopped_too(project: Project) -> None:
    project.ada.git("checkout", "--quiet", "--detach")
    stage_in_clear(project.ada)
    assert_stopped(project.ada, "commit", "--no-verify", "-m", "Oops")


@pytest.mark.parametrize(
    "ref", ["refs/heads/main", "refs/heads/new", "refs/tags/t", "refs/other/x", "refs/stash"]
)
def test_plumbing_is_stopped_at_every_ref(project: Project, ref: str) -> None:
    assert_stopped(project.ada, "update-ref", ref, commit_in_clear(project.ada))


def test_cherry_pick_and_merge_of_unseen_commits_are_stopped(project: Project) -> None:
    commit = commit_in_clear(project.ada)
    assert_stopped(project.ada, "merge", "--ff-only", commit)
    # Git has updated the work tree by then, as for any hook that refuses.
    project.ada.git("reset", "--hard", "--quiet")
    project.ada.git("clean", "--force", "--quiet")
    # The signature does not vouch for it; unsigned, the commit itself is refused.
    assert project.ada.git.run("merge", "--no-ff", "-m", "m", commit, check=False).returncode
    project.ada.git("reset", "--hard", "--quiet")
    project.ada.git("config", "--unset", "git-model.signingkey")
    assert_stopped(project.ada, "merge", "--no-ff", "-m", "m", commit)
    project.ada.git("reset", "--hard", "--quiet")
    project.ada.git("clean", "--force", "--quiet")
    assert_stopped(project.ada, "cherry-pick", commit)


def test_a_patch_in_clear_cannot_be_applied_as_a_commit(
    project: Project, tmp_path: Path
) -> None:
    commit = commit_in_clear(project.ada)
    patch = project.ada.git("format-patch", "--binary", "--stdout", "-1", commit)
    (tmp_path / "patch").write_text(patch + "\n")
    # am writes through the index alone; the filter never sees what it adds.
    done = project.ada.git.run("am", str(tmp_path / "patch"), check=False)
    sealed = project.ada.git.run("cat-file", "blob", "HEAD:new.bin", check=False, text=False)
    assert done.returncode != 0 or sealed.stdout.startswith(b"\x00GITMODEL")


def test_a_rebase_is_judged_when_the_branch_moves(project: Project) -> None:
    ada = project.ada
    ada.git("checkout", "--quiet", "-b", "side", "HEAD")
    stage_in_clear(ada)
    ada.git(*NO_HOOKS, "commit", "--quiet", "--no-verify", "-m", "Oops")
    side = ada.git("rev-parse", "HEAD")
    ada.git("checkout", "--quiet", "--force", "main")
    ada.write("README.md", "# Another\n")
    ada.commit("Ahead")
    done = ada.git.run(*NO_FILTER, "rebase", "main", "side", check=False)
    assert done.returncode != 0
    assert "new.bin: plaintext at a protected path" in done.stderr
    assert ada.git("rev-parse", "side") == side
    ada.git.run(*NO_FILTER, "rebase", "--abort", check=False)
    assert ada.git("rev-parse", "side") == side


def test_a_good_rebase_and_all_that_moves_refs_pass(project: Project) -> None:
    ada = project.ada
    ada.git("checkout", "--quiet", "-b", "side")
    for number in range(3):
        ada.write(f"side-{number}.bin", os.urandom(100))
        ada.commit()
    ada.git("checkout", "--quiet", "main")
    ada.write("README.md", "# Another\n")
    ada.commit("Ahead")
    for command in (
        ["rebase", "--quiet", "main", "side"],
        ["checkout", "--quiet", "main"],
        ["cherry-pick", "side"],
        ["reset", "--hard", "--quiet", "HEAD^"],
        ["merge", "--no-edit", "side"],
        ["revert", "--no-edit", "HEAD"],
        ["tag", "-a", "-m", "v1", "v1"],
        ["branch", "other", "HEAD^"],
        ["notes", "add", "-m", "words"],
        ["worktree", "add", "--quiet", "../beside", "other"],
        ["checkout", "--quiet", "--detach"],
        ["branch", "--delete", "--force", "side"],
    ):
        done = ada.git.run(*command)
        assert "refused" not in done.stderr, command
    ada.write("config.json", '{"layers": 3}\n')
    ada.git("stash", "--quiet")
    ada.git("stash", "pop", "--quiet")


def test_a_tag_of_a_model_in_clear_is_stopped(project: Project) -> None:
    blob = project.ada.git("hash-object", "-w", "--stdin", "--no-filters", stdin=MODEL + b" ")
    done = project.ada.git.run("tag", "model", blob, check=False)
    assert done.returncode != 0
    assert "(no path): model file (safetensors)" in done.stderr


def test_what_is_encrypted_elsewhere_cannot_be_a_note(project: Project) -> None:
    plaintext = project.ada.read("model.safetensors")
    oid = project.ada.git("hash-object", "-w", "--stdin", "--no-filters", stdin=plaintext)
    done = project.ada.git.run("notes", "add", "-C", oid, "HEAD", check=False)
    assert done.returncode != 0
    assert "refused" in done.stderr


def test_replace_refs_and_grafts_hide_nothing(project: Project) -> None:
    ada = project.ada
    bad, good = commit_in_clear(ada), ada.git("rev-parse", "HEAD")
    ada.git(*NO_HOOKS, "replace", bad, good)
    assert_stopped(ada, "update-ref", "refs/heads/new", bad)
    ada.git(*NO_HOOKS, "replace", "--delete", bad)
    (ada.path / ".git" / "info" / "grafts").write_text(f"{bad}\n")
    assert_stopped(ada, "update-ref", "refs/heads/new", bad)
    (ada.path / ".git" / "info" / "grafts").unlink()
    (ada.path / ".git" / "shallow").write_text(f"{bad}\n")
    assert_stopped(ada, "update-ref", "refs/heads/new", bad)


def test_a_commit_that_pre_commit_judged_is_not_judged_with_other_parents(
    project: Project,
) -> None:
    ada = project.ada
    judged = ada.path / ".git" / "git-model-judged"
    ada.write("README.md", "# Another\n")
    ada.git("add", "README.md")
    ada.model("hook", "pre-commit")
    assert judged.read_text().startswith(f"tree {ada.git('write-tree')}\nparent ")
    ada.git("commit", "--quiet", "-m", "Again")
    assert not judged.read_bytes()


def test_what_arrives_is_let_in_reported_and_logged(
    project: Project, person: PersonFactory
) -> None:
    ben = project.unlocked(person("ben"))
    stage_in_clear(project.ada)
    project.ada.git(*NO_HOOKS, "commit", "--quiet", "--no-verify", "-m", "Web edit")
    project.ada.git("tag", "web")
    project.ada.git("push", "--quiet", "--no-verify", "origin", "main", "web")
    commit = project.ada.git("rev-parse", "HEAD")
    ben.git("fetch", "--quiet", "--tags")
    done = ben.git.run("pull", "--quiet")
    assert "new.bin: plaintext at a protected path" in done.stderr
    assert "`git model repair`" in done.stderr
    (event,) = [one for one in ben.events() if one["action"] == "arrived-in-clear"]
    assert event["ref"] == "refs/heads/main"
    assert event["commits"] == [commit]
    assert str(event["user"]).startswith("ben ")
    # ... and work goes on.
    ben.write("README.md", "# Ben\n")
    ben.git("commit", "--quiet", "-am", "Words")


def test_a_fetch_without_a_remote_lets_commits_in(
    project: Project, person: PersonFactory
) -> None:
    ben = project.unlocked(person("ben"))
    stage_in_clear(project.ada)
    project.ada.git(*NO_HOOKS, "commit", "--quiet", "--no-verify", "-m", "Web edit")
    ben.git("fetch", "--quiet", str(project.ada.path), "main:theirs", "main:refs/tags/theirs")
    assert ben.git("rev-parse", "theirs") == project.ada.git("rev-parse", "HEAD")
    ben.git("config", "alias.get", "fetch --quiet")
    ben.git("get", str(project.ada.path), "main:again")
    done = ben.git.run("pull", "--quiet", str(project.ada.path), "main")
    assert "new.bin: plaintext at a protected path" in done.stderr


def test_an_override_lets_one_command_through_and_is_logged(project: Project) -> None:
    ada = project.ada
    stage_in_clear(ada)
    reason = "-c", "git-model.reason=a public file"
    done = ada.git.run("-c", "git-model.guard=warn", *reason, "commit", "--quiet", "-m", "Mine")
    assert "pre-commit was overridden" in done.stderr
    assert "reference-transaction was overridden" in done.stderr
    events = {str(one["action"]): one for one in ada.events()}
    guards = "pre-commit", "signing", "reference-transaction"
    assert set(events) == {"not-signed", *(f"override-{guard}" for guard in guards)}
    event = events["override-reference-transaction"]
    assert event["commits"] == [ada.git("rev-parse", "HEAD")]
    assert "refs/heads/main" in str(event["ref"])
    assert event["reason"] == "a public file"
    assert "new.bin: plaintext" in str(event["findings"])


def test_an_override_in_a_file_does_not_count(project: Project) -> None:
    project.ada.git("config", "git-model.guard", "warn")
    stage_in_clear(project.ada)
    assert_stopped(project.ada, "commit", "-m", "Oops")
    assert_stopped(project.ada, "commit", "--no-verify", "-m", "Oops")


def test_an_override_that_cannot_be_logged_does_not_count(project: Project) -> None:
    path = project.ada.path / ".git" / "git-model" / "audit.log"
    path.unlink()
    path.mkdir()
    stage_in_clear(project.ada)
    done = project.ada.git.run(
        "-c", "git-model.guard=warn", "commit", "-m", "Oops", check=False
    )
    assert done.returncode != 0
    assert "audit.log" in done.stderr


@pytest.mark.parametrize("line", ["x", "a b c", f"{'0' * 40} x refs/heads/main"])
def test_a_line_that_is_not_understood_stops_git(project: Project, line: str) -> None:
    refused = project.ada.model(
        "hook", "reference-transaction", "prepared", stdin=f"{line}\n", check=False
    )
    assert refused.returncode == 1
    assert "does not understand" in refused.stderr


def test_many_refs_at_once_are_judged_together(project: Project) -> None:
    ada = project.ada
    good, bad = ada.git("rev-parse", "HEAD"), commit_in_clear(ada)
    lines = [f"create refs/heads/good-{number} {good}" for number in range(200)]
    ada.git("update-ref", "--stdin", stdin="\n".join([*lines, ""]))
    lines = [line.replace("good-", "more-") for line in lines]
    more = "\n".join([*lines, f"create refs/heads/bad {bad}", ""])
    done = ada.git.run("update-ref", "--stdin", stdin=more, check=False)
    assert done.returncode != 0
    assert "new.bin: plaintext at a protected path" in done.stderr
    assert ada.git("for-each-ref", "refs/heads/more-*", "refs/heads/bad") == ""


def test_a_symbolic_ref_that_moves_is_no_news(project: Project) -> None:
    """As git 2.46 and later tell of it."""
    head = project.ada.git("rev-parse", "HEAD")
    lines = f"ref:refs/heads/main ref:refs/heads/x HEAD\n{'0' * 40} {head} refs/heads/x\n"
    project.ada.model("hook", "reference-transaction", "prepared", stdin=lines)


def test_a_broken_policy_that_arrives_can_be_pulled(project: Project) -> None:
    bare = project.remote
    oid = bare.git("hash-object", "-w", "--stdin", stdin=b"[broken")
    env = {"GIT_INDEX_FILE": str(bare.path / "web.index")}
    bare.git("read-tree", "main", env=env)
    bare.git("update-index", "--cacheinfo", f"100644,{oid},.gitmodel", env=env)
    new = bare.git("commit-tree", bare.git("write-tree", env=env), "-p", "main", "-m", "Edit")
    bare.git("update-ref", "refs/heads/main", new)
    done = project.ada.git.run("pull", "--quiet")
    assert ".gitmodel: what is protected cannot be told from it" in done.stderr
    assert project.ada.git("rev-parse", "HEAD") == new


@pytest.mark.parametrize(
    "names", [("GIT_DIR", "GIT_WORK_TREE"), ("GIT_INDEX_FILE",), ("GIT_OBJECT_DIRECTORY",)]
)
def test_variables_that_move_the_repository_open_no_way(
    project: Project, tmp_path: Path, names: tuple[str, ...]
) -> None:
    ada = project.ada
    git_dir = ada.path / ".git"
    (tmp_path / "objects").mkdir()
    values = {
        "GIT_DIR": git_dir,
        "GIT_WORK_TREE": ada.path,
        "GIT_INDEX_FILE": tmp_path / "another-index",
        "GIT_OBJECT_DIRECTORY": tmp_path / "objects",
    }
    env = {name: str(values[name]) for name in names}
    env |= {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(git_dir / "objects")}
    ada.git("read-tree", "HEAD", env=env)
    oid = ada.git("hash-object", "-w", "--stdin", "--no-filters", stdin=CLEAR, env=env)
    ada.git("update-index", "--add", "--cacheinfo", f"100644,{oid},new.bin", env=env)
    for options in ([], ["--no-verify"]):
        outside = tmp_path if "GIT_DIR" in names else ada.path
        command = ["commit", *options, "-m", "Oops"]
        done = ada.git.run(*command, env=env, cwd=outside, check=False)
        assert done.returncode != 0
        assert "new.bin: plaintext at a protected path" in done.stderr


def test_objects_of_an_alternate_are_judged(project: Project, tmp_path: Path) -> None:
    ada = project.ada
    bad = commit_in_clear(ada)
    ada.git("clone", "--quiet", "--shared", ".", str(tmp_path / "shared"))
    shared = type(ada)(tmp_path / "shared")
    shared.model("unlock", *project.keys)
    assert_stopped(shared, "update-ref", "refs/heads/new", bad)


def test_two_commits_at_once_are_judged_each_for_itself(project: Project) -> None:
    ada = project.ada
    ada.git("worktree", "add", "--quiet", "../beside", "-b", "beside")
    beside = type(ada)(ada.path.parent / "beside")
    # In tables all refs have one lock, which the other commit's hook holds for a while.
    ada.git("config", "reftable.lockTimeout", "60000")
    stage_in_clear(ada)
    for number in range(3):
        beside.write("README.md", f"# {number}\n")
        beside.git("add", "README.md")
        command = ("git", "commit", "--no-verify", "-m", "x")
        at_once = [
            subprocess.Popen(command, cwd=one.path, stderr=subprocess.PIPE, text=True)
            for one in (ada, beside)
        ]
        said = [one.communicate(timeout=WATCHDOG_SECONDS)[1] for one in at_once]
        assert "new.bin: plaintext at a protected path" in said[0]
        assert at_once[0].returncode != 0
        assert at_once[1].returncode == 0, said[1]


def leak(project: Project) -> str:
    """Lets the remote have a branch `leak` with plaintext, taken out again; both commits."""
    ada = project.ada
    bad = commit_in_clear(ada)
    tree = ada.git("rev-parse", "HEAD^{tree}")
    good = ada.git("commit-tree", tree, "-p", bad, "-m", "Not there any more")
    ada.git("push", "--quiet", "--no-verify", "origin", f"{good}:refs/heads/leak")
    return bad


def test_a_merge_that_brings_a_leak_in_is_reported(
    project: Project, person: PersonFactory
) -> None:
    ben = project.unlocked(person("ben"))
    bad = leak(project)
    ben.write("README.md", "# Ben\n")
    ben.commit()
    done = ben.git.run("pull", "--quiet", "--no-rebase", "--no-edit", "origin", "leak")
    assert "refs/heads/main received what must not be in a commit" in done.stderr
    (event,) = [one for one in ben.events() if one["action"] == "arrived-in-clear"]
    assert event["commits"] == [bad]


def test_a_new_branch_at_what_others_made_is_reported(
    project: Project, person: PersonFactory
) -> None:
    ben = project.unlocked(person("ben"))
    bad = leak(project)
    ben.git("fetch", "--quiet")
    done = ben.git.run("switch", "--quiet", "leak")
    assert "refs/heads/leak received what must not be in a commit" in done.stderr
    assert [one["commits"] for one in ben.events()] == [[bad]]
    assert "received" not in ben.git.run("branch", "again", "leak").stderr


def test_a_rebase_directory_left_over_opens_no_branch(project: Project) -> None:
    (project.ada.path / ".git" / "rebase-apply").mkdir()
    bad = commit_in_clear(project.ada)
    assert_stopped(project.ada, "update-ref", "refs/heads/x/HEAD", bad)


def test_what_a_remote_has_stops_nothing_in_a_partial_clone_away_from_it(
    project: Project, person: PersonFactory
) -> None:
    project.remote.git("config", "uploadpack.allowFilter", "true")
    project.remote.git("config", "uploadpack.allowAnySHA1InWant", "true")
    bob = project.unlocked(person("bob"), "--no-local", "--filter=blob:none")
    project.ada.write("config.json", '{"layers": 3}\n')
    project.ada.commit()
    project.ada.git("push", "--quiet")
    bob.git("fetch", "--quiet")
    project.remote.path.rename(project.remote.path.with_name("away.git"))
    said = bob.git.run("branch", "--force", "x", "origin/main").stderr
    assert "what others made was not looked at" in said
    assert bob.git("rev-parse", "x") == bob.git("rev-parse", "origin/main")
    bob.write("README.md", "# Mine\n")
    bob.commit()
    # What is made here must be readable all the same.
    made = bob.git("commit-tree", "origin/main^{tree}", "-p", "HEAD", "-m", "Made here")
    assert bob.git.run("branch", "--force", "y", made, check=False).returncode != 0


def test_what_was_judged_before_the_policy_changed_is_judged_again(project: Project) -> None:
    ada = project.ada
    ada.write("secret.py", "k = 1\n")
    ada.git("add", "secret.py")
    ada.git.run("commit", env={"GIT_EDITOR": "false"}, check=False)
    tree = ada.git("write-tree")
    ada.model("track", "secret.py")
    ada.git("read-tree", tree)
    assert ada.git.run("commit", "--no-verify", "-m", "x", check=False).returncode != 0


def test_a_commit_that_another_hook_stops_was_not_made(project: Project) -> None:
    ada = project.ada
    earlier = ada.path / ".git" / "hooks" / "reference-transaction.before-git-model"
    script(earlier, "exit 1\n")
    ada.write("model.safetensors", b"version 2")
    ada.git("add", "model.safetensors")
    assert ada.git.run("commit", "-m", "v2", check=False).returncode != 0
    earlier.unlink()
    ada.git("commit", "--quiet", "--no-verify", "--only", "--allow-empty", "-m", "Another")
    ada.git("commit", "--quiet", "-m", "v2")
    ada.model("verify", "HEAD")
