from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from syntax.patches import unified_diff
from tasks.likeness import Alike, jaccard, of_patch, of_text

LINES = st.lists(st.sampled_from(["a = b + c", "if x > 1:", "    return y", "f(a, b)", ""]),
                 min_size=1, max_size=8)  # fmt: skip
SHINGLES = st.frozensets(st.text("abc", min_size=1, max_size=3), max_size=20)


def patch(before: list[str], after: list[str], path: str = "a.py") -> str:
    return unified_diff(path, "\n".join(before).encode(), "\n".join(after).encode())


def turned(text: str) -> str:
    """The same patch the other way round."""
    marks = {"+": "-", "-": "+"}
    head, mark, body = text.partition("@@ -")
    lines = [marks.get(line[:1], line[:1]) + line[1:] for line in f"{mark}{body}".split("\n")]
    turned = [re.sub(r"^@@ -(\S+) \+(\S+)", r"@@ -\2 +\1", line) for line in lines]
    return head + "\n".join(turned)


@given(LINES, LINES)
def test_the_way_that_a_patch_goes_makes_no_difference(one: list[str], other: list[str]) -> None:
    text = patch(one, other)

    assert of_patch(text) == of_patch(turned(text))


@given(LINES, LINES)
def test_neither_does_where_the_file_is(one: list[str], other: list[str]) -> None:
    assert of_patch(patch(one, other)) == of_patch(patch(one, other, "deep/down/b.py"))


@given(LINES, LINES)
def test_neither_do_blanks(one: list[str], other: list[str]) -> None:
    text = patch(one, other)
    head, mark, body = text.partition("@@ -")
    spaced = [line[:1] + line[1:].replace(" ", "   ") for line in body.split("\n")[1:]]
    spaced_out = "\n".join([head + mark + body.split("\n")[0], *spaced]) if mark else text

    assert of_patch(spaced_out) == of_patch(text)


@given(st.text(max_size=60))
def test_upper_case_and_marks_make_no_difference_to_a_text(text: str) -> None:
    assert of_text(text.upper().casefold()) == of_text(text.upper())
    assert of_text(f"  {text}  !") == of_text(text)


@given(SHINGLES, SHINGLES)
def test_likeness_is_the_same_from_both_sides_and_at_most_one(
    one: frozenset[str], other: frozenset[str]
) -> None:
    assert jaccard(one, other) == jaccard(other, one) <= 1
    assert (jaccard(one, one) == 1) is bool(one)


@given(SHINGLES.filter(bool))
def test_what_was_added_is_found_again(shingles: frozenset[str]) -> None:
    alike = Alike(0.9)
    alike.add("it", shingles)

    assert alike.nearest(shingles) == ("it", 1.0)


def test_of_what_is_even_the_first_by_name_is_named() -> None:
    alike = Alike(0.5)
    for name in ("b", "a", "c"):
        alike.add(name, frozenset("xyz"))

    assert alike.nearest(frozenset("xyz")) == ("a", 1.0)


def test_what_does_not_reach_the_likeness_is_not_named() -> None:
    alike = Alike(0.9)
    alike.add("it", frozenset("abcdefgh"))

    assert alike.nearest(frozenset("abcdefgz")) is None
