"""Several changes of one file: found in a patch, and written as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import PatchError
from syntax.line_edits import edits_diff, line_edits
from syntax.patch_text import apply_patch, parse
from syntax.patches import unified_diff
from syntax.splices import Splice, merge
from syntax.text import Text

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"\n", b"c\r\n", b"\xff\n"]), max_size=40)


@given(LINES, LINES, st.booleans())
def test_the_edits_of_a_patch_make_what_the_patch_makes(
    before: list[bytes], after: list[bytes], ended: bool
) -> None:
    old, new = (b"".join(lines) + (b"" if ended else b"end") for lines in (before, after))
    patch = unified_diff("a.txt", old, new)
    text = Text.of(old)
    if not patch:
        return

    edits = line_edits(parse(patch)[0], text)

    assert merge(old, edits).apply(old) == new
    assert apply_patch(edits_diff("a.txt", text, edits), {"a.txt": old}.get) == {"a.txt": new}


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.data())
def test_changes_that_lie_apart_are_one_patch(changed: list[bool], data: st.DataObject) -> None:
    old = b"".join(b"line %d\n" % number for number in range(len(changed)))
    text, edits, last = Text.of(old), [], -2
    for number, wanted in enumerate(changed):
        if wanted and number > last + 1:
            start = text.starts[number]
            kept = data.draw(st.sampled_from([b"", b"new\n", b"new\nmore\n"]))
            edits.append(Splice(start, text.line_end(number), kept))
            last = number

    patch = edits_diff("a.txt", text, data.draw(st.permutations(edits)))

    new = merge(old, edits).apply(old) if edits else old
    assert apply_patch(patch, {"a.txt": old}.get) == ({"a.txt": new} if edits else {})


def test_a_patch_of_another_file_is_refused() -> None:
    patch = unified_diff("a.txt", b"a\n", b"b\n")

    with pytest.raises(PatchError, match="does not apply to a"):
        line_edits(parse(patch)[0], Text.of(b"c\n"))
