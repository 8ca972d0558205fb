"""Tables that fit a terminal, and a pipe."""

from __future__ import annotations

import pytest

from git_model_security.cli.table import Column, fitted, folded

COLUMNS = (
    Column("File"),
    Column("State"),
    Column("Size", is_right=True, is_spare=True),
)
ROWS = [("model.bin", "encrypted, inline", "1 B"), ("a b", "empty", "20 B")]


def test_a_pipe_has_one_line_for_each_row_however_long() -> None:
    long = ("x" * 500, "encrypted", "1 B")
    lines = list(fitted(COLUMNS, [*ROWS, long], None))
    assert len(lines) == 4
    assert lines[-1] == f"{'x' * 500}  {'encrypted':17}   1 B"


def test_what_is_spare_goes_first() -> None:
    assert list(fitted(COLUMNS, ROWS, 34)) == [
        "File       State              Size",
        "model.bin  encrypted, inline   1 B",
        "a b        empty              20 B",
    ]
    assert list(fitted(COLUMNS, ROWS, 33))[1] == "model.bin  encrypted, inline"


def test_where_no_table_fits_nothing_is_left_out() -> None:
    assert list(fitted(COLUMNS, ROWS, 27)) == [
        "model.bin",
        "  State: encrypted, inline;",
        "  Size: 1 B",
        "a b",
        "  State: empty; Size: 20 B",
    ]


@pytest.mark.parametrize("width", range(1, 60))
def test_the_first_cell_is_whole_at_every_width(width: int) -> None:
    lines = list(fitted(COLUMNS, ROWS, width))
    assert any(line.startswith("model.bin") for line in lines)
    assert all(len(line) <= max(width, 27) for line in lines)


def test_only_what_may_be_cut_is_cut() -> None:
    columns = (Column("Commit"), Column("Subject", least=6))
    rows = [("abcdef", "a long subject")]
    assert list(fitted(columns, rows, 16)) == ["Commit  Subject", "abcdef  a long …"]
    assert list(fitted(columns, rows, 14))[1] == "abcdef  a lon…"
    assert list(fitted(columns, rows, 13)) == [
        "abcdef",
        "  Subject: a long",
        "  subject",
    ]


def test_wide_characters_take_two_columns() -> None:
    lines = list(fitted(COLUMNS, [("模型", "x", ""), ("ab", "y", "")], 60))
    assert lines[1:] == ["模型  x", "ab    y"]


def test_words_are_folded_where_they_do_not_fit_and_none_is_cut() -> None:
    words = ["when", "b0810046da31", "good", "f" * 32]
    assert list(folded(words, None)) == ["  ".join(words)]
    for width in (20, 40, 80):
        lines = list(folded(words, width))
        assert " ".join(lines).split() == words
        assert all(len(line) <= width or len(line.split()) == 1 for line in lines)
