"""What git says of many diffs at once."""

from __future__ import annotations

from pathlib import Path

from mirror.history.commits import iso, read_history
from mirror.history.diffs import changed_files, changed_lines, counted_lines
from storage.git import line
from tests.mirror.maker import Maker


def test_files_lines_and_counts_of_each_pair_are_told_apart(tmp_path: Path) -> None:
    made = Maker(tmp_path / "clone")
    base = made.head
    one = made.commit("One", {"a b.txt": "-- x\n++ y\nlast", "é.txt": "e\n"})
    two = made.commit("Two", {"a b.txt": "++ y\nlast\n", "é.txt": None, "b.bin": "\0"})
    pairs = [(one, base), (two, one), (two, base)]

    files = changed_files(made.git_dir, pairs[:2])
    assert [file.path for file in files[one]] == ["a b.txt", "é.txt"]
    assert [(f.path, bool(f.before), bool(f.after)) for f in files[two]] == [
        ("a b.txt", True, True),
        ("b.bin", False, True),
        ("é.txt", True, False),
    ]
    assert counted_lines(made.git_dir, pairs[:2])[two] == {
        "a b.txt": (1, 2),
        "b.bin": (0, 0),
        "é.txt": (0, 1),
    }
    told = {file.path: file for file in changed_lines(made.git_dir, pairs[:2], ())[two]}
    assert (told["a b.txt"].added, told["a b.txt"].removed) == ("last", "-- x\nlast")
    assert not told["a b.txt"].created


def test_nothing_is_asked_of_git_for_nothing(tmp_path: Path) -> None:
    made = Maker(tmp_path / "clone")
    assert changed_files(made.git_dir, []) == {}
    assert changed_lines(made.git_dir, [], ()) == {}


def test_between_is_what_git_says_it_is(tmp_path: Path) -> None:
    made = Maker(tmp_path / "clone")
    made.pull(1, "a", "b")
    made.branch("other", "HEAD^")
    made.commit("c")
    made.goto()
    made.merge("other", "Merge branch 'other'")
    made.pull(2, "d")
    history = read_history(made.git_dir, "HEAD")
    commits = [commit.sha for commit in history.commits]
    for base in commits:
        for tip in commits:
            told = line("rev-list", tip, f"^{base}", cwd=made.folder).split()
            assert {c.sha for c in history.between(base, [tip])} == set(told)


def test_a_time_no_calendar_knows_is_empty() -> None:
    assert iso(0) == "1970-01-01T00:00:00Z"
    assert iso(10**18) == ""
