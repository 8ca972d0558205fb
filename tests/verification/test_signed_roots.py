"""The root of each envelope is signed, and whoever has no key compares it too."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope.root import of_ends
from git_model_security.signing.bundle import open_bundle
from git_model_security.signing.by_key import KeySigner, KeyVerifier
from tests.fixtures.bundles import make_pair
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from git_model_security.signing.manifest import Manifest
    from tests.fixtures.bundles import Pair
    from tests.fixtures.lfs_projects import LfsProject
    from tests.fixtures.people import Person, Project
    from tests.fixtures.repositories import Repository

    Change = Callable[[Mapping[str, bytes]], Mapping[str, bytes]]

BUNDLE = ".model-encrypted.sig"
WRONG = bytes(32)


@pytest.fixture
def eve(tmp_path: Path) -> Pair:
    """A signer who is trusted, and signs what is not so."""
    return make_pair(tmp_path / "eve.pem")


def opened(repo: Repository, public: bytes) -> Manifest:
    return open_bundle(repo.blob(f"HEAD:{BUNDLE}"), [KeyVerifier(public)]).manifest


def sign(repo: Repository, before: bytes, eve: Pair, change: Change) -> None:
    """Commits a bundle over HEAD's ciphertext with other roots."""
    manifest = opened(repo, before)
    forged = manifest._replace(roots=change(manifest.roots))
    repo.write(BUNDLE, KeySigner(eve.private).sign(forged))
    repo.git(*NO_HOOKS, "commit", "--quiet", "--message", "By Eve", "--", BUNDLE)


def findings(repo: Repository, eve: Pair, *arguments: str) -> dict[str, list[str]]:
    public = eve.private.with_suffix(".pub")
    public.write_bytes(eve.public)
    words = ("verify", "--encrypted", "--json", "--public-key", str(public), *arguments)
    found = json.loads(repo.model(*words, check=False).stdout)["findings"]
    return {one["reason"]: one["files"] for one in found}


def root_of(envelope: bytes) -> bytes | None:
    return of_ends(envelope[:64], envelope[-88:], len(envelope))


def test_a_commit_signs_the_root_of_each_envelope_and_of_nothing_else(
    project: Project,
) -> None:
    ada = project.ada
    ada.write("config.json", b'{"layers": 5}\n')
    ada.commit()
    roots = opened(ada, project.public.read_bytes()).roots
    names = ("config.json", "model.safetensors", "model.sig")
    assert roots == {name: root_of(ada.blob(f"HEAD:{name}")) for name in names}


def test_of_objects_of_git_lfs_the_roots_are_signed_too(lfs_project: LfsProject) -> None:
    project = lfs_project()
    roots = opened(project.ada, project.public.read_bytes()).roots
    for path in project.objects:
        assert roots[path] == root_of(project.stored(project.ada, path).read_bytes())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda roots: {**roots, "model.safetensors": WRONG}, "model.safetensors"),
        (
            lambda roots: {**roots, "model.safetensors": roots["config.json"]},
            "model.safetensors",
        ),
        (lambda roots: {**roots, "train.py": WRONG}, "train.py"),
    ],
    ids=["of nothing", "of another file", "of what is no envelope"],
)
def test_a_forged_root_is_found_without_a_key(
    project: Project, ben: Person, eve: Pair, change: Change, named: str
) -> None:
    sign(project.ada, project.public.read_bytes(), eve, change)
    for repo in (project.ada, ben.clone(project.ada)):
        assert findings(repo, eve, "HEAD") == {"stale signature": [named]}


def test_a_root_of_what_is_not_signed_is_refused(project: Project, eve: Pair) -> None:
    before = project.public.read_bytes()
    for name in ("absent.bin", ".git/tree", "../model.safetensors", ""):
        sign(project.ada, before, eve, lambda roots, name=name: {**roots, name: WRONG})
        said = findings(project.ada, eve, "HEAD")
        assert said.keys() == {"malformed bundle"}
        project.ada.git(*NO_HOOKS, "reset", "--quiet", "--hard", "HEAD~1")


