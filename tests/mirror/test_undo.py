"""Undoing a fix on code that has changed since."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.undo.fixes import Fix, FixedFile
from mirror.undo.results import Undo
from mirror.undo.share import share_undone
from mirror.undo.undo import CurrentTree, undo
from syntax.blocks import parse
from syntax.normal import key_of


def undone(
    before: str,
    fixed: str,
    today: str,
    *,
    home: str = "pkg/a.py",
    more: dict[str, str] | None = None,
    tests: dict[str, str] | None = None,
) -> Undo:
    """Undo the change of pkg/a.py in a tree where it is ``home``."""
    files = {home: today.encode()} | {p: t.encode() for p, t in (more or {}).items()}
    others = {p: t.encode() for p, t in (tests or {}).items()}
    change = FixedFile(
        old_path="pkg/a.py", path="pkg/a.py", before=before.encode(), fixed=fixed.encode()
    )
    fix = Fix(commit="c" * 40, base="b" * 40, changes=(change,), tests=())
    return undo(fix, CurrentTree(files, others), {"pkg/a.py": (home,)})


def text(result: Undo, path: str = "pkg/a.py") -> str:
    content = result.files[path]
    assert content is not None
    return content.decode()


BEFORE = """\
def total(items):
    result = 0
    for item in items:
        result += item.price
    return result
"""
FIXED = """\
def total(items):
    result = 0
    for item in items:
        if item.price is None:
            continue
        result += item.price
    return result
