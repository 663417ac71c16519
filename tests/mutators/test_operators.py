"""Each operator: what it makes of a piece of code."""

from __future__ import annotations

import pytest

from mutators.operator import Source
from mutators.registry import operators
from mutators.sites import sites
from syntax.languages import PYTHON

OPERATORS = {operator.name: operator for operator in operators()}


def mutations(name: str, code: str) -> list[str]:
    """All that an operator makes of some code."""
    data = code.encode()
    source = Source.of("a.py", data, PYTHON)
    return [
        splice.apply(data).decode()
        for site in sites(source, [OPERATORS[name]])
        for splice in site.operator.edits(site.node, source)
    ]


CLASS = """class A(B, C):
    def f(self):
        self.g()
        return 1

    def g(self):
        pass
"""

EXAMPLES: list[tuple[str, str, str]] = [
    ("arithmetic", "x = a + b", "x = a - b"),
    ("augmented", "a += b", "a -= b"),
    ("augmented", "a *= b", "a = b"),
    ("boolean", "x = a and b", "x = a or b"),
    ("boundary", "x = a < b", "x = a <= b"),
    ("break-chain", "x = a + b + c", "x = a + c"),
    ("change-constant", "x = width * 2", "x = width * 1"),
    ("change-operator", "x = a << b", "x = a >> b"),
    ("comparison", "x = a not in b", "x = a in b"),
    ("default-argument", "def f(a=1): pass", "def f(a=2): pass"),
    ("default-argument", "def f(a: bool = True): pass", "def f(a: bool = False): pass"),
    ("drop-condition", "x = a and b", "x = b"),
    ("format-conversion", 'x = f"{a!r}"', 'x = f"{a}"'),
    ("format-conversion", 'x = f"{a}"', 'x = f"{a!r}"'),
    ("invert-if-else", "if a:\n    x()\nelse:\n    y()\n", "if a:\n    y()\nelse:\n    x()\n"),
    ("loose-none-check", "x = a is not None", "x = a"),
    ("loose-none-check", "x = a is None", "x = not a"),
    ("negate-condition", "while a:\n    pass\n", "while not (a):\n    pass\n"),
    ("negate-return", "def f():\n    return a == b\n", "def f():\n    return not (a == b)\n"),
    ("none-check", "x = a is None", "x = a is not None"),
    ("number-literal", "x = 3", "x = 4"),
    ("number-literal", "x = 1.5", "x = (1.5 + 1)"),
    (
        "remove-assignment",
        "def f():\n    a = 1  # one\n    return a\n",
        "def f():\n    return a\n",
    ),
    ("remove-base-class", CLASS, CLASS.replace("(B, C)", "(C)")),
    ("remove-base-class", "class A(B): pass", "class A: pass"),
    ("remove-conditional", "if a:\n    x()\ny()\n", "y()\n"),
    ("remove-conditional", "def f():\n    if a:\n        x()\n", "def f():\n    pass\n"),
    (
        "remove-decorator",
        "@cached\n@wraps(f)\nasync def g():\n    pass\n",
        "@wraps(f)\nasync def g():\n    pass\n",
    ),
    ("remove-else", "if a:\n    x()\nelse:\n    y()\n", "if a:\n    x()\n"),
    ("remove-keyword-argument", "f(a, b=1)", "f(a)"),
    ("remove-keyword-argument", "f(b=1, c=2)", "f(c=2)"),
    ("remove-loop", "for a in b:\n    x()\ny()\n", "y()\n"),
    (
        "remove-method",
        CLASS,
        "class A(B, C):\n    def f(self):\n        return 1\n\n",
    ),
    ("remove-statement", "a.sort()\nb = 1\n", "b = 1\n"),
    (
        "remove-wrapper",
        "async def f():\n    async with a:\n        x()\n\n        y()\n",
        "async def f():\n    x()\n\n    y()\n",
    ),
    ("remove-wrapper", "try:\n    x()\nexcept E:\n    y()\n", "x()\n"),
    ("return-none", "def f():\n    return a  # why\n", "def f():\n    return None  # why\n"),
    ("shuffle-lines", "def f():\n    a = 1\n    b = a\n", "def f():\n    b = a\n    a = 1\n"),
    (
        "shuffle-methods",
        "class A:\n    def f(self): ...\n    def g(self): ...\n",
        "class A:\n    def g(self): ...\n    def f(self): ...\n",
    ),
    ("slice-bounds", "x = a[1:n]", "x = a[1:n + 1]"),
    ("slice-bounds", "x = a[1:n]", "x = a[:n]"),
    ("string-literal", 'x = "name"', 'x = "nam"'),
    ("string-literal", "x = ''", "x = ' '"),
    ("string-literal", 'x = "é"', 'x = ""'),
    ("swap-arguments", "f(a, b, c=1)", "f(b, a, c=1)"),
    ("swap-break-continue", "while a:\n    break\n", "while a:\n    continue\n"),
    ("swap-exception", "raise ValueError('x')", "raise TypeError('x')"),
    (
        "swap-exception",
        "try:\n    x()\nexcept (KeyError, E):\n    y()\n",
        "try:\n    x()\nexcept (IndexError, E):\n    y()\n",
    ),
    ("swap-operands", "x = a - b", "x = b - a"),
    ("swap-ternary", "x = a if b else c", "x = c if b else a"),
    ("truth-literal", "x = True", "x = False"),
    ("unary", "x = not a", "x = a"),
    ("unary", "x = -a", "x = a"),
    ("yield-return", "def f():\n    yield a\n", "def f():\n    return a\n"),
    ("yield-return", "def f():\n    return a\n", "def f():\n    yield a\n"),
]


@pytest.mark.parametrize(("name", "before", "after"), EXAMPLES)
def test_an_operator_makes_its_mistake(name: str, before: str, after: str) -> None:
    assert after in mutations(name, before)


def test_every_operator_is_shown_by_an_example() -> None:
    assert {name for name, _, _ in EXAMPLES} == set(OPERATORS)


@pytest.mark.parametrize("operator", operators(), ids=lambda operator: str(operator.name))
def test_every_operator_says_what_it_does(operator: object) -> None:
    assert getattr(operator, "description", "")
    assert "``" in (type(operator).__doc__ or "")


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_lines_that_are_not_touched_keep_their_ends_and_letters(name: str) -> None:
    head, tail = "# ünïcode ✓\r\ntext = 'ßtraße'\r\n\r\n", "\r\n# the end\x0c — no newline"
    for _, before, _ in (example for example in EXAMPLES if example[0] == name):
        for after in mutations(name, head + before.replace("\n", "\r\n") + tail):
            touched_head = name == "string-literal" or name == "remove-assignment"
            assert after.startswith("# ünïcode ✓\r\n" if touched_head else head)
            assert after.endswith("# the end\x0c — no newline")


def test_docstrings_are_left_alone() -> None:
    assert mutations("string-literal", 'def f():\n    """Say."""\n    return 1\n') == []


def test_annotations_are_left_alone() -> None:
    assert mutations("string-literal", "def f(a: 'int') -> 'str': pass") == []
