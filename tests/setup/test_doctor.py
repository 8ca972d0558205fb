"""What doctor and status say where there is no clone of git-model, or half of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository
    from tests.fixtures.servers import Client


def test_a_repository_that_never_was_git_models(repo: Repository) -> None:
    assert (
        "Not a git-model repository: `git model init`"
        in repo.model("status", check=False).stdout
    )
    done = repo.model("doctor", check=False)
    assert done.returncode == 1
    assert done.stdout == "not a git-model repository: `git model init`\n"


def test_a_head_without_a_policy_is_a_symptom(project: Project) -> None:
    ada = project.ada
    assert "HEAD has no .gitmodel" not in ada.model("doctor", check=False).stdout
    tree = ada.git("mktree", stdin="")
    commit = ada.git("commit-tree", tree, "-m", "Nothing")
    ada.git("checkout", "--quiet", "--detach", commit)
    said = ada.model("doctor", check=False).stdout
    assert "HEAD has no .gitmodel" in said
    assert "`git model repair`" in said


def test_hints_for_a_policy_that_a_commit_removed_lead_to_repair(project: Project) -> None:
    ada = project.ada
    ada.git("rm", "--quiet", "--cached", ".gitmodel")
    said = ada.model("sign", "--amend", check=False).stderr
    assert "`git restore --staged .gitmodel` brings it back" in said
    ada.git(*NO_HOOKS, "commit", "--quiet", "--message", "Without")
    for command in (("sign", "--amend"), ("verify",), ("verify", "HEAD"), ("track",)):
        done = ada.model(*command, check=False)
        assert done.returncode, command
        assert "`git model repair` puts it back" in done.stderr, command
    (ada.path / ".gitmodel").unlink()
    ada.model("repair")
    ada.model("verify", "HEAD")


def test_a_server_is_asked_for_its_hook_and_not_for_keys(
    project: Project, guarded: Client
) -> None:
    server = project.remote
    assert server.model("doctor").stdout == "Nothing is wrong\n"
    hook = server.path / "hooks" / "pre-receive"
    hook.write_text(hook.read_text().replace("\npython=", "\npython=/gone"))
    said = server.model("doctor", check=False).stdout
    assert "is gone, so nothing is accepted: `git model install --server`" in said
    hook.unlink()
    said = server.model("doctor", check=False).stdout
    assert "nothing judges what is pushed here" in said
    assert "locked" not in said


def test_an_override_on_a_server_is_a_symptom(project: Project, guarded: Client) -> None:
    project.remote.git("config", "git-model.guard", "warn")
    said = project.remote.model("doctor", check=False).stdout
    assert "git-model.guard=warn lets everything in" in said


def test_an_override_that_overrides_nothing_is_told(project: Project) -> None:
    project.ada.git("config", "git-model.guard", "warn")
    said = project.ada.model("doctor", check=False).stdout
    assert "git-model.guard=warn in a file overrides nothing" in said
    project.ada.git("config", "git-model.guard", "off")
    said = project.ada.model("doctor", check=False).stdout
    assert "git-model.guard=off is no value" in said


def test_attributes_that_say_less_than_the_policy_are_told_and_mended(project: Project) -> None:
    ada = project.ada
    text = ada.read(".gitattributes")
    lines = [line for line in text.splitlines(keepends=True) if b"*.json " not in line]
    lines = [line for line in lines if b"safetensors" not in line]
    ada.write(".gitattributes", b"".join(lines))
    ada.git("add", ".gitattributes")
    wanted = ".gitattributes does not say what .gitmodel does"
    assert wanted in ada.model("doctor", check=False).stdout
    assert wanted in ada.model("status", check=False).stderr
    assert wanted in ada.git.run("commit", "--message", "Less").stderr
    ada.model("doctor", "--fix", check=False)
    assert ada.blob(":.gitattributes") == text
    ada.write(".gitattributes", text + b"*.psd filter=lfs -text\n")
    ada.git("add", ".gitattributes")
    assert wanted not in ada.git.run("commit", "--message", "More").stderr
    ada.write(".gitattributes", text + b"*.safetensors filter=lfs\n")
    ada.git("add", ".gitattributes")
    assert wanted in ada.git.run("commit", "--message", "Less again").stderr


def test_without_a_command_the_help_is_shown(repo: Repository) -> None:
    done = repo.model(check=False)
    assert done.returncode == 2
    assert "Commands:\n  init " in done.stderr
    assert "git-model: error" not in done.stderr
