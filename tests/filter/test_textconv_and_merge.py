"""What `git diff`, `git log -p` and `git archive` show of encrypted files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fixtures.histories import MODEL
from tests.fixtures.people import is_sealed
from tests.fixtures.processes import execute

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project


def test_a_diff_shows_encrypted_text_in_clear(project: Project) -> None:
    project.ada.write("config.json", '{\n  "layers": 3,\n  "heads": 4,\n  "width": 8\n}\n')
    for options in ((), ("--cached",)):
        shown = project.ada.git("diff", *options)
        assert '-  "layers": 2,' in shown
        assert '+  "layers": 3,' in shown
        project.ada.git("add", "--all")


def test_the_log_shows_encrypted_text_in_clear(project: Project) -> None:
    project.ada.write("config.json", '{"layers": 3}\n')
    project.ada.commit()
    assert '+{"layers": 3}' in project.ada.git("log", "--patch", "-1")


def test_a_diff_lists_tensors(project: Project) -> None:
    project.ada.write("model.safetensors", MODEL.replace(b'"w"', b'"v"'))
    shown = project.ada.git("diff", "model.safetensors")
    assert "-w F32 [64]" in shown
    assert "+v F32 [64]" in shown


def test_a_diff_of_other_bytes_shows_their_digest(project: Project) -> None:
    project.ada.write("data.bin", b"\0one")
    project.ada.git("add", "--all")
    project.ada.write("data.bin", b"\0another")
    shown = project.ada.git("diff", "data.bin")
    assert "-4 bytes, sha256 " in shown
    assert "+8 bytes, sha256 " in shown


def test_a_diff_without_the_key_names_the_key(project: Project, person: PersonFactory) -> None:
    bob = person("bob")
    bob.install()
    clone = bob.clone(project.remote)
    project.ada.write("config.json", "{}\n")
    project.ada.commit()
    project.ada.git("push", "--quiet")
    clone.git("pull", "--quiet")
    key_id = project.ada.git("config", "git-model.keyId")
    shown = clone.git("diff", "HEAD~1", "config.json")
    assert f"encrypted by git-model, key {key_id}" in shown


def test_no_plaintext_is_cached_below_refs(project: Project) -> None:
    project.ada.write("config.json", "{}\n")
    project.ada.git("diff")
    project.ada.commit()
    project.ada.git("log", "--patch")
    assert not project.ada.git("for-each-ref", "refs/notes")


def test_an_archive_of_an_unlocked_clone_holds_plaintext(
    project: Project, tmp_path: Path
) -> None:
    archive = tmp_path / "model.tar"
    project.ada.git("archive", "--output", str(archive), "HEAD")
    out = execute("tar", "--extract", "--to-stdout", "--file", archive, "config.json")
    assert out.stdout.encode() == project.ada.read("config.json")


def test_show_gives_what_git_holds_and_cat_file_filters_on_request(project: Project) -> None:
    assert is_sealed(project.ada.blob("HEAD:config.json"))
    shown = project.ada.git.run("cat-file", "--filters", "HEAD:config.json", text=False)
    assert shown.stdout == project.ada.read("config.json")
