"""The comparison of what was signed with what is there, and the words for each difference."""

from __future__ import annotations

from git_model_security.verification.compare import compare, tell
from git_model_security.verification.kinds import Kind

ONE, TWO = b"\1" * 32, b"\2" * 32


def test_equal_digests_do_not_differ() -> None:
    assert compare({b"a": ONE}, {b"a": ONE}) == {}


def test_missing_extra_and_changed_are_told_apart() -> None:
    found = compare({b"a": ONE, b"b": ONE, b"c": ONE}, {b"a": ONE, b"b": TWO, b"d": ONE})
    assert found == {Kind.CHANGED: {b"b"}, Kind.MISSING: {b"c"}, Kind.EXTRA: {b"d"}}


def test_what_has_no_digest_is_as_it_was_signed_never() -> None:
    assert compare({b"a": ONE}, {b"a": b"not a file"}) == {Kind.CHANGED: {b"a"}}


def test_names_are_told_sorted_and_kinds_in_their_order() -> None:
    found = tell({Kind.EXTRA: {b"d"}, Kind.MISSING: set(), Kind.CHANGED: {b"b", b"a"}}, "m")
    told = [(one.reason.value, one.root, one.names) for one in found]
    assert told == [("tampered", "m", ("a", "b")), ("extra file", "m", ("d",))]


def test_no_two_kinds_are_the_same() -> None:
    # An Enum would take one of them for another name of the other.
    assert len(Kind) == len(Kind.__members__)
