"""What a repository's own files say of it: the name of its distribution, and its licence."""

from __future__ import annotations

import ast
import configparser
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from syntax.python import parse_python

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What packaging files say. Texts are as written there."""

    name: str = ""
    license: str = ""
    classifiers: tuple[str, ...] = ()
    license_files: tuple[str, ...] = field(default=())
    """Paths, or patterns of paths."""


def read_declared(read: Read) -> Declared:
    """Read pyproject.toml, setup.cfg, setup.py and PKG-INFO; the first that says something counts.

    Files that cannot be read say nothing.
    """
    found = [from_pyproject(read), from_setup_cfg(read), from_setup_py(read)]
    return Declared(
        name=next((each.name for each in found if each.name), ""),
        license=next((each.license for each in found if each.license), ""),
        classifiers=next((each.classifiers for each in found if each.classifiers), ()),
        license_files=next((each.license_files for each in found if each.license_files), ()),
    )


def from_pyproject(read: Read) -> Declared:
    """Read ``[project]`` (PEP 621 and 639), else Poetry's and Flit's own tables."""
    try:
        document = tomllib.loads(text_of(read, "pyproject.toml"))
    except tomllib.TOMLDecodeError:
        return Declared()
    tool = table(document, "tool")
    flit = table(table(tool, "flit"), "metadata")
    for found in (table(document, "project"), table(tool, "poetry"), flit):
        if found:
            told = found.get("license")
            named = told.get("text", "") if isinstance(told, Mapping) else told
            inside = told.get("file") if isinstance(told, Mapping) else None
            files = found.get("license-files") or ([inside] if inside else [])
            return Declared(
                name=parse_text(found.get("name") or found.get("dist-name") or found.get("module")),
                license=parse_text(named),
                classifiers=strings(found.get("classifiers")),
                license_files=strings(files),
            )
    return Declared()


def from_setup_cfg(read: Read) -> Declared:
    """Read ``[metadata]``."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text_of(read, "setup.cfg"))
    except configparser.Error:
        return Declared()
    if not parser.has_section("metadata"):
        return Declared()
    found = {key.replace("-", "_"): value for key, value in parser.items("metadata")}
    files = found.get("license_files") or found.get("license_file") or ""
    return Declared(
        name=found.get("name", "").strip(),
        license=found.get("license", "").strip(),
        classifiers=tuple(line.strip() for line in found.get("classifiers", "").splitlines()),
        license_files=tuple(files.replace(",", "\n").split()),
    )


def from_setup_py(read: Read) -> Declared:
    """Read what ``setup()`` is given as plain text, without running it."""
    tree = parse_python(text_of(read, "setup.py"))
    if tree is None:
        return Declared()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and read_callee_name(node.func) == "setup":
            given = {word.arg: literal(word.value) for word in node.keywords if word.arg}
            return Declared(
                name=parse_text(given.get("name")),
                license=parse_text(given.get("license")),
                classifiers=strings(given.get("classifiers")),
                license_files=strings(given.get("license_files")),
            )
    return Declared()


def read_callee_name(node: ast.expr) -> str:
    """Return the last part of what is called."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def literal(node: ast.expr) -> Any:
    """Return the value of plain data, None for whatever would have to be run."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def text_of(read: Read, path: str) -> str:
    """Return a file as text, empty when it is not there."""
    return (read(path) or b"").decode("utf-8-sig", "replace")


def table(found: Any, key: str) -> Mapping[str, Any]:
    """Return a table of a document, empty where there is something else."""
    value = found.get(key) if isinstance(found, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def parse_text(value: Any) -> str:
    """Return a text, empty for anything else."""
    return value.strip() if isinstance(value, str) else ""


def strings(value: Any) -> tuple[str, ...]:
    """Return the texts of a list, none for anything else."""
    return tuple(parse_text(each) for each in value) if isinstance(value, list | tuple) else ()
