"""Joined bugs: order tells nothing, nothing overlaps, and each parent can be undone alone."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mutators.combination.joined_bugs import Joiner
from storage.errors import PatchError
from storage.records import Bug, FileChange, Origin
from syntax.patch_text import apply_patch
from syntax.patches import encode, unified_diff
from tests.mutators.verified import FILES, TREE, content, parents

JOINER = Joiner(FILES)
BUGS = [bug for bug, _ in parents()]
sets = st.lists(st.sampled_from(BUGS), min_size=2, max_size=5, unique_by=lambda bug: bug.id)


def joined(bugs: list[Bug]) -> Bug:
    """Join bugs that are known to fit; one alone stays as it is."""
    found = JOINER.join(bugs) if len(bugs) > 1 else bugs[0]
    assert found is not None
    return found


def fitting(bugs: list[Bug]) -> list[Bug]:
    """Those of some bugs that fit together, the first ones first."""
    kept: list[Bug] = []
    for bug in bugs:
        if all(JOINER.fits(bug, other) for other in kept):
            kept.append(bug)
    return kept


def change(path: str, before: bytes | None, after: bytes | None) -> Bug:
    """A bug by hand."""
    digest = "" if after is None else sha256(after).hexdigest()
    return Bug(
        tree=TREE,
        patch=unified_diff(path, before, after),
        changes=(FileChange(path=path, mode="100644", sha256=digest),),
        origin=Origin(strategy="modify"),
    )


@given(sets, st.randoms(use_true_random=False))
def test_joining_does_not_depend_on_the_order(bugs: list[Bug], chance: object) -> None:
    kept = fitting(bugs)
    assume(len(kept) > 1)
    shuffled = list(kept)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert joined(shuffled) == joined(kept)


@given(sets)
def test_a_joined_bug_is_its_parents_applied_one_after_another(bugs: list[Bug]) -> None:
    kept = fitting(bugs)
    assume(len(kept) > 1)
    files = dict(FILES)
    for bug in kept:
        try:
            changed = apply_patch(bug.patch, files.get)
        except PatchError:
            assume(False)  # another change stands in the context of the patch
        files |= {path: data for path, data in changed.items() if data is not None}

    whole = joined(kept)

    assert content(whole) == files
    assert whole.origin.parents == tuple(sorted(bug.id for bug in kept))
    assert {c.path: c.sha256 for c in whole.changes} == {
        path: sha256(files[path]).hexdigest() for path in files if files[path] != FILES[path]
    }


@given(sets)
def test_undoing_one_parent_gives_the_others(bugs: list[Bug]) -> None:
    kept = fitting(bugs)
    assume(len(kept) > 1)
    whole = content(joined(kept))
    for bug in kept:
        try:
            undone = apply_patch(bug.patch, whole.get, reverse=True)
        except PatchError:
            continue  # another change stands in the context of the patch
        rest = joined([other for other in kept if other is not bug])
        assert whole | undone == content(rest)


@given(sets)
def test_nothing_overlaps_and_no_statement_is_changed_twice(bugs: list[Bug]) -> None:
    whole = JOINER.join(bugs)
    if whole is None:
        assert len(fitting(bugs)) < len(bugs)
        return
    for one, other in combinations(bugs, 2):
        for mine in JOINER.parts(one):
            for its in JOINER.parts(other):
                if mine.path != its.path:
                    continue
                assert not mine.touched & its.touched
                spans = sorted((edit.start, edit.end) for edit in (*mine.edits, *its.edits))
                assert all(first[1] <= then[0] for first, then in pairwise(spans))


def test_patches_apply_with_git_both_ways(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for path, data in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    for number in range(0, len(BUGS) - 5, 5):
        whole = joined(fitting(BUGS[number : number + 5]))
        for flags, files in (((), content(whole)), (("-R",), FILES)):
            subprocess.run(
                ["git", "apply", "--whitespace=nowarn", *flags, "-"],
                cwd=tmp_path,
                input=encode(whole.patch),
                check=True,
            )
            assert {path: (tmp_path / path).read_bytes() for path in FILES} == files


CODE = b"""def f(a, b):
    x = g(
        a,
        c=1,
        b=b,
    )
    y = a
    z = b
    if (a and
        x and
        b):
        return y
    return z
"""


def pair(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> Bug | None:
    """Join two replacements in the code above."""
    joiner = Joiner({"a.py": CODE})
    return joiner.join([change("a.py", CODE, CODE.replace(*each)) for each in (one, other)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((b"    y = a\n", b"    y = b\n"), (b"    z = b\n", b"    z = a\n")),
        ((b"        a,\n", b""), (b"b=b", b"b=a")),
        ((b"(a and", b"(a or"), (b"        b):", b"        y):")),
        ((b"    y = a\n", b""), (b"y = a", b"y = b")),
        ((b"    y = a\n", b"    y = a\n    q()\n"), (b"    z = b\n", b"")),
    ],
    ids=["side by side", "in one call", "in one head", "of one line", "where another is added"],
)
def test_what_touches_is_refused(one: tuple[bytes, bytes], other: tuple[bytes, bytes]) -> None:
    assert pair(one, other) is None


def test_a_line_between_is_enough() -> None:
    found = pair((b"y = a", b"y = b"), (b"if (a", b"if (b"))

    assert found is not None
    after = apply_patch(found.patch, {"a.py": CODE}.get)["a.py"]
    assert after == CODE.replace(b"y = a", b"y = b").replace(b"if (a", b"if (b")
    assert found.patch.count("@@ -") == 1
    assert (found.origin.strategy, found.origin.path, found.origin.line) == ("combine", "a.py", 7)


def test_line_ends_and_a_missing_last_one_are_kept() -> None:
    data = b"a = 1\r\nb = 2\r\nc = '\xc3\xa9'\x0c\r\nd = 4"
    joiner = Joiner({"a.py": data})

    found = joiner.join(
        [change("a.py", data, data.replace(*each)) for each in ((b"1", b"9"), (b"4", b"5"))]
    )

    assert found is not None
    assert apply_patch(found.patch, {"a.py": data}.get) == {
        "a.py": data.replace(b"1", b"9").replace(b"4", b"5")
    }


def test_files_that_are_added_or_taken_away_join_with_changes_of_others() -> None:
    files = {"a.py": b"a = 1\n", "b.py": b"b = 2\n"}
    joiner = Joiner(files)
    added = change("c.py", None, b"c = 3\n")
    gone = change("b.py", b"b = 2\n", None)
    changed = change("a.py", b"a = 1\n", b"a = 2\n")

    found = joiner.join([added, gone, changed])

    assert found is not None
    assert apply_patch(found.patch, files.get) == {
        "a.py": b"a = 2\n",
        "b.py": None,
        "c.py": b"c = 3\n",
    }
    assert not joiner.fits(gone, change("b.py", b"b = 2\n", b"b = 3\n"))


def test_what_does_not_apply_or_is_one_bug_twice_is_refused() -> None:
    stale = change("src/shop.py", b"x = 1\n", b"x = 2\n")

    assert JOINER.join([BUGS[0], stale]) is None
    assert JOINER.join([BUGS[0], BUGS[0]]) is None
    assert JOINER.join([BUGS[0]]) is None
