"""What a file offers to a mistake: likeness of names, kinds, scopes, calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutators.base.likeness import likeness
from mutators.base.operator import ParsedSource
from mutators.base.surroundings import Scope, surroundings
from mutators.combination.call_graph import CallGraph
from syntax.languages import PYTHON

NAMES = st.text("abXY_19", min_size=1, max_size=12).map(str.encode)


@given(NAMES, NAMES)
def test_likeness_has_two_equal_sides(one: bytes, other: bytes) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 5


@pytest.mark.parametrize(
    ("one", "nearer", "farther"),
    [
        (b"first_line", b"last_line", b"first_name"),
        (b"start", b"stop", b"buffer"),
        (b"token1", b"token2", b"total"),
        (b"lineCount", b"line_size", b"colour"),
        (b"header", b"headers", b"footnote"),
    ],
)
def test_opposites_are_nearer_than_cousins(one: bytes, nearer: bytes, farther: bytes) -> None:
    assert likeness(one, nearer) > likeness(one, farther)


def scope_of(code: bytes, name: bytes) -> tuple[Scope, int]:
    """The scope in which a name is read last, and that place."""
    source = ParsedSource.of("a.py", code, PYTHON)
    found = surroundings(source)
    place = code.rindex(name)
    node = source.root.descendant_for_byte_range(place, place + len(name))
    assert node is not None
    return found.reads[node.id], place


@pytest.mark.parametrize(
    ("code", "names"),
    [
        (b"def f(a, *b, c=1, **d):\n    x\n", {b"a", b"b", b"c", b"d"}),
        (b"async def f(self, a: int):\n    b = a\n    x\n", {b"a", b"b"}),
        (b"def f():\n    for a, (b, c) in d:\n        x\n", {b"a", b"b", b"c"}),
        (b"def f():\n    with y as (a, b):\n        c: int = 1\n        x\n", {b"a", b"b", b"c"}),
        (b"def f():\n    if y:\n        a = 1\n    x\n", set()),
        (b"def f():\n    x\n    a = 1\n", set()),
        (b"def f(a):\n    def g(b):\n        x\n", {b"b"}),
        (b"def f(a):\n    y = [b for b in a]\n    x\n", {b"a", b"y"}),
        (b"def f(a):\n    y = lambda b: b\n    x\n", {b"a", b"y"}),
        (b"def f():\n    try:\n        y()\n    except E as a:\n        x\n", {b"a"}),
    ],
)
def test_names_are_known_where_they_hold_a_value(code: bytes, names: set[bytes]) -> None:
    scope, place = scope_of(code, b"x")

    assert set(scope.at(place)) == names


def test_kinds_are_told_by_use() -> None:
    code = b"def f(a, b, c: str, d=()):\n    e = []\n    return a + 1, b.strip(), len(c), g(x)\n"
    scope, _ = scope_of(code, b"x")

    assert "number" in scope.traits[b"a"]
    assert "text" in scope.traits[b"b"]
    assert scope.traits[b"c"] >= {"type:str", "sized"}
    assert scope.traits[b"d"] == {"tuple"}
    assert scope.traits[b"e"] == {"list"}


def test_calls_are_read_from_names() -> None:
    files = {
        "a.py": b"from b import area, Shape\n"
        b"def total(shapes):\n    return sum(area(s) for s in shapes)\n"
        b"def make():\n    return Shape(1)\n",
        "b.py": b"def area(shape):\n    return shape.side()\n"
        b"class Shape:\n    def __init__(self, n): self.n = n\n    def side(self): return self.n\n",
    }
    calls = CallGraph.of(files)

    called = {
        function.name: [each.name for each in calls.called_by(function)]
        for path in files
        for function in calls.functions[path]
    }

    assert called == {
        "total": ["area"],
        "make": ["Shape.__init__"],
        "area": ["Shape.side"],
        "Shape.__init__": [],
        "Shape.side": [],
    }
    assert calls.around("b.py", files["b.py"].index(b"return self.n")) == calls.functions["b.py"][2]
    assert calls.around("b.py", len(files["b.py"])) is None


def test_a_name_that_many_bear_tells_nothing() -> None:
    code = b"".join(b"class C%d:\n    def get(self): pass\n" % number for number in range(4))
    calls = CallGraph.of({"a.py": code + b"def f(x):\n    x.get()\n"})

    assert calls.called_by(calls.functions["a.py"][-1]) == []
