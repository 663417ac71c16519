"""Edits of a model: what is not exactly what was asked for is refused, and named."""

from __future__ import annotations

import pytest

from syntax.replacements import Edit, EditsRefused, apply_edits

SOURCE = b'''"""Text."""


def clamp(value, low, high):
    # Both ends belong to it.
    if low > high:
        raise ValueError("empty range")
    return max(low, min(value, high))


def clamp_all(values, low, high):
    return [clamp(value, low, high) for value in values]
'''
FILES = {
    "pkg/clamp.py": SOURCE,
    "tests/test_clamp.py": b"assert True\n",
    "setup.cfg": b"[metadata]\n",
    "pkg/windows.py": b"def one():\r\n    return 1\r\n",
    "pkg/ancient.py": b"print 'hello'\nx = 1\n",
}
CHECK = '    if low > high:\n        raise ValueError("empty range")\n'


def apply(*edits: tuple[str, str, str]) -> dict[str, bytes]:
    return apply_edits([Edit(path=p, find=f, replace=r) for p, f, r in edits], FILES)


def test_edits_change_what_they_name_and_nothing_else() -> None:
    changed = apply(
        ("pkg/clamp.py", CHECK, ""),
        ("pkg/clamp.py", "    return [clamp(", "    return list(clamp("),
        ("pkg/clamp.py", "for value in values]", "for value in values)"),
    )
    assert changed == {
        "pkg/clamp.py": SOURCE.replace(CHECK.encode(), b"")
        .replace(b"return [", b"return list(")
        .replace(b"values]", b"values)")
    }


def test_line_ends_are_those_of_the_file() -> None:
    changed = apply(("pkg/windows.py", "def one():\n    return 1", "def one():\n    return 2"))
    assert changed == {"pkg/windows.py": b"def one():\r\n    return 2\r\n"}


def test_what_this_python_cannot_read_is_read_by_the_grammar() -> None:
    assert apply(("pkg/ancient.py", "x = 1", "x = 2"))
    with pytest.raises(EditsRefused, match="does not parse"):
        apply(("pkg/ancient.py", "x = 1", "x = = 1"))


@pytest.mark.parametrize(
    ("reason", "edit"),
    [
        ("edits-outside", ("tests/test_clamp.py", "assert True", "assert False")),
        ("edits-outside", ("setup.cfg", "[metadata]", "[other]")),
        ("edits-outside", ("pkg/other.py", "x", "y")),
        ("edits-outside", ("../pkg/clamp.py", "x", "y")),
        ("edits-outside", ("pkg/../tests/test_clamp.py", "True", "False")),
        ("edits-do-not-apply", ("pkg/clamp.py", "if low >= high:", "if low:")),
        ("edits-do-not-apply", ("pkg/clamp.py", "low, high", "high, low")),
        ("edits-do-not-apply", ("pkg/clamp.py", "\ud800", "")),
        ("edits-do-not-apply", ("pkg/clamp.py", "if low > high:", "if '\ud800':")),
        ("edits-do-not-parse", ("pkg/clamp.py", "if low > high:", "if low > :")),
        ("edits-change-nothing", ("pkg/clamp.py", CHECK, CHECK)),
        ("edits-change-nothing", ("pkg/clamp.py", "if low > high:", "if (low > high):")),
        ("edits-change-nothing", ("pkg/clamp.py", "# Both ends belong to it.", "# No.")),
        ("edits-give-away", ("pkg/clamp.py", CHECK, "    # BUG: no check any more\n")),
        ("edits-give-away", ("pkg/clamp.py", CHECK, "    # undoes #12\n")),
        ("edits-give-away", ("pkg/clamp.py", CHECK, '    """Reverted to what it was."""\n')),
    ],
)
def test_what_is_not_to_be_done_is_refused(reason: str, edit: tuple[str, str, str]) -> None:
    with pytest.raises(EditsRefused) as refused:
        apply(edit)
    assert refused.value.reason == reason
    assert "\n" not in str(refused.value)


def test_one_bad_edit_refuses_them_all() -> None:
    with pytest.raises(EditsRefused, match="edit 2"):
        apply(("pkg/clamp.py", CHECK, ""), ("tests/test_clamp.py", "True", "False"))


def test_edits_that_overlap_are_refused() -> None:
    with pytest.raises(EditsRefused, match="overlap"):
        apply(("pkg/clamp.py", CHECK, ""), ("pkg/clamp.py", "if low > high:", "if low:"))


def test_a_comment_that_was_there_may_move_and_stay() -> None:
    files = {
        "a.py": b"def f(x):\n    # FIXME: negative\n    if x:\n        return 1\n    return 2\n"
    }
    edit = Edit(path="a.py", find="    if x:\n        return 1\n", replace="")
    assert apply_edits([edit], files) == {
        "a.py": b"def f(x):\n    # FIXME: negative\n    return 2\n"
    }
