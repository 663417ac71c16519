"""Tasks as the gates see them, each on a bug of one small file."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from storage.records import Bug, FileChange, Origin, Repository, Strategy, Task
from syntax.patches import unified_diff
from tasks.gates.subject import GateSubject, GateTree
from tasks.statements import statement

MIT = (Path(__file__).parents[2] / "LICENSE").read_bytes()
SOURCE = b'''"""Prices."""


def total(items, rate):
    """Sum prices."""
    result = 0
    for item in items:
        result += item.price * item.count
    return result


def label(text):
    cleaned = text.strip()
    return cleaned.title()
'''
FILES = {
    "LICENSE": MIT,
    "README.md": b"# Shop\n\nCall `total` with the `items_in_basket`.\n",
    "shop.py": SOURCE,
    "tests/test_shop.py": b"def test_total():\n    assert total([], rate_of_tax) == 0\n",
}
TESTS = tuple(f"tests/test_shop.py::test_{number}" for number in range(40))


def tree(files: Mapping[str, bytes] = FILES, *, owner: str = "me", name: str = "shop") -> GateTree:
    return GateTree(
        repository=Repository(owner=owner, name=name, commit="c" * 40, tree="t", source="x"),
        paths=frozenset(files),
        read=files.get,
        read_all=lambda paths: {path: files[path] for path in paths},
    )


def subject(
    name: str,
    old: bytes = b"result += item.price",
    new: bytes = b"result -= item.price",
    *,
    text: str = "",
    failing: tuple[str, ...] = TESTS[:2],
    strategy: Strategy = "procedural",
    entity: str = "total",
    kinds: Mapping[str, int] | None = None,
    hints: tuple[str, ...] = (),
    place: GateTree | None = None,
) -> GateSubject:
    """A task on a bug that turns ``old`` into ``new``; a template tells it where no text does."""
    broken = SOURCE.replace(old, new)
    bug = Bug(
        tree="t",
        patch=unified_diff("shop.py", SOURCE, broken),
        changes=(FileChange(path="shop.py", mode="100644", sha256=sha256(broken).hexdigest()),),
        origin=Origin(strategy=strategy, path="shop.py", entity=entity),
    )
    return GateSubject(
        task=Task(
            id=name,
            bug=bug.id,
            environment="e",
            statement=text or statement("shop", failing),
            created="2026-01-01",
            hints=hints,
        ),
        bug=bug,
        tree=place or tree(),
        fail_to_pass=failing,
        kinds=kinds or {"failed": len(failing)},
        passing=TESTS,
    )
