"""Texts are cut where GitHub would refuse them, and still read well; marks find ours again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mirror.github.texts import (
    CUT,
    MOST_BYTES,
    MOST_TITLE,
    cut_text,
    cut_title,
    has_mark,
    is_same_text,
    mark,
    prepend_mark,
)

NOTE = CUT.strip().strip("*")
PIECES = st.sampled_from(
    ["```\n", "````py\n", "~~~\n", "\n", "word ", "🐛", "é", "| a | b |\n", "`"]
)
TEXTS = st.lists(PIECES, max_size=200).map("".join) | st.text(max_size=300)


def test_what_fits_stays_as_it_is() -> None:
    text = "é" * (MOST_BYTES // 2)
    assert cut_text(text) == text


@given(TEXTS, st.integers(150, 400))
def test_a_text_never_has_more_bytes_than_it_may(text: str, most: int) -> None:
    short = cut_text(text, most)
    assert len(short.encode()) <= most
    if short != text:
        assert len(text.encode()) > most
        assert short.endswith(CUT)
        assert text.startswith(short.removesuffix(CUT).rstrip("`~\n"))


@given(st.lists(PIECES, min_size=100, max_size=300).map("".join), st.integers(150, 400))
def test_what_is_left_out_is_told_outside_of_any_code(text: str, most: int) -> None:
    short = cut_text(text, most)
    if short == text:
        return
    tokens = MarkdownIt().parse(short)
    assert tokens[-2].type == "inline"
    assert tokens[-2].content == f"*{NOTE}*"


@pytest.mark.parametrize("length", range(MOST_BYTES - 3, MOST_BYTES + 4))
def test_a_character_is_never_broken(length: int) -> None:
    text = ("x" * length)[: length % 4] + "🐛" * (length // 4 + 1)
    short = cut_text(text)
    assert len(short.encode()) <= MOST_BYTES
    assert "\ufffd" not in short
    assert short.encode().decode() == short


def test_half_a_row_of_a_table_is_left_out() -> None:
    row = "| `src/a.py` | 12 | the bound is one too high |\n"
    short = cut_text(row * 5000)
    assert short.removesuffix(CUT).endswith(row.rstrip("\n"))


def test_a_text_of_one_endless_line_is_cut_within_it() -> None:
    assert len(cut_text("x" * 100_000).encode()) > MOST_BYTES - 10


def test_a_title_is_one_line() -> None:
    assert cut_title(" Bugs\nthat  no test\tnoticed ") == "Bugs that no test noticed"
    long = cut_title("é" * 400)
    assert len(long) == MOST_TITLE
    assert long.endswith("é…")


def test_a_body_is_known_by_its_mark_even_when_it_is_cut() -> None:
    body = prepend_mark("report", "x" * 100_000)
    assert has_mark(body, "report")
    assert not has_mark(body, "repo")
    assert len(body.encode()) <= MOST_BYTES


def test_a_mark_that_somebody_quotes_is_none() -> None:
    assert not has_mark(f"> {mark('report')}\n> hello", "report")
    assert not has_mark(f"look at {mark('report')}", "report")


@pytest.mark.parametrize("key", ["", "a b", "a -->", "a--b", "-a", "é", "a\n"])
def test_a_key_that_could_end_its_mark_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        mark(key)


def test_how_lines_end_is_no_difference() -> None:
    assert is_same_text("a\r\nb  \r\n", "a\nb\n\n")
    assert is_same_text(None, "")
    assert not is_same_text("a\nb", "a\nc")
    assert not is_same_text("a\n  b", "a\nb")
