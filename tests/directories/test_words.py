"""What the verbs say to who stands somewhere else, or has something else there."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

import git_model_security
from git_model_security.errors import ConfigError
from tests.directories.test_verbs import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.directories.conftest import Signed
    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository


def key(signed: Signed) -> tuple[object, ...]:
    return ("--encryption-key", signed.key)


def public(signed: Signed) -> tuple[object, ...]:
    return ("--public-key", signed.public)


def test_hidden_weights_hard_links_and_pipes_are_named(signed: Signed, tmp_path: Path) -> None:
    (signed.top / ".cache").mkdir()
    (signed.top / ".cache" / "w.gguf").write_bytes(b"GGUF")
    os.link(signed.top / "config.json", tmp_path / "other-name")
    os.mkfifo(signed.top / "pipe")
    said = run("encrypt", *key(signed), signed.top).stderr
    assert "hidden, and left in clear: .cache/w.gguf, .hidden" in said
    assert "in clear still under another name, a hard link: config.json" in said
    assert "pipe: neither a file nor a directory, and left as it is" in said


@pytest.mark.parametrize("verb", ["encrypt", "sign"])
def test_what_leaves_nothing_out_is_told(
    signed: Signed, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.chdir(signed.top.parent)
    by = ("key", "--private-key", signed.private) if verb == "sign" else key(signed)
    said = run(verb, *by, "--ignore-paths", "config.json", "granite").stderr
    assert "--ignore-paths config.json: leaves nothing out" in said
    assert "names are from where you stand, such as granite/config.json" in said
    said = run(verb, *by, "--ignore-paths", "granite/config.json", "granite").stderr
    assert "leaves nothing out" not in said


@pytest.mark.parametrize("verb", ["encrypt", "decrypt"])
def test_what_has_no_effect_is_refused_and_says_what_has(signed: Signed, verb: str) -> None:
    run("encrypt", *key(signed), "--ignore-git-paths", signed.top)
    before = signed.read()
    said = run(verb, *key(signed), "--no_ignore_git_paths", signed.top, status=2).stderr
    assert "--no-ignore-git-paths: nothing is signed here" in said
    assert "`git model encrypt FILE`" in said
    assert signed.read() == before
    assert "ignore-git-paths" not in run(verb, "--help").stdout


def test_what_is_gits_may_have_to_be_signed(signed: Signed) -> None:
    own = ("key", "--private-key", signed.private)
    shown = ("key", *public(signed), *key(signed))
    attributes = signed.top / ".gitattributes"
    verbs = {"sign+encrypt": "decrypt+verify", "encrypt+sign": "verify+decrypt"}
    for verb, inverse in verbs.items():
        run(verb, *own, *key(signed), "--no-ignore-git-paths", signed.top)
        attributes.write_bytes(b"*.bin -text\n")
        said = run(inverse, *shown, "--no-ignore-git-paths", signed.top, status=1).stdout
        assert ".gitattributes" in said
        run(inverse, *shown, signed.top)
        attributes.unlink()
        (signed.top / "model.sig").unlink()


def test_what_goes_with_a_directory_is_refused_where_there_is_none(signed: Signed) -> None:
    ignored = ("--ignore-paths", signed.top)
    for option in (("--no-ignore-git-paths",), ignored):
        said = run("digest", "--rev", "HEAD", *option, status=2).stderr
        assert "go with a directory" in said
        assert "go with METHOD and PATH" in run("sign", *option, status=2).stderr


def test_a_second_run_does_not_claim_that_it_encrypted(signed: Signed) -> None:
    run("encrypt", *key(signed), signed.top)
    said = run("encrypt", *key(signed), signed.top).stdout
    assert said == "nothing was left to encrypt: 3 files encrypted already\n"


@pytest.mark.parametrize(
    "words", [("--strict",), ("--expect", "deadbeef"), ("--model-root", "m"), ("--encrypted",)]
)
def test_a_file_is_verified_with_no_option_that_says_nothing_of_it(
    signed: Signed, words: tuple[str, ...]
) -> None:
    file = signed.top / "config.json"
    run("sign", "key", "--private-key", signed.private, file)
    verify = ("verify", "key", *public(signed), "--signature", f"{file}.sig")
    run(*verify, file)
    done = run(*verify, *words, file, status=2)
    assert "a file is verified as a whole" in done.stderr


def test_a_directory_is_no_key(signed: Signed) -> None:
    said = run("encrypt", "--encryption-key", signed.top, signed.top, status=1).stderr
    assert "chmod" not in said


def test_bytes_of_another_length_are_no_text_file(signed: Signed) -> None:
    with pytest.raises(ConfigError, match="the key that was given: 5 bytes"):
        git_model_security.encrypt(signed.top, b"short")


def test_who_has_no_key_is_told_all_ways_to_give_one(signed: Signed) -> None:
    said = run("encrypt", signed.top, status=1).stderr
    assert "GIT_MODEL_KEY_FILE or GIT_MODEL_KEY" in said


def test_a_key_file_that_is_not_there_has_a_hint(signed: Signed) -> None:
    words = ("--private-key", signed.top / "no.priv", signed.top)
    assert "hint:" in run("sign", "key", *words, status=1).stderr
    words = ("--public-key", signed.top.parent / "no.pub", "--dir", signed.top)
    assert "hint:" in run("verify", *words, status=4).stderr


def test_a_link_to_a_file_is_called_a_link(signed: Signed) -> None:
    link = signed.top.parent / "l.gguf"
    link.symlink_to(signed.top / "model.safetensors")
    said = run("encrypt", *key(signed), link, status=1).stderr
    assert "l.gguf: is a symbolic link" in said
    assert f"name the file itself: {signed.top / 'model.safetensors'}" in said


def test_what_is_not_signed_is_unsigned_wherever_one_asks(signed: Signed) -> None:
    run("encrypt", *key(signed), signed.top)
    for path in (signed.top, signed.top / "model.safetensors"):
        words = ("key", *public(signed), *key(signed), path)
        assert "unsigned" in run("decrypt+verify", *words, status=1).stdout
    assert "unsigned" in run("verify", "--dir", signed.top, *public(signed), status=1).stdout


def test_a_file_is_named_as_ignore_paths_wants_it(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(signed.top.parent)
    (signed.top / "link").symlink_to("config.json")
    by = ("key", "--private-key", signed.private)
    said = run("sign", *by, "granite", status=1).stderr
    assert "--ignore-paths granite/link" in said
    run("sign", *by, "--ignore-paths", "granite/link", "granite")


def test_one_file_is_verified_against_the_bundle_beside_it(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(signed.top)
    run("sign", "key", "--private-key", signed.private, "model.safetensors")
    for words in (("key",), ()):
        said = run("verify", *words, *public(signed), "model.safetensors").stdout
        assert "Verified: model.safetensors" in said
    said = run("verify", "key", *public(signed), "config.json", status=1).stdout
    assert "unsigned" in said


@pytest.mark.parametrize("verb", ["decrypt+verify", "verify+decrypt"])
def test_no_option_is_named_that_the_verb_does_not_have(signed: Signed, verb: str) -> None:
    run("encrypt+sign", "key", "--private-key", signed.private, *key(signed), signed.top)
    (signed.top / "extra").write_bytes(b"x")
    (signed.top / "model.safetensors").rename(signed.top / "moved")
    (signed.top / "model.safetensors").symlink_to("moved")
    done = run(verb, "key", *public(signed), *key(signed), signed.top, status=1)
    assert "extra file" in done.stdout
    assert "--ignore-unsigned-files" not in done.stderr
    assert "--follow-links" not in done.stderr
    assert "--ignore-paths PATH" in done.stderr


def test_of_a_repository_a_file_is_verified_alone_that_git_does_not_have(
    signed: Signed, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.path)
    shutil.copy(signed.top / "config.json", "untracked")
    shutil.copy("untracked", "tracked")
    for name in ("untracked", "tracked"):
        run("sign", "key", "--private-key", signed.private, name)
    repo.git("add", "tracked")
    run("verify", *public(signed), "untracked")
    assert "tracked" in run("verify", *public(signed), "tracked", status=4).stderr


def test_each_mixture_of_dir_with_others_says_what_is_meant(signed: Signed) -> None:
    below = signed.top / "tokenizer"
    for path in (signed.top, below):
        run("sign", "key", "--private-key", signed.private, path)
    of = ("verify", *public(signed), "--dir", signed.top)
    said = run(*of, "--model-root", "tokenizer", status=1)
    assert f"`--dir {below}` verifies the model that lies there" in said.stdout + said.stderr
    for mixed, told in (
        (("--encrypted", "--model-root", "tokenizer"), "verifies all of --dir"),
        (("--encrypted", "--all-models"), "`--dir DIR/MODEL`"),
        (("--all-models", "--signature", "./x.sig"), "by the name of the bundles"),
    ):
        assert told in run(*of, *mixed, status=2).stderr
    file = signed.top / "config.json"
    said = run("verify", *public(signed), "--dir", file, status=2)
    assert "is a file" in said.stderr
    assert f"`git model verify METHOD --signature BUNDLE {file}`" in said.stderr


def test_a_path_in_place_of_a_revision_says_how_it_is_verified(
    signed: Signed, monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    monkeypatch.chdir(signed.top.parent)
    said = run("verify", *public(signed), "granite", status=4).stderr
    assert "granite: is a directory, and no revision" in said
    assert "`git model verify --dir granite`" in said
    monkeypatch.chdir(project.ada.path)
    said = run("verify", "config.json", status=4).stderr
    assert "config.json: is a file, and no revision" in said
    assert "`git model verify -- config.json`" in said


def test_a_digest_of_pointers_is_told_as_such(signed: Signed) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    (signed.top / "model.safetensors").write_text(text)
    done = run("digest", signed.top)
    assert done.stdout.startswith("sha256:")
    assert "not the digest of the files: 1 pointer of git-lfs among them" in done.stderr
