"""What an undone fix takes from tests that stand in the code is given back."""

from __future__ import annotations

from mirror.undo.bugs import keep_tests

PATH = "shop/area.py"
FIXED = b'''def area(w, h):
    """Area.

    >>> area(3, 4)
    12
    """
    return w * h


def test_area():
    assert area(3, 4) == 12
'''
BROKEN = b'''def area(w, h):
    """Area."""
    return w + h
'''
TESTS = (f"{PATH}::shop.area.area", f"{PATH}::test_area")


def test_tests_and_examples_stay_while_the_code_is_undone() -> None:
    (content,) = keep_tests({PATH: BROKEN}, {PATH: FIXED}, TESTS).values()

    assert content is not None
    assert b"return w + h" in content
    assert b">>> area(3, 4)\n    12\n" in content
    assert b"assert area(3, 4) == 12" in content


def test_a_fix_of_tests_alone_is_left_as_it_is_undone() -> None:
    undone = {PATH: FIXED.replace(b"12", b"7")}

    assert keep_tests(undone, {PATH: FIXED}, TESTS) == undone


def test_where_no_tests_stand_in_the_code_nothing_is_changed() -> None:
    undone = {PATH: BROKEN, "shop/new.py": b"x = 1\n", "shop/old.py": None}
    files = {PATH: FIXED, "shop/old.py": b"y = 1\n"}

    assert keep_tests(undone, files, ("tests/test_area.py::test_area",)) == undone
