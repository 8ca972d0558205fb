"""What a repository signed of its ciphertext is loaded without a digest of any file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

import git_model_security as gm
from git_model_security.directories.reading import Remembering
from git_model_security.errors import AuthenticationError, NotFetchedError
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from git_model_security.storage.pointer import parse
from tests.directories.test_out_of_git import archive
from tests.fixtures.bundles import make_pair

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.lfs_projects import LfsProject
    from tests.fixtures.people import Project

BUNDLE = ".model-encrypted.sig"
SEGMENT = 1048624
NAME = "large.safetensors"
LARGE = bytes(range(256)) * 10_000
"""Three segments."""


@pytest.fixture
def large(project: Project) -> Project:
    project.ada.write(NAME, LARGE)
    project.ada.write("other.safetensors", LARGE[::-1])
    project.ada.commit()
    project.ada.git("push", "--quiet")
    return project


@pytest.fixture
def archived(large: Project, tmp_path: Path) -> Path:
    """What a repository holds of the model, with the objects where it has pointers."""
    top = archive(large.remote, tmp_path / "archive", "main")
    for path in top.iterdir():
        pointer = parse(path.read_bytes())
        if pointer is not None:
            objects = large.ada.path / ".git" / "lfs" / "objects"
            shutil.copy(objects / pointer.oid[:2] / pointer.oid[2:4] / pointer.oid, path)
            path.chmod(0o644)
    return top


def load(project: Project, top: Path) -> gm.VerifiedModel:
    return gm.load(top, project.key, signature=top / BUNDLE, public_key=project.public)


def no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def chunks(*_: object) -> bytes:
        pytest.fail("a file was read whole, to know its digest")

    monkeypatch.setattr(Remembering, "chunks", chunks)


def damage(file: Path, offset: int) -> None:
    content = bytearray(file.read_bytes())
    content[offset] ^= 1
    file.write_bytes(content)


def test_no_envelope_is_hashed(
    large: Project, archived: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pass(monkeypatch)
    with load(large, archived) as model:
        assert NAME in model.names
        assert BUNDLE not in model.names
        assert model.open(NAME).read() == LARGE
    with gm.load(large.ada.path, large.key, revision="HEAD") as model:
        assert model.open(NAME).read() == LARGE


def test_the_roots_that_were_signed_are_given_to_loaders(
    large: Project, archived: Path
) -> None:
    with load(large, archived) as model:
        root = model.roots[NAME]
        assert model.roots.keys() < {*model.names}
    with gm.open_encrypted(archived / NAME, large.key, root=root) as file:
        assert file.read() == LARGE
    with pytest.raises(AuthenticationError, match="its root is another one"):
        gm.open_encrypted(archived / "other.safetensors", large.key, root=root)


def test_a_file_in_clear_is_hashed(large: Project, archived: Path) -> None:
    with load(large, archived) as model:
        assert model.open("train.py").read() == large.ada.read("train.py")
        (archived / "README.md").write_text("forged")
        with pytest.raises(gm.VerificationError, match=r"README\.md: not the content"):
            model.open("README.md")


@pytest.mark.parametrize("offset", [0, 20, 63, -88, -1], ids=str)
def test_another_header_or_footer_is_not_what_was_signed(
    large: Project, archived: Path, offset: int
) -> None:
    damage(archived / NAME, offset)
    with load(large, archived) as model, pytest.raises(gm.Error):
        model.open(NAME)


@pytest.mark.parametrize("change", ["longer", "shorter", "swapped", "empty", "gone"])
def test_another_file_is_not_what_was_signed(
    large: Project, archived: Path, change: str
) -> None:
    file = archived / NAME
    content = file.read_bytes()
    if change == "swapped":
        assert len(content) == (archived / "other.safetensors").stat().st_size
        shutil.copy(archived / "other.safetensors", file)
    elif change == "gone":
        file.unlink()
    else:
        others = {"longer": content + b"\0", "shorter": content[:-1], "empty": b""}
        file.write_bytes(others[change])
    with load(large, archived) as model, pytest.raises(gm.Error):
        model.open(NAME)


def test_a_damaged_segment_is_found_when_it_is_read(large: Project, archived: Path) -> None:
    damage(archived / NAME, 64 + SEGMENT + 500)
    with load(large, archived) as model:
        file = model.open(NAME)
        assert file.read(1000) == LARGE[:1000]
        file.seek(SEGMENT)
        with pytest.raises(AuthenticationError, match=NAME):
            file.read(1000)


def test_segments_of_another_file_are_found(large: Project, archived: Path) -> None:
    content = bytearray((archived / NAME).read_bytes())
    other = (archived / "other.safetensors").read_bytes()
    content[64 : 64 + SEGMENT] = other[64 : 64 + SEGMENT]
    (archived / NAME).write_bytes(content)
    with load(large, archived) as model, pytest.raises(AuthenticationError):
        model.open(NAME)


def test_a_file_exchanged_after_it_was_verified_is_found(
    large: Project, archived: Path
) -> None:
    with load(large, archived) as model:
        model.open(NAME).close()
        shutil.copy(archived / "other.safetensors", archived / NAME)
        with pytest.raises(AuthenticationError, match="its root is another one"):
            model.open(NAME)


def test_a_forged_root_gives_nothing_out(large: Project, archived: Path) -> None:
    eve = make_pair(archived.parent / "eve.pem")
    public = archived.parent / "eve.pub"
    public.write_bytes(eve.public)
    data = (archived / BUNDLE).read_bytes()
    signed = open_bundle(data, [KeyVerifier(large.public.read_bytes())]).manifest
    other = {NAME: signed.roots["other.safetensors"]}
    forged = signed._replace(roots={**signed.roots, **other})
    (archived / BUNDLE).write_bytes(KeySigner(eve.private).sign(forged))
    words = {"signature": archived / BUNDLE, "public_key": public}
    with (
        gm.load(archived, large.key, **words) as model,
        pytest.raises(gm.VerificationError, match=r"large\.safetensors: not the content"),
    ):
        model.open(NAME)
    assert forged.roots.keys() == signed.roots.keys()
    with pytest.raises(gm.VerificationError, match=r"not the content.*\n.*large\.safetensors"):
        gm.verify(archived, **words)


def test_a_bundle_of_before_is_loaded_by_digests(large: Project, archived: Path) -> None:
    eve = make_pair(archived.parent / "eve.pem")
    public = archived.parent / "eve.pub"
    public.write_bytes(eve.public)
    data = (archived / BUNDLE).read_bytes()
    signed = open_bundle(data, [KeyVerifier(large.public.read_bytes())]).manifest
    before = signed._replace(roots={})
    (archived / BUNDLE).write_bytes(KeySigner(eve.private).sign(before))
    words = {"signature": archived / BUNDLE, "public_key": public}
    with gm.load(archived, large.key, **words) as model:
        assert model.open(NAME).read() == LARGE
        damage(archived / "other.safetensors", SEGMENT)
        with pytest.raises(gm.VerificationError, match="not the content"):
            model.open("other.safetensors")


def test_an_object_that_is_not_here_is_told_as_such(
    pushed_lfs_project: LfsProject, tmp_path: Path
) -> None:
    project = pushed_lfs_project
    pointers = archive(project.remote, tmp_path / "pointers", "main")
    path = next(iter(project.objects))
    with (
        load(project, pointers) as model,
        pytest.raises(NotFetchedError, match="the pointer of an object"),
    ):
        model.open(path)
    project.stored(project.ada, path).unlink()
    with (
        gm.load(project.ada.path, project.key, revision="HEAD") as model,
        pytest.raises(NotFetchedError),
    ):
        model.open(path)
