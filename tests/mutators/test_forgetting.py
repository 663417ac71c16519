"""Bugs in several places: what is left of a file once a name was forgotten, and their patches."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutators.base.operator import Scattered
from mutators.operators.registry import operators
from mutators.procedural import propose
from storage.records import Bug
from syntax.patch_text import apply_patch
from tests.mutators.own import OWN, mutations

FILES = {path: data for path, data in OWN.items() if path.startswith(("syntax/", "mutators/op"))}
FORGETTING = [operator.name for operator in operators() if isinstance(operator, Scattered)]


@cache
def forgotten() -> tuple[Bug, ...]:
    """All that can be forgotten in some of this project's own files."""
    bugs = propose(
        "t", FILES, {}, seed=0, max_bugs=None, compiles=None, operators=tuple(FORGETTING)
    )
    return tuple(bugs)


def after(bug: Bug) -> bytes:
    (content,) = apply_patch(bug.patch, FILES.get).values()
    assert content is not None
    return content


def test_nothing_is_left_behind_that_has_no_meaning_any_more(tmp_path: Path) -> None:
    """No name without a value, no import that nothing uses: a linter sees nothing of it."""
    assert len(forgotten()) > 300
    for number, bug in enumerate(forgotten()):
        (tmp_path / f"b{number}.py").write_bytes(after(bug))
    rules = "F821,F823,F401,F811"
    ruff = str(Path(sys.executable).with_name("ruff"))
    how = ("--isolated", "--no-cache", "--output-format", "json", "--select", rules)
    ran = subprocess.run(
        [ruff, "check", *how, str(tmp_path)],
        capture_output=True,
        check=False,
    )
    found = [(each["filename"], each["message"]) for each in json.loads(ran.stdout)]
    assert found == []


@given(st.data())
def test_a_patch_in_several_places_says_no_more_than_what_changes(data: st.DataObject) -> None:
    bug = data.draw(st.sampled_from(forgotten()))
    broken, before = after(bug), FILES[bug.origin.path]

    compile(broken, bug.origin.path, "exec")
    assert hashlib.sha256(broken).hexdigest() == bug.changes[0].sha256
    marked = [line for line in bug.patch.split("\n")[3:] if line[:1] in ("-", "+")]
    gone = Counter(line[1:] for line in marked if line[0] == "-")
    came = Counter(line[1:] for line in marked if line[0] == "+")
    assert gone - Counter(before.decode().split("\n")) == Counter()
    assert came - Counter(broken.decode().split("\n")) == Counter()
    for hunk in bug.patch.split("\n@@ ")[1:]:
        kept = [line for line in hunk.split("\n")[1:] if line[:1] == " "]
        assert len(kept) <= 7 * (sum(line[:1] in ("-", "+") for line in hunk.split("\n")) + 1)


def test_most_of_what_is_forgotten_is_in_several_places() -> None:
    runs = [bug.patch.count("\n@@ ") for bug in forgotten()]

    assert sum(count > 1 for count in runs) > len(runs) / 3
    assert {bug.origin.operator for bug in forgotten()} >= {*FORGETTING} - {"forget-constant"}


PARTIAL: list[tuple[str, str]] = [
    ("if b:\n        x()\n    y()\n", "y()\n"),
    ("if not b:\n        x()\n        return 1\n    y()\n    y(2)\n", "x()\n    return 1\n"),
    ("if b:\n        x()\n    elif a:\n        y()\n", "if a:\n        y()\n"),
    ("if b:\n        x()\n    else:\n        y()\n", "y()\n"),
    ("if a and not b:\n        x()\n", "if a:\n        x()\n"),
    ("if a or b:\n        x()\n", "if a:\n        x()\n"),
    ("return a if b else 2\n", "return 2\n"),
    ("return [c for c in a if not b]\n", "return [c for c in a]\n"),
    ("while b:\n        x()\n    return a\n", "return a\n"),
    ("y(b, c=b)\n", "y(False)\n"),
    ("z(b=b)\n", "z()\n"),
    ("x()\n    assert not b\n    y()\n", "x()\n    y()\n"),
    ("import os\n    if b:\n        os.x()\n    y()\n", "y()\n"),
    ("c = a\n    if b:\n        x(c)\n    y()\n", "y()\n"),
    ("if a:\n        if b:\n            x()\n    y()\n", "y()\n"),
    ("if b is not False:\n        x()\n    y()\n", "y()\n"),
]


@pytest.mark.parametrize(("body", "left"), PARTIAL)
def test_what_depends_on_a_parameter_is_computed_from_its_default(body: str, left: str) -> None:
    head = "def f(a, b=False):\n    first()\n    "
    want = "def f(a):\n    first()\n    "

    left = left.replace("y(False)", "y(False, c=False)")
    assert mutations("forget-parameter", head + body) == [want + left]


STUCK: list[tuple[str, str]] = [
    ("forget-variable", "def f(a):\n    b = x(a)\n    y()\n    return b\n"),
    ("forget-variable", "def f(a):\n    b, c = x(a)\n    return y(c)\n"),
    ("forget-parameter", "def f(a, b=1, c=2):\n    x(b)\n    y(c)\n\n\nf(1, 2, 3)\n"),
    ("forget-attribute", "class A:\n    def __init__(self):\n        self.a = 1\n\n\nA().a\n"),
    ("forget-helper", '__all__ = ["_a"]\n\n\ndef _a(b): ...\n\n\n_a(1)\n'),
    ("forget-helper", "def a(b): ...\n\n\na(1)\n"),
    ("forget-import", "from a import B\n\n\ndef f(c: B) -> B:\n    return c\n"),
    ("forget-parameter", "def f(a, b=[]):\n    x(a)\n    return b\n"),
    ("forget-constant", "A = 1\nx(A)\n"),
    ("forget-keyword", "f(a, b=1)\n"),
]


@pytest.mark.parametrize(("name", "code"), STUCK)
def test_a_name_is_kept_where_something_cannot_do_without_it(name: str, code: str) -> None:
    assert mutations(name, code) == []
