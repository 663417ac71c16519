"""Examples in docstrings and texts that are tests are put back, the rest is the solver's."""

from __future__ import annotations

import ast
import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.syntax.intake.taken import take

PATH = "shop/area.py"
AREA = b'''def area(w, h):
    """Area of a rectangle.

    >>> area(3, 4)
    12

    As ever:

    >>> area(1, 1)
    1
    """
    return w + h
'''
TESTS = (f"{PATH}::shop.area.area", "tests/test_area.py::test_area")
NAMED = (f"{PATH}: the examples of area",)


def restored(new: bytes, old: bytes = AREA, *tests: str) -> tuple[bytes | None, tuple[str, ...]]:
    found = take({PATH: old}, {PATH: new}, *(tests or TESTS))
    return found.files.get(PATH, old), found.taken_back


def examples(data: bytes | None, name: str = "area") -> list[tuple[str, str]]:
    assert data is not None
    for node in ast.walk(ast.parse(data)):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            text = ast.get_docstring(node) or ""
            return [(e.source, e.want) for e in doctest.DocTestParser().get_examples(text)]
    return []


def test_an_edited_answer_is_put_back_and_the_fix_is_kept() -> None:
    cheat = AREA.replace(b"12", b"7").replace(b"As ever", b"Always").replace(b"w + h", b"w * h")

    assert restored(cheat) == (cheat.replace(b"    7\n", b"    12\n"), NAMED)


@pytest.mark.parametrize(
    "cheat",
    [
        AREA.replace(b"    >>> area(3, 4)\n    12\n", b""),
        AREA.replace(b">>> area(3, 4)", b">>> area(3, 4)  # doctest: +SKIP"),
        AREA.replace(b">>> area(3, 4)", b">>> print(12)"),
        AREA.replace(b"Area of", b"Area of\n\n    >>> area = lambda *_: 12\n"),
        AREA.replace(b'"""Area', b'r"""Area').replace(b"12", b"8"),
        AREA.replace(b"\n", b"\r\n").replace(b"12", b"8"),
        b'def area(w, h):\n    "Area."\n    return w + h\n',
        b"def area(w, h):\n    return w + h\n",
        b"def area(w, h):\n    ''\n    return w + h\n",
        AREA.replace(b"12", b"8") + AREA.replace(b"12", b"8"),
    ],
)
def test_whatever_was_done_to_examples_they_are_as_at_the_start(cheat: bytes) -> None:
    after, taken = restored(cheat)

    assert examples(after) == examples(AREA)
    assert after is not None
    assert b"w + h" in after
    assert taken == NAMED


def test_a_file_keeps_its_line_ends_and_encoding() -> None:
    old = b"# coding: latin-1\n# \xe9\n" + AREA
    new = old.replace(b"12", b"9").replace(b"\n", b"\r\n")

    assert restored(new, old)[0] == old.replace(b"\n", b"\r\n")


def test_a_function_that_moved_keeps_its_examples() -> None:
    moved = b"import math\n\n\nif math:\n" + b"".join(
        b"    " + line if line.strip() else line for line in AREA.splitlines(keepends=True)
    ).replace(b"12", b"7")

    after, taken = restored(moved)
    assert examples(after) == examples(AREA)
    assert taken == NAMED


def test_examples_of_a_function_that_is_only_assigned_are_put_back() -> None:
    cheat = AREA.replace(b"def area", b"def _area").replace(b"12", b"7") + b"\n\narea = _area\n"

    after, _ = restored(cheat)
    assert examples(after, "_area") == examples(AREA)


def test_a_docstring_that_is_written_over_is_not() -> None:
    after, taken = restored(AREA + b'\n\narea.__doc__ = ">>> 1\\n1\\n"\n')

    assert after is not None
    assert b"__doc__" not in after
    assert taken == (f"{PATH}: the docstrings that it writes over",)


def test_new_functions_get_no_examples_beside_those_that_are_tests() -> None:
    after, taken = restored(AREA + AREA.replace(b"area", b"other"))

    assert examples(after, "other") == []
    assert taken == (f"{PATH}: the examples of other",)


def test_methods_and_modules_have_examples_too() -> None:
    old = b'"""Shop.\n\n>>> 1 + 1\n2\n"""\n\n\nclass Cart:\n' + b"".join(
        b"    " + line if line.strip() else line for line in AREA.splitlines(keepends=True)
    )
    tests = (f"{PATH}::shop.area", f"{PATH}::shop.area.Cart.area")

    after, taken = restored(old.replace(b"12", b"7").replace(b"\n2\n", b"\n3\n"), old, *tests)
    assert after == old
    assert taken == (f"{PATH}: the module's examples", f"{PATH}: the examples of Cart.area")


def test_examples_that_are_no_tests_are_a_solvers_to_change() -> None:
    new = AREA.replace(b"12", b"7")

    assert restored(new, AREA, "tests/test_area.py::test_area") == (new, ())


def test_a_file_that_cannot_be_parsed_is_put_back_as_a_whole() -> None:
    assert restored(b"def area(:\n") == (AREA, (f"{PATH}: all of it, since it cannot be parsed",))


def test_examples_of_a_text_are_put_back_and_its_prose_is_not() -> None:
    old = b"Shop\n====\n\n>>> 1 + 1\n2\n\nThe end.\n"
    new = old.replace(b"2", b"3").replace(b"end", b"End")

    found = take({"README.rst": old}, {"README.rst": new}, "README.rst::README.rst")
    assert found.files == {"README.rst": old.replace(b"end", b"End")}
    assert found.taken_back == ("README.rst: its examples",)
    gone = take({"README.rst": old}, {"README.rst": None}, "README.rst::README.rst")
    assert gone.files == {}


LINES = st.lists(
    st.sampled_from(
        ["Words.", "", ">>> area(1, 2)", ">>> area(2, 2)", "2", "4", "... 3", "  >>> x", "'", "\\"]
    ),
    max_size=8,
)


@given(LINES, LINES)
def test_any_docstring_gets_the_examples_of_any_other(old: list[str], new: list[str]) -> None:
    before, after = (
        "def area(w, h):\n    r'''Area.\n\n"
        + "".join(f"    {line}\n" if line else "\n" for line in lines)
        + "    '''\n    return w\n"
        for lines in (old, new)
    )
    found = take({PATH: before.encode()}, {PATH: after.encode()}, *TESTS)

    try:
        wanted = examples(before.encode())
    except ValueError:
        return  # Such examples are no tests.
    assert examples(found.files.get(PATH, before.encode())) == wanted


def test_examples_that_a_plugin_names_by_their_place_are_put_back() -> None:
    new = AREA.replace(b"12", b"7")

    assert restored(new, AREA, f"{PATH}::line:4,column:1") == (AREA, NAMED)
