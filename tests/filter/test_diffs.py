"""What `git log -p` shows of a change: the change, and a line for its signature."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.processes import need

if TYPE_CHECKING:
    from tests.fixtures.repositories import Repository

SIGNATURES = ("model.sig", ".model-encrypted.sig")


@pytest.fixture
def model(repo: Repository) -> Repository:
    for number in range(60):
        repo.write(f"layers/{number}.bin", b"weights %d" % number)
    repo.model("init", "--profile", "all")
    repo.commit("First")
    repo.write("layers/7.bin", b"weights !")
    repo.commit("Second")
    return repo


def changed(text: str) -> list[str]:
    """Returns the lines that a diff takes away or adds."""
    return [line for line in text.splitlines() if line[:1] in {"-", "+"}]


def test_a_small_change_is_all_that_a_log_shows(model: Repository) -> None:
    said = model.git("log", "-p", "-1", "--format=")
    assert ".model-encrypted.sig" not in said
    assert changed(said) == [
        *("--- a/layers/7.bin", "+++ b/layers/7.bin", "-weights 7", "+weights !"),
        *("--- a/model.sig", "+++ b/model.sig"),
        *(line for line in changed(said) if "signed by key" in line),
    ]
    assert said.count("signed by key") == 2
    assert said.count(", 60 files, sha256 ") == 2


def test_a_clone_shows_no_more(model: Repository) -> None:
    model.model("key", "export", "../key.bin")
    model.model("clone", ".", "../clone", "--key", "../key.bin")
    clone = type(model)(model.path.parent / "clone")
    assert clone.git("log", "-p", "-1") == model.git("log", "-p", "-1")


def test_another_bundle_is_seen(model: Repository) -> None:
    for name in SIGNATURES:
        bundle = json.loads(model.read(name))
        model.write(name, json.dumps(bundle, indent=1))
    assert len([line for line in changed(model.git("diff")) if "signed by" in line]) == 2
    assert set(model.status().split()[1::2]) == set(SIGNATURES)
    model.write("model.sig", json.dumps({**bundle, "mediaType": "application/x"}))
    assert len(changed(model.git("diff"))) == 4
    assert "application/x" in model.git("diff")


def test_no_attribute_keeps_content_from_git_lfs(repo: Repository) -> None:
    # `git lfs prune` takes what no diff shows for pushed.
    need("git-lfs")
    repo.write("weights.bin", b"w" * 3000)
    repo.model("init", "--storage", "lfs", "--threshold", "100")
    repo.commit("First")
    for name in SIGNATURES:
        found = repo.git("check-attr", "diff", "binary", name)
        assert "unset" not in found
        assert "binary: set" not in found
    repo.write("weights.bin", b"v" * 3000)
    repo.commit("Second")
    objects = repo.path / ".git" / "lfs" / "objects"
    before = sorted(path.name for path in objects.rglob("*") if path.is_file())
    assert len(before) == 2  # signatures are never in git-lfs
    recent = ("fetchrecentrefsdays", "fetchrecentcommitsdays", "pruneoffsetdays")
    for name in recent:
        repo.git("config", f"lfs.{name}", "0")
    repo.git("lfs", "prune")
    after = sorted(path.name for path in objects.rglob("*") if path.is_file())
    assert after == before
