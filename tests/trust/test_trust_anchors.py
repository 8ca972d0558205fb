"""Keys, chains and trust configs that lie in the tree which is judged by them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import ConfigError
from git_model_security.trust import anchors
from tests.fixtures.bundles import Pair, make_pair
from tests.fixtures.repositories import Repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fixtures.chains import Chains
    from tests.fixtures.people import PersonFactory, Project

REFUSED = "lies in the work tree that is judged by it, where whoever can push may replace it"


@pytest.fixture
def other(tmp_path: Path) -> Pair:
    """A key pair that nobody trusts, outside of the repository."""
    pair = make_pair(tmp_path / "other.pem")
    (tmp_path / "other.pub").write_bytes(pair.public)
    return pair


def refusal(repo: Repository, *words: str | Path, cwd: Path | None = None) -> str:
    asked = repo if cwd is None else Repository(cwd, repo.env)
    done = asked.model(*map(str, words), check=False)
    is_gate = words[0] in {"verify", "audit"} or "--deploy" in words
    assert done.returncode == (4 if is_gate else 1), done.stderr
    return " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "words",
    [
        ("trust", "add", "--yes", "--public-key", "ci.pub"),
        ("verify", "--public-key", "ci.pub"),
        ("verify", "--encrypted", "HEAD", "--public-key", "ci.pub"),
        ("unlock", "--public-key", "ci.pub"),
        ("unlock", "--signing-key", "ci.pem"),
        ("sign", "key", "--private-key", "ci.pem"),
        ("audit", "--ci", "HEAD~..HEAD", "--public-key", "ci.pub"),
        ("config", "signingCertificate", "ci.pub"),
        ("config", "certificateChain", "ci.pub"),
        ("config", "trustConfig", "ci.pub"),
        ("config", "pkcs11Module", "ci.pub"),
    ],
)
def test_what_says_whom_to_trust_is_not_taken_from_the_tree(
    words: tuple[str, ...], project: Project, other: Pair
) -> None:
    ada = project.ada
    ada.write("ci.pub", other.public)
    ada.write("ci.pem", other.private.read_bytes())
    before = ada.model("trust", "list").stdout
    settings = ada.git("config", "--local", "--list")
    said = refusal(ada, *words)
    if words[0] != "config" or words[1] == "pkcs11Module":
        assert f"{words[-1]}: {REFUSED}".partition("/")[0] in said
        assert "hint: `cp " in said
    assert ada.model("trust", "list").stdout == before
    assert ada.git("config", "--local", "--list") == settings


def test_a_chain_and_a_certificate_are_not_taken_from_the_tree(
    repo: Repository, chains: Chains, tmp_path: Path
) -> None:
    good = chains["good"]
    repo.write("weights.bin", b"weights")
    for name, source in (("root.pem", chains.root), ("key.pem", good.key)):
        repo.write(name, source.read_bytes())
    by = ("init", "--sign-with", "certificate", "--signing-certificate", good.certificate)
    chain = [part for path in chains.chain("good") for part in ("--certificate-chain", path)]
    for root, key in (("root.pem", good.key), (chains.root, "key.pem")):
        said = refusal(repo, *by, *chain, "--certificate-chain", root, "--signing-key", key)
        assert "lies in the work tree" in said
        assert not (repo.path / ".gitmodel").exists()
        assert not repo.git.run(
            "config", "--get-regexp", "git-model.signing", check=False
        ).stdout
    # From elsewhere, and then by content: the file may change, or go.
    kept = tmp_path / "kept"
    kept.mkdir()
    for source in (good.certificate, chains.root, *chains.chain("good")):
        (kept / source.name).write_bytes(source.read_bytes())
    chain = [
        part
        for path in (*chains.chain("good"), chains.root)
        for part in ("--certificate-chain", kept / path.name)
    ]
    words = (*by[:-1], kept / good.certificate.name, *chain, "--signing-key", good.key)
    repo.model(*map(str, words))
    (repo.path / "key.pem").unlink()
    (repo.path / "root.pem").unlink()
    for file in kept.iterdir():
        file.write_bytes(b"exchanged")
    repo.commit("Signed by what was chosen")
    repo.model("verify")
    named = repo.git("config", "git-model.signingCertificate")
    assert named == hashlib.sha256(good.certificate.read_bytes()).hexdigest()


def _ignored(repo: Repository, _: Path) -> str:
    repo.write(".git/info/exclude", "secrets\n")
    repo.write("secrets/ci.pub", (repo.path.parent / "other.pub").read_bytes())
    return "secrets/ci.pub"


def _link_out_of_the_tree(repo: Repository, outside: Path) -> str:
    (repo.path / "ci.pub").symlink_to(outside / "other.pub")
    return "ci.pub"


def _through_a_linked_directory_of_the_tree(repo: Repository, outside: Path) -> str:
    (repo.path / "keys").symlink_to(outside)
    return str(repo.path / "keys" / "other.pub")


def _link_into_the_tree(repo: Repository, outside: Path) -> str:
    repo.write("ci.pub", (outside / "other.pub").read_bytes())
    (outside / "one").symlink_to(repo.path / "ci.pub")
    (outside / "two").symlink_to("one")
    return str(outside / "two")


def _directory_linked_into_the_tree(repo: Repository, outside: Path) -> str:
    repo.write("ci.pub", (outside / "other.pub").read_bytes())
    (outside / "tree").symlink_to(repo.path)
    return "../tree/ci.pub"


def _another_work_tree(repo: Repository, outside: Path) -> str:
    repo.git("worktree", "add", "--quiet", "--detach", "--no-checkout", str(outside / "linked"))
    (outside / "linked" / "ci.pub").write_bytes((outside / "other.pub").read_bytes())
    return str(outside / "linked" / "ci.pub")


def _same_file_by_another_name(repo: Repository, outside: Path) -> str:
    # What a bind mount of a file or directory comes to.
    repo.write("ci.pub", (outside / "other.pub").read_bytes())
    repo.git("add", "ci.pub")
    os.link(repo.path / "ci.pub", outside / "mounted")
    return str(outside / "mounted")


@pytest.mark.parametrize(
    "placed",
    [
        _ignored,
        _link_out_of_the_tree,
        _through_a_linked_directory_of_the_tree,
        _link_into_the_tree,
        _directory_linked_into_the_tree,
        _another_work_tree,
        _same_file_by_another_name,
    ],
)
def test_no_way_around_leads_into_the_tree(
    placed: Callable[[Repository, Path], str], project: Project, other: Pair, tmp_path: Path
) -> None:
    path = placed(project.ada, tmp_path)
    assert other.private.parent == tmp_path
    said = refusal(project.ada, "verify", "--public-key", path)
    assert f"{path}: lies in the work tree" in said


def test_what_lies_outside_is_taken_from_wherever_one_stands(project: Project) -> None:
    deep = project.ada.path / "a" / "b"
    deep.mkdir(parents=True)
    project.ada.write(".git/ada.pub", project.public.read_bytes())
    inside = Repository(deep, project.ada.env)
    for path in ("../../../ada.pub", "../../.git/ada.pub", str(project.public)):
        inside.model("verify", "--encrypted", "--public-key", path)


def test_a_key_that_another_checkout_tracks_is_refused_and_its_copy_taken(
    project: Project, person: PersonFactory, tmp_path: Path
) -> None:
    ada = project.ada
    ada.write("ci.pub", project.public.read_bytes())
    ada.write("mine.pub", project.public.read_bytes())
    ada.git("add", "ci.pub")
    ada.git("commit", "--quiet", "--message", "A key for everybody")
    ada.git("push", "--quiet")
    here = Repository(tmp_path, person("bob").env)
    clone = ("clone", "remote.git", "--key", "aes256.bin", "--public-key")
    said = refusal(here, *clone, "repo/ci.pub", "--deploy", "deployed")
    assert "repo/ci.pub: lies in another checkout of the tree that is judged by it" in said
    assert not (tmp_path / "deployed").exists()
    here.model(*clone, "repo/mine.pub", "--deploy", "good")
    job = Repository(tmp_path / "good", here.env)
    assert "another checkout" in refusal(job, "verify", "--public-key", "../repo/ci.pub")
    job.model("verify", "--public-key", "../ada.pub")


def test_a_directory_is_not_judged_by_what_lies_in_it(project: Project, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in project.ada.git("ls-files").split():
        (copy / name).write_bytes((project.ada.path / name).read_bytes())
    (copy / ".signer.pub").write_bytes(project.public.read_bytes())
    here = Repository(tmp_path, project.ada.env)
    for path in ("copy/.signer.pub", copy / ".signer.pub"):
        said = refusal(here, "verify", "--dir", "copy", "--public-key", path)
        assert "lies in the directory that is judged by it" in said
    os.link(copy / ".signer.pub", tmp_path / "mounted.pub")
    said = refusal(here, "verify", "--dir", "copy", "--public-key", "mounted.pub")
    assert "mounted.pub: is a file of the directory that is judged by it" in said
    (copy / ".signer.pub").unlink()
    here.model("verify", "--dir", "copy", "--public-key", "ada.pub")
    (tmp_path / "link.pub").symlink_to(tmp_path / "ada.pub")
    here.model("verify", "--dir", "copy", "--public-key", "link.pub")


@pytest.mark.parametrize("shape", ["bare", ".git", "around"])
def test_no_program_runs_that_the_configuration_of_a_directory_names(
    shape: str, project: Project, tmp_path: Path
) -> None:
    """An archive may hold a repository; Git runs the programs of its configuration."""
    copy, ran = tmp_path / "copy", tmp_path / "ran"
    model = copy / "inner" if shape == "around" else copy
    model.mkdir(parents=True)
    for name in project.ada.git("ls-files").split():
        (model / name).write_bytes((project.ada.path / name).read_bytes())
    place = copy if shape == "bare" else copy / ".git"
    for name in ("objects", "refs"):
        (place / name).mkdir(parents=True)
    (place / "HEAD").write_text("ref: refs/heads/main\n")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch '{ran}'\n")
    program.chmod(0o755)
    settings = f"[core]\nrepositoryformatversion = 0\nbare = false\nfsmonitor = {program}\n"
    (place / "config").write_text(settings + "worktree = .\n" * (shape == "bare"))
    here = Repository(tmp_path, project.ada.env)
    here.model("verify", "--dir", model, "--public-key", "ada.pub", check=False)
    here.model("verify", "key", "--public-key", "ada.pub", model / "config.json", check=False)
    for verb in ("decrypt+verify", "verify+decrypt"):
        words = ("key", "--public-key", "ada.pub", "--encryption-key", "aes256.bin", model)
        here.model(verb, *words, check=False)
    assert not ran.exists()
    (model / "mine.pub").write_bytes(project.public.read_bytes())
    path = model / "mine.pub"
    assert "is judged by it" in refusal(here, "verify", "--dir", model, "--public-key", path)


def test_nor_by_what_lies_where_its_links_may_lead(project: Project, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "blobs").mkdir(parents=True)
    (root / "copy").mkdir()
    for name in project.ada.git("ls-files").split():
        (root / "blobs" / name).write_bytes((project.ada.path / name).read_bytes())
        (root / "copy" / name).symlink_to(root / "blobs" / name)
    (root / "ci.pub").write_bytes(project.public.read_bytes())
    here = Repository(tmp_path, project.ada.env)
    verify = ("verify", "--dir", "root/copy", "--follow-links", "root")
    said = refusal(here, *verify, "--public-key", "root/ci.pub")
    assert "root/ci.pub: lies in the directory that is judged by it" in said
    here.model(*verify, "--public-key", "ada.pub")


def test_a_repository_below_the_root_of_links_has_no_say(
    project: Project, tmp_path: Path
) -> None:
    (project.ada.path / "copy").mkdir()
    for name in project.ada.git("ls-files").split():
        (project.ada.path / "copy" / name).symlink_to(f"../{name}")
    said = refusal(project.ada, "verify", "--dir", "copy", "--follow-links", ".")
    assert "in one that came along, nobody is trusted" in said


def test_a_setting_that_names_a_file_of_the_tree_is_refused_when_it_is_used(
    project: Project,
) -> None:
    ada = project.ada
    ada.write("sigstore.json", "{}")
    ada.git("config", "git-model.signingMethod", "sigstore")
    ada.git("config", "git-model.trustConfig", str(ada.path / "sigstore.json"))
    assert "sigstore.json: lies in the work tree" in refusal(ada, "sign")


def test_a_signer_is_found_however_deep_it_lies(tmp_path: Path) -> None:
    signer, model = tmp_path / "signer.pub", tmp_path / "model"
    signer.write_bytes(b"key")
    model.mkdir()
    opened = os.open(model, os.O_RDONLY)
    for _ in range(1200):  # more than Python recurses; its path is longer than Linux takes
        os.mkdir("deep", dir_fd=opened)
        below = os.open("deep", os.O_RDONLY, dir_fd=opened)
        os.close(opened)
        opened = below
    anchors.require_no_file_of(model, [signer])
    os.link(signer, "mounted", dst_dir_fd=opened)
    os.close(opened)
    with pytest.raises(ConfigError, match="is a file of the directory"):
        anchors.require_no_file_of(model, [signer])
    subprocess.run(["rm", "-rf", model], check=True)  # Python cannot
