"""`git model track` and `untrack`: the policy changes, and the index with it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.histories import MODEL
from tests.fixtures.people import assert_clean, assert_signed, is_sealed

if TYPE_CHECKING:
    import subprocess
    from typing import Any

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository

NOTES = b"what nobody shall read before the model is published, at some length\n" * 3


def refused(repo: Repository, *words: str) -> str:
    before = (repo.git("ls-files", "--stage"), repo.read(".git/info/attributes"))
    done = repo.model(*words, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert (repo.git("ls-files", "--stage"), repo.read(".git/info/attributes")) == before
    return str(done.stderr)


def committed(repo: Repository) -> subprocess.CompletedProcess[Any]:
    return repo.git.run("commit", "--quiet", "--message", "Policy")


def test_track_encrypts_what_is_tracked_already_and_says_what_history_holds(
    project: Project,
) -> None:
    ada = project.ada
    ada.write("docs/notes.txt", NOTES)
    ada.commit("Notes")
    assert (
        "`git commit --amend` makes it anew" in ada.model("track", "docs/", "--dry-run").stderr
    )
    ada.git("commit", "--quiet", "--allow-empty", "--message", "On top")
    done = ada.model("track", "docs/")
    assert "Will be encrypted (1):\n  docs/notes.txt" in done.stdout
    assert "the history holds 1 version of" in done.stderr
    assert "git model migrate" in done.stderr
    assert is_sealed(ada.blob(":docs/notes.txt"))
    assert ada.read("docs/notes.txt") == NOTES
    assert "docs/** filter=git-model" in ada.read(".gitattributes").decode()
    committed(ada)
    assert_signed(ada)
    assert_clean(ada)
    ada.write("docs/more.txt", NOTES + b"2")
    ada.commit("More")
    assert is_sealed(ada.blob("HEAD:docs/more.txt"))


def test_changes_that_were_not_added_stay_unadded(project: Project) -> None:
    ada = project.ada
    ada.write("notes.txt", NOTES)
    ada.commit("Notes")
    ada.write("notes.txt", NOTES + b"and a line\n")
    ada.model("track", "*.txt")
    committed(ada)
    assert ada.status() == " M notes.txt"
    assert ada.read("notes.txt") == NOTES + b"and a line\n"


def test_untrack_puts_the_index_back_into_clear_and_leaves_the_work_tree(
    project: Project,
) -> None:
    ada = project.ada
    content = ada.read("config.json")
    ada.write("sub/config.json", b'{"other": 1}\n')
    ada.commit("Another of that name")
    done = ada.model("untrack", "config.json", "--yes", "--reason", "published")
    assert "Will be clear (1):\n  config.json" in done.stdout
    assert ada.blob(":config.json") == content
    committed(ada)
    assert_signed(ada)
    assert_clean(ada)
    # A bare name is one file, not all of that name.
    assert is_sealed(ada.blob("HEAD:sub/config.json"))
    assert is_sealed(ada.blob("HEAD~2:config.json"))
    assert ada.model("audit").returncode == 0
    ada.git("push", "--quiet")
    last = ada.events()[-1]
    assert (last["action"], last["reason"]) == ("untrack", "published")
    assert last["findings"] == ["/config.json", "config.json"]
    ada.write("config.json", b'{"layers": 3}\n')
    ada.commit("Clear from now on")
    assert ada.blob("HEAD:config.json") == b'{"layers": 3}\n'


def test_untrack_frees_just_these_contents(project: Project) -> None:
    ada = project.ada
    ada.write("params.json", NOTES)
    ada.write(
        "vocab.json", b'{"secret": 1, "so": "it stays encrypted", "and": "is long enough"}\n'
    )
    ada.commit("Two")
    ada.model("untrack", "params.json", "--yes")
    committed(ada)
    ada.write("copy.md", NOTES)
    ada.commit("A copy of what is public now")
    ada.write("other.md", ada.read("vocab.json"))
    ada.git("add", "other.md")
    done = ada.git.run("commit", "--message", "x", check=False)
    assert done.returncode == 1
    assert "other.md: content that this clone has encrypted" in done.stderr


def test_a_wildcard_lets_no_model_out_and_a_name_does(project: Project) -> None:
    ada = project.ada
    said = refused(ada, "untrack", "*.safetensors", "--yes")
    assert "model.safetensors: a model file (safetensors)" in said
    ada.model("untrack", "model.safetensors", "--yes")
    committed(ada)
    assert ada.blob("HEAD:model.safetensors") == MODEL
    ada.git("push", "--quiet")
    assert ada.model("audit").returncode == 0
    ada.write("demo/model.bin", b"GGUF\x03\0\0\0" + bytes(4096))
    ada.model("untrack", "demo/*", "--yes", check=False)
    ada.git("add", "--all")
    assert ada.blob(":demo/model.bin").startswith(b"GGUF")
    done = ada.git.run("commit", "--message", "x", check=False)
    assert "demo/model.bin: model file (GGUF)" in done.stderr


def test_tracking_again_takes_the_record_back(project: Project) -> None:
    ada = project.ada
    ada.write("config.json", NOTES)
    ada.commit()
    ada.model("untrack", "config.json", "--yes")
    committed(ada)
    done = ada.model("track", "config.json")
    assert "HEAD holds these files in clear" in done.stderr
    assert "untracked" not in ada.read(".gitmodel").decode()
    committed(ada)
    assert is_sealed(ada.blob("HEAD:config.json"))
    assert_signed(ada)
    assert_clean(ada)
    assert "config.json" in ada.model("audit", check=False).stdout
    # Its content is a secret again.
    ada.write("copy.md", NOTES)
    ada.git("add", "copy.md")
    done = ada.git.run("commit", "--message", "x", check=False)
    assert "copy.md: content that this clone has encrypted" in done.stderr


def test_untracking_what_is_not_there_says_so(project: Project) -> None:
    done = project.ada.model("untrack", "nosuch", check=False)
    assert "no encrypted file, tracked or not, has a name like nosuch" in done.stderr
    assert "(0)" not in done.stdout


def test_a_dry_run_changes_nothing(project: Project) -> None:
    ada = project.ada
    before = (ada.read(".git/index"), ada.read(".gitmodel"), ada.read(".git/info/attributes"))
    assert "README.md" in ada.model("track", "*.md", "--dry-run").stdout
    assert "config.json" in ada.model("untrack", "config.json", "--dry-run").stdout
    after = (ada.read(".git/index"), ada.read(".gitmodel"), ada.read(".git/info/attributes"))
    assert after == before
    assert ada.events() == []


def test_without_a_pattern_the_rules_are_listed(project: Project) -> None:
    ada = project.ada
    ada.model("track", "*.md")
    ada.model("untrack", "config.json", "--yes")
    said = ada.model("track").stdout
    assert "Encrypted, by the profile weights:" in said
    assert "    *.safetensors  (1 tracked file)\n" in said
    assert "Encrypted on top of it:\n    *.md  (1 tracked file)\n" in said
    assert "Clear, untracked on purpose:\n    /config.json  (1 tracked file)\n" in said
    assert "patterns that no tracked file needs\n" in said
    assert len(said.splitlines()) < 12
    assert ada.model("untrack").stdout == said


def test_what_is_so_already_changes_nothing(project: Project) -> None:
    ada = project.ada
    assert "encrypted already" in ada.model("track", "config.json").stdout
    ada.model("untrack", "config.json", "--yes")
    committed(ada)
    assert "clear already" in ada.model("untrack", "config.json").stdout
    assert ada.status() == ""


def test_a_record_does_not_go_out_without_its_policy(project: Project) -> None:
    ada = project.ada
    ada.model("untrack", "config.json", "--yes")
    # A partial commit has the clear file, and .gitmodel as it was.
    done = ada.git.run("commit", "--message", "x", "config.json", check=False)
    assert done.returncode == 1
    assert "config.json: plaintext at a protected path" in done.stderr
    ada.git("reset", "--quiet", "--hard")
    assert "track --accept" in ada.model("status", check=False).stderr
    ada.model("track", "--accept")
    assert ada.read("config.json").startswith(b"{")
    assert_clean(ada)


def test_names_of_any_letters_are_untracked_and_tracked_again(project: Project) -> None:
    ada = project.ada
    name = "my docs/\u00e4 [b] #1.json"
    ada.write(name, NOTES)
    ada.model("track", "my docs")
    ada.commit("Odd names")
    assert is_sealed(ada.blob(f"HEAD:{name}"))
    ada.model("untrack", "my docs/", "--yes")
    committed(ada)
    assert ada.blob(f"HEAD:{name}") == NOTES
    ada.git("push", "--quiet")
    ada.model("track", "my docs/")
    committed(ada)
    assert is_sealed(ada.blob(f"HEAD:{name}"))
    assert_clean(ada)


def test_untrack_asks_and_refuses_where_there_is_nobody_to_ask(project: Project) -> None:
    assert "--yes" in refused(project.ada, "untrack", "config.json")


@pytest.mark.parametrize(
    "pattern", ["*", ".gitmodel", ".gitattributes", "*.sig", "**/.gitignore"]
)
@pytest.mark.parametrize("command", ["track", "untrack"])
def test_what_must_stay_as_it_is_cannot_be_named(
    project: Project, command: str, pattern: str
) -> None:
    assert "must stay as it is" in refused(project.ada, command, pattern, "--yes")


@pytest.mark.parametrize("pattern", ["!x", "[attr]x", "a\nb"])
def test_what_is_no_pattern_is_refused(project: Project, pattern: str) -> None:
    assert "cannot be a pattern" in refused(project.ada, "track", pattern)


def test_a_locked_clone_changes_no_policy(project: Project) -> None:
    project.ada.model("lock")
    assert "git model unlock" in refused(project.ada, "untrack", "config.json", "--yes")
    assert "git model unlock" in refused(project.ada, "track", "*.md")


@pytest.mark.parametrize("name", [".gitmodel", ".gitattributes"])
def test_changes_of_the_files_that_are_written_are_not_lost(
    project: Project, name: str
) -> None:
    project.ada.write(name, project.ada.read(name) + b"# mine\n")
    assert "not staged" in refused(project.ada, "track", "*.md")


def test_paths_in_conflict_are_left_to_the_merge(project: Project) -> None:
    ada = project.ada
    ada.git("switch", "--quiet", "--create", "side")
    ada.write("README.md", "side\n")
    ada.commit()
    ada.git("switch", "--quiet", "main")
    ada.write("README.md", "main\n")
    ada.commit()
    ada.git.run("merge", "side", check=False)
    assert "in conflict" in refused(ada, "track", "*.md")


def test_an_exclusion_that_stands_in_the_way_is_named(project: Project) -> None:
    ada = project.ada
    ada.write("docs/a.md", "a\n")
    ada.commit()
    ada.model("untrack", "docs/**", "--yes")
    assert "'docs/**' is excluded" in refused(ada, "track", "docs/a.md")


def test_a_file_that_was_only_a_pointer_is_written(project: Project) -> None:
    ada = project.ada
    content = bytes(range(256)) * 8192
    ada.write("params.json", content)
    ada.commit("Large")
    if not ada.blob("HEAD:params.json").startswith(b"version https://git-lfs"):
        pytest.skip("git-lfs is not installed")
    ada.write("params.json", ada.blob("HEAD:params.json"))
    ada.git("add", "params.json")
    assert ada.status() == ""
    ada.model("untrack", "params.json", "--yes")
    committed(ada)
    assert ada.blob("HEAD:params.json") == content
    assert ada.read("params.json") == content
    assert_clean(ada)


def test_what_is_too_long_for_git_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from git_model_security.clone.clone import Clone
    from git_model_security.errors import PolicyError
    from git_model_security.git.repository import Repository as Facts
    from git_model_security.policy_change import untrack

    monkeypatch.setattr(untrack, "LIMIT_BYTES", 10)
    clone = Clone(Facts.discover(project.ada.path, local=False))
    with clone.objects, pytest.raises(PolicyError, match="longer than the 10 bytes"):
        untrack.plan(clone, ("config.json",))


def test_a_file_of_git_lfs_in_clear_is_taken_over(project: Project) -> None:
    ada = project.ada
    if ada.git.run("lfs", "version", check=False).returncode:
        pytest.skip("git-lfs is not installed")
    attributes = ada.read(".gitattributes").decode()
    ada.write(".gitattributes", "*.dat filter=lfs diff=lfs merge=lfs -text\n" + attributes)
    ada.git("lfs", "install", "--local", "--force", "--skip-repo")
    ada.write("big.dat", NOTES * 100)
    ada.commit("In git-lfs")
    assert ada.blob("HEAD:big.dat").startswith(b"version https://git-lfs")
    ada.model("track", "*.dat")
    committed(ada)
    assert is_sealed(ada.blob("HEAD:big.dat"))
    assert_clean(ada)


def test_an_untrack_that_is_taken_back_says_how_the_file_is_decrypted(project: Project) -> None:
    ada = project.ada
    ada.model("untrack", "--yes", "model.safetensors")
    ada.git("commit", "--quiet", "--message", "Clear")
    ada.git("revert", "--no-edit", "HEAD")
    assert "`git model checkout`" in ada.model("verify", check=False).stderr
    assert "`git model track --accept`" in ada.model("checkout").stderr
    ada.model("track", "--accept", "--yes")
    assert not is_sealed(ada.read("model.safetensors"))
    ada.model("verify")


def test_a_pattern_that_nothing_needs_yet_is_told(project: Project) -> None:
    said = project.ada.model("track", "later.bin").stdout
    assert said.startswith("No tracked file needs it yet")
    assert "(0)" not in said


def test_what_two_patterns_keep_clear_is_taken_back_by_the_command_that_is_told(
    project: Project,
) -> None:
    ada = project.ada
    ada.write("docs/a.txt", b"secret")
    ada.model("track", "docs/a.txt")
    ada.commit()
    for pattern in ("docs/a.txt", "*.txt"):
        ada.model("untrack", "--yes", pattern)
        ada.git("commit", "--quiet", "--message", "Clear")
    refused = ada.model("track", "docs/a.txt", check=False)
    (command,) = re.findall(r"hint: `git model (.*)` takes that back", refused.stderr)
    ada.model(*shlex.split(command))
    ada.commit()
    assert is_sealed(ada.git.run("show", "HEAD:docs/a.txt", text=False).stdout)
