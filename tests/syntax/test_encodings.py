"""Files in the encoding they declare: read as UTF-8, and edited in their own bytes."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntax.encodings import EncodingRefused, read_declared
from syntax.splices import Splice

BODY = 'def f(x):\n    """Ende."""\n    return x\n'


def cookie(codec: str) -> str:
    return f"# -*- coding: {codec} -*-\n"


def test_plain_utf8_is_read_as_it_is() -> None:
    found = read_declared(f"# é\n{BODY}".encode())

    assert found.is_plain
    assert found.mark == b""


@pytest.mark.parametrize("codec", ["latin-1", "cp1251", "shift_jis", "euc_kr", "gb18030", "utf-7"])
def test_a_cookie_is_heeded_once(codec: str) -> None:
    data = (cookie(codec) + BODY).encode(codec)

    found = read_declared(data)

    assert ast.dump(ast.parse(found.utf8)) == ast.dump(ast.parse(data))
    assert read_declared(found.utf8).is_plain


def test_a_cookie_on_the_second_line_is_heeded_and_on_the_third_not() -> None:
    second = f"#!/usr/bin/python\n{cookie('latin-1')}# \xe9\n".encode("latin-1")
    third = f"\n\n{cookie('latin-1')}# \xe9\n".encode()

    assert read_declared(second).codec == "iso-8859-1"
    assert read_declared(third).is_plain


@pytest.mark.parametrize(
    "data",
    [
        "x = 1\n".encode("utf-16"),
        "x = 1\n".encode("utf-32-le"),
        b"# caf\xe9\n",
        b"# coding: klingon\nx = 1\n",
        b"# coding: rot13\nx = 1\n",
        b"# coding: ascii\nx = '\xe9'\n",
        b"\xef\xbb\xbf# coding: latin-1\nx = 1\n",
        b"# coding: utf-16\nx = 1\n",
        b"# coding: unicode_escape\nx = '\\n'\n",
        b"# coding: latin-1\nx = '\0'\n",
    ],
)
def test_a_file_that_cannot_be_read_and_written_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(EncodingRefused, match=r".+"):
        read_declared(data)


def test_the_first_line_after_a_mark_can_be_changed_removed_and_preceded() -> None:
    found = read_declared(b"\xef\xbb\xbfx = 1\r\ny = 2")
    line = len(b"x = 1\r\n")

    for edit, expected in (
        (Splice(0, line, b"x = 2\r\n"), b"x = 2\r\ny = 2"),
        (Splice(0, line, b""), b"y = 2"),
        (Splice(0, 0, b"z = 3\r\n"), b"z = 3\r\nx = 1\r\ny = 2"),
        (Splice(line, line + 5, b"y = 3"), b"x = 1\r\ny = 3"),
    ):
        own, after = found.restore([edit])
        assert after == b"\xef\xbb\xbf" + expected
        assert own[0].apply(found.raw) == after


def test_an_edit_that_the_encoding_has_no_bytes_for_is_refused() -> None:
    found = read_declared((cookie("latin-1") + "x = 1\n").encode("latin-1"))

    with pytest.raises(EncodingRefused, match="iso-8859-1"):
        found.restore([Splice(len(found.utf8), len(found.utf8), "y = '→'\n".encode())])


def test_an_edit_that_would_make_another_encoding_heeded_is_refused() -> None:
    found = read_declared((cookie("latin-1") + "x = '\xe9'\n").encode("latin-1"))

    with pytest.raises(EncodingRefused):
        found.restore([Splice(0, len(cookie("latin-1")), b"")])


LINES = st.lists(
    st.text(st.characters(codec="cp1252", exclude_characters="\n"), max_size=8), max_size=6
)


@given(LINES, st.sampled_from(["cp1252", "utf-8-sig"]), st.data())
def test_every_line_that_is_not_edited_keeps_its_bytes(
    lines: list[str], codec: str, data: st.DataObject
) -> None:
    head = "# coding: cp1252\n" if codec == "cp1252" else ""
    text = head + "\n".join(["x", *lines])
    raw = text.encode(codec)
    try:
        found = read_declared(raw)
    except EncodingRefused:
        return
    parts = found.utf8.split(b"\n")
    number = data.draw(st.integers(len(head.split("\n")) - 1, len(parts) - 1))
    start = len(b"\n".join([*parts[:number], b""])) if number else 0
    end = b"\n" if number + 1 < len(parts) else b""
    edit = Splice(start, start + len(parts[number] + end), b"new = 1" + end)

    _, after = found.restore([edit])

    wanted = text.split("\n")
    wanted[number] = "new = 1"
    assert after == "\n".join(wanted).encode(codec)
