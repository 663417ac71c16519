"""What is read of a bug from its files before and after."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syntax.features.features import Features, Side, features_of
from syntax.features.lines import ParsedCode
from syntax.languages import PYTHON
from syntax.patches import count_common_prefix
from syntax.text import split_lines
from tests.syntax.pieces import modules

BEFORE = '''\
"""Prices."""

import math


class Basket:
    """What is bought."""

    def total(self, items, rate=0):
        """Sum it up."""
        found = 0
        for item in items:
            if item.price > 0 and item.count:
                found += item.price * item.count
        return found * (1 + rate)


def _rounded(value):
    return math.floor(value + 0.5)
'''


def read(after: str, before: str = BEFORE) -> Features:
    found = features_of([Side(path="a.py", before=before.encode(), after=after.encode())])
    assert found is not None
    return found


def changed(old: str, new: str) -> Features:
    assert old in BEFORE
    return read(BEFORE.replace(old, new))


def test_a_slip_in_a_condition() -> None:
    found = changed("price > 0", "price >= 0")

    assert (found.files, found.entities, found.hunks) == (1, 1, 1)
    assert (found.lines_gone, found.lines_came) == (1, 1)
    assert (found.tokens_gone, found.tokens_came) == (1, 1)
    assert found.kinds_gone == {"logic", "condition"}
    assert (found.in_function, found.in_method, found.depth) == (True, True, 2)
    assert (found.public, found.documented) == (True, True)


def test_a_call_that_is_lost_in_a_private_function() -> None:
    found = changed("math.floor(value + 0.5)", "value + 0.5")

    assert found.tokens_came == 0
    assert found.tokens_gone == 5
    assert "call" in found.kinds_gone
    assert (found.in_method, found.public, found.documented) == (False, False, False)


def test_a_condition_that_is_gone_leaves_its_body_at_another_depth() -> None:
    before = "def f(a):\n    if a:\n        g(a)\n    return a\n"
    found = read("def f(a):\n    g(a)\n    return a\n", before)

    assert (found.lines_gone, found.lines_came) == (2, 1)
    assert found.tokens_gone == 3
    assert found.kinds_gone == {"condition"}


def test_code_that_only_moves_to_another_depth_is_changed_as_a_whole() -> None:
    before = "def f(a):\n    if a:\n        g(a)\n        h(a)\n"
    found = read("def f(a):\n    if a:\n        g(a)\n    h(a)\n", before)

    assert (found.tokens_gone, found.tokens_came) == (4, 4)
    assert found.kinds_gone == {"call"}


def test_what_several_files_change_is_summed_up() -> None:
    sides = [
        Side(path="a.py", before=b"def f():\n    return 1\n", after=b"def f():\n    return 2\n"),
        Side(path="b.py", before=b"x = 1\ny = 2\n\nz = 3\n", after=b"x = 2\ny = 2\n\nz = 4\n"),
    ]
    found = features_of(sides)

    assert found is not None
    assert (found.files, found.entities, found.hunks, found.tokens_gone) == (2, 2, 3, 3)


def test_a_file_that_is_not_there_on_one_side() -> None:
    found = features_of([Side(path="a.py", before=b"x = f(1)\n", after=None)])

    assert found is not None
    assert (found.tokens_gone, found.tokens_came, found.lines_gone) == (6, 0, 1)


def test_code_lost_at_the_end_of_a_module_without_a_token_after_it() -> None:
    found = read(BEFORE + "\nleft_over = 1\n")

    assert (found.tokens_gone, found.tokens_came, found.in_function) == (0, 3, False)
    assert found.position == 1.0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Sum it up."""', '"""Add."""'),
        ("        found = 0\n", "        found = 0  # so far\n"),
        ("import math\n", "import math\n\n\n# Sums.\n"),
        ("value + 0.5", "value  +  0.5"),
    ],
)
def test_comments_docstrings_and_layout_are_no_bug(old: str, new: str) -> None:
    assert old in BEFORE
    side = Side(path="a.py", before=BEFORE.encode(), after=BEFORE.replace(old, new).encode())
    assert features_of([side]) is None


def test_a_language_that_is_not_known_has_no_features() -> None:
    assert features_of([Side(path="a.txt", before=b"a\n", after=b"b\n")]) is None


def test_every_feature_is_a_number_under_a_name_that_is_always_there() -> None:
    one = changed("price > 0", "price >= 0").numbers()
    other = changed("math.floor(value + 0.5)", "value + 0.5").numbers()

    assert list(one) == list(other)
    assert one["logic_gone"] == 1.0
    assert other["logic_gone"] == 0.0


@given(modules(), modules())
def test_what_is_the_same_need_not_be_parsed_again(one: bytes, other: bytes) -> None:
    before = ParsedCode.of(one, PYTHON)
    old, new = split_lines(one), split_lines(other)
    head = count_common_prefix(old, new)
    tail = count_common_prefix(old[head:][::-1], new[head:][::-1])
    found = before.reparse_lines(other, head, len(old) - tail, len(new) - tail)

    assert str(found.tree.root_node) == str(PYTHON.parse(other))


EDITS = [
    ("price > 0", "price >= 0"),
    ("        found = 0\n", ""),
    (" * (1 + rate)", ""),
    ("rate=0", "rate=1"),
    ("+ 0.5", "- 0.5"),
]
NOISE = ["\n", "\n\n", "# A remark.\n", "    # Deeper.\n", "\t\n", "  \n"]


@given(
    st.sampled_from(EDITS),
    st.lists(st.tuples(st.integers(0, BEFORE.count("\n")), st.sampled_from(NOISE)), max_size=6),
)
def test_layout_outside_a_bug_changes_no_feature(
    edit: tuple[str, str], noise: list[tuple[int, str]]
) -> None:
    old, new = edit
    marked = BEFORE.replace(old, f"\0{old}\1")
    lines = marked.splitlines(keepends=True)
    for place, text in noise:
        if 0 < place < len(lines) and "\1" not in lines[place].split("\0")[0]:
            lines.insert(place, text)
    loose = "".join(lines)
    before = loose.replace("\0", "").replace("\1", "")
    after = loose.split("\0")[0] + new + loose.split("\1")[1]

    assert read(after, before) == changed(old, new)
