"""The pages of docs that are written from the code: as they would be written now."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.reference import PAGES, settings_page, write
from bot.service.registration.permissions import (
    compare_events,
    compare_permissions,
    events,
    permissions,
)

HERE = Path(__file__).parents[2]
ROOMS = ("bot", "harness", "llm", "mirror", "mutators", "storage", "syntax", "tasks")
OF_THE_SYSTEM = {"HOME", "PATH", "XDG_CONFIG_HOME"}
IN_A_SANDBOX = HERE / "harness" / "runner"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    written = (HERE / "docs" / name).read_text()
    assert written == PAGES[name](), f"docs/{name} is not up to date; ./run docs writes it"


def test_only_what_changed_is_written(tmp_path: Path) -> None:
    assert {place.name for place in write(tmp_path)} == set(PAGES)
    (tmp_path / "metrics.md").write_text("something else")
    assert [place.name for place in write(tmp_path)] == ["metrics.md"]


def test_every_environment_variable_that_is_read_is_documented() -> None:
    page = settings_page()
    read = {name for place in sources() for name in variables(ast.parse(place.read_text()))}

    assert "GITHUB_TOKEN" in read
    assert sorted(name for name in read - OF_THE_SYSTEM if f"`{name}`" not in page) == []


def test_the_manifest_and_the_check_speak_of_the_same_permissions() -> None:
    assert compare_permissions(permissions()) == compare_permissions({**permissions()})
    assert compare_permissions(permissions()).lacking == ()
    assert compare_events([*events(), "installation"]).spare == ()


def test_an_app_with_too_little_and_too_much_is_told_what() -> None:
    given = permissions() | {"contents": "write", "members": "read", "issues": "read"}
    del given["checks"]
    difference = compare_permissions(given)

    assert difference.lacking == ("issues: write", "checks: write")
    assert difference.spare == ("contents: write", "members: read")
    assert compare_events(["push", "star"]).lacking == tuple(e for e in events() if e != "push")
    assert compare_events([*events(), "star"]).spare == ("star",)


def sources() -> Iterator[Path]:
    for room in ROOMS:
        found = (HERE / room).rglob("*.py")
        yield from (place for place in found if not place.is_relative_to(IN_A_SANDBOX))


def variables(tree: ast.Module) -> Iterator[str]:
    """Give what is looked up in an environment: by its name, or by that of a constant."""
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        for key in keys(node):
            name = key.value if isinstance(key, ast.Constant) else None
            name = constants.get(key.id) if isinstance(key, ast.Name) else name
            if isinstance(name, str) and name.isupper():
                yield name


def keys(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Subscript) and "environ" in ast.unparse(node.value):
        yield node.slice
    elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("environ.get", "getenv")):
        yield node.args[0]
    elif isinstance(node, ast.Call) and ast.unparse(node.func) == "dollars":
        yield node.args[1]
    elif isinstance(node, ast.keyword) and node.arg == "envvar":
        yield node.value
