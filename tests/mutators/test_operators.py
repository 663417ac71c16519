"""Each operator: what it makes of a piece of code."""

from __future__ import annotations

import pytest

from mutators.operators.registry import operators
from tests.mutators.own import OPERATORS, mutations

CLASS = """class A(B, C):
    def f(self):
        self.g()
        return 1

    def g(self):
        pass
"""

GUARD = "def f(a, b):\n    if a:\n        return 1\n    return 2\n"
GROWING = "class A:\n    def add(self, a):\n        self.items.append(a)\n\n"

EXAMPLES: list[tuple[str, str, str]] = [
    ("arithmetic", "x = a + b", "x = a - b"),
    ("augmented", "a += b", "a -= b"),
    ("augmented", "a *= b", "a = b"),
    ("boolean", "x = a and b", "x = a or b"),
    ("boundary", "x = a < b", "x = a <= b"),
    ("break-chain", "x = a + b + c", "x = a + c"),
    ("change-constant", "x = width * 2", "x = width * 1"),
    (
        "closed-too-early",
        "with open(p) as f:\n    a = f.read()\n    use(f)\n",
        "with open(p) as f:\n    a = f.read()\nuse(f)\n",
    ),
    ("change-operator", "x = a << b", "x = a >> b"),
    ("comparison", "x = a not in b", "x = a in b"),
    ("default-argument", "def f(a=1): pass", "def f(a=2): pass"),
    ("default-argument", "def f(a: bool = True): pass", "def f(a: bool = False): pass"),
    ("drop-condition", "x = a and b", "x = b"),
    (
        "early-return",
        "def f(a):\n    for b in a:\n        x(b)\n    return b\n",
        "def f(a):\n    for b in a:\n        x(b)\n        return b\n",
    ),
    (
        "early-return",
        "def f(a):\n    if a:\n        a += 1\n    x(a)\n    return a\n",
        "def f(a):\n    if a:\n        a += 1\n        return a\n    x(a)\n    return a\n",
    ),
    (
        "elif-becomes-if",
        "if a:\n    x()\nelif b:\n    y()\n",
        "if a:\n    x()\nif b:\n    y()\n",
    ),
    (
        "forget-attribute",
        "class A:\n    def __init__(self):\n        self.shut = False\n        self.b = 1\n\n"
        "    def f(self):\n        if self.shut:\n            return 1\n        return 2\n",
        "class A:\n    def __init__(self):\n        self.b = 1\n\n"
        "    def f(self):\n        return 2\n",
    ),
    ("forget-constant", "_A = 1\nx = _A + 2\n", "x = 2\n"),
    (
        "forget-helper",
        "def _a(b):\n    return b + 1\n\n\ndef f(c):\n    c = x(_a(c))\n    return _a(c)\n",
        "def f(c):\n    c = x(c)\n    return c\n",
    ),
    (
        "forget-import",
        "import b\nfrom a import c, d\n\nx = c(d)\n",
        "import b\nfrom a import d\n\nx = d\n",
    ),
    ("forget-keyword", "f(a, b=1)\nx = f(c, b=2)\n", "f(a)\nx = f(c)\n"),
    (
        "forget-parameter",
        "def f(a, b=None):\n    if b is not None:\n        x(b)\n    return a\n\n\nf(1, b=2)\n",
        "def f(a):\n    return a\n\n\nf(1)\n",
    ),
    (
        "forget-parameter",
        "def f(a, b=False):\n    if not b:\n        x()\n    else:\n        y()\n"
        "    return a and not b\n",
        "def f(a):\n    x()\n    return a\n",
    ),
    (
        "forget-parameter",
        'def f(a, b=" "):\n    x(b)\n    return b.join(a)\n',
        'def f(a):\n    x(" ")\n    return " ".join(a)\n',
    ),
    (
        "forget-variable",
        "def f(a):\n    b = x(a)\n    y()\n    if b and a:\n        z(b)\n    return a\n",
        "def f(a):\n    y()\n    return a\n",
    ),
    ("forgotten-copy", "x = list(a)", "x = a"),
    ("forgotten-copy", "x = a[:]", "x = a"),
    ("forgotten-copy", "x = a.copy()", "x = a"),
    ("forgotten-copy", "def f(a):\n    a = dict(a)\n    x(a)\n", "def f(a):\n    x(a)\n"),
    ("format-conversion", 'x = f"{a!r}"', 'x = f"{a}"'),
    ("format-conversion", 'x = f"{a}"', 'x = f"{a!r}"'),
    ("identity-for-equality", "x = a == b", "x = a is b"),
    ("inverted-guard", GUARD, GUARD.replace("if a:", "if not a:")),
    (
        "inverted-guard",
        GUARD.replace("if a:", "if a and b == 1:"),
        GUARD.replace("if a:", "if not a and b != 1:"),
    ),
    ("invert-if-else", "if a:\n    x()\nelse:\n    y()\n", "if a:\n    y()\nelse:\n    x()\n"),
    ("loose-none-check", "x = a is not None", "x = a"),
    ("loose-none-check", "x = a is None", "x = not a"),
    ("lost-argument", 'x = a.split("=", 1)', 'x = a.split("=")'),
    ("lost-argument", 'x = a.encode("ascii")', "x = a.encode()"),
    ("lost-await", "async def f():\n    a = await b()\n", "async def f():\n    a = b()\n"),
    ("lost-elif", "if a:\n    x()\nelif b:\n    y()\n", "if a:\n    x()\n"),
    (
        "lost-else",
        "def f(a):\n    if a:\n        x()\n    else:\n        y()\n\n        z()\n",
        "def f(a):\n    if a:\n        x()\n    y()\n\n    z()\n",
    ),
    ("lost-preparation", "x = a.strip().lower()", "x = a.strip()"),
    ("lost-preparation", "x = sorted(a, key=b)", "x = a"),
    (
        "mutable-default",
        "def f(a, b=None):\n    if b is None:\n        b = []\n    return b\n",
        "def f(a, b=[]):\n    return b\n",
    ),
    (
        "mutable-default",
        "async def f(b: dict = None):\n    return b or {}\n",
        "async def f(b: dict = {}):\n    return b\n",
    ),
    (
        "mutable-default",
        "def f(a):\n    b = []\n    for c in a:\n        b.append(c)\n    return b\n",
        "def f(a, b=[]):\n    for c in a:\n        b.append(c)\n    return b\n",
    ),
    ("negate-condition", "while a:\n    pass\n", "while not (a):\n    pass\n"),
    ("negate-return", "def f():\n    return a == b\n", "def f():\n    return not (a == b)\n"),
    ("none-check", "x = a is None", "x = a is not None"),
    ("number-literal", "x = 3", "x = 4"),
    ("number-literal", "x = 1.5", "x = (1.5 + 1)"),
    ("off-by-one", "x = range(a)", "x = range(a - 1)"),
    ("off-by-one", "x = range(a)", "x = range(1, a)"),
    ("off-by-one", "x = len(a) - 1", "x = len(a)"),
    ("off-by-one", "x = enumerate(a)", "x = enumerate(a, 1)"),
    ("off-by-one", "x = a[i]", "x = a[i - 1]"),
    ("precedence", "x = (a or b) and c", "x = a or b and c"),
    ("precedence", "x = a or b and c", "x = (a or b) and c"),
    ("precedence", "x = (a + b) * c", "x = a + b * c"),
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
    (
        "shared-attribute",
        "class A:\n    def __init__(self):\n        self.a = []\n        self.b = 1\n",
        "class A:\n    a = []\n\n    def __init__(self):\n        self.b = 1\n",
    ),
    ("shuffle-lines", "def f():\n    a = 1\n    b = a\n", "def f():\n    b = a\n    a = 1\n"),
    (
        "shuffle-methods",
        "class A:\n    def f(self): ...\n    def g(self): ...\n",
        "class A:\n    def g(self): ...\n    def f(self): ...\n",
    ),
    ("slice-bounds", "x = a[1:n]", "x = a[1:n + 1]"),
    ("slice-bounds", "x = a[1:n]", "x = a[:n]"),
    (
        "stale-cache",
        GROWING + "    def size(self):\n        return len(self.items)\n",
        GROWING + "    def size(self):\n"
        '        if not hasattr(self, "_size"):\n'
        "            self._size = len(self.items)\n"
        "        return self._size\n",
    ),
    ("stale-cache", "key = (a, b)", "key = (a,)"),
    ("stale-cache", "del self.found[a]\nx()\n", "x()\n"),
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
    ("swap-same-kind", "f(left=1, right=2)", "f(left=2, right=1)"),
    ("swap-same-kind", "f(a.b, c(), d.e)", "f(d.e, c(), a.b)"),
    ("swap-targets", "for a, b in c:\n    x()\n", "for b, a in c:\n    x()\n"),
    ("swap-targets", "a, b = c", "b, a = c"),
    (
        "swallowed-exception",
        "def f():\n    try:\n        x()\n    except E as e:\n        raise F from e\n",
        "def f():\n    try:\n        x()\n    except E as e:\n        pass\n",
    ),
    ("swap-ternary", "x = a if b else c", "x = c if b else a"),
    ("truth-literal", "x = True", "x = False"),
    ("unary", "x = not a", "x = a"),
    ("unary", "x = -a", "x = a"),
    (
        "unclosed-resource",
        "def f():\n    with open(a) as b:\n        return x(b)\n",
        "def f():\n    b = open(a)\n    return x(b)\n",
    ),
    (
        "unclosed-resource",
        "try:\n    x()\nexcept E:\n    y()\nfinally:\n    z()\n",
        "try:\n    x()\nexcept E:\n    y()\n",
    ),
    ("wrong-attribute", "x = a.first_line + a.last_line", "x = a.last_line + a.last_line"),
    ("wrong-encoding", 'x = a.encode("utf-8")', 'x = a.encode("ascii")'),
    ("wrong-key", 'x = row["first"] + row["last"]', 'x = row["last"] + row["last"]'),
    ("wrong-method", "x = a.lstrip()", "x = a.rstrip()"),
    (
        "wrong-method",
        "class A:\n    def read_one(self): ...\n    def read_all(self): ...\n"
        "    def f(self):\n        return self.read_one()\n",
        "class A:\n    def read_one(self): ...\n    def read_all(self): ...\n"
        "    def f(self):\n        return self.read_all()\n",
    ),
    ("wrong-sign", "def f():\n    return 1\n", "def f():\n    return -1\n"),
    ("wrong-unit", "x = a * 1000", "x = a"),
    ("wrong-unit", "x = a * 1024", "x = a * 1000"),
    ("wrong-unit", "x = delay(days=a)", "x = delay(hours=a)"),
    (
        "wrong-variable",
        "async def f(width, height):\n    return g(width * 2, height * 2)\n",
        "async def f(width, height):\n    return g(height * 2, height * 2)\n",
    ),
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


LEFT_ALONE: list[tuple[str, str]] = [
    ("closed-too-early", "with open(p) as f:\n    x(f)\n"),
    ("closed-too-early", "with open(p) as f:\n    a = 1\n    b = 2\n"),
    ("closed-too-early", "with lock:\n    a = 1\n    x(a)\n"),
    ("early-return", "def f(a):\n    for b in a:\n        x(b)\n        break\n    return b\n"),
    ("early-return", "def f(a):\n    if a:\n        b = 1\n    x(a)\n    b = 2\n    return b\n"),
    ("elif-becomes-if", "def f():\n    if a:\n        return 1\n    elif b:\n        x()\n"),
    ("forgotten-copy", "x = list(range(2) for _ in a)"),
    ("forgotten-copy", "del a[:]"),
    ("identity-for-equality", 'x = a == "text"'),
    ("inverted-guard", "if a:\n    x()\n"),
    ("lost-argument", "x = str(a)"),
    ("lost-argument", 'x = a.encode("utf-8")'),
    ("wrong-encoding", 'x = a["name"]'),
    ("lost-argument", "x = a.split(*b)"),
    ("lost-else", "def f():\n    if a:\n        return 1\n    else:\n        x()\n"),
    ("lost-else", 'if a:\n    x()\nelse:\n    y("""b\n    c""")\n'),
    ("lost-preparation", "a.strip()\n"),
    ("mutable-default", "def f(a=None):\n    if a is None:\n        a = 1\n"),
    ("mutable-default", "def f(a=None):\n    if a is None:\n        a = []\n    x(a)\n"),
    ("mutable-default", "def f(*a):\n    b = []\n    b.append(a)\n"),
    ("off-by-one", "x = a.range(b)"),
    ("precedence", "x = (a)"),
    ("shared-attribute", "class A:\n    def __init__(self, a):\n        self.a = a\n"),
    ("stale-cache", GROWING + "    def first(self):\n        return self.items\n"),
    ("stale-cache", "class A:\n    def size(self):\n        return len(self.items)\n"),
    (
        "stale-cache",
        "__slots__ = ()\n" + GROWING + "    def size(self):\n        return len(self.items)\n",
    ),
    (
        "swallowed-exception",
        "def f():\n    try:\n        x()\n    except E:\n        pass\n",
    ),
    ("swallowed-exception", "try:\n    import x\nexcept E:\n    x = None\n"),
    ("swap-same-kind", "f(a, b)"),
    ("swap-targets", "for _, a in b:\n    x()\n"),
    ("unclosed-resource", "with lock as b:\n    x()\n"),
    ("wrong-attribute", "a.first_line = 1\n"),
    ("wrong-attribute", "x = a.first_line + b.last_line"),
    ("wrong-key", 'x = row["first"] + other["unlike"]'),
    ("wrong-method", "x = a.encode()"),
    ("wrong-sign", "x = 0"),
    ("wrong-unit", "x = a * 7"),
    ("wrong-variable", "def f(text, number):\n    return text.strip() * (number + 1)\n"),
    ("wrong-variable", "def f(width):\n    x(width)\n    height = 1\n"),
    ("wrong-variable", "def f(width):\n    if a:\n        height = 1\n    return x(width)\n"),
    ("wrong-variable", "def f(width):\n    return [width for height in a]\n"),
]


@pytest.mark.parametrize(("name", "code"), LEFT_ALONE)
def test_an_operator_leaves_alone_what_offers_no_mistake(name: str, code: str) -> None:
    assert mutations(name, code) == []


def test_a_wrong_variable_is_of_the_same_kind() -> None:
    code = "def f(text, title, number):\n    return x(text.strip(), title.lower(), number + 1)\n"

    assert mutations("wrong-variable", code) == [
        code.replace("text.strip", "title.strip"),
        code.replace("title.lower", "text.lower"),
    ]


def test_attributes_of_self_are_those_of_its_class() -> None:
    code = (
        "class A:\n    def f(self):\n        return self.start_at\n"
        "class B:\n    def f(self):\n        return self.end_at\n"
    )

    assert mutations("wrong-attribute", code) == []
