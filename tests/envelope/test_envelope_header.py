"""The header and the key: what is public, what is checked, what is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from git_model_security import envelope
from git_model_security.envelope import HEADER_BYTES, MAGIC, Key, read_header
from git_model_security.envelope.header import write_header
from git_model_security.errors import EnvelopeError

MATERIAL = bytes(range(32))
KEY = Key(MATERIAL)


def test_the_magic_is_twelve_bytes_that_no_text_begins_with() -> None:
    assert len(MAGIC) == 12
    assert MAGIC[0] == 0
    assert MAGIC.endswith(b"\r\n")


def test_a_header_reads_back() -> None:
    raw = write_header(KEY)
    header = read_header(raw + b"what follows")
    assert header is not None
    assert (header.version, header.suite, header.key_id, header.raw) == (1, 1, KEY.id, raw)
    assert header.authentic(KEY)


def test_the_header_of_one_key_is_not_authentic_under_another() -> None:
    header = read_header(write_header(KEY))
    assert header is not None
    assert not header.authentic(Key(bytes(32)))


def test_a_header_with_any_byte_of_its_first_half_changed_is_not_authentic() -> None:
    raw = write_header(KEY)
    header = read_header(raw)
    assert header is not None
    for offset in range(HEADER_BYTES // 2):
        changed = raw[:offset] + bytes((raw[offset] ^ 1,)) + raw[offset + 1 :]
        assert not header._replace(raw=changed).authentic(KEY)


@pytest.mark.parametrize("head", [b"", b"\x00", MAGIC[:-1], b"{}", b"version https://"])
def test_bytes_without_the_magic_are_not_an_envelope(head: bytes) -> None:
    assert read_header(head) is None


@pytest.mark.parametrize("size", [12, 13, 32, 63])
def test_a_truncated_header_says_how_much_of_it_is_there(size: int) -> None:
    with pytest.raises(EnvelopeError, match=f"truncated header: {size} of 64 bytes"):
        read_header(write_header(KEY)[:size])


def test_a_key_never_shows_its_material() -> None:
    shown = repr(KEY) + str(KEY) + repr([KEY])
    assert KEY.id in shown
    assert MATERIAL.hex() not in shown
    assert repr(MATERIAL) not in shown


def test_a_key_id_is_public_and_stable() -> None:
    assert KEY.id == "e862b3bdd6ae6faf48e3907bff18f84f"
    assert len({Key(bytes((n,) * 32)).id for n in range(100)}) == 100


def test_reading_a_header_imports_no_cryptography() -> None:
    program = (
        "import sys; from git_model_security.envelope import read_header, check_framing;"
        "read_header(b''); sys.exit('cryptography' in sys.modules or 'blake3' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_public_name_is_there_and_no_other() -> None:
    for name in envelope.__all__:
        assert getattr(envelope, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        envelope.nonsense  # noqa: B018
