"""Writing a list: changes, signatures, and redoing one's own after somebody else's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from git_model_security.errors import TeamError
from git_model_security.team import changes, lookalikes, words
from git_model_security.team.replay import replay
from git_model_security.team.words import (
    Ended,
    May,
    Member,
    NewKey,
    OldKey,
    Quorum,
    Reader,
    Signer,
    Unreader,
)
from tests.vectors.team import forge
from tests.vectors.team.forge import ADA, BOB, CY, Hand, key_id, reader

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 29, 14, 2, 11, tzinfo=UTC)
ONE, TWO, BOTH = forge.one(), forge.two(), forge.both()


def signing(hand: Hand) -> Callable[[bytes], bytes]:
    """Sign as a token does: with any of the two values that hold."""
    return lambda data: hand.sign(data, high=True)


def said(*lines: str) -> list[words.Word]:
    return [words.parse(line) for line in lines]


def test_what_is_written_is_what_the_specification_says() -> None:
    draft = changes.begin(forge.IDENTITY, NOW, said(*forge.FIRST))
    assert changes.sign(draft, ADA.pem, signing(ADA)) == ONE.data
    longer = changes.extend(ONE.data, NOW, said(*forge.WITH_BOB))
    assert changes.sign(longer, ADA.pem, signing(ADA)) == TWO.data


def test_a_proposal_is_completed_by_another_person() -> None:
    draft = changes.extend(BOTH.data, NOW, [Member("cy", "Cy")])
    for order in ((ADA, BOB), (BOB, ADA)):
        proposed = changes.sign(draft, order[0].pem, signing(order[0]))
        assert replay(proposed).proposal is not None
        agreed = changes.sign(proposed, order[1].pem, signing(order[1]))
        assert agreed == BOTH.add("member cy Cy", by=(ADA, BOB)).data
        with pytest.raises(TeamError, match="signed it before"):
            changes.sign(agreed, ADA.pem, signing(ADA))
        with pytest.raises(TeamError, match="a proposal stands there"):
            changes.extend(proposed, NOW, [Member("dee", "Dee")])


def test_nothing_is_signed_that_would_not_hold() -> None:
    draft = changes.extend(TWO.data, NOW, [Member("cy", "Cy")])
    with pytest.raises(TeamError, match="is no signer"):
        changes.sign(draft, CY.pem, signing(CY))
    with pytest.raises(TeamError, match="does not hold"):
        changes.sign(draft, ADA.pem, signing(BOB))
    with pytest.raises(TeamError, match="3 persons must sign"):
        changes.extend(TWO.data, NOW, [Quorum(3)])
    with pytest.raises(TeamError, match="is not written so"):
        changes.extend(TWO.data, NOW, [Member("cy", "Cy\nquorum 1")])


def test_the_last_reader_of_a_key_is_not_removed() -> None:
    gone = [Unreader(reader(1)), Unreader(reader(2))]
    with pytest.raises(TeamError, match="nobody would be left who can open the key main"):
        changes.extend(TWO.data, NOW, gone)
    moved = changes.extend(TWO.data, NOW, [*gone, Reader("ada", "new", reader(3))])
    assert replay(changes.sign(moved, ADA.pem, signing(ADA))).roster.readers


def redone(*own: words.Word, on: forge.List = TWO) -> list[str]:
    roster = replay(on.data).roster
    before = vars(roster.copy())
    found = changes.redo(roster, own, lambda key: key_id(len(key) + 700))
    assert vars(roster) == before
    longer = changes.extend(on.data, NOW, found) if found else None
    assert longer is None or changes.sign(longer, ADA.pem, signing(ADA))
    return [str(word) for word in found]


def test_two_rotations_are_merged_into_a_third() -> None:
    theirs = TWO.add(f"key main {key_id(2)}")
    assert redone(NewKey("main", key_id(3)), on=theirs) == [
        f"oldkey main {key_id(3)}",
        f"key main {key_id(704)}",
    ]


def test_what_both_said_is_said_once() -> None:
    theirs = TWO.add(
        *("member cy Cy", CY.signer("content"), f"reader cy/laptop {reader(3)}"),
        *("may main cy", f"unreader {reader(2)}", f"ended {BOB.fingerprint}"),
        f"oldkey main {key_id(4)}",
    )
    own = [
        *(Member("cy", "Cy"), Signer("cy", "laptop", "content", "key", CY.der)),
        *(Reader("cy", "laptop", reader(3)), May("main", "cy"), Unreader(reader(2))),
        *(Ended(BOB.fingerprint), OldKey("main", key_id(4)), Quorum(1)),
        words.MayNot("main", "bob"),
    ]
    assert redone(*own, on=theirs) == ["maynot main bob"]


def test_a_contradiction_is_left_to_a_person() -> None:
    theirs = TWO.add("member cy Cyrus")
    with pytest.raises(TeamError, match="given once for ever"):
        redone(Member("cy", "Cyd"), on=theirs)
    gone = TWO.add(f"unreader {reader(2)}")
    with pytest.raises(TeamError, match="never returns"):
        redone(Reader("bob", "laptop", reader(2)), on=gone)


def test_a_person_is_told_who_looks_like_somebody_else() -> None:
    roster = replay(TWO.data).roster
    assert lookalikes.warnings(Member("b0b", "Robert"), roster) == ["b0b looks like bob"]
    assert lookalikes.warnings(Member("b-o.b", "Robert"), roster) == ["b-o.b looks like bob"]
    (same,) = lookalikes.warnings(Member("robert", "BOB"), roster)
    assert same == "bob is called 'Bob', too"
    (mixed,) = lookalikes.warnings(Member("robert", "R\u043ebert"), roster)
    assert "mixes letters: latin, cyrillic" in mixed
    assert lookalikes.warnings(Member("zoe", "Zoë \u6797"), roster) == []
