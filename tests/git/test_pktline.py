"""pkt-lines over real pipes, cut wherever the kernel cuts them."""

from __future__ import annotations

import os
import random
import threading

import pytest

from git_model_security.errors import ProtocolError
from git_model_security.git.pktline import MAX_PAYLOAD_BYTES, Pipe


def feed(descriptor: int, data: bytes, step: int) -> threading.Thread:
    def write() -> None:
        for start in range(0, len(data), step):
            os.write(descriptor, data[start : start + step])
        os.close(descriptor)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def packets(*payloads: bytes) -> bytes:
    return b"".join(b"%04x" % (len(payload) + 4) + payload for payload in payloads) + b"0000"


@pytest.mark.parametrize("step", [1, 3, 4096, 65520, 1 << 20])
@pytest.mark.parametrize("room_bytes", [1, 5000, 1 << 20])
def test_content_is_read_straight_into_any_room(step: int, room_bytes: int) -> None:
    randomly = random.Random(step * room_bytes)
    most = 60 if 1 in (step, room_bytes) else MAX_PAYLOAD_BYTES
    payloads = [randomly.randbytes(randomly.choice((1, 7, most))) for _ in range(40)]
    reader, writer = os.pipe()
    thread = feed(writer, packets(b"first\n") + packets(*payloads) + packets(b"next"), step)
    pipe = Pipe(reader, -1)
    assert pipe.read_list() == [b"first"]
    content = pipe.content()
    assert content.peek(10) == b"".join(payloads)[:10]
    got = bytearray()
    room = memoryview(bytearray(room_bytes))
    while count := content.readinto(room):
        got += room[:count]
    assert got == b"".join(payloads)
    assert pipe.read_list() == [b"next"]
    thread.join()
    os.close(reader)


def test_a_content_may_be_skipped() -> None:
    reader, writer = os.pipe()
    thread = feed(writer, packets(b"x" * 60000, b"y" * 60000) + packets(b"next"), 5000)
    pipe = Pipe(reader, -1)
    pipe.content().drain()
    assert pipe.read_list() == [b"next"]
    thread.join()


@pytest.mark.parametrize("size", [1, 16 << 10, (16 << 10) + 1, MAX_PAYLOAD_BYTES, 3 << 20])
def test_what_is_written_is_what_is_read(size: int) -> None:
    data = random.Random(size).randbytes(size)
    reader, writer = os.pipe()
    got: list[bytes] = []

    def read() -> None:
        pipe = Pipe(reader, -1)
        got.append(b"".join(pipe.content()))
        got.extend(pipe.read_list())

    thread = threading.Thread(target=read)
    thread.start()
    pipe = Pipe(-1, writer)
    pipe.write_content(data)
    pipe.write_flush()
    pipe.write_list([b"status=success"])
    pipe.send()
    thread.join()
    assert got == [data, b"status=success"]


@pytest.mark.parametrize("data", [b"zzzz", b"0003", b"00", b"0010abc"])
def test_what_is_no_packet_is_refused(data: bytes) -> None:
    reader, writer = os.pipe()
    feed(writer, data, 100).join()
    with pytest.raises(ProtocolError):
        Pipe(reader, -1).read_list()


@pytest.mark.parametrize("data", [b"0010abc", b"0008abcd", b"0008abcd00"])
def test_a_content_that_ends_early_is_an_error(data: bytes) -> None:
    reader, writer = os.pipe()
    feed(writer, data, 100).join()
    with pytest.raises((ProtocolError, EOFError)):
        Pipe(reader, -1).content().drain()
