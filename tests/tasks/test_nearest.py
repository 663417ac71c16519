from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syntax.patches import unified_diff
from tasks.nearest import lines_of, nearest

FILE = b"".join(b"line %d\n" % number for number in range(1, 21))


def bits(*lines: int) -> int:
    return sum(1 << line for line in lines)


def test_the_lines_of_a_change_are_those_it_takes_away() -> None:
    patch = unified_diff("a.py", FILE, FILE.replace(b"line 7\nline 8\n", b"other\n"))

    assert lines_of(patch) == {"a.py": bits(7, 8)}


def test_an_insertion_is_between_two_lines() -> None:
    patch = unified_diff("a.py", FILE, FILE.replace(b"line 7\n", b"line 7\nnew\n"))

    assert lines_of(patch) == {"a.py": bits(7, 8)}


def test_tests_that_run_the_changed_lines_come_before_those_that_run_the_file() -> None:
    patch = unified_diff("a.py", FILE, FILE.replace(b"line 7\n", b"other\n"))
    ran = {
        "t.py::far": {"b.py": bits(7)},
        "t.py::file": {"a.py": bits(1, 2, 3)},
        "t.py::wound": {"a.py": bits(7)},
        "t.py::unseen": {},
    }
    tests = tuple(ran)

    def kept(limit: int) -> tuple[str, ...]:
        return nearest(tests, patch=patch, ran=ran, failing=("u.py::x",), limit=limit)

    assert kept(1) == ("t.py::wound",)
    assert kept(2) == ("t.py::file", "t.py::wound")
    assert kept(9) == tests


def test_half_of_the_places_go_to_tests_that_run_the_rest_of_the_changed_file() -> None:
    patch = unified_diff("a.py", FILE, FILE.replace(b"line 7\n", b"other\n"))
    same = {f"t.py::wound{number}": {"a.py": bits(6, 7, 8)} for number in range(6)}
    ran = {
        **same,
        "t.py::few": {"a.py": bits(11)},
        "t.py::more": {"a.py": bits(11, 12, 13)},
        "t.py::else": {"b.py": bits(1, 2, 3, 4, 5)},
    }

    kept = nearest(tuple(ran), patch=patch, ran=ran, failing=("t.py::x",), limit=4)

    assert kept[-1] == "t.py::more"
    assert set(kept[:-1]) < set(same)


def test_one_of_each_function_comes_before_its_other_parameters() -> None:
    tests = [f"t.py::{name}[{number}]" for name in ("a", "b", "c") for number in range(5)]

    kept = nearest(tests, patch="", ran={}, failing=("t.py::x",), limit=3)

    assert [test.partition("[")[0] for test in kept] == ["t.py::a", "t.py::b", "t.py::c"]


def test_without_coverage_the_file_of_a_failing_test_is_near() -> None:
    tests = ("a.py::1", "b.py::1", "b.py::2")

    assert nearest(tests, patch="", ran={}, failing=("b.py::0",), limit=2) == tests[1:]


@given(st.permutations([f"t.py::{number}" for number in range(9)]), st.integers(0, 9))
def test_the_order_of_the_tests_does_not_change_which_are_kept(
    tests: list[str], limit: int
) -> None:
    ran = {test: {"a.py": bits(int(test[-1]) % 3)} for test in tests}
    patch = unified_diff("a.py", FILE, FILE.replace(b"line 2\n", b"other\n"))
    words = {"patch": patch, "ran": ran, "failing": ("t.py::x",), "limit": limit}

    kept = nearest(tests, **words)  # type: ignore[arg-type]

    assert set(kept) == set(nearest(sorted(tests), **words))  # type: ignore[arg-type]
    assert len(kept) == limit
