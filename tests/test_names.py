"""Names that a stranger can find one's way by: one concept a class name, verbs for functions."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("bot", "forge", "harness", "llm", "mirror", "mutators", "storage", "syntax", "tasks")
EXCEPTIONS = Path(__file__).with_name("name_exceptions.txt")
IRREGULAR = frozenset(
    word
    for line in (
        "begun bought brought built caught chosen come dealt done drawn driven fallen felt",
        "foreseen forgotten found given gone heard held hidden kept known laid led left lent lost",
        "made meant met paid seen sent shown sold spent stood sunk taken taught",
        "thought told torn understood undone unseen withheld won worn written",
    )
    for word in line.split()
)
"""Participles that do not end in -ed; imperatives that look like one (cut, put, read) are verbs."""


def exceptions() -> dict[str, str]:
    """Return the reason of each name that may stand though it looks like a participle."""
    lines = (line.partition(": ") for line in EXCEPTIONS.read_text().splitlines() if line)
    return {name: reason for name, _, reason in lines}


def modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[Path, ast.AST]]:
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, kinds):
                yield path, node


def is_participle(name: str) -> bool:
    """Say whether a whole name is one word and a participle: told, undoing, no verb and object."""
    return "_" not in name and (name.endswith(("ed", "ing")) or name in IRREGULAR)


def is_excused(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether a function is a property or an event handler that is registered."""
    written = [ast.unparse(each) for each in node.decorator_list]
    return any("property" in each or each.startswith(("on(", "handles(")) for each in written)


def test_class_names_stand_for_one_concept() -> None:
    names = Counter(
        node.name.lstrip("_") for _, node in nodes(ast.ClassDef) if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_functions_are_no_lone_participles() -> None:
    excepted = exceptions()
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, node in nodes(ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and is_participle(node.name.strip("_"))
        and node.name.strip("_") not in excepted
        and not is_excused(node)
    ]
    assert found == []


def test_modules_are_no_activities() -> None:
    excepted = exceptions()
    parts = {part for path in modules() for part in path.relative_to(ROOT).with_suffix("").parts}
    assert [part for part in parts if part.endswith("ing") and part not in excepted] == []


def test_exceptions_have_a_reason_and_a_use() -> None:
    text = "\n".join(path.read_text() for path in modules())
    for name, reason in exceptions().items():
        assert reason
        assert f"def {name}(" in text or f"def _{name}(" in text, name


def test_every_package_has_a_line_in_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    packages = {
        path.parent.relative_to(ROOT).as_posix() for path in modules() if path.name == "__init__.py"
    }
    assert [each for each in sorted(packages) if f"`{each}/`" not in page] == []