"""


def test_a_fix_that_is_still_as_it_was_is_reversed_as_a_patch() -> None:
    result = undone(BEFORE, FIXED, "import os\n\n\n" + FIXED)

    assert (result.tier, result.undone) == ("apply", 1.0)
    assert text(result) == "import os\n\n\n" + BEFORE


def test_lines_that_only_touch_are_merged_by_git() -> None:
    before, fixed = ("a = 1\nb = 2\nc = 3\nd = 4\ne = 5\n", "a = 1\nb = 2\nc = 30\nd = 4\ne = 5\n")
    today = "a = 10\nb = 2\nc = 30\nd = 4\ne = 50\n"

    result = undone(before, fixed, today)

    assert result.tier == "three-way"
    assert text(result) == "a = 10\nb = 2\nc = 3\nd = 4\ne = 50\n"


def test_what_was_reformatted_since_is_undone_and_all_else_keeps_its_bytes() -> None:
    today = '''\
"""Sums."""
from typing import Iterable


def total(items: Iterable[Item],) -> float:
    """Add the prices."""
    result: float = 0   # start
    for item in items:
        # nothing to add
        if (
            item.price is None
        ):
            continue
        result   +=   item.price
    return result
'''

    result = undone(BEFORE, FIXED, today)

    assert (result.tier, result.undone) == ("structural", 1.0)
    assert text(result) == today.replace(
        "        # nothing to add\n        if (\n            item.price is None\n        ):\n"
        "            continue\n",
        "",
    )


def test_a_condition_is_put_back_token_by_token_in_a_line_that_has_changed() -> None:
    result = undone(
        "def f(x):\n    return g(x, 1)\n",
        "def f(x):\n    return g(x, 1) if x else None\n",
        "def f(x, y):\n    log('f')\n    return g(x, 1)  if x else None\n",
    )

    assert text(result) == "def f(x, y):\n    log('f')\n    return g(x, 1)\n"


def test_a_method_is_found_after_it_has_moved_to_another_file() -> None:
    before = "class A:\n    def f(self):\n        return self.x\n"
    fixed = "class A:\n    def f(self):\n        return self.x or self.y or self.z\n"
    today = "import sys\n\n\nclass A(Base):\n    def g(self):\n        pass\n\n"
    today += "    def f(self):\n        return self.x or self.y or self.z\n"

    result = undone(before, fixed, "x = 1\n", more={"pkg/b.py": today})

    assert text(result, "pkg/b.py") == today.replace(" or self.y or self.z", "")


def test_what_was_removed_comes_back_where_it_stood() -> None:
    before = "class A:\n    def f(self):\n        check()\n        self.lock()\n        run()\n"
    fixed = "class A:\n    def f(self):\n        check()\n        run()\n"
    today = "class A(object):\n    def f(self, *, fast=False):\n        check()\n        run()\n"

    result = undone(before, fixed, today)

    assert "        check()\n        self.lock()\n        run()\n" in text(result)


def test_an_added_function_stays_where_something_else_uses_it_now() -> None:
    before = "def f(x):\n    return x\n"
    fixed = "def clean(x):\n    return x.strip()\n\n\ndef f(x):\n    x = clean(x)\n    return x\n"
    today = fixed.replace("def f(x)", "def f(x: str)") + "\n\ndef g(x):\n    return clean(x)\n"

    result = undone(before, fixed, today)

    assert "def clean" in text(result)
    assert "    x = clean(x)\n" not in text(result)
    assert ("clean", "used") in result.missed


def test_an_added_function_stays_where_a_test_imports_it() -> None:
    fixed = "def clean(x):\n    return x.strip()\n\n\ndef f(x):\n    x = clean(x)\n    return x\n"
    result = undone(
        "def f(x):\n    return x\n",
        fixed,
        fixed,
        tests={"tests/test_a.py": "from pkg.a import clean\n"},
    )

    assert "def clean" in text(result)
    assert 0 < result.undone < 1


def test_an_import_that_is_needed_again_comes_back() -> None:
    before = "import re\n\n\ndef f(x):\n    return re.sub(' ', '', x)\n"
    fixed = "def f(x):\n    return x.replace(' ', '')\n"
    today = "'''Doc.'''\nimport os\n\n\ndef f(x: str) -> str:\n    return x.replace(' ', '')\n"

    result = undone(before, fixed, today)

    assert text(result).startswith("'''Doc.'''\nimport os\nimport re\n")
    assert "return re.sub(' ', '', x)" in text(result)


def test_what_needs_a_name_that_is_no_more_is_not_put_back() -> None:
    result = undone(
        "from pkg.old import helper\n\n\ndef f(x):\n    return helper(x)\n",
        "def f(x):\n    return x + 1\n",
        "def f(x: int) -> int:\n    return x + 1\n",
    )

    assert not result.enough
    assert result.files == {}


def test_a_name_that_only_begins_alike_does_not_need_what_is_gone() -> None:
    result = undone(
        "from pkg.old import wide\n\n\ndef f(x):\n    return wide(x)\n\n\n"
        "def g(x, wider=2):\n    return x * wider\n",
        "def f(x):\n    return x + 1\n\n\ndef g(x, wider=2):\n    return x\n",
        "def f(x: int) -> int:\n    return x + 1\n\n\ndef g(x: int, wider=2):\n    return x\n",
    )

    assert (result.undone, result.entities) == (0.5, ("g",))
    assert "return x * wider\n" in text(result)


def test_code_that_is_gone_is_named_as_such() -> None:
    result = undone(BEFORE, FIXED, "def something_else():\n    return 1\n")

    assert (result.enough, result.reason) == (False, "gone")


def test_a_part_of_a_fix_is_counted_as_a_part() -> None:
    before = "def f(x):\n    return x\n\n\ndef g(x):\n    return x\n"
    fixed = "def f(x):\n    return x + 1\n\n\ndef g(x):\n    return x + 2\n"
    today = "def f(x: int):\n    return x + 1\n\n\ndef g(x):\n    return compute(x)\n"

    result = undone(before, fixed, today)

    assert result.undone == 0.5
    assert text(result) == today.replace("x + 1", "x")


@dataclass(frozen=True)
class Edit:
    """One way in which a file ages."""

    old: str
    new: str


AGED = [
    Edit("def total(items)", "def total(items: list[Item], *, strict: bool = False) -> float"),
    Edit("result = 0", "result: float = 0"),
    Edit("    return result", "    log.debug('total %s', result)\n    return result"),
    Edit("def total", "def other():\n    return 1\n\n\ndef total"),
    Edit("item.price is None", "(item.price\n            is None)"),
]


@given(st.lists(st.sampled_from(AGED), unique=True))
def test_however_the_code_has_aged_the_undoing_takes_out_just_the_fix(edits: list[Edit]) -> None:
    today, expected = FIXED, BEFORE
    for edit in edits:
        today = today.replace(edit.old, edit.new, 1)
        expected = expected.replace(edit.old, edit.new, 1)

    result = undone(BEFORE, FIXED, today)

    assert text(result) == expected
    assert result.undone == 1.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"%s is %r" % (a, b)', 'f"{a} is {b!r}"'),
        ('"{} is {}".format(a, b)', "f'{a} is {b}'"),
        ("x = u'a'", 'x: str = "a"'),
        ("super(A, self).f()", "super().f()"),
        ("class A(object):\n    x = 1", 'class A:\n    """Doc."""\n\n    x = 1'),
        ("not a in b", "a not in b"),
        ("f(a,\n  b)", "f(a, b)"),
        ("iteritems(d)", "d.items()"),
    ],
)
def test_what_age_and_formatters_change_is_the_same_in_normal_form(one: str, other: str) -> None:
    left, right = parse(one.encode()), parse(other.encode())
    assert left is not None
    assert right is not None
    assert key_of(left.tree) == key_of(right.tree)


def test_a_different_meaning_is_different_in_normal_form() -> None:
    left, right = parse(b"x = a < b"), parse(b"x = a <= b")
    assert left is not None
    assert right is not None
    assert key_of(left.tree) != key_of(right.tree)


def test_a_method_may_go_that_is_inherited_then() -> None:
    before = "class B:\n    def run(self):\n        return 1\n\n\nclass A(B):\n    def go(self):\n"
    before += "        return self.run()\n"
    fixed = before + "\n    def run(self):\n        return 2\n"

    result = undone(before, fixed, fixed)

    assert text(result) == before


def test_a_method_stays_that_its_class_would_miss() -> None:
    before = "class A:\n    def go(self):\n        return 1\n"
    fixed = "class A:\n    def go(self):\n        return self.run()\n\n    def run(self):\n"
    fixed += "        return 2\n"
    today = fixed + "\n    def again(self):\n        return self.run()\n"

    result = undone(before, fixed, today)

    assert "def run" in text(result)
    assert ("A.run", "used") in result.missed


def test_the_version_of_a_release_stays_what_it_is() -> None:
    before = "__version__ = '1.0'\n\n\ndef f(x):\n    return x\n"
    fixed = "__version__ = '1.1'\n\n\ndef f(x):\n    return x + 1\n"
    today = "__version__ = '2.0'\n\n\ndef f(x: int):\n    return x + 1\n"

    result = undone(before, fixed, today)

    assert result.undone == 1.0
    assert text(result) == today.replace("x + 1", "x")


def test_a_fix_in_python_2_is_measured_too() -> None:
    before = b"def f(x):\n    try:\n        g(x)\n    except KeyError, e:\n        print e\n"
    fixed = before.replace(b"g(x)", b"g(x or 1)")
    change = FixedFile(old_path="a.py", path="a.py", before=before, fixed=fixed)
    today = b"def f(x):\n    try:\n        g(x or 1)\n    except KeyError as e:\n        print(e)\n"

    share = share_undone(
        [change], {"a.py": ("a.py",)}, {"a.py": today}, {"a.py": today.replace(b" or 1", b"")}
    )

    assert share == 1.0
