"""Four who work on a model; the repositories are made once, and copied for each scene.

`GIT_DEFAULT_HASH=sha256`, `GIT_DEFAULT_REF_FORMAT=reftable` and `GIT_MODEL_TEST_STORAGE=lfs`
play all scenes in such a setting; test_settings.py plays a few in each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fixtures.isolation import OUTSIDE
from tests.fixtures.people import Publication, founded
from tests.fixtures.processes import need
from tests.fixtures.repositories import hookless
from tests.provenance.scenes import (
    CODE,
    LFS_OPTIONS,
    MODEL,
    NEW,
    TEXT,
    config,
    prepend,
    signing_key,
    weights,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import PersonFactory, Project
    from tests.fixtures.repositories import Repository


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    """A model with two signed commits on main, and the clones of the three others."""
    storage = OUTSIDE.get("GIT_MODEL_TEST_STORAGE", "inline")
    return established(tmp_path_factory.mktemp("company"), storage)


def established(directory: Path, storage: str) -> Publication:
    """Makes the model with its ciphertext in Git, or all of it in git-lfs."""
    made = Publication(directory)
    ada = founded(made.directory)
    ada.write(MODEL, weights(1))
    ada.write("other.bin", weights(2))
    ada.write("config.json", config())
    ada.write(CODE, TEXT)
    ada.write("README.md", TEXT)
    ada.write("old.txt", TEXT.replace("text", "old text"))
    if storage == "lfs":
        need("git-lfs")
    ada.model("init", *LFS_OPTIONS if storage == "lfs" else ("--storage", storage))
    ada.model("key", "export", "../aes256.bin")
    ada.model("key", "export", "--public", "../ada.pub")
    ada.commit("First")
    ada.write(MODEL, weights(3))
    ada.write(CODE, TEXT.replace("number 9", "NUMBER 9"))
    ada.commit("Second")
    ada.git("push", "--set-upstream", "origin", "main")
    ada.git("remote", "set-head", "origin", "main")
    project = made.project
    bob = made.person("bob")
    project.signing(bob)
    project.unlocked(made.person("mallory"))
    laptop = project.unlocked(made.person("laptop"))
    laptop.model("unlock", "--public-key", str(bob.home / "signing.pub"))
    laptop.model("unlock", "--signing-key", str(signing_key(made.directory / "home")))
    return made


@pytest.fixture
def published(company: Publication, home: Path, tmp_path: Path) -> Project:
    """The model, whose keys are in the test's own home."""
    return company.copy(tmp_path, home)


@pytest.fixture
def ada(published: Project) -> Repository:
    """Ada's repository: the commits in question are hers."""
    return published.ada


@pytest.fixture
def bob(company: Publication, published: Project, person: PersonFactory) -> Repository:
    """The clone of a colleague: he and Ada sign, and trust each other."""
    return company.clone(person("bob"), published)


@pytest.fixture
def mallory(company: Publication, published: Project, person: PersonFactory) -> Repository:
    """The clone of somebody who has the AES key and may push, and whom nobody trusts.

    She has Git run no hooks there: nothing of what she makes depends on them.
    """
    return hookless(company.clone(person("mallory"), published))


@pytest.fixture
def laptop(company: Publication, published: Project, person: PersonFactory) -> Repository:
    """Ada's clone on a second machine, with the same keys."""
    return company.clone(person("laptop"), published)


@pytest.fixture
def draft(bob: Repository) -> None:
    """A signed branch that has new weights, other code, and a new file."""
    bob.git("switch", "--create", "draft")
    bob.write(MODEL, weights(7))
    bob.write(NEW, "print('it works')\n" * 9)
    prepend(bob, CODE, "the code for these weights\n")
    bob.commit()
    bob.git("push", "origin", "draft")
