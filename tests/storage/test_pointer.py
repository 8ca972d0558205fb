"""Pointers of git-lfs: there is one encoding for each, and nothing else is one."""

from __future__ import annotations

import pytest

from git_model_security.storage import pointer
from git_model_security.storage.pointer import Pointer

OID = "0123456789abcdef" * 4
GOOD = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12\n".encode()

ALIKE = {
    "CRLF": GOOD.replace(b"\n", b"\r\n"),
    "an old address": GOOD.replace(b"git-lfs.github.com/spec/v1", b"hawser.github.com/spec/v1"),
    "a still older one": GOOD.replace(
        b"https://git-lfs.github.com/spec/v1", b"http://git-media.io/v/2"
    ),
    "a blank before it": b" " + GOOD,
    "a line feed before it": b"\n" + GOOD,
    "no line feed at its end": GOOD.removesuffix(b"\n"),
    "two line feeds": GOOD + b"\n",
    "an extension": GOOD.replace(b"oid", b"ext-0-x sha256:" + OID.encode() + b"\noid"),
    "upper case": GOOD.replace(OID.encode(), OID.upper().encode()),
    "a size with a zero before it": GOOD.replace(b"size 12", b"size 012"),
    "a negative size": GOOD.replace(b"size 12", b"size -1"),
    "another key": GOOD + b"z 1\n",
}

OTHER = {
    "text": b"hello\n",
    "nothing": b"",
    "an address that git-lfs does not know": GOOD.replace(
        b"git-lfs.github.com", b"lfs.invalid"
    ),
    "one that is too long": GOOD + b" " * pointer.MAX_BYTES,
}


def test_a_canonical_pointer_is_read_and_written_as_it_was() -> None:
    found = pointer.parse(GOOD)
    assert found == Pointer(OID, 12)
    assert found.render() == GOOD


@pytest.mark.parametrize("blob", ALIKE.values(), ids=ALIKE)
def test_what_git_lfs_may_take_for_a_pointer_is_none_and_alike(blob: bytes) -> None:
    assert pointer.parse(blob) is None
    assert pointer.is_alike(blob, len(blob))


@pytest.mark.parametrize("blob", OTHER.values(), ids=OTHER)
def test_other_content_is_neither(blob: bytes) -> None:
    assert pointer.parse(blob) is None
    assert not pointer.is_alike(blob[:100], len(blob))


def test_the_sizes_of_files_fit() -> None:
    for size in (0, 1, 1 << 40, pointer.MAX_OBJECT_BYTES):
        assert pointer.parse(Pointer(OID, size).render()) == Pointer(OID, size)
    for size in (pointer.MAX_OBJECT_BYTES + 1, (1 << 63) - 1, 10**19 - 1):
        assert pointer.parse(Pointer(OID, size).render()) is None
