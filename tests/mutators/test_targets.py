"""Which definitions a model is asked about."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from mutators.base import operator
from mutators.model.project import ProjectView
from mutators.model.targets import PER_VISIT, has_logic, is_function, targets

ROOT = Path(operator.__file__).parents[2]
OWN = {
    path.relative_to(ROOT).as_posix(): path.read_bytes()
    for room in ("syntax", "storage")
    for path in sorted((ROOT / room).rglob("*.py"))
}
LOGIC = "(self, x):\n{0}    y = x\n{0}    if x:\n{0}        y = 1\n{0}    return y\n"
CASES = {
    "def plain" + LOGIC.format(""): True,
    "async def later" + LOGIC.format(""): True,
    "class A:\n    def method" + LOGIC.format("    "): True,
    "class A:\n    def __call__" + LOGIC.format("    "): True,
    "class A:\n    def __repr__" + LOGIC.format("    "): False,
    "@overload\ndef one" + LOGIC.format(""): False,
    "class A:\n    @abc.abstractmethod\n    def one" + LOGIC.format("    "): False,
    "def test_it" + LOGIC.format(""): False,
    "def seldom(x):  # pragma: no cover\n    if x:\n        y = 1\n        return y\n": False,
    "def forward(x):\n    return call(x)\n": False,
    "def nothing(self):\n    raise NotImplementedError\n": False,
    "def stub(x): ...\n": False,
    "def keeps(self, a, b, c):\n    self.a = a\n    self.b = b\n    self.c = c\n": False,
    "def steps(a):\n    b = first(a)\n    c = second(b)\n    return c\n": True,
    "if TYPE_CHECKING:\n    def one" + LOGIC.format("    "): False,
}


@pytest.mark.parametrize(("code", "accepted"), CASES.items())
def test_what_has_some_logic_is_accepted(code: str, accepted: bool) -> None:
    found = [d for d in ProjectView({"a.py": code.encode()}).definitions("a.py") if not d.is_class]
    assert [has_logic(each) for each in found] == [accepted] * len(found)
    assert found or not accepted


def test_what_lies_in_a_function_is_part_of_it() -> None:
    code = "def outer(x):\n    def inner(y):\n        return y\n    return inner(x)\n"
    assert [d.name for d in ProjectView({"a.py": code.encode()}).definitions("a.py")] == ["outer"]


def test_tests_are_never_asked_about() -> None:
    code = ("def plain" + LOGIC.format("")).encode()
    paths = ("tests/helpers.py", "pkg/test_a.py", "pkg/conftest.py", "docs/a.py", "pkg/a.txt")
    assert not list(targets(ProjectView(dict.fromkeys(paths, code)), has_logic, seed=0, wanted=9))


def names(seed: int, wanted: int | None, limit: int | None = None) -> list[tuple[str, str, int]]:
    found = targets(ProjectView(OWN), is_function, seed=seed, wanted=wanted)
    return [(d.source.path, d.name, d.start) for d in islice(found, limit)]


def test_the_sample_is_decided_by_the_seed_and_holds_each_once() -> None:
    assert names(1, 20) == names(1, 20)
    assert names(1, 20) != names(2, 20)
    assert len(set(names(1, 20))) == len(names(1, 20))
    assert sorted(names(1, 20)) == sorted(names(1, None))


def test_files_are_worked_one_after_another_and_all_are_visited() -> None:
    found = [path for path, _, _ in names(1, 60, 60)]
    visits = [path for path, before in zip(found, ["", *found], strict=False) if path != before]
    assert len(visits) == len(set(visits)) > 60 / PER_VISIT / 2
    assert max(found.count(path) for path in visits) <= PER_VISIT


def test_larger_and_more_branching_ones_are_preferred() -> None:
    small = "".join(f"def small_{n}(x):\n    if x:\n        return 1\n\n\n" for n in range(5))
    body = "".join(f"    if x > {n}:\n        x = x + {n}\n" for n in range(12))
    code = (small + f"def large(x):\n{body}    return x\n").encode()
    first = [
        next(iter(targets(ProjectView({"a.py": code}), is_function, seed=seed, wanted=1))).name
        for seed in range(40)
    ]
    assert first.count("large") > 15
