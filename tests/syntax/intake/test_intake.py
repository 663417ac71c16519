"""Which files of a patch count, by what they are."""

from __future__ import annotations

import pytest

from syntax.intake.ids import entity_of_doctest, group_tests, is_doctest
from syntax.intake.places import is_protected
from tests.syntax.intake.taken import take

FILES = {
    "src/shop/__init__.py": b"",
    "src/shop/cart.py": b"one\n",
    "tests/test_cart.py": b"import attr\nfrom shop import cart\n",
    "checks/cart.py": b"one\n",
    "conftest.py": b"",
}
TESTS = ("tests/test_cart.py::test_total", "checks/cart.py::test_total")


@pytest.mark.parametrize("path", ["tests/test_cart.py", "conftest.py", "checks/cart.py"])
def test_tests_and_configuration_are_as_at_the_start(path: str) -> None:
    for content in (b"cheat\n", None):
        found = take(FILES, {path: content, "src/shop/cart.py": b"two\n"}, *TESTS)

        assert found.files == {"src/shop/cart.py": b"two\n"}
        assert len(found.taken_back) == 1


@pytest.mark.parametrize(
    "path",
    [
        "pytest.ini",
        ".coveragerc",
        "src/shop/conftest.py",
        "tests/data.json",
        "test_more.py",
        "sitecustomize.py",
        "src/usercustomize/__init__.py",
        "src/shop.egg-info/entry_points.txt",
        "mine-1.0.dist-info/entry_points.txt",
        "src/mine.pth",
        "src/shop/__pycache__/cart.cpython-311.pyc",
        "pytest.py",
        "_pytest/runner.py",
        "json.py",
        "json/__init__.py",
        "json.cpython-311-x86_64-linux-gnu.so",
        "src/pytest/__init__.py",
        "checks/decimal.py",
        "checks/shop.py",
        "shop/__init__.py",
        "hypothesis.py",
        "attr.py",
        "tests",
        "src",
    ],
)
def test_new_files_that_decide_do_not_count(path: str) -> None:
    found = take(FILES, {path: b"x = 1\n"}, *TESTS, installed=("hypothesis",))

    assert found.files == {}
    assert found.taken_back[0].startswith(f"{path}: a new ")


@pytest.mark.parametrize(
    "path",
    ["src/shop/new.py", "src/shop/json.py", "src/shop/types/__init__.py", "prices.py", "NEWS.txt"],
)
def test_other_files_may_be_added_changed_and_deleted(path: str) -> None:
    changed = {path: b"x = 1\n", "src/shop/cart.py": None}

    assert take(FILES, changed, *TESTS) == (changed, ())


@pytest.mark.parametrize("path", ["shop/__init__.py", "src/mine.pth", "sitecustomize.py"])
def test_what_the_known_fix_adds_may_be_added(path: str) -> None:
    assert take(FILES, {path: b"x\n"}, *TESTS, fixed=(path,)).files == {path: b"x\n"}


def test_the_known_fix_may_add_no_conftest() -> None:
    assert take(FILES, {"src/conftest.py": b""}, *TESTS, fixed=("src/conftest.py",)).files == {}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/unit/helper.py", True),
        ("src/pkg/tests/data/x.txt", True),
        ("test_x.py", True),
        ("pkg/x_test.py", True),
        ("tests.py", True),
        (".pytest.ini", True),
        ("docs/conftest.py", True),
        ("evil.pth", True),
        ("tox.ini", False),
        ("pyproject.toml", False),
        ("pkg/testing.py", False),
        ("pkg/contest.py", False),
        ("pkg/latest.py", False),
        ("pkg/testing/tool.py", False),
        ("README.md", False),
    ],
)
def test_which_files_are_protected_as_a_whole(path: str, expected: bool) -> None:
    assert is_protected(path) is expected


@pytest.mark.parametrize(
    ("test", "entity"),
    [
        ("shop/cart.py::shop.cart.Cart.total", "Cart.total"),
        ("src/shop/cart.py::shop.cart", ""),
        ("src/shop/__init__.py::shop.total", "total"),
        ("checks/cart.py::test_total", None),
        ("checks/cart.py::TestCart::test_total[1.5]", None),
        ("docs/cart.rst::cart.rst", None),
    ],
)
def test_examples_in_docstrings_are_told_from_tests(test: str, entity: str | None) -> None:
    assert is_doctest(test) is (entity is not None)
    if entity is not None:
        assert entity_of_doctest(test) == entity


def test_ids_say_what_each_file_holds() -> None:
    tests = (
        "shop/cart.py::shop.cart.total",
        "shop/cart.py::TestCart::test_total[a::b]",
        "docs/cart.rst::cart.rst",
        "shop/cart.py::test_a[x]",
        "shop/sums.py::line:3,column:1",
    )
    held = group_tests(tests)

    assert held["shop/cart.py"].code == {"TestCart", "test_a"}
    assert held["shop/cart.py"].examples == {"total"}
    assert held["docs/cart.rst"].is_text
    assert held["shop/sums.py"].is_documented
    assert held["docs/cart.rst"].code == set()
