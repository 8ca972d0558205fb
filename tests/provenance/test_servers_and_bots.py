"""What servers and bots make of signed work: they sign nothing themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.provenance.scenes import (
    MODEL,
    SIGNED,
    TEXT,
    asked,
    commit,
    config,
    forge,
    prepend,
    publish,
    push,
    readme,
    send,
    shallow_clone,
    sign,
    verdict,
    weights,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fixtures.people import Project
    from tests.fixtures.repositories import Repository
    from tests.provenance.scenes import Verdict


def propose(ada: Repository) -> None:
    """Has Ada push a signed branch of new weights, for somebody to merge."""
    ada.git("switch", "--create", "proposal")
    ada.write(MODEL, weights(9))
    ada.commit()
    ada.git("push", "origin", "proposal")


def go_to_main(server: Repository) -> None:
    """Has the server stand where main is."""
    server.git("fetch")
    server.git("reset", "--hard", "origin/main")


def merge_proposal(server: Repository) -> None:
    """Merges the branch, as a server does at the press of a button."""
    go_to_main(server)
    server.git("merge", "--no-edit", "origin/proposal")
    send(server)


def squash_proposal(server: Repository) -> None:
    """Makes one commit of the branch, as a server does at the press of a button."""
    go_to_main(server)
    server.git("merge", "--squash", "origin/proposal")
    push(server)


def pull_main(ada: Repository) -> None:
    ada.git("switch", "main")
    ada.git("pull")


def work_on_main(ada: Repository) -> Verdict:
    """Has Ada pull main and commit something innocent; returns what became of it."""
    pull_main(ada)
    readme(ada)
    return verdict(ada, commit(ada))


def test_a_servers_merge_of_two_signed_branches_needs_no_leave(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    propose(ada)
    publish(bob)
    merge_proposal(mallory)
    assert work_on_main(ada) == SIGNED


def test_a_servers_merge_of_two_signed_branches_that_cross_needs_no_leave(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    propose(ada)
    publish(bob)
    before = bob.git("rev-parse", "HEAD")
    bob.git("fetch")
    bob.git("merge", "--no-edit", "origin/proposal")
    bob.git("push")
    ada.git("fetch")
    ada.git("merge", "--no-edit", before)
    ada.write("config.json", config(layers=7))
    ada.commit()
    ada.git("push", "origin", "proposal")
    merge_proposal(mallory)
    assert work_on_main(ada) == SIGNED


def test_a_servers_merge_of_a_signed_branch_and_an_unsigned_one_is_asked_about(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    forge(mallory)
    publish(bob)
    mallory.git("fetch")
    mallory.git("switch", "--create", "merged", "origin/main")
    mallory.git("merge", "--no-edit", "origin/evil")
    send(mallory)
    ada.git("pull")
    readme(ada)
    assert verdict(ada, commit(ada)) == asked(MODEL)


def test_a_servers_squash_of_a_signed_branch_is_asked_about(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    propose(ada)
    publish(bob)
    squash_proposal(mallory)
    assert work_on_main(ada) == asked(MODEL)


def test_a_servers_squash_of_a_signed_branch_needs_no_leave_where_main_has_not_moved(
    ada: Repository, mallory: Repository
) -> None:
    ada.git("switch", "--create", "proposal")
    ada.write(MODEL, weights(8))
    ada.commit()
    ada.write(MODEL, weights(9))
    readme(ada)
    ada.commit()
    ada.git("push", "origin", "proposal")
    squash_proposal(mallory)
    assert work_on_main(ada) == SIGNED


def test_a_merge_of_ones_own_branch_settles_the_servers_squash_of_it(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    propose(ada)
    publish(bob)
    squash_proposal(mallory)
    pull_main(ada)
    said = ada.git.run("merge", "--no-edit", "proposal")
    assert verdict(ada, said) == SIGNED


def test_ones_own_commit_is_picked_after_the_servers_squash_of_it(
    ada: Repository, bob: Repository, mallory: Repository
) -> None:
    ada.git("switch", "--create", "proposal")
    ada.write("README.md", f"{TEXT}my own long line at the end\n")
    ada.commit()
    ada.git("push", "origin", "proposal")
    publish(bob)
    squash_proposal(mallory)
    pull_main(ada)
    ada.git("switch", "--create", "release", "HEAD~2")
    prepend(ada, "README.md", "release\n")
    ada.commit()
    ada.git("cherry-pick", "--no-commit", "proposal")
    assert verdict(ada, commit(ada)) == SIGNED


def test_an_octopus_of_ones_own_branches_needs_no_leave(ada: Repository) -> None:
    ada.git("switch", "--create", "one")
    ada.write(MODEL, weights(4))
    ada.commit()
    ada.git("switch", "--create", "two", "main")
    ada.write("new.bin", weights(5))
    ada.git("add", "--all")
    ada.git("commit", "--message", "Two", "--no-verify")
    ada.git("switch", "main")
    ada.git("merge", "--no-ff", "--no-edit", "one", "two")
    assert verdict(ada, sign(ada)) == SIGNED


def test_an_octopus_with_a_strangers_branch_is_asked_about(
    ada: Repository, mallory: Repository
) -> None:
    forge(mallory)
    ada.git("fetch")
    ada.git("switch", "--create", "mine", "main")
    ada.write("other.bin", weights(5))
    ada.commit()
    ada.git("switch", "main")
    ada.git("merge", "--no-ff", "--no-edit", "mine", "origin/evil")
    assert verdict(ada, sign(ada)) == asked(MODEL)


def test_a_strangers_commit_at_the_tip_of_a_shallow_clone_is_asked_about(
    published: Project, mallory: Repository, home: Path
) -> None:
    forge(mallory, "main")
    shallow = shallow_clone(published, home, depth=2)
    readme(shallow)
    assert verdict(shallow, commit(shallow)) == asked(MODEL)
