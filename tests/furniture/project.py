"""A small real project: a package, thirty tests, packaging that an installer takes, a history."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.mirror.maker import SITE, Maker

SOURCE = '''"""Prices and baskets."""

from dataclasses import dataclass, field


def clamp(value, low, high):
    """Keep a value within bounds."""
    if value < low:
        return low
    if value > high:
        return high
    return value


def discount(total, members=False):
    rate = 0
    if total >= 100:
        rate = 10
    elif total >= 50:
        rate = 5
    if members:
        rate = rate + 2
    return total - total * rate / 100


def parse(text):
    prices = {}
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, _, price = line.partition("=")
        try:
            prices[name.strip()] = int(price)
        except ValueError:
            raise KeyError(name.strip()) from None
    return prices


@dataclass
class Basket:
    items: list = field(default_factory=list)

    def add(self, name, count=1):
        self.items.append((name, count))
        return self

    def total(self, prices):
        return sum(prices[name] * count for name, count in self.items)

    def __len__(self):
        return sum(count for _, count in self.items)
'''

TESTS = """import pytest

from shop import Basket, clamp, discount, parse

PRICES = {"tea": 3, "cake": 40}


@pytest.mark.parametrize("value, expected", [(-5, 0), (0, 0), (3, 3), (10, 10), (11, 10)])
def test_clamp(value, expected):
    assert clamp(value, 0, 10) == expected


@pytest.mark.parametrize(
    "total, expected", [(10, 10), (49, 49), (50, 47.5), (99, 94.05), (100, 90), (200, 180)]
)
def test_discount(total, expected):
    assert discount(total) == pytest.approx(expected)


@pytest.mark.parametrize("total, expected", [(10, 9.8), (50, 46.5), (100, 88)])
def test_discount_for_members(total, expected):
    assert discount(total, members=True) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "\\n\\n", "# only a comment", "  # indented"])
def test_parse_of_nothing(text):
    assert parse(text) == {}


def test_parse():
    assert parse("tea = 3\\ncake=40") == PRICES


@pytest.mark.parametrize("text", ["tea", "tea=", "tea=x"])
def test_parse_refuses(text):
    with pytest.raises(KeyError, match="tea"):
        parse(text)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_total(count):
    assert Basket().add("tea", count).total(PRICES) == 3 * count


def test_total_of_two_things():
    assert Basket().add("tea").add("cake").total(PRICES) == 43


def test_length():
    assert len(Basket().add("tea", 2).add("cake")) == 3


def test_baskets_do_not_share():
    Basket().add("tea")
    assert len(Basket()) == 0
"""

PYPROJECT = """[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "shop"
version = "1.0"
requires-python = ">=3.9"

[project.optional-dependencies]
test = ["pytest"]

[tool.setuptools]
package-dir = {"" = "src"}
"""


MEMBERS = "    if members:\n        rate = rate + 2\n"
MARK = '@pytest.mark.parametrize("total, expected", [(10, 9.8), (50, 46.5), (100, 88)])'
TEST = TESTS[TESTS.index(MARK) : TESTS.index('@pytest.mark.parametrize("text", ["",')]


def write_history(folder: Path, others: Mapping[str, str] | None = None) -> Path:
    """Write the project as a repository with a fix in its history, and return the folder."""
    maker = Maker(folder)
    package, tests = "src/shop/__init__.py", "tests/test_shop.py"
    maker.commit(
        "Add the shop",
        {
            **(others or {}),
            "src/shop.py": None,
            package: SOURCE.replace(MEMBERS, ""),
            tests: TESTS.replace(TEST, ""),
            "pyproject.toml": PYPROJECT,
        },
    )
    maker.commit(
        "Give members their discount (#3)\n\nFixes #2",
        {package: SOURCE, tests: TESTS},
        through=SITE,
    )
    maker.commit("Say more", {package: SOURCE.replace("baskets.", "baskets of a shop.")})
    return folder


def write_project(folder: Path) -> Path:
    """Write the project into a folder, and return the folder."""
    (folder / "src" / "shop").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "src" / "shop" / "__init__.py").write_text(SOURCE)
    (folder / "tests" / "test_shop.py").write_text(TESTS)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    return folder
