"""Patches of files that are not UTF-8, as text formats can hold them: git takes them the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syntax.patches import encode, unified_diff
from syntax.plain_context import NO_UTF8, narrow_context

PLAIN, OTHER = b"plain\n", b"caf\xe9\n"


def git_apply(place: Path, old: bytes, patch: str) -> bytes:
    (place / "a.py").write_bytes(old)
    (place / "p.diff").write_bytes(encode(patch))
    subprocess.run(["git", "apply", "p.diff"], cwd=place, check=True, capture_output=True)
    return (place / "a.py").read_bytes()


def test_a_patch_that_is_text_stays_as_it_is() -> None:
    patch = unified_diff("a.py", b"a\nb\nc\n", b"a\nB\nc\n")

    assert narrow_context(patch) == patch


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([OTHER], [PLAIN, OTHER]),
        ([PLAIN, OTHER, PLAIN], [PLAIN, PLAIN]),
        ([OTHER, OTHER, OTHER, OTHER], [PLAIN, OTHER, OTHER]),
        ([], [PLAIN, OTHER, OTHER]),
        ([OTHER, PLAIN], []),
        ([OTHER], [b"end"]),
    ],
)
def test_context_that_is_no_text_is_left_out(
    tmp_path: Path, before: list[bytes], after: list[bytes]
) -> None:
    old = b"".join([*before, b"x = 1\n", *after])
    new = b"".join([*before, b"x = 2\n", b"y = 3\n", *after])

    narrowed = narrow_context(unified_diff("a.py", old, new))

    assert not NO_UTF8.search(narrowed)
    assert git_apply(tmp_path, old, narrowed) == new


def test_a_change_that_is_no_text_or_stands_before_such_stays_as_it_is() -> None:
    for old, new in (
        (OTHER, b"caf\xea\n"),
        (b"x\n" + OTHER + PLAIN, b"y\n" + OTHER + PLAIN),
    ):
        patch = unified_diff("a.py", old, new)
        assert narrow_context(patch) == patch


LINES = st.lists(st.sampled_from([PLAIN, OTHER, b"a\n", b"b\n"]), max_size=14)


@given(LINES, LINES, st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_what_is_left_does_the_same(
    tmp_path: Path, old_lines: list[bytes], new_lines: list[bytes], ends: bool
) -> None:
    old, new = (b"".join(each) for each in (old_lines, new_lines))
    if not ends:
        old, new = old.rstrip(b"\n"), new.rstrip(b"\n")
    if not old or not new or old == new:
        return
    patch = unified_diff("a.py", old, new)

    assert git_apply(tmp_path, old, narrow_context(patch)) == new
