"""Every test vector through git-model's readers and through the second reader."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

import pytest

from git_model_security.envelope import Key, Opener, SegmentReader, decrypt
from git_model_security.envelope.root import RunningRoot, of_file
from git_model_security.errors import (
    AuthenticationError,
    EnvelopeError,
    Error,
    KeyNotFoundError,
)
from tests.vectors.corpus import DIRECTORY, Vector, entries, vectors
from tests.vectors.regenerate import regenerate
from tests.vectors.second_reader import Reader, RejectError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = [vector for vector in vectors() if vector.rule is None]
BAD = [vector for vector in vectors() if vector.rule is not None]
AUTHENTICATION_RULES = {"R7", "R14", "R16", "R17", "R18"}


def open_all(vector: Vector) -> bytes:
    key = Key(vector.key)
    sink = io.BytesIO()
    decrypt({key.id: key}, io.BytesIO(vector.envelope), sink)
    return sink.getvalue()


@pytest.mark.parametrize("vector", GOOD, ids=repr)
def test_an_honest_vector_opens_in_both_readers(vector: Vector) -> None:
    assert open_all(vector) == vector.plaintext
    assert Reader(vector.key, vector.envelope).read() == vector.plaintext


@pytest.mark.parametrize("vector", GOOD, ids=repr)
def test_an_honest_vector_opens_by_range(vector: Vector) -> None:
    reader = SegmentReader(Key(vector.key), io.BytesIO(vector.envelope))
    assert reader.read_at(0, reader.length) == vector.plaintext


@pytest.mark.parametrize("vector", BAD, ids=repr)
def test_a_bad_vector_is_rejected_with_its_own_message(vector: Vector) -> None:
    assert vector.message is not None
    with pytest.raises(Error) as caught:
        open_all(vector)
    assert vector.message in str(caught.value)
    assert isinstance(caught.value, KeyNotFoundError) == (vector.rule == "R6")
    if vector.rule in AUTHENTICATION_RULES:
        assert isinstance(caught.value, AuthenticationError)


@pytest.mark.parametrize("vector", GOOD, ids=repr)
def test_an_honest_vector_has_its_root_with_and_without_a_key(
    vector: Vector, tmp_path: Path
) -> None:
    running = RunningRoot()
    for start in range(0, len(vector.envelope), 65516):
        running.update(vector.envelope[start : start + 65516])
    file = tmp_path / "envelope"
    file.write_bytes(vector.envelope)
    with file.open("rb") as stored:
        roots = {running.finish(), of_file(stored.fileno())}
    roots.add(SegmentReader(Key(vector.key), io.BytesIO(vector.envelope)).root)
    roots.add(Reader(vector.key, vector.envelope).root())
    assert roots == {vector.root}


def test_no_two_honest_vectors_have_one_root() -> None:
    assert len({vector.root for vector in GOOD}) == len(GOOD)


@pytest.mark.parametrize("vector", BAD, ids=repr)
def test_a_bad_vector_has_no_root_of_an_honest_one_or_does_not_open_under_it(
    vector: Vector,
) -> None:
    running = RunningRoot()
    running.update(vector.envelope)
    if running.finish() in {one.root for one in GOOD}:
        with pytest.raises((EnvelopeError, KeyNotFoundError)):
            read_by_range(vector)


@pytest.mark.parametrize("vector", BAD, ids=repr)
def test_a_bad_vector_breaks_its_rule_in_the_second_reader(vector: Vector) -> None:
    with pytest.raises(RejectError) as caught:
        Reader(vector.key, vector.envelope).read()
    assert caught.value.rule == vector.rule


@pytest.mark.parametrize("vector", BAD, ids=repr)
def test_a_bad_vector_is_rejected_by_range(vector: Vector) -> None:
    with pytest.raises((EnvelopeError, KeyNotFoundError)):
        read_by_range(vector)


def read_by_range(vector: Vector) -> bytes:
    reader = SegmentReader(Key(vector.key), io.BytesIO(vector.envelope))
    return reader.read_at(0, reader.length)


@pytest.mark.parametrize("vector", BAD, ids=repr)
def test_a_bad_vector_is_rejected_however_it_arrives(vector: Vector) -> None:
    key = Key(vector.key)
    opener = Opener({key.id: key})
    with pytest.raises((EnvelopeError, KeyNotFoundError)):
        push_in_packets(opener, vector.envelope)


def push_in_packets(opener: Opener, envelope: bytes) -> None:
    for start in range(0, len(envelope), 65516):
        opener.update(envelope[start : start + 65516])
    opener.finish()


def test_the_committed_vectors_are_those_that_the_script_writes() -> None:
    committed = {path.name: path.read_text("ascii") for path in DIRECTORY.glob("*.json")}
    assert regenerate() == committed


def test_the_envelopes_of_the_vectors_have_the_committed_digests() -> None:
    for entry, vector in zip(entries(), vectors(), strict=True):
        assert len(vector.envelope) == entry["bytes"]
        assert hashlib.sha256(vector.envelope).hexdigest() == entry["sha256"]


def test_every_rule_but_the_limit_and_the_release_rule_has_a_vector() -> None:
    rules = {vector.rule for vector in BAD}
    assert rules == {f"R{number}" for number in range(1, 20)} - {"R12", "R19"}


def test_the_second_reader_shares_no_code_and_is_short() -> None:
    text = (DIRECTORY / "second_reader.py").read_text("utf-8")
    assert "git_model_security" not in text
    assert len(text.splitlines()) < 150
