"""The plaintext of an envelope as a file: what is read was authenticated before."""

from __future__ import annotations

import io
import os
import random
import resource
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import SEGMENT_BYTES, memory
from git_model_security.errors import (
    AuthenticationError,
    ConfigError,
    EnvelopeError,
    KeyNotFoundError,
    NotFetchedError,
)
from git_model_security.loading.encrypted_file import EncryptedFile, load_into, open_encrypted
from tests.loading.conftest import KEY
from tests.vectors.corpus import generate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Seal = Callable[[str, bytes], Path]

CONTENT = generate(2 * SEGMENT_BYTES + 777, "loading")


@pytest.fixture
def sealed(seal: Seal) -> Path:
    return seal("model.bin", CONTENT)


def test_it_reads_as_the_plaintext_does(sealed: Path) -> None:
    plain, chance = io.BytesIO(CONTENT), random.Random(7)
    with open_encrypted(sealed, KEY) as file:
        assert file.seekable()
        assert not file.writable()
        for _ in range(60):
            offset, size = chance.randrange(len(CONTENT) + 9), chance.choice([1, 99, 1 << 20])
            assert file.seek(offset) == plain.seek(offset)
            assert file.read(size) == plain.read(size)
            assert file.tell() == plain.tell()
        assert file.seek(-5, os.SEEK_END) == len(CONTENT) - 5
        assert file.seek(2, os.SEEK_CUR) == len(CONTENT) - 3
        assert file.read() == CONTENT[-3:]
        file.seek(0)
        assert file.read() == CONTENT


def test_a_key_is_a_file_or_32_bytes(sealed: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    for key in (KEY, tmp_path / "key", str(tmp_path / "key")):
        with open_encrypted(sealed, key) as file:
            assert file.read(10) == CONTENT[:10]


@pytest.mark.parametrize("key", [b"", KEY[:31], KEY + b"\0", KEY.hex().encode()])
def test_what_is_no_key_is_refused_unseen(sealed: Path, key: bytes) -> None:
    with pytest.raises(ConfigError) as error:
        open_encrypted(sealed, key)
    assert KEY.hex() not in str(error.value)


def test_another_key_is_named(sealed: Path) -> None:
    with pytest.raises(KeyNotFoundError, match=r"model\.bin: sealed under the key"):
        open_encrypted(sealed, bytes(32))


@pytest.mark.parametrize("threads", [None, 1, 5])
def test_the_whole_goes_into_memory_of_the_caller(sealed: Path, threads: int | None) -> None:
    room = memory.allocate(len(CONTENT) + 10)
    assert load_into(sealed, KEY, room, threads=threads) == len(CONTENT)
    assert room[: len(CONTENT)] == CONTENT
    assert not any(room[len(CONTENT) :])


def test_memory_that_is_too_short_stays_as_it_is(sealed: Path) -> None:
    room = bytearray(b"x" * 5)
    with pytest.raises(ValueError, match="do not fit into 5"):
        load_into(sealed, KEY, room)
    assert room == b"x" * 5


def test_memory_is_zeroed_where_the_last_segment_fails(sealed: Path) -> None:
    content = bytearray(sealed.read_bytes())
    content[-150] ^= 1
    sealed.write_bytes(content)
    room = bytearray(b"x" * len(CONTENT))
    with pytest.raises(AuthenticationError, match=r"model\.bin"):
        load_into(sealed, KEY, room)
    assert not any(room)


@pytest.mark.parametrize("cut", [1, 87, 88, 89, SEGMENT_BYTES, len(CONTENT)])
def test_a_file_that_was_cut_does_not_open(sealed: Path, cut: int) -> None:
    os.truncate(sealed, sealed.stat().st_size - cut)
    with pytest.raises(EnvelopeError, match=r"model\.bin"):
        open_encrypted(sealed, KEY)


def test_a_file_exchanged_for_another_of_the_same_key_is_caught_by_its_root(
    sealed: Path, seal: Seal
) -> None:
    with EncryptedFile(sealed, KEY) as file:
        root = file.root
    with open_encrypted(sealed, KEY, root=root) as file:
        assert file.read() == CONTENT
    seal("model.bin", CONTENT[::-1])
    with pytest.raises(AuthenticationError, match="is not the file that was signed"):
        open_encrypted(sealed, KEY, root=root)


def test_what_is_no_root_is_not_said_to_be_that_of_another_file(sealed: Path) -> None:
    with EncryptedFile(sealed, KEY) as file:
        root = file.root
    with pytest.raises(ConfigError, match="is no root"):
        open_encrypted(sealed, KEY, root=root.hex().encode())


def test_a_file_exchanged_while_it_is_open_gives_nothing_of_the_other(
    sealed: Path, seal: Seal
) -> None:
    other = seal("other.bin", CONTENT[::-1]).read_bytes()
    with open_encrypted(sealed, KEY) as file:
        file.read(1)
        sealed.write_bytes(other)  # in place: the descriptor is the same
        file.seek(SEGMENT_BYTES)
        with pytest.raises(AuthenticationError):
            file.read(SEGMENT_BYTES)


def test_what_is_no_envelope_is_told_apart(tmp_path: Path) -> None:
    clear, empty, pointer = (tmp_path / name for name in ("clear", "empty", "pointer"))
    clear.write_bytes(b"x" * 5000)
    empty.touch()
    pointer.write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    )
    os.mkfifo(tmp_path / "pipe")
    for path, kind in {
        clear: EnvelopeError,
        empty: EnvelopeError,
        pointer: NotFetchedError,
        tmp_path: ConfigError,
        tmp_path / "pipe": ConfigError,
        tmp_path / "missing": ConfigError,
    }.items():
        with pytest.raises(kind) as error:
            open_encrypted(path, KEY)
        assert str(path) in str(error.value)


def test_memory_over_the_limit_of_what_may_be_locked_is_an_error(sealed: Path) -> None:
    was = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    child = os.fork()  # whose limit this is
    if not child:
        status = 1
        try:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, was[1]))
            if os.geteuid() == 0:  # root has no limit, where it has all capabilities
                status = 0
            EncryptedFile(sealed, KEY, lock=True).load()
        except ConfigError:
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_a_file_that_is_cut_while_it_is_open_gives_nothing_from_there_on(sealed: Path) -> None:
    with EncryptedFile(sealed, KEY) as file:
        os.truncate(sealed, SEGMENT_BYTES)
        room = bytearray(len(CONTENT))
        with pytest.raises(EnvelopeError, match="truncated while it was read"):
            file.read_at(0, memoryview(room))
        assert not any(room)
