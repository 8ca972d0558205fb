"""examples/train: a script that knows nothing of encryption, and what it leaves in Git."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.people import is_sealed
from tests.fixtures.repositories import NO_HOOKS

if TYPE_CHECKING:
    import subprocess

    from tests.examples.conftest import Scene


def train(scene: Scene, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return scene.run("python", "examples/train/train.py", *words, **options)


def test_each_round_is_a_checkpoint_that_verifies_and_is_ciphertext_in_git(
    scene: Scene,
) -> None:
    granite = scene.granite
    losses = list(map(float, (scene.path / "losses").read_text().split()))
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == 3
    revisions = granite.git("rev-list", "HEAD").split()
    assert len(revisions) == 3
    for revision in revisions:
        granite.model("verify", revision)
        assert is_sealed(granite.blob(f"{revision}:model.safetensors"))
    assert not is_sealed(granite.read("model.safetensors"))
    assert granite.status() == ""


def test_training_goes_on_from_the_last_checkpoint(scene: Scene) -> None:
    before = float((scene.path / "losses").read_text().split()[-1])
    done = train(scene, "granite", "--rounds", "1")
    assert float(done.stdout) < before
    assert scene.granite.git("rev-list", "--count", "HEAD") == "4"


def test_where_git_would_not_encrypt_nothing_is_trained(scene: Scene) -> None:
    scene.run("git", "init", "--quiet", "plain")
    done = train(scene, "plain", check=False)
    assert done.returncode == 1
    assert "`git model init` makes it one" in done.stderr
    assert [path.name for path in (scene.path / "plain").iterdir()] == [".git"]


def test_upon_a_commit_that_nobody_signed_nothing_is_trained(scene: Scene) -> None:
    granite = scene.granite
    granite.write("config.json", "{}\n")
    granite.git("add", ".")
    granite.git(*NO_HOOKS, "commit", "--quiet", "--message", "By nobody")
    before = granite.git("rev-parse", "HEAD")
    done = train(scene, "granite", check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert granite.git("rev-parse", "HEAD") == before


@pytest.mark.parametrize("words", [("nowhere",), (), ("granite", "--rounds", "many")])
def test_what_cannot_be_meant_is_said_without_a_traceback(
    words: tuple[str, ...], scene: Scene
) -> None:
    done = train(scene, *words, check=False)
    assert done.returncode
    assert done.stderr
    assert "Traceback" not in done.stderr
