"""What the test vectors are: one condition each, most of them attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_model_security.envelope import Key
from git_model_security.envelope.header import MAGIC, write_header
from git_model_security.envelope.layout import SEGMENT_BYTES, Role, segment_offset
from git_model_security.envelope.segment import bind
from tests.vectors import forge
from tests.vectors.corpus import generate

if TYPE_CHECKING:
    from tests.vectors.regenerate import File

MATERIAL = bytes(range(32))
OTHER_MATERIAL = bytes(range(32, 64))
KEY = Key(MATERIAL)
OTHER_KEY = Key(OTHER_MATERIAL)
HEADER = write_header(KEY)
CONTENT = generate(100, "a")
FULL_SIV = KEY.siv(bind(HEADER, 0, Role.MORE), generate(SEGMENT_BYTES, "a"))

# Where the parts of the envelope of 100 bytes begin.
SEALED, FOOTER, END = 64, 212, 300

NOT_ENCRYPTED = "not encrypted"
NOT_HELD = "which is not held here"
ALTERED = "does not authenticate"
NO_FOOTER = "its footer is missing or altered"
BAD_SIV = "does not match its synthetic value"

Part = dict[str, Any]


def honest(file: File) -> None:
    one = SEGMENT_BYTES
    for name, size, seed, key in (
        ("one byte", 1, "a", MATERIAL),
        ("99 bytes", 99, "a", MATERIAL),
        ("100 bytes", 100, "a", MATERIAL),
        ("100 bytes of b", 100, "b", MATERIAL),
        ("100 bytes, other key", 100, "a", OTHER_MATERIAL),
        ("one byte less than a segment", one - 1, "a", MATERIAL),
        ("one segment", one, "a", MATERIAL),
        ("one byte more than a segment", one + 1, "a", MATERIAL),
        ("two segments", 2 * one, "a", MATERIAL),
        ("three segments", 2 * one + 100, "a", MATERIAL),
        ("three segments of b", 2 * one + 100, "b", MATERIAL),
        ("three segments, other key", 2 * one + 100, "a", OTHER_MATERIAL),
    ):
        file.good(name, size, seed, key)


def header(file: File) -> None:
    body = cut("100 bytes", SEALED, END)

    def patched(offset: int, value: bytes) -> bytes:
        return HEADER[:offset] + value + HEADER[offset + len(value) :]

    def flipped(offset: int) -> bytes:
        return patched(offset, bytes((HEADER[offset] ^ 1,)))

    file.bad("nothing", "R1", NOT_ENCRYPTED)
    file.bad("plaintext", "R1", NOT_ENCRYPTED, b'{"hidden_size": 384}\n')
    file.bad("magic cut", "R1", NOT_ENCRYPTED, MAGIC[:11])
    file.bad("line ends converted", "R1", NOT_ENCRYPTED, HEADER.replace(b"\r\n", b"\n"), body)
    file.bad("magic alone", "R2", "truncated header: 12 of 64", MAGIC)
    file.bad("header cut by one byte", "R2", "truncated header: 63 of 64", HEADER[:63])
    file.bad("version 0", "R3", "unknown envelope version 0", patched(12, b"\x00"), body)
    file.bad("version 2", "R3", "unknown envelope version 2", patched(12, b"\x02"), body)
    file.bad("suite 0", "R4", "unknown cipher suite 0", patched(13, b"\x00"), body)
    file.bad("suite 2", "R4", "unknown cipher suite 2", patched(13, b"\x02"), body)
    file.bad("reserved low bit", "R5", "reserved header bits", patched(14, b"\x01"), body)
    file.bad("reserved high bit", "R5", "reserved header bits", patched(15, b"\x80"), body)
    file.bad("wrong key", "R6", NOT_HELD, cut("100 bytes", 0, END), key=OTHER_MATERIAL)
    file.bad("key id flipped", "R6", NOT_HELD, flipped(16), body)
    relabelled = patched(16, bytes.fromhex(OTHER_KEY.id))
    wrong = "header check is wrong"
    file.bad("key id of another key", "R7", wrong, relabelled, body, key=OTHER_MATERIAL)
    file.bad("header check flipped", "R7", wrong, flipped(63), body)
    file.bad("header check of zeros", "R7", wrong, patched(32, bytes(32)), body)


def length(file: File) -> None:
    early = "truncated before its footer"
    file.bad("header alone", "R8", early, HEADER)
    file.bad("cut where a footer would just not fit", "R8", early, cut("100 bytes", 0, 151))

    of_empty = forge.envelope(KEY, plaintext_bytes=0)
    file.bad("envelope of the empty file", "R9", "envelope of the empty file", of_empty)

    for size in (1, 47):
        sealed = cut("one byte", 0, 152 + size)
        file.bad(f"last segment of {size} sealed bytes", "R10", "truncated segment 0", sealed)
    whole = cut("one segment", 0, segment_offset(1) + 88)
    # A stream's reader meets the segment first, and sees that it was sealed as the last.
    file.bad("a byte after full segments", "R10", "bytes after its end", whole, b"\n")

    nothing = forge.segment(KEY, 0, Role.LAST, b"")
    only = forge.envelope(KEY, nothing, plaintext_bytes=0)
    file.bad("empty only segment", "R11", "empty last segment (segment 0)", only)
    second = forge.segment(KEY, 1, Role.LAST, b"")
    end = forge.footer(KEY, 2, SEGMENT_BYTES, FULL_SIV + second[:32])
    full = cut("two segments", 0, segment_offset(1))
    file.bad("empty second segment", "R11", "empty last segment (segment 1)", full, second, end)


def segment(file: File) -> None:
    three = "three segments"
    head, tail = cut(three, 0, SEALED), cut(three, segment_offset(2), segment_offset(2) + 236)

    for name, offset in (("siv", SEALED), ("ciphertext", SEALED + 32), ("tag", FOOTER - 1)):
        parts = flip("100 bytes", offset, END)
        file.bad(f"{name} flipped", "R13", f"segment 0 {ALTERED}", *parts)
    parts = flip(three, segment_offset(1) + 500_000, segment_offset(2) + 236)
    file.bad("middle segment flipped", "R13", f"segment 1 {ALTERED}", *parts)

    swapped = (head, full(three, 1), full(three, 0), tail)
    file.bad("two segments swapped", "R13", "reordered: segment 1 stands", *swapped)
    repeated = (head, full(three, 0), full(three, 0), tail)
    file.bad("a segment repeated", "R13", "reordered: segment 0 stands", *repeated)
    foreign = (head, full("three segments, other key", 0), full(three, 1), tail)
    file.bad("a segment of another key", "R13", f"segment 0 {ALTERED}", *foreign)
    inner = cut("two segments", segment_offset(1), segment_offset(2) + 88)
    followed = (cut("one segment", 0, segment_offset(1)), inner)
    file.bad("a last segment that another follows", "R13", "bytes after its end", *followed)
    end = cut("one segment", segment_offset(1), segment_offset(1) + 88)
    cut_off = (cut("two segments", 0, segment_offset(1)), end)
    file.bad("removed segments, an honest footer", "R13", "is not the last one", *cut_off)

    as_footer = forge.segment(KEY, 0, Role.FOOTER, CONTENT)
    other_role = forge.envelope(KEY, as_footer, plaintext_bytes=100)
    file.bad("data sealed as a footer", "R13", f"segment 0 {ALTERED}", other_role)

    for name, siv in (
        ("siv of nothing", bytes(32)),
        ("siv of other content", KEY.siv(bind(HEADER, 0, Role.LAST), CONTENT[:99])),
        ("siv of another index", KEY.siv(bind(HEADER, 1, Role.LAST), CONTENT)),
        ("siv of another type", KEY.siv(bind(HEADER, 0, Role.MORE), CONTENT)),
        ("siv of another key", OTHER_KEY.siv(bind(HEADER, 0, Role.LAST), CONTENT)),
    ):
        sealed = forge.segment_with_siv(KEY, 0, Role.LAST, CONTENT, siv)
        forged = forge.envelope(KEY, sealed, plaintext_bytes=100)
        file.bad(name, "R14", f"segment 0 {BAD_SIV}", forged)


def footer(file: File) -> None:
    _footer_altered(file)
    _footer_not_at_the_end(file)
    _footer_of_something_else(file)
    _footer_forged(file)


def _footer_altered(file: File) -> None:
    for name, offset in (("siv", FOOTER), ("ciphertext", FOOTER + 32), ("tag", END - 1)):
        parts = flip("100 bytes", offset, END)
        file.bad(f"footer {name} flipped", "R15", NO_FOOTER, *parts)
    as_last = forge.segment(KEY, 1, Role.LAST, bytes(40))
    file.bad(
        "data in place of the footer", "R15", NO_FOOTER, cut("100 bytes", 0, FOOTER), as_last
    )


def _footer_not_at_the_end(file: File) -> None:
    whole = cut("100 bytes", 0, END)
    file.bad("cut by one byte", "R15", NO_FOOTER, cut("100 bytes", 0, END - 1))
    one = "one segment"
    file.bad("no footer", "R15", NO_FOOTER, cut(one, 0, segment_offset(1)))
    halves = cut("three segments", 0, segment_offset(1))
    file.bad("cut after the first segment", "R15", NO_FOOTER, halves)
    file.bad("a newline after the footer", "R15", "bytes after its footer: 1", whole, b"\n")
    zeros = bytes(512)
    file.bad("a block of zeros after", "R15", "bytes after its footer: 512", whole, zeros)
    # In the next two the last footer is right for its place (index 1); the one
    # segment before it is then all the rest, and that is what fails.
    again = cut("100 bytes", FOOTER, END)
    file.bad("the footer twice", "R13", f"segment 0 {ALTERED}", whole, again)
    file.bad("two envelopes in one file", "R13", f"segment 0 {ALTERED}", whole, whole)


def _footer_of_something_else(file: File) -> None:
    three, other = "three segments", "three segments of b"
    last, after = segment_offset(2), segment_offset(2) + 148
    removed = (cut(three, 0, segment_offset(1)), cut(three, last, after + 88))
    file.bad("middle segment removed", "R15", "should have 3 segments and has 2", *removed)
    text = b"{\n" + b'  "hidden_size": 384,\n' * 20 + b"}\n"
    file.bad("plaintext behind a copied header", "R15", NO_FOOTER, HEADER, text)
    short = forge.segment(KEY, 0, Role.MORE, CONTENT[:60])
    rest = forge.segment(KEY, 1, Role.LAST, CONTENT[60:])
    early = forge.envelope(KEY, short, rest, plaintext_bytes=100)
    message = "should have 2 segments and has 1"
    file.bad("a short segment that is not the last", "R15", message, early)

    shorter = (cut("100 bytes", 0, FOOTER), cut("99 bytes", FOOTER - 1, END - 1))
    file.bad("footer of a shorter file", "R17", "another plaintext length", *shorter)
    spliced = "spliced: its segments"
    small = (cut("100 bytes", 0, FOOTER), cut("100 bytes of b", FOOTER, END))
    file.bad("footer of another file", "R18", spliced, *small)
    middle = (
        cut(three, 0, segment_offset(1)),
        full(other, 1),
        cut(three, last, after + 88),
    )
    file.bad("same-index segment of another file", "R18", spliced, *middle)
    old_and_new = (cut(other, 0, last), cut(three, last, after + 88))
    file.bad("beginning of another version", "R18", spliced, *old_and_new)


def _footer_forged(file: File) -> None:
    body = cut("100 bytes", 0, FOOTER)
    facts = (100).to_bytes(8, "little") + bytes(32)
    forged = forge.segment_with_siv(KEY, 1, Role.FOOTER, facts, bytes(32))
    file.bad("footer with a forged siv", "R16", f"the footer {BAD_SIV}", body, forged)
    siv = KEY.siv(bind(HEADER, 0, Role.LAST), CONTENT)
    for size in (0, 101, 2**64 - 1):
        end = forge.footer(KEY, 1, size, siv)
        file.bad(f"footer for {size} bytes", "R17", "another plaintext length", body, end)
    end = forge.footer(KEY, 1, 100, bytes(32))
    file.bad("footer with a wrong digest", "R18", "spliced: its segments", body, end)


def cut(name: str, start: int, end: int) -> Part:
    """Refer to a range of an envelope."""
    return {"of": name, "from": start, "to": end}


def full(name: str, index: int) -> Part:
    """Refer to one full sealed segment."""
    return cut(name, segment_offset(index), segment_offset(index + 1))


def flip(name: str, offset: int, end: int) -> list[Part]:
    """Refer to an envelope of `end` bytes with one bit of the byte at `offset` flipped."""
    return [cut(name, 0, offset), {"flip": name, "at": offset}, cut(name, offset + 1, end)]
