"""Fixes read from real histories, and undone wherever their files are today."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirror.undo.fixes import Clone, Fix, FixedFile, find_moved_paths
from mirror.undo.results import Undo
from mirror.undo.undo import CurrentTree, apply_reversed, undo
from storage.git import GitError
from syntax.paths import is_source_path
from tests.mirror.maker import Maker

SUMS = '''\
"""Sums of prices."""


def total(items):
    result = 0
    for item in items:
        result += item.price
    return result


def count(items):
    found = 0
    for item in items:
        found += item.count
    return found
'''
FIXED = SUMS.replace("item.price\n", "item.price * item.count\n")
TEST = "from shop.sums import total\n\n\ndef test_total():\n    assert total([]) == 0\n"
Files = dict[str, str | None]


class History:
    """A repository in which a fix is made, and then time goes by."""

    def __init__(self, folder: Path) -> None:
        self.maker = Maker(folder)
        self.commit({"shop/__init__.py": "", "shop/sums.py": SUMS, "tests/test_sums.py": TEST})
        self.base = self.fixed = ""

    def commit(self, files: Files) -> str:
        return self.maker.commit("change", files)

    def fix(self, files: Files) -> None:
        self.base = self.maker.head
        self.fixed = self.commit(files)

    @property
    def clone(self) -> Clone:
        return Clone(self.maker.git_dir, self.maker.head)

    def read(self) -> Fix:
        return self.clone.read_fix(self.base, self.fixed)

    def today(self, *, source: bool = True) -> dict[str, bytes]:
        return {
            path: (self.maker.folder / path).read_bytes()
            for path in self.clone.paths
            if path.endswith(".py") and is_source_path(path) is source
        }

    def homes(self) -> dict[str, tuple[str, ...]]:
        return self.clone.find_homes(self.read(), self.today())

    def undo(self) -> Undo:
        return undo(self.read(), CurrentTree(self.today(), self.today(source=False)), self.homes())


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "shop")


def move(history: History, old: str, new: str, text: str) -> None:
    history.commit({old: None, new: text})


def test_a_fix_is_its_source_before_and_after_and_the_names_of_its_tests(history: History) -> None:
    history.fix(
        {
            "shop/sums.py": FIXED,
            "tests/test_sums.py": TEST + "\n",
            "tests/test_more.py": "x = 1\n",
            "src/shop.py": None,
            "tests/test_shop.py": None,
            "README.md": "Shop\n",
        }
    )

    fix = history.read()

    assert (fix.base, fix.commit) == (history.base, history.fixed)
    assert [(c.old_path, c.path, c.fixed is None) for c in fix.changes] == [
        ("shop/sums.py", "shop/sums.py", False),
        ("src/shop.py", "src/shop.py", True),
    ]
    assert (fix.changes[0].before, fix.changes[0].fixed) == (SUMS.encode(), FIXED.encode())
    assert fix.tests == ("tests/test_more.py", "tests/test_sums.py")


def test_a_file_that_the_fix_itself_renamed_is_one_change(history: History) -> None:
    history.fix({"shop/sums.py": None, "shop/totals.py": FIXED})

    (change,) = history.read().changes

    assert (change.old_path, change.path) == ("shop/sums.py", "shop/totals.py")
    assert change.before == SUMS.encode()


def test_a_merge_is_read_as_all_that_it_brought(history: History) -> None:
    maker = history.maker
    history.base = maker.head
    maker.branch("topic")
    history.commit({"shop/sums.py": SUMS.replace("result = 0", "result = 1")})
    history.commit({"shop/sums.py": FIXED})
    maker.goto()
    history.fixed = maker.merge("topic", "Merge pull request #3 from anne/topic")

    (change,) = history.read().changes

    assert (change.before, change.fixed) == (SUMS.encode(), FIXED.encode())


def test_links_and_what_is_no_source_are_left_out(history: History) -> None:
    (history.maker.folder / "shop" / "alias.py").symlink_to("sums.py")
    history.fix({"shop/sums.py": FIXED, "setup.py": "x = 1\n", "docs/conf.py": "x = 1\n"})

    assert [change.path for change in history.read().changes] == ["shop/sums.py"]


def test_a_commit_that_is_not_in_the_clone_is_named(history: History) -> None:
    with pytest.raises(GitError):
        history.clone.read_fix(history.maker.head, "0" * 39 + "1")


def test_names_beyond_ascii_and_with_spaces_are_paths_like_others(history: History) -> None:
    history.commit({"shop/süße sums.py": SUMS})
    history.fix({"shop/süße sums.py": FIXED})

    assert history.homes() == {"shop/süße sums.py": ("shop/süße sums.py",)}
    assert history.undo().files == {"shop/süße sums.py": SUMS.encode()}


def test_a_file_is_found_under_its_new_name(history: History) -> None:
    history.fix({"shop/sums.py": FIXED})
    aged = FIXED.replace("def count", "def number").replace('"""Sums', '"""All sums')
    move(history, "shop/sums.py", "shop/totals.py", aged)

    found = history.undo()

    assert history.homes() == {"shop/sums.py": ("shop/totals.py",)}
    assert (found.tier, found.undone) == ("apply", 1.0)
    assert found.files == {"shop/totals.py": aged.replace(" * item.count", "").encode()}


def test_a_package_that_was_put_under_src_is_found_though_little_is_as_it_was(
    history: History,
) -> None:
    history.fix({"shop/sums.py": FIXED})
    aged = "import os\n\n" + "".join(f"A{n} = os.sep * {n}\n" for n in range(40)) + "\n\n"
    aged += FIXED[FIXED.index("def total") : FIXED.index("\n\ndef count")]
    aged = aged.replace("total(items)", "total(items: list[Item], )").replace("+= ", "+=  ")
    move(history, "shop/sums.py", "src/shop/sums.py", aged)

    found = history.undo()

    assert history.homes() == {"shop/sums.py": ("src/shop/sums.py",)}
    assert (found.tier, found.undone) == ("structural", 1.0)
    assert found.files == {"src/shop/sums.py": aged.replace(" * item.count", "").encode()}


def test_a_module_that_became_a_package_is_found(history: History) -> None:
    history.fix({"shop/sums.py": FIXED})
    aged = FIXED.replace("result", "outcome")
    move(history, "shop/sums.py", "shop/sums/__init__.py", aged)

    assert history.homes() == {"shop/sums.py": ("shop/sums/__init__.py",)}


def test_a_function_that_moved_to_another_module_is_undone_there(history: History) -> None:
    history.fix({"shop/sums.py": FIXED})
    own = FIXED[: FIXED.index("\n\ndef count")]
    rest = '"""Sums."""\n' + FIXED[FIXED.index("\n\ndef count") :]
    history.commit({"shop/sums.py": rest, "shop/totals.py": own})

    assert history.undo().files == {"shop/totals.py": own.replace(" * item.count", "").encode()}


@pytest.mark.parametrize(("then", "now"), [("\n", "\r\n"), ("\r\n", "\n"), ("\r\n", "\r\n")])
def test_what_comes_back_has_the_line_ends_of_today(tmp_path: Path, then: str, now: str) -> None:
    before = "def f(x):\n    check(x)\n    if x:\n        print(\n            x)\n    return x\n"
    fixed = "def f(x):\n    check(x)\n    return x\n"
    today = "def f(x: int):\n    check(x)\n    return x\n"
    change = FixedFile(
        old_path="a.py",
        path="a.py",
        before=before.replace("\n", then).encode(),
        fixed=fixed.replace("\n", then).encode(),
    )
    fix = Fix(commit="c", base="b", changes=(change,), tests=())

    found = undo(fix, CurrentTree({"a.py": today.replace("\n", now).encode()}), {"a.py": ("a.py",)})

    expected = before.replace("(x):", "(x: int):", 1).replace("\n", now)
    assert found.files == {"a.py": expected.encode()}


def test_a_fix_that_adds_a_file_is_undone_without_it(history: History) -> None:
    fixed = FIXED.replace("def total", "from shop.worth import worth\n\n\ndef total")
    fixed = fixed.replace("item.price * item.count", "worth(item)")
    history.fix({"shop/sums.py": fixed, "shop/worth.py": "def worth(i):\n    return i.price\n"})

    found = history.undo()

    assert found.files == {"shop/sums.py": SUMS.encode(), "shop/worth.py": None}
    assert (found.tier, found.undone) == ("apply", 1.0)


def test_a_file_that_something_else_uses_now_stays_and_the_rest_is_undone(
    history: History,
) -> None:
    fixed = FIXED.replace("def total", "from shop.worth import worth\n\n\ndef total")
    fixed = fixed.replace("item.price * item.count", "worth(item)")
    history.fix({"shop/sums.py": fixed, "shop/worth.py": "def worth(i):\n    return i.price\n"})
    history.commit({"shop/bill.py": "import shop.worth\n\n\nprint(shop.worth)\n"})

    found = history.undo()

    assert found.files == {"shop/sums.py": SUMS.encode()}
    assert ("shop/worth.py", "used") in found.missed
    assert 0 < found.undone < 1


def test_a_file_that_was_changed_after_the_fix_added_it_stays(history: History) -> None:
    history.fix({"shop/sums.py": FIXED, "shop/worth.py": "def worth(i):\n    return i.price\n"})
    history.commit({"shop/worth.py": "def worth(i):\n    return i.price + 1\n"})

    found = history.undo()

    assert found.files == {"shop/sums.py": SUMS.encode()}
    assert [path for path, _ in found.missed] == ["shop/worth.py"]


def test_a_file_that_the_fix_deleted_comes_back(history: History) -> None:
    history.fix({"shop/sums.py": FIXED, "src/shop.py": None})

    assert history.undo().files == {"shop/sums.py": SUMS.encode(), "src/shop.py": b"a = 1\n"}


def test_a_file_that_the_fix_renamed_is_undone_under_the_name_of_today(history: History) -> None:
    history.fix({"shop/sums.py": None, "shop/totals.py": FIXED})

    assert history.undo().files == {"shop/totals.py": SUMS.encode()}


def test_code_that_is_gone_is_named_as_such(history: History) -> None:
    history.fix({"shop/sums.py": FIXED})
    history.commit({"shop/sums.py": None})

    found = history.undo()

    assert (found.enough, found.reason) == (False, "gone")
    assert history.homes() == {"shop/sums.py": ()}


@pytest.mark.parametrize(
    ("path", "today", "expected"),
    [
        ("shop/a.py", ["src/shop/a.py"], ["src/shop/a.py"]),
        ("lib/shop/a.py", ["shop/a.py", "other/b.py"], ["shop/a.py"]),
        ("shop/a.py", ["shop/x/a.py", "src/shop/a.py"], ["src/shop/a.py"]),
        ("shop/a.py", ["x/a.py", "y/a.py"], []),
        ("shop/a.py", ["x/a.py"], ["x/a.py"]),
        ("shop/a.py", ["shop/a/__init__.py", "b/__init__.py"], ["shop/a/__init__.py"]),
        ("shop/__init__.py", ["other/__init__.py"], []),
        ("shop/__init__.py", ["src/shop/__init__.py"], ["src/shop/__init__.py"]),
        ("shop/a.py", ["shop/b.py"], []),
    ],
)
def test_what_a_path_may_have_become(path: str, today: list[str], expected: list[str]) -> None:
    names: dict[str, list[str]] = {}
    for each in today:
        names.setdefault(each.rpartition("/")[2], []).append(each)

    assert find_moved_paths(path, names) == expected


LINES = [b"line %d\n" % n for n in range(12)]


@st.composite
def aged_fixes(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """Before and after of a fix, and what is the file today; no line occurs twice."""
    before, fixed = [], []
    for number, text in enumerate(LINES):
        kind = draw(st.sampled_from(["kept", "kept", "kept", "removed", "added", "changed"]))
        before += [text] * (kind in ("kept", "removed")) + [b"old %d\n" % number] * (
            kind == "changed"
        )
        fixed += [text] * (kind in ("kept", "added")) + [b"new %d\r\n" % number] * (
            kind == "changed"
        )
    above = [b"above %d\n" % n for n in range(draw(st.integers(0, 9)))]
    below = [b"below %d\n" % n for n in range(draw(st.integers(0, 9)))]
    today = b"".join([*above, *fixed, *below])
    if draw(st.booleans()):
        today = today.removesuffix(b"\n")
    return b"".join(before), b"".join(fixed), today


@given(aged_fixes())
def test_what_is_undone_as_a_patch_and_done_again_is_as_it_was_to_the_byte(
    aged: tuple[bytes, bytes, bytes],
) -> None:
    before, fixed, today = aged
    broken = apply_reversed(before, fixed, today)
    if before == fixed or broken is None:
        return

    assert broken != today
    assert apply_reversed(fixed, before, broken) == today
