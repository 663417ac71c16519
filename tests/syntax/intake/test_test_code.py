"""Tests beside the code they test are put back by their span, the code is the solver's."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntax.intake.test_code import spans_of_tests
from tests.syntax.intake.taken import take

PATH = "shop/area.py"
CODE = b"""import pytest


def area(w, h):
    return w + h


@pytest.fixture
def size():
    return 3


@pytest.mark.parametrize("h", [4])
def test_area(size, h):
    assert area(size, h) == 12


class TestMore:
    def test_zero(self):
        assert area(0, 1) == 0
"""
TESTS = (f"{PATH}::test_area[4]", f"{PATH}::TestMore::test_zero")


def restored(new: bytes | None, *, old: bytes = CODE) -> tuple[bytes | None, tuple[str, ...]]:
    found = take({PATH: old}, {PATH: new}, *TESTS, fixed=(PATH,))
    return found.files.get(PATH, old), found.taken_back


def test_a_right_fix_counts_in_the_file_of_its_tests() -> None:
    fixed = CODE.replace(b"w + h", b"w * h")

    assert restored(fixed) == (fixed, ())


def test_an_edited_test_is_put_back_and_the_fix_is_kept() -> None:
    cheat = CODE.replace(b"w + h", b"w * h").replace(b"== 12", b"== 7").replace(b"[4]", b"[]")

    assert restored(cheat) == (CODE.replace(b"w + h", b"w * h"), (f"{PATH}: test_area",))


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (b"test_area = lambda: None\n", "test_area"),
        (b"del TestMore\n", "TestMore"),
        (b"def test_area():\n    pass\n", "test_area"),
        (b"class TestMore:\n    def test_zero(self): pass\n", "TestMore"),
        (b"from os import getcwd as test_area\n", "test_area"),
        (b"TestMore.test_zero = lambda self: None\n", "TestMore"),
        (b"globals()['test_area'] = print\n", "what is done to test_area"),
        (b"setattr(TestMore, 'test_zero', print)\n", "what is done to TestMore"),
        (b"pytestmark = pytest.mark.skip\n", "pytestmark"),
        (b"def pytest_runtest_call(item):\n    pass\n", "pytest_runtest_call"),
        (b"@pytest.fixture(autouse=True)\ndef area_of():\n    return 1\n", "area_of"),
        (b"def setup_module():\n    pass\n", "setup_module"),
    ],
)
def test_nothing_else_gives_a_test_its_meaning(more: bytes, named: str) -> None:
    after, taken = restored(CODE + b"\n\n" + more)

    assert after is not None
    assert after.replace(b"pass\n", b"").strip() == CODE.strip()
    assert taken == (f"{PATH}: {named}",)


def test_tests_that_were_taken_out_come_back() -> None:
    after, taken = restored(b"def area(w, h):\n    return 12\n")

    assert after is not None
    assert after.startswith(b"def area(w, h):\n    return 12\n")
    for name in (b"def size", b"def test_area", b"class TestMore"):
        assert after.count(name) == 1
    assert taken == tuple(f"{PATH}: {name}" for name in ("TestMore", "size", "test_area"))


def test_a_file_of_tests_alone_is_put_back_as_a_whole() -> None:
    files = {"checks/area.py": CODE, "shop/__init__.py": b""}
    changed = {"checks/area.py": CODE.replace(b"w + h", b"12")}
    tests = ("checks/area.py::test_area[4]",)

    assert take(files, changed, *tests).files == {}
    shared = {**files, "shop/cart.py": b"from checks.area import area\n"}
    assert take(shared, changed, *tests).files == changed


def test_a_file_that_was_deleted_comes_back() -> None:
    assert restored(None) == (CODE, (f"{PATH}: all of it, since it holds tests",))


def test_spans_hold_tests_with_decorators_and_fixtures() -> None:
    spans = spans_of_tests(CODE, {"test_area", "TestMore"})

    assert [CODE[start:end].split(b"\n")[0] for start, end in spans] == [
        b"@pytest.fixture",
        b'@pytest.mark.parametrize("h", [4])',
        b"class TestMore:",
    ]
    assert spans_of_tests(b"def (", {"x"}) == []


SUPPORTED = b"""import unittest

RATE = 2
CASES = [(3, 4, 24)]
WIDTH = 3


def area(w, h):
    return w + h + RATE


def check(w, h, expected):
    assert area(w, h) == expected


@pytest.mark.parametrize("case", CASES)
def test_area(case):
    check(*case)
    assert WIDTH == 3 and RATE == 2


class Base(unittest.TestCase):
    def expect(self, found):
        self.assertEqual(found, 24)


class TestMore(Base):
    def test_zero(self):
        self.expect(area(3, 4))
"""


@pytest.mark.parametrize(
    ("was", "now", "named"),
    [
        (b"(3, 4, 24)", b"(3, 4, 9)", "CASES"),
        (b"== expected", b"!= expected", "check"),
        (b"WIDTH = 3", b"WIDTH = 4", "WIDTH"),
        (b"self.assertEqual(found, 24)", b"pass", "Base"),
    ],
)
def test_what_tests_stand_on_is_put_back(was: bytes, now: bytes, named: str) -> None:
    fixed = SUPPORTED.replace(b"w + h + RATE", b"w * h * RATE").replace(b"RATE = 2", b"RATE = 3")

    assert restored(fixed.replace(was, now), old=SUPPORTED) == (fixed, (f"{PATH}: {named}",))


@st.composite
def edited(draw: st.DrawFn) -> bytes:
    """The module after edits of whole lines, as careless as a solver's."""
    lines = CODE.split(b"\n")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines)))
        match draw(st.sampled_from(["delete", "copy", "change"])):
            case "delete":
                del lines[at : at + draw(st.integers(1, 5))]
            case "copy":
                first = draw(st.integers(0, len(lines)))
                lines[at:at] = lines[first : first + draw(st.integers(1, 5))]
            case "change":
                lines[at : at + 1] = [draw(st.sampled_from([b"pass", b"", b"    pass", b"x = 1"]))]
    return b"\n".join(lines)


@given(edited())
def test_whatever_is_edited_tests_are_as_at_the_start(new: bytes) -> None:
    after, _ = restored(new)

    assert after is not None
    wanted = {"size", "test_area", "TestMore"}
    found = [
        (node.name, ast.dump(node))
        for data in (after, CODE)
        for node in ast.parse(data).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in wanted
    ]
    assert sorted(found[:3]) == sorted(found[3:])


@pytest.mark.parametrize(
    ("head", "encoding"),
    [("# coding: latin-1\n# é\n", "latin-1"), ("# é\n", "utf-8-sig"), ("# é\n", "utf-8")],
)
def test_spans_are_bytes_in_any_encoding(head: str, encoding: str) -> None:
    code = f'{head}def test_it():\n    assert "é"\n\n\nx = 1\n'.encode(encoding)
    ((start, end),) = spans_of_tests(code, {"test_it"})

    assert code[start:end].decode(encoding) == 'def test_it():\n    assert "é"'
