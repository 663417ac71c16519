"""Which tests can notice a change: each rule, and what it would miss without."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.runs.changes import FunctionChange, changes
from harness.runs.coverage import decode, encode, make_coverage
from harness.runs.selection import Coverage, ExecutionTrace, Selection, select

SOURCE = '''
import functools

LIMIT = 3

def plain(a, b=1):
    """Add."""
    def inner():
        return a  # inner
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

def steps(limit):
    if limit:
        total = 0
        for _ in range(limit):
            total += 1
        return total
'''


def changed(old: str, new: str) -> tuple[FunctionChange, ...] | None:
    assert SOURCE.count(old) == 1
    return changes(SOURCE.encode(), SOURCE.replace(old, new).encode())


def line(text: str) -> int:
    """The number of the only line that holds a text."""
    (found,) = [n for n, each in enumerate(SOURCE.split("\n"), start=1) if text in each]
    return found


def lines(*texts: str) -> int:
    return sum(1 << line(text) for text in texts)


@pytest.mark.parametrize(
    ("old", "new", "name", "touched"),
    [
        ("inner() + b", "inner() - b", "plain", "inner() + b"),
        ("return a  # inner", "return None", "plain", "return a  # inner"),
        ("a * 2", "a * 3", "cached", "a * 2"),
        ("return self.size", "return -self.size", "method", "return self.size"),
        ("        total = 0\n", "", "steps", "total = 0"),
        ("total += 1", "total += 1\n            print(total)", "steps", "total += 1"),
        ("if limit:", "if not limit:", "steps", "if limit:"),
    ],
)
def test_what_differs_is_reached_through_the_first_statement_that_does(
    old: str, new: str, name: str, touched: str
) -> None:
    found = changed(old, new)
    assert found is not None
    (change,) = found
    assert change.name == name
    assert change.precise
    assert any(first <= line(touched) <= last for first, last in change.touched)
    assert not any(first <= line("LIMIT = 3") <= last for first, last in change.touched)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        total = 0\n", "        pass\n        other = 0\n"),
        ("        yield item", "        return item"),
        ("b=1", "b=2"),
        ("return inner() + b", "yield inner() + b"),
    ],
)
def test_what_acts_on_all_of_a_function_is_reached_by_any_call(old: str, new: str) -> None:
    found = changed(old, new)
    assert found is not None
    assert [change.precise for change in found] == [False]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("b=1", "b=LIMIT"),
        ("@functools.cache\n", ""),
        ("size = 4", "size = 5"),
        ('"""Add."""', '"""Subtract."""'),
        ("def plain", "def other"),
        ("import functools", "import functools, os"),
        ("class Thing:", "class Thing(dict):"),
        ("    def method(self):\n        return self.size\n", ""),
    ],
)
def test_a_change_that_acts_without_a_call_is_no_change_of_a_function(old: str, new: str) -> None:
    assert changed(old, new) is None


def test_two_functions_that_change_are_both_found() -> None:
    new = SOURCE.replace("a * 2", "a * 3").replace("inner() + b", "b")
    found = changes(SOURCE.encode(), new.encode())
    assert [change.name for change in found or ()] == ["plain", "cached"]


def test_what_cannot_be_parsed_is_no_change_of_a_function() -> None:
    assert changed("LIMIT = 3", "LIMIT = (") is None


def test_a_change_of_a_comment_changes_no_function() -> None:
    assert changed("LIMIT = 3", "LIMIT = 3  # three") == ()


def entered(*texts: str) -> dict[str, int]:
    return {"shop.py": lines(*texts)}


COVERAGE = Coverage(
    imported=ExecutionTrace(
        code={"shop.py": 2 | lines("class Thing:", "def generated", "def steps")},
        lines={"shop.py": lines("LIMIT = 3", "def plain", "for item in items", "if limit:")},
        introspected={"shop.py": lines("@functools.cache")},
    ),
    tests={
        "t.py::calls": ExecutionTrace(
            code=entered("def plain"), lines=entered("inner() + b", "def inner")
        ),
        "t.py::inner_only": ExecutionTrace(
            code=entered("def inner"), lines=entered("return a  # inner")
        ),
        "t.py::other": ExecutionTrace(
            code=entered("def method"), lines=entered("return self.size")
        ),
        "t.py::looks": ExecutionTrace(introspected=entered("def plain")),
        "t.py::reads_the_source": ExecutionTrace(opened=frozenset({"shop.py"})),
        "t.py::starts_processes": ExecutionTrace(opaque=True),
        "u.py::nothing": ExecutionTrace(),
        "v.py::unknown": ExecutionTrace(),
    },
    importers={"t.py": frozenset({"shop.py", "t.py"}), "u.py": frozenset({"u.py"})},
)
ALWAYS = {"t.py::reads_the_source", "t.py::starts_processes"}
IMPORTING = {test for test in COVERAGE.tests if test != "u.py::nothing"}


def chosen(path: str, old: str, new: str) -> Selection:
    files = {path: SOURCE.replace(old, new).encode()}
    return select(COVERAGE, files, {path: SOURCE.encode()})


def test_the_tests_that_reach_what_is_changed_are_chosen_and_those_that_may() -> None:
    assert chosen("shop.py", "inner() + b", "b").tests == {"t.py::calls", *ALWAYS}
    assert chosen("shop.py", "return a  # inner", "return").tests == {"t.py::inner_only", *ALWAYS}


def test_new_defaults_are_noticed_by_a_call_or_by_looking_at_the_function() -> None:
    found = chosen("shop.py", "b=1", "b=2")
    assert found.tests == {"t.py::calls", "t.py::inner_only", "t.py::looks", *ALWAYS}
    assert found.path == "swap"


def test_a_function_that_was_looked_at_before_the_first_test_may_have_left_its_mark() -> None:
    found = chosen("shop.py", "return a * 2", "yield a * 2")
    assert found.path == "fork"
    assert found.tests == IMPORTING


def test_what_ran_before_the_first_test_concerns_all_that_import_it() -> None:
    found = chosen("shop.py", "if limit:", "if not limit:")
    assert found.tests == IMPORTING
    assert found.path == "fork"


def test_what_did_not_run_before_the_first_test_is_left_to_those_that_reach_it() -> None:
    assert chosen("shop.py", "total += 1", "total += 2").tests == ALWAYS


def test_what_acts_at_import_is_for_the_tests_whose_files_import_it() -> None:
    assert chosen("shop.py", "LIMIT = 3", "LIMIT = 4").tests == IMPORTING


def test_every_test_is_chosen_where_it_is_not_known_who_imports_what() -> None:
    coverage = Coverage(imported=ExecutionTrace(), tests=COVERAGE.tests)
    files = {"shop.py": SOURCE.replace("LIMIT = 3", "LIMIT = 4").encode()}
    assert select(coverage, files, {"shop.py": SOURCE.encode()}).tests is None


def test_what_is_imported_by_no_file_of_tests_but_with_them_is_collected_with_all() -> None:
    imported = replace(COVERAGE.imported, opened=frozenset({"alone.py"}))
    known = {**COVERAGE.importers, "v.py": frozenset[str]()}
    coverage = replace(COVERAGE, imported=imported, importers=known)
    files: dict[str, bytes | None] = {"alone.py": b"LIMIT = 4\n"}
    read: dict[str, bytes | None] = {"alone.py": b"LIMIT = 3\n"}
    found = select(coverage, files, read)
    assert (found.tests, found.everywhere) == ({"t.py::starts_processes"}, True)
    assert not select(COVERAGE, files, read).everywhere


def test_lines_that_move_are_no_matter_for_swapping_unless_a_test_reads_the_source() -> None:
    assert chosen("shop.py", "inner() + b", "b").path == "swap"
    assert chosen("shop.py", "return inner() + b", "print()\n    return b").path == "fork"


def test_what_is_no_source_file_concerns_every_test() -> None:
    assert chosen("data.json", "LIMIT", "limit").tests is None


@pytest.mark.parametrize("content", [None, b"x = 1\n"])
def test_a_file_that_comes_or_goes_concerns_every_test(content: bytes | None) -> None:
    other = None if content else b"x = 1\n"
    assert select(COVERAGE, {"a.py": content}, {"a.py": other}).tests is None


def test_a_test_that_was_not_seen_is_always_run() -> None:
    found = make_coverage({"": ExecutionTrace(), "a": ExecutionTrace()}, ["a", "b"])
    assert found is not None
    assert found.tests["b"].opaque
    assert not found.tests["a"].opaque
    assert make_coverage({"a": ExecutionTrace()}, ["a"]) is None


masks = st.dictionaries(st.text(max_size=5), st.integers(1, 1 << 999), max_size=3)
seen = st.builds(
    ExecutionTrace,
    code=masks,
    lines=masks,
    introspected=masks,
    opened=st.frozensets(st.text(max_size=5), max_size=3),
    opaque=st.booleans(),
)


coverages = st.builds(
    Coverage,
    imported=seen,
    tests=st.dictionaries(st.text(), seen, max_size=5),
    importers=st.dictionaries(st.text(), st.frozensets(st.text(max_size=5)), max_size=3),
)


@given(coverages)
def test_a_coverage_survives_being_stored(coverage: Coverage) -> None:
    assert decode(encode(coverage)) == coverage
