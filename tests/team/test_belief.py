"""What a list is to the one that is believed: newer, older, forked."""

from __future__ import annotations

import pytest

from git_model_security.errors import TeamError
from git_model_security.team.belief import Standing, compare, require_anchor
from git_model_security.team.replay import replay
from tests.vectors.team import forge
from tests.vectors.team.forge import ADA, BOB, CY, MALLORY

ONE, TWO, BOTH = forge.one(), forge.two(), forge.both()


def test_a_list_that_begins_with_what_is_believed_is_newer() -> None:
    found = compare(ONE.data, BOTH.data)
    assert found.standing is Standing.NEWER
    assert found.common == 1
    assert [entry.number for entry in found.changes] == [2, 3]
    assert found.candidate.complete == BOTH.data


def test_the_same_list_is_the_same() -> None:
    found = compare(TWO.data, TWO.data)
    assert (found.standing, found.common, found.changes) == (Standing.SAME, 2, ())


def test_an_older_list_is_told_from_a_fork() -> None:
    found = compare(BOTH.data, ONE.data)
    assert (found.standing, found.common, found.changes) == (Standing.OLDER, 1, ())


def test_a_list_that_parts_is_a_fork_whoever_signed_it() -> None:
    left = TWO.add("member cy Cy")
    right = TWO.add("member dee Dee", by=(BOB,))
    found = compare(left.data, right.data)
    assert (found.standing, found.common) == (Standing.FORK, 2)
    assert [entry.number for entry in found.changes] == [3]
    longer = compare(left.data, right.add("member eve Eve").data)
    assert longer.standing is Standing.FORK


def test_a_removed_signer_makes_a_fork_and_no_newer_list() -> None:
    removed = TWO.add(f"ended {BOB.fingerprint}")
    fork = TWO.add("member mallory M", MALLORY.signer(), by=(BOB,))
    assert replay(fork.data)  # it holds by itself: only what was believed is against it
    assert compare(removed.data, fork.data).standing is Standing.FORK
    on_top = removed.add("member mallory M", MALLORY.signer(), by=(BOB,))
    with pytest.raises(TeamError, match="had ended before"):
        compare(removed.data, on_top.data)


def test_another_list_is_a_fork_from_the_first_byte() -> None:
    other = forge.List(forge.header("0" * 32)).add(
        "member mallory M", MALLORY.signer(), by=(MALLORY,)
    )
    found = compare(TWO.data, other.data)
    assert (found.standing, found.common) == (Standing.FORK, 0)


def test_a_proposal_is_no_part_of_what_is_compared() -> None:
    proposed = BOTH.add("member cy Cy", CY.signer())
    found = compare(BOTH.data, proposed.data)
    assert found.standing is Standing.SAME
    assert found.candidate.proposal is not None
    agreed = BOTH.add("member cy Cy", CY.signer(), by=(ADA, BOB))
    assert compare(BOTH.data, agreed.data).standing is Standing.NEWER
    # A branch on which it is still proposed is older, and no fork.
    assert compare(agreed.data, proposed.data).standing is Standing.OLDER
    assert compare(ONE.data, proposed.data).changes == replay(BOTH.data).entries[1:]


def test_signatures_that_nobody_can_vary_make_no_fork() -> None:
    # A stranger who writes (r, n - s) would show each clone a fork of the same meaning.
    data = ONE.data + forge.change(2, "member bob Bob")
    with pytest.raises(TeamError, match="does not hold"):
        compare(data + forge.signature(ADA, data), data + forge.signature(ADA, data, high=True))


def test_damage_on_top_of_what_is_believed_is_refused() -> None:
    with pytest.raises(TeamError):
        compare(TWO.data, TWO.data + b"quorum 2\n")
    with pytest.raises(TeamError):
        compare(TWO.data, TWO.data[:-5])


def test_a_list_passes_through_each_fingerprint_that_it_had() -> None:
    found = replay(BOTH.data)
    for entry in found.entries:
        require_anchor(found, entry.fingerprint)
    with pytest.raises(TeamError, match="an older list is shown"):
        require_anchor(replay(TWO.data), found.fingerprint)
    fork = TWO.add("member dee Dee")
    with pytest.raises(TeamError, match="is another one than 3:"):
        require_anchor(replay(fork.data), found.fingerprint)
    with pytest.raises(TeamError, match="not the fingerprint"):
        require_anchor(found, found.fingerprint[2:])


def test_a_proposal_is_no_fingerprint_that_a_list_had() -> None:
    proposed = BOTH.add("member cy Cy", CY.signer())
    found = replay(proposed.data)
    assert found.proposal is not None
    with pytest.raises(TeamError, match="an older list is shown"):
        require_anchor(found, found.proposal.fingerprint)
