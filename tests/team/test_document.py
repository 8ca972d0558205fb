"""The file of the list: its form, its limits, and what its signatures are over."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_model_security.errors import UNCHECKED, NewerTeamError, TeamError
from git_model_security.team import document, words
from git_model_security.team.document import parse, parse_fingerprint
from tests.vectors.team import forge

WHOLE = forge.both().data
HEADER = forge.header()
MEMBER = "member ada Ada"


def test_an_entry_is_signed_over_all_bytes_before_its_first_signature() -> None:
    found = parse(WHOLE)
    assert found.identity == forge.IDENTITY
    assert [entry.number for entry in found.entries] == [1, 2, 3]
    for entry in found.entries:
        before = WHOLE[: entry.end]
        for signature in entry.signatures:
            before = before.removesuffix(f"{signature}\n".encode())
        assert entry.digest == hashlib.sha256(before).digest()
        assert entry.signed == forge.signed_bytes(before)
        assert entry.fingerprint == f"{entry.number}:{entry.digest.hex()}"
    assert found.entries[-1].end == len(WHOLE)
    assert found.entries[1].line == WHOLE[: found.entries[0].end].count(b"\n") + 1


def test_a_list_is_written_as_it_was_read() -> None:
    found = parse(WHOLE)
    text = document.header(found.identity)
    for entry in found.entries:
        time = datetime.fromisoformat(entry.time)
        text += document.change(entry.number, time, entry.words)
        text += "".join(f"{one}\n" for one in entry.signatures).encode()
    assert text == WHOLE


def test_a_time_is_written_in_utc() -> None:
    time = datetime(2026, 1, 1, 1, 30, 0, 999, tzinfo=timezone(timedelta(hours=2)))
    assert document.change(1, time, [words.Quorum(2)]).startswith(
        b"change 1 2025-12-31T23:30:00Z"
    )


SIG = forge.signature(forge.ADA, HEADER + forge.change(1, MEMBER))
ENTRY = forge.change(1, MEMBER) + SIG
BAD = {
    "nothing": (b"", "it is empty"),
    "a line feed": (b"\n", "line 1: not `git-model-team 1`"),
    "no line feed at the end": (WHOLE[:-1], "its last line is cut"),
    "a header alone": (HEADER, "it has no entry"),
    "a mark of UTF-8": (b"\xef\xbb\xbf" + WHOLE, "line 1: not `git-model-team 1`"),
    "no header": (ENTRY, "line 1: not `git-model-team 1`"),
    "the header twice": (HEADER + HEADER + ENTRY, "line 2: `change 1` and a time"),
    "a short id": (HEADER[:-2] + b"\n" + ENTRY, "line 1: not `git-model-team 1`"),
    "something after the id": (HEADER[:-1] + b" x\n" + ENTRY, "line 1: not"),
    "words before a change": (HEADER + f"{MEMBER}\n".encode(), "line 2: `change 1`"),
    "a signature before a change": (HEADER + SIG, "line 2: `change 1` and a time"),
    "an empty line": (HEADER + b"\n" + ENTRY, "line 2: `change 1` and a time"),
    "an empty line within": (HEADER + ENTRY[:-1] + b"\n\n" + SIG, "line 5: signatures end"),
    "an empty line at the end": (WHOLE + b"\n", "signatures end an entry"),
    "a comment": (HEADER + forge.change(1, "# x") + SIG, "line 3: `#`: no line"),
    "line ends converted": (WHOLE.replace(b"\n", b"\r\n"), "line 1: its line ends were"),
    "Latin-1": (
        HEADER + forge.change(1).rstrip(b"\n") + b"\nmember a \xe9\n",
        "line 3: not UTF-8",
    ),
    "a surrogate": (HEADER + forge.change(1) + b"member a \xed\xa0\x80\n", "line 3: not UTF-8"),
    "an overlong character": (
        HEADER + forge.change(1) + b"member a \xc0\xa0\n",
        "line 3: not UTF-8",
    ),
    "change 0": (HEADER + forge.change(0, MEMBER), "line 2: `change NUMBER"),
    "change 2 first": (HEADER + forge.change(2, MEMBER), "line 2: change 2 comes after 0"),
    "change 01": (HEADER + f"change 01 {forge.TIME}\n{MEMBER}\n".encode(), "line 2: `change"),
    "change 1 twice": (HEADER + ENTRY + ENTRY, "line 5: change 1 comes after 1"),
    "a change left out": (HEADER + ENTRY + forge.change(3, MEMBER), "change 3 comes after 1"),
    "no time": (HEADER + f"change 1\n{MEMBER}\n".encode(), "line 2: `change NUMBER"),
    "no zone": (
        HEADER + forge.change(1, MEMBER, time="2026-11-29T14:02:11"),
        "line 2: `change",
    ),
    "an offset": (HEADER + forge.change(1, MEMBER, time="2026-11-29T14:02:11+00:00"), "line 2"),
    "a fraction": (HEADER + forge.change(1, MEMBER, time="2026-11-29T14:02:11.0Z"), "line 2"),
    "the 30th of February": (
        HEADER + forge.change(1, MEMBER, time="2026-02-30T00:00:00Z"),
        "line 2: `change",
    ),
    "hour 24": (HEADER + forge.change(1, MEMBER, time="2026-02-01T24:00:00Z"), "line 2"),
    "second 60": (HEADER + forge.change(1, MEMBER, time="2026-12-31T23:59:60Z"), "line 2"),
    "a change without words": (HEADER + forge.change(1), "entry 1 changes nothing"),
    "a signed change without words": (HEADER + forge.change(1) + SIG, "changes nothing"),
    "an unsigned change before another": (
        HEADER + forge.change(1, MEMBER) + forge.change(2, MEMBER),
        "line 4: entry 1 before it is not signed",
    ),
    "a word after a signature": (HEADER + ENTRY + b"quorum 2\n", "line 5: signatures end"),
    "a signature in upper case": (
        HEADER
        + forge.change(1, MEMBER)
        + b"sig "
        + SIG[4:].replace(SIG[4:68], SIG[4:68].upper()),
        "line 4: `sig FINGERPRINT",
    ),
    "a signature without padding": (
        HEADER + forge.change(1, MEMBER) + b"sig " + b"0" * 64 + b" cGlubg\n",
        "line 4: `sig FINGERPRINT",
    ),
    "a signature and more": (HEADER + ENTRY[:-1] + b" x\n", "line 4: `sig FINGERPRINT"),
    "an empty signature": (
        HEADER + forge.change(1, MEMBER) + b"sig " + b"0" * 64 + b" \n",
        "line 4: `sig FINGERPRINT",
    ),
    "a long line": (HEADER + forge.change(1, f"member ada {'x' * 32768}"), "more than 32768"),
    "a long list": (WHOLE + b"x" * (1 << 20), "are more than 1048576"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_written_as_a_list_is_refused(name: str) -> None:
    data, message = BAD[name]
    with pytest.raises(TeamError) as caught:
        parse(data)
    assert message in str(caught.value)
    assert str(caught.value).startswith("the team's list")
    assert not isinstance(caught.value, NewerTeamError)


@pytest.mark.parametrize(
    "data",
    [
        WHOLE.replace(b"git-model-team 1 ", b"git-model-team 2 "),
        WHOLE.replace(b"git-model-team 1 ", b"git-model-team 10 whatever "),
        HEADER + forge.change(1, "expires ada 2027-01-01"),
    ],
)
def test_what_a_newer_version_wrote_is_not_called_damaged(data: bytes) -> None:
    with pytest.raises(NewerTeamError) as caught:
        parse(data)
    assert caught.value.hint is not None
    assert "newer git-model" in caught.value.hint
    assert caught.value.gate_status == UNCHECKED


def test_a_list_has_at_most_4096_entries() -> None:
    sig = f"sig {'0' * 64} cGlu\n".encode()
    changes = (forge.change(at, f"quorum {at % 9 + 1}") + sig for at in range(1, 4098))
    lines = [HEADER, *changes]
    assert len(parse(b"".join(lines[:-1])).entries) == 4096
    with pytest.raises(TeamError, match="at most 4096 entries"):
        parse(b"".join(lines))


def test_only_the_last_entry_may_be_unsigned() -> None:
    draft = WHOLE + forge.change(4, "quorum 1")
    last = parse(draft).entries[-1]
    assert last.signatures == ()
    assert last.digest == hashlib.sha256(draft).digest()


def test_the_length_is_asked_before_anything_is_read() -> None:
    document.require_length(document.MAX_BYTES)
    with pytest.raises(TeamError):
        document.require_length(document.MAX_BYTES + 1)


def test_a_fingerprint_is_read_in_one_writing() -> None:
    last = parse(WHOLE).entries[-1]
    assert parse_fingerprint(last.fingerprint) == (3, last.digest)
    digest = last.digest.hex()
    for text in (
        "",
        digest,
        f"0:{digest}",
        f"03:{digest}",
        f"3:{digest}0",
        f"3:{digest} ",
        f"3:{digest.upper()}",
        f"-3:{digest}",
        f"3:{digest}\n",
    ):
        with pytest.raises(TeamError, match="not the fingerprint"):
            parse_fingerprint(text)


@given(st.data())
def test_no_changed_byte_gives_the_same_meaning(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(WHOLE) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != WHOLE[at]))
    changed = WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :]
    try:
        found = parse(changed)
    except TeamError:
        return
    assert found != parse(WHOLE)
