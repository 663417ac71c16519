"""Definitions taken out of a file as a person would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntax.blocks import DEFINITIONS, parse
from syntax.cuts import without_definitions
from syntax.patch_text import apply_patch
from syntax.patches import unified_diff
from tests.syntax.pieces import modules

FILE = '''\
"""Tests."""

import pytest


def test_one():
    assert 1


@pytest.mark.parametrize("x", [1, 2])
def test_two(x):
    text = """
def test_one():
"""
    assert x, text


class TestShop:
    """Of the shop."""

    def test_open(self):
        pass

    def test_shut(self):
        pass


def test_last():
    pass
'''


def cut(text: str, *names: str) -> str | None:
    found = without_definitions(text.encode(), names)
    return None if found is None else found.decode()


def test_a_function_goes_with_its_decorators_and_the_blank_lines_that_set_it_off() -> None:
    assert cut(FILE, "test_two") == FILE.replace(
        FILE[FILE.index("@pytest.mark") : FILE.index("class")], ""
    )


def test_the_last_one_leaves_no_blank_lines_behind() -> None:
    assert cut(FILE, "test_last") == FILE[: FILE.index("\n\ndef test_last")]


def test_a_method_goes_and_its_class_stays() -> None:
    assert cut(FILE, "TestShop.test_shut") == FILE.replace(
        "    def test_shut(self):\n        pass\n", "", 1
    ).replace("pass\n\n\n\ndef", "pass\n\n\ndef")


def test_a_class_that_is_left_empty_goes() -> None:
    found = cut(FILE, "TestShop.test_open", "TestShop.test_shut")

    assert found is not None
    assert "TestShop" not in found
    assert "text, text" not in found
    assert found.endswith("assert x, text\n\n\ndef test_last():\n    pass\n")


def test_what_stands_side_by_side_goes_together() -> None:
    text = (
        "class A:\n    def a(self):\n        pass\n\n    def b(self):\n        pass\n\n    c = 1\n"
    )

    assert cut(text, "A.a", "A.b") == "class A:\n    c = 1\n"
    assert cut("def a():\n    pass\n\n\ndef b():\n    pass\n", "a", "b") == ""


def test_a_name_is_that_of_the_whole_path() -> None:
    assert cut(FILE, "test_open", "TestOther.test_open", "TestShop.nothing") is None


def test_nested_classes_are_searched() -> None:
    text = "class A:\n    class B:\n        def t(self):\n            pass\n\n        x = 1\n"

    assert cut(text, "A.B.t") == "class A:\n    class B:\n        x = 1\n"


def test_comments_right_above_go_too_but_those_at_the_top_of_the_file_stay() -> None:
    text = "# License.\ndef a():\n    pass\n"
    text += "\n\n# Sums must not be wrong.\n# See below.\ndef b():\n    pass\n"

    assert cut(text, "b") == "# License.\ndef a():\n    pass\n"
    assert cut(text, "a", "b") == "# License.\n"


@pytest.mark.parametrize(
    "rest",
    [
        "class B(A):\n    pass\n",
        "def other():\n    A().t()\n",
        "t = A.t\n",
    ],
)
def test_what_the_rest_asks_for_stays(rest: str) -> None:
    text = f"class A:\n    def t(self):\n        pass\n\n\n{rest}"

    assert cut(text, "A.t") is None


def test_one_that_is_asked_for_does_not_keep_the_others() -> None:
    text = "def a():\n    pass\n\n\ndef b():\n    a()\n\n\ndef c():\n    pass\n"

    assert cut(text, "a", "c") == "def a():\n    pass\n\n\ndef b():\n    a()\n"
    assert cut(text, "a", "b") == "def c():\n    pass\n"


@pytest.mark.parametrize(
    "text",
    [
        "if True:\n    def t():\n        pass\n",
        "t = make()\n",
        "def t(:\n",
        "def t(): print 'old'\n",
    ],
)
def test_what_is_not_written_out_at_its_place_stays(text: str) -> None:
    assert cut(text, "t") is None


def test_lines_of_windows_and_a_missing_last_line_feed_are_kept() -> None:
    text = "def a():\r\n    pass\r\n\r\n\r\ndef b():\r\n    'ö'\r\n    pass"

    assert cut(text, "b") == "def a():\r\n    pass\r\n"
    assert cut(text, "a") == "def b():\r\n    'ö'\r\n    pass"


@given(modules(), st.randoms(use_true_random=False))
def test_what_was_cut_comes_back_to_the_byte(data: bytes, chance: object) -> None:
    module = parse(data)
    assert module is not None
    names = {each.name for each in module.body if each.kind in DEFINITIONS}
    hidden = without_definitions(data, names)
    if hidden is None:
        return
    after = parse(hidden)

    assert after is not None
    assert not names & {each.name for each in after.body if each.kind in DEFINITIONS}
    assert [s.key for s in after.body] == [s.key for s in module.body if s.name not in names]
    patch = unified_diff("t.py", hidden, data)
    assert apply_patch(patch, {"t.py": hidden}.get) == {"t.py": data}
    assert apply_patch(patch, {"t.py": data}.get, reverse=True) == {"t.py": hidden}
