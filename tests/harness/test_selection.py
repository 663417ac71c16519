"""Which tests can notice a change: each rule, and what it would miss without."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.coverage import complete, decode, encode
from harness.selection import Coverage, Seen, Selection, Span, changed_functions, select

SOURCE = '''
import functools

LIMIT = 3

def plain(a, b=1):
    """Add."""
    def inner():
        return a
    return inner() + b

@functools.cache
def cached(a):
    return a * 2

class Thing:
    size = 4

    def method(self):
        return self.size

def generated(items):
    for item in items:
        yield item
'''


def changed(old: str, new: str) -> tuple[Span, ...] | None:
    assert old in SOURCE
    return changed_functions(SOURCE.encode(), SOURCE.replace(old, new).encode())


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        ("inner() + b", "inner() - b", 6),
        ("return a\n    return inner", "return None\n    return inner", 6),
        ("a * 2", "a * 3", 12),
        ("return self.size", "return -self.size", 19),
    ],
)
def test_a_change_in_a_body_is_of_its_outermost_function(old: str, new: str, first: int) -> None:
    spans = changed(old, new)
    assert spans is not None
    assert [span.first for span in spans] == [first]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("b=1", "b=2"),
        ("@functools.cache\n", ""),
        ("size = 4", "size = 5"),
        ('"""Add."""', '"""Subtract."""'),
        ("        yield item", "        return item"),
        ("def plain", "def other"),
        ("import functools", "import functools, os"),
        ("class Thing:", "class Thing(dict):"),
        ("    def method(self):\n        return self.size\n", ""),
    ],
)
def test_a_change_that_acts_without_a_call_is_no_change_of_a_body(old: str, new: str) -> None:
    assert changed(old, new) is None


def test_what_cannot_be_parsed_is_no_change_of_a_body() -> None:
    assert changed("LIMIT = 3", "LIMIT = (") is None


def test_a_change_of_a_comment_changes_no_function() -> None:
    assert changed("LIMIT = 3", "LIMIT = 3  # three") == ()


COVERAGE = Coverage(
    imported=Seen(code={"shop.py": frozenset({1, 16, 22})}),
    tests={
        "t.py::calls": Seen(code={"shop.py": frozenset({6})}),
        "t.py::calls_inner_only": Seen(code={"shop.py": frozenset({8})}),
        "t.py::other": Seen(code={"shop.py": frozenset({19})}),
        "t.py::reads_the_source": Seen(opened=frozenset({"shop.py"})),
        "t.py::starts_processes": Seen(opaque=True),
        "u.py::nothing": Seen(),
    },
)


def chosen(path: str, old: str, new: str) -> Selection:
    source = SOURCE.encode()
    files = {path: SOURCE.replace(old, new).encode()}
    return select(COVERAGE, files, {path: source})


def test_the_tests_that_enter_a_changed_function_are_chosen_and_those_that_may() -> None:
    assert chosen("shop.py", "inner() + b", "b").tests == {
        "t.py::calls",
        "t.py::calls_inner_only",
        "t.py::reads_the_source",
        "t.py::starts_processes",
    }


def test_a_function_that_runs_at_import_concerns_every_test() -> None:
    found = chosen("shop.py", "yield item", "yield item + 1")
    assert found.tests is None
    assert "runs at import" in found.why


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [("shop.py", "LIMIT = 3", "LIMIT = 4"), ("data.json", "LIMIT", "limit")],
)
def test_what_is_no_body_of_a_function_concerns_every_test(path: str, old: str, new: str) -> None:
    assert chosen(path, old, new).tests is None


@pytest.mark.parametrize("content", [None, b"x = 1\n"])
def test_a_file_that_comes_or_goes_concerns_every_test(content: bytes | None) -> None:
    other = None if content else b"x = 1\n"
    assert select(COVERAGE, {"a.py": content}, {"a.py": other}).tests is None


def test_a_test_that_was_not_seen_is_always_run() -> None:
    found = complete({"": Seen(), "a": Seen()}, ["a", "b"])
    assert found is not None
    assert found.tests["b"].opaque
    assert not found.tests["a"].opaque
    assert complete({"a": Seen()}, ["a"]) is None


seen = st.builds(
    Seen,
    code=st.dictionaries(st.text(max_size=5), st.frozensets(st.integers(0, 999)), max_size=3),
    opened=st.frozensets(st.text(max_size=5), max_size=3),
    opaque=st.booleans(),
)


@given(st.builds(Coverage, imported=seen, tests=st.dictionaries(st.text(), seen, max_size=5)))
def test_a_coverage_survives_being_stored(coverage: Coverage) -> None:
    assert decode(encode(coverage)) == coverage
