"""Lengths: which exist, and which rule refuses the others."""

from __future__ import annotations

import pytest

from git_model_security.envelope import (
    MAX_PLAINTEXT_BYTES,
    SEGMENT_BYTES,
    plaintext_length,
    sealed_length,
)
from git_model_security.errors import EnvelopeError

SIZES = [
    1,
    2,
    SEGMENT_BYTES - 1,
    SEGMENT_BYTES,
    SEGMENT_BYTES + 1,
    2 * SEGMENT_BYTES,
    2 * SEGMENT_BYTES + 1,
    MAX_PLAINTEXT_BYTES - 1,
    MAX_PLAINTEXT_BYTES,
]


@pytest.mark.parametrize("size", SIZES)
def test_the_two_lengths_are_functions_of_each_other(size: int) -> None:
    assert plaintext_length(sealed_length(size)) == size


def test_the_overhead_is_152_bytes_and_48_for_each_segment() -> None:
    assert sealed_length(1) == 152 + 48 + 1
    assert sealed_length(SEGMENT_BYTES) == 152 + 48 + SEGMENT_BYTES
    assert sealed_length(SEGMENT_BYTES + 1) == 152 + 96 + SEGMENT_BYTES + 1


def test_the_empty_file_has_no_envelope() -> None:
    with pytest.raises(EnvelopeError, match="the empty file has no envelope"):
        sealed_length(0)


def test_r12_over_one_tebibyte_is_refused_in_both_directions() -> None:
    with pytest.raises(EnvelopeError, match="limit of 1 TiB"):
        sealed_length(MAX_PLAINTEXT_BYTES + 1)
    largest = sealed_length(MAX_PLAINTEXT_BYTES)
    with pytest.raises(EnvelopeError, match="limit of 1 TiB"):
        plaintext_length(largest + 49)


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (0, "truncated before its footer"),
        (151, "truncated before its footer"),
        (152, "envelope of the empty file"),
        (153, "truncated segment 0"),
        (199, "truncated segment 0"),
        (200, "empty last segment"),
        (sealed_length(SEGMENT_BYTES) + 1, "truncated segment 1"),
        (sealed_length(SEGMENT_BYTES) + 48, "empty last segment"),
    ],
)
def test_a_length_that_no_envelope_has_is_refused(length: int, message: str) -> None:
    with pytest.raises(EnvelopeError, match=message):
        plaintext_length(length)


def test_two_neighbouring_sizes_never_share_a_length() -> None:
    edges = range(2 * SEGMENT_BYTES - 100, 2 * SEGMENT_BYTES + 100)
    lengths = [sealed_length(size) for size in edges]
    assert lengths == sorted(set(lengths))