@pytest.mark.parametrize("kept", [set(), {"config.json"}])
def test_a_bundle_without_roots_stays_good(
    project: Project, ben: Person, eve: Pair, kept: set[str]
) -> None:
    sign(
        project.ada,
        project.public.read_bytes(),
        eve,
        lambda roots: {name: roots[name] for name in kept},
    )
    for repo in (project.ada, ben.clone(project.ada)):
        assert findings(repo, eve, "HEAD") == {}


def test_only_the_files_that_are_asked_for_are_compared(project: Project, eve: Pair) -> None:
    forged = {"model.safetensors": WRONG}
    sign(project.ada, project.public.read_bytes(), eve, lambda roots: {**roots, **forged})
    assert findings(project.ada, eve, "HEAD", "--", "config.json") == {}
    named = findings(project.ada, eve, "HEAD", "--", "model.safetensors")
    assert named == {"stale signature": ["model.safetensors"]}


def test_what_is_not_here_is_passed_over(
    pushed_lfs_project: LfsProject, ben: Person, eve: Pair
) -> None:
    project = pushed_lfs_project
    path = next(iter(project.objects))
    sign(
        project.ada,
        project.public.read_bytes(),
        eve,
        lambda roots: {**roots, path: WRONG},
    )
    assert findings(project.ada, eve, "HEAD") == {"stale signature": [path]}
    assert findings(ben.clone(project.ada), eve, "HEAD") == {}


def test_an_object_in_the_place_of_another_is_found_and_so_is_its_return(
    lfs_project: LfsProject, eve: Pair, tmp_path: Path
) -> None:
    project = lfs_project()
    sign(project.ada, project.public.read_bytes(), eve, lambda roots: roots)
    one, other = (project.stored(project.ada, path) for path in list(project.objects)[:2])
    content = one.read_bytes()
    assert len(content) == other.stat().st_size
    for memory in (project.ada.path / ".git" / "git-model").glob("memory-*"):
        memory.unlink()
    one.chmod(0o644)
    one.write_bytes(other.read_bytes())
    (path,) = findings(project.ada, eve, "HEAD")["stale signature"]
    assert project.stored(project.ada, path) == one
    one.write_bytes(content)
    assert findings(project.ada, eve, "HEAD") == {}
    assert hashlib.sha256(content).hexdigest() == one.name
    assert tmp_path


@pytest.mark.parametrize("is_signed", [True, False])
def test_who_has_not_fetched_an_object_signs_the_root_that_was_signed(
    pushed_lfs_project: LfsProject, ben: Person, eve: Pair, is_signed: bool
) -> None:
    project = pushed_lfs_project
    before = project.public.read_bytes()
    if not is_signed:
        sign(project.ada, before, eve, lambda _: {})
        before = eve.public
        project.ada.git(*NO_HOOKS, "push", "--quiet")
    trusted = eve.private.with_suffix(".pub")
    trusted.write_bytes(before)
    clone = ben.clone(project.remote)
    clone.model("unlock", "--skip-smudge", "--key", str(project.key))
    clone.model("unlock", "--public-key", str(trusted), "--public-key", str(project.public))
    private, public = ben.home / "signing.pem", ben.home / "signing.pub"
    clone.model("key", "generate-signing", str(private), str(public))
    clone.model("unlock", "--signing-key", str(private))
    known = opened(clone, before).roots
    clone.write("config.json", b'{"layers": 3}\n')
    clone.git("mv", "c.safetensors", "renamed.safetensors")
    clone.commit("Three layers")
    roots = opened(clone, public.read_bytes()).roots
    assert "config.json" in roots
    for path in ("shards/a.safetensors", "renamed.safetensors"):
        old = path.replace("renamed", "c")
        assert roots.get(path) == known.get(old)
        assert (path in roots) == is_signed
