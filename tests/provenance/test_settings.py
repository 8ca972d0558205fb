"""A few scenes in repositories of other kinds: SHA-256, refs in tables, ciphertext in git-lfs.

All scenes are played so by a command (CONTRIBUTING.md).
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.isolation import HASH, REF_FORMAT
from tests.fixtures.processes import execute
from tests.provenance import (
    test_own_commits,
    test_own_files,
    test_rollbacks,
    test_servers_and_bots,
    test_strangers_commits,
    test_strangers_files,
)
from tests.provenance.conftest import established

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fixtures.people import Publication
    from tests.fixtures.repositories import Repository

SAMPLE = (
    test_strangers_commits.test_an_innocent_commit_on_top,
    test_strangers_files.test_a_strangers_new_weights_that_were_renamed_and_got_one_byte_more,
    test_rollbacks.test_two_signed_files_that_were_swapped,
    test_own_commits.test_two_rebases_onto_a_trusted_colleagues_work,
    test_own_files.test_files_of_ones_own_branch_that_a_stranger_has_brought_too,
    test_servers_and_bots.test_a_servers_merge_of_two_signed_branches_needs_no_leave,
)
SETTINGS = {
    "sha256": ({HASH: "sha256"}, "inline"),
    "tables": ({REF_FORMAT: "reftable"}, "inline"),
    "lfs": ({}, "lfs"),
    "all": ({HASH: "sha256", REF_FORMAT: "reftable"}, "lfs"),
}
"""Variables of Git under which the repositories are made, and where ciphertext is."""


@pytest.fixture(scope="module", params=SETTINGS)
def company(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Publication:
    """The model in one of the settings; a Git that has no tables goes without them."""
    variables, storage = SETTINGS[request.param]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        made = established(tmp_path_factory.mktemp(request.param), storage)
    git = made.project.ada.git
    if HASH in variables:
        assert git("rev-parse", "--show-object-format") == variables[HASH]
    if REF_FORMAT in variables and not made.project.ada.has_ref_tables:
        version = execute("git", "--version").stdout.strip()
        if len(variables) == 1:
            pytest.skip(f"{version} has no refs in tables")
    if storage == "lfs":
        assert b"git-lfs" in made.project.ada.blob("HEAD:config.json")
    return made


@pytest.mark.parametrize("scene", SAMPLE, ids=lambda scene: scene.__name__[len("test_") :])
def test_a_scene(
    scene: Callable[..., None], ada: Repository, bob: Repository, mallory: Repository
) -> None:
    people = {"ada": ada, "bob": bob, "mallory": mallory}
    scene(**{name: people[name] for name in inspect.signature(scene).parameters})
