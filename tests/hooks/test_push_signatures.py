"""pre-push: the default branch and the tags get nothing unsigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository


def commit_unsigned(repo: Repository, content: str = '{"layers": 3}\n') -> str:
    """Commits a change of the model that nobody signs; the old signature is stale."""
    repo.write("config.json", content)
    repo.git("commit", "--quiet", "--no-verify", "--all", "--message", "Unsigned")
    return repo.git("rev-parse", "HEAD")


def refused(repo: Repository, *arguments: str) -> str:
    """Returns what a push says that must fail and change nothing."""
    before = repo.git("ls-remote", "origin")
    done = repo.git.run("push", "origin", *arguments, check=False)
    assert done.returncode != 0, done.stderr
    assert repo.git("ls-remote", "origin") == before
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_stale_signature_does_not_leave_and_one_command_repairs_it(project: Project) -> None:
    commit = commit_unsigned(project.ada)
    said = refused(project.ada, "main")
    assert f"refs/heads/main: {commit[:12]} is not signed as it is: stale signature" in said
    assert "hint: nothing was pushed; `git model sign --amend` signs it\n" in said
    project.ada.model("sign", "--amend")
    project.ada.git("push", "--quiet", "origin", "main")


def test_a_series_is_repaired_by_the_line_that_is_shown(project: Project) -> None:
    base = project.ada.git("rev-parse", "HEAD")
    commit_unsigned(project.ada)
    commit_unsigned(project.ada, '{"layers": 4}\n')
    said = refused(project.ada, "main")
    line = f"git rebase --exec 'git model sign --amend' {base[:12]}"
    assert line in said
    project.ada.git("rebase", "--exec", "git model sign --amend", base[:12])
    for revision in ("HEAD", "HEAD^"):
        project.ada.model("verify", revision)
    project.ada.git("push", "--quiet", "origin", "main")


def test_what_nobody_vouches_for_is_adopted_by_the_line_that_is_shown(
    project: Project, person: PersonFactory
) -> None:
    ada, ben = project.ada, project.unlocked(person("ben"))
    ben.write("train.py", "print('Ben was here')\n")
    ben.git("commit", "--quiet", "--all", "--message", "Tune")
    ben.git("push", "--quiet", "--no-verify", "origin", "HEAD:refs/heads/ben")
    ada.git("fetch", "--quiet")
    ada.git("checkout", "--quiet", "origin/ben", "--", "train.py")
    made = ada.git.run("commit", "--message", "Taken over").stderr
    assert "warning: this commit is not signed" in made
    assert '"Tune" by ' in made
    hint = "train.py for example; `git model sign --adopt PATH --amend` (`.` for all) does"
    assert hint in refused(ada, "main")
    ada.model("sign", "--adopt", "train.py")
    ada.git("push", "--quiet", "origin", "main")


def test_an_empty_commit_is_signed_too(project: Project) -> None:
    ada = project.ada
    commit_unsigned(ada)
    ada.git("commit", "--quiet", "--no-verify", "--allow-empty", "--message", "Empty")
    ada.model("sign", "--amend")
    head = ada.git("rev-parse", "HEAD")
    assert "Signed already" in ada.model("sign", "--amend").stdout
    assert ada.git("rev-parse", "HEAD") == head
    ada.git("rebase", "--exec", "git model sign --amend", "origin/main")
    ada.git("push", "--quiet", "origin", "main")


def test_other_branches_may_hold_what_is_unsigned(project: Project) -> None:
    commit_unsigned(project.ada)
    project.ada.git("push", "--quiet", "origin", "main:refs/heads/topic")


@pytest.mark.parametrize("options", [[], ["-a", "-m", "v1"]])
def test_a_tag_of_what_is_unsigned_does_not_leave(project: Project, options: list[str]) -> None:
    commit_unsigned(project.ada)
    project.ada.git("tag", *options, "v1")
    said = refused(project.ada, "v1")
    assert "refs/tags/v1" in said
    assert "sign --amend` signs it; then `git tag --force v1` moves the tag" in said
    project.ada.git("tag", "--force", *options, "v1", "origin/main")
    project.ada.git("push", "--quiet", "origin", "v1")


def test_a_tag_of_another_commit_is_moved_and_history_is_let_alone(project: Project) -> None:
    commit = commit_unsigned(project.ada)
    project.ada.git("tag", "old")
    project.ada.write("config.json", '{"layers": 4}\n')
    project.ada.commit()
    project.ada.git("push", "--quiet", "origin", "main")
    said = refused(project.ada, "old")
    assert f"`git switch --create BRANCH {commit[:12]}`" in said
    assert "`git tag --force old`" in said
    assert "rebase" not in said


@pytest.mark.parametrize("what", ["HEAD^{tree}", "HEAD:README.md"])
def test_a_tag_of_no_commit_cannot_be_signed(project: Project, what: str) -> None:
    project.ada.git("tag", "odd", what)
    said = refused(project.ada, "odd")
    assert "is no commit" in said
    assert "git-model.signedRefs" in said
    assert "`git tag --delete odd`" in said


def test_the_default_branch_is_what_the_remote_says(project: Project) -> None:
    ada = project.ada
    project.remote.git("branch", "trunk", "main")
    project.remote.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    ada.git("fetch", "--quiet")
    ada.git("remote", "set-head", "origin", "--auto")
    commit_unsigned(ada)
    refused(ada, "main:trunk")
    ada.git("push", "--quiet", "origin", "main")


def test_the_refs_can_be_configured(project: Project) -> None:
    ada = project.ada
    ada.git("config", "git-model.signedRefs", "refs/heads/release/*")
    commit_unsigned(ada)
    refused(ada, "main:refs/heads/release/1")
    ada.git("push", "--quiet", "origin", "main")
    ada.git("config", "git-model.signedRefs", "none")
    ada.git("push", "--quiet", "origin", "main:refs/heads/release/1")


def test_a_signature_of_nobody_trusted_does_not_leave(
    project: Project, person: PersonFactory
) -> None:
    ben = project.unlocked(person("ben"))
    private, public = ben.path.parent / "b.pem", ben.path.parent / "b.pub"
    ben.model("key", "generate-signing", str(private), str(public))
    ben.model("unlock", "--key", str(project.key), "--signing-key", str(private))
    ben.write("config.json", '{"layers": 3}\n')
    ben.commit()
    ben.git("push", "--quiet", "origin", "main")  # ben trusts himself
    ada = project.ada
    ada.git("pull", "--quiet")
    ada.git("tag", "v1")
    assert "refs/tags/v1" in refused(ada, "v1")


def test_a_clone_without_a_key_may_push_what_it_needed_no_key_for(
    project: Project, person: PersonFactory
) -> None:
    for name, unlock in {"ben": [], "eve": ["--key", str(project.key)]}.items():
        clone = person(name).clone(project.remote)
        # A clone that was unlocked once has the hooks, also when it is locked again.
        clone.model("unlock", *project.keys)
        if not unlock:
            clone.model("lock")
        clone.write("README.md", f"# {name}\n")
        clone.git("commit", "--quiet", "--all", "--message", "Words")
        done = clone.git.run("push", "origin", "main")
        assert "this clone cannot sign; nothing of the model changed" in done.stderr


def test_a_clone_that_cannot_sign_does_not_publish_a_changed_model(
    project: Project, person: PersonFactory
) -> None:
    ben = project.unlocked(person("ben"))
    ben.write("config.json", '{"layers": 3}\n')
    ben.commit()
    said = refused(ben, "main")
    assert "push to another branch and let somebody sign it" in said
    ben.git("push", "--quiet", "origin", "main:refs/heads/ben")
    # Nor does it change what is protected.
    ben.git("reset", "--quiet", "--hard", "HEAD^")
    ben.write(".gitattributes", "")
    ben.git("commit", "--quiet", "--all", "--message", "Attributes")
    refused(ben, "main")


def test_with_signing_at_releases_branches_leave_unsigned_and_tags_do_not(
    project: Project,
) -> None:
    ada = project.ada
    text = ada.read(".gitmodel").decode()
    ada.write(".gitmodel", text.replace("when = commit", "when = release"))
    ada.git("add", ".gitmodel")
    ada.git("commit", "--quiet", "--message", "Sign releases")
    commit_unsigned(ada)
    ada.git("push", "--quiet", "origin", "main")
    ada.git("tag", "v1")
    refused(ada, "v1")


def test_an_override_pushes_and_is_logged(project: Project) -> None:
    commit_unsigned(project.ada)
    done = project.ada.git.run("-c", "git-model.guard=warn", "push", "origin", "main")
    assert "pre-push was overridden" in done.stderr
    (event,) = project.ada.events()
    assert event["action"] == "override-pre-push"
    assert event["ref"] == "refs/heads/main"
