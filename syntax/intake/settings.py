"""Put back what decides how tests run in files that hold other settings too, to the byte."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from typing import NamedTuple

from syntax.intake.sources import PythonText, TextEdit, UnreadableFile

SECTION = re.compile(rb"^\[([^\]\r\n]*)\][^\r\n]*\r?\n?", re.MULTILINE)
DECIDING = re.compile(
    r"(tool:)?pytest.*|coverage(:.*)?|tox(:.*)?|testenv([:.-].*)?|options\.entry_points|entry_points"
)
"""Sections of setup.cfg and tox.ini that decide it: of the last two ``pytest11`` alone."""
ENTRY_POINTS = frozenset({"options.entry_points", "entry_points"})
PLUGINS = re.compile(rb"^pytest11[ \t]*[=:][^\n]*\n?(?:(?:[ \t]+[^\n]*|[#;][^\n]*|\r?)\n)*", re.M)
PLUGIN_GROUP = "pytest11"


def restore_settings(name: str, data: bytes, reference: bytes) -> tuple[bytes, list[str]]:
    """Return a file with what decides how tests run as in the reference, and what that was.

    ``name`` is the file's own. Raises UnreadableFile where it cannot be found.
    """
    if name == "pyproject.toml":
        try:
            from syntax.intake.toml_tables import restore_toml
        except (ImportError, SyntaxError, TypeError, AttributeError) as error:
            raise UnreadableFile("this Python reads no TOML") from error
        return restore_toml(data, reference)
    if name == "setup.py":
        return restore_setup_script(data, reference)
    return restore_ini(data, reference)


class Section(NamedTuple):
    """A section of an ini file, or the part of one that counts."""

    name: str
    start: int
    end: int


def restore_ini(data: bytes, reference: bytes) -> tuple[bytes, list[str]]:
    """Put back sections of pytest, coverage and tox, and entry points of pytest's plugins."""
    check_ini(data)
    was, now = sections_of(reference), sections_of(data)
    names = list(dict.fromkeys(each.name for each in (*was, *now)))
    result, told = data, []
    for name in names:
        wanted = join_sections(reference, was, name)
        if wanted.strip() == join_sections(result, sections_of(result), name).strip():
            continue
        told.append(f"[{name}]")
        result = with_section(result, name, wanted)
    return result, told


def check_ini(data: bytes) -> None:
    """Raise UnreadableFile where an ini file cannot be parsed."""
    parser = configparser.RawConfigParser(strict=True, allow_no_value=True)
    try:
        parser.read_string(data.decode("utf-8").lstrip("\ufeff"))
    except (configparser.Error, ValueError) as error:
        raise UnreadableFile("it cannot be parsed") from error


def sections_of(data: bytes) -> list[Section]:
    """Return the sections that decide how tests run; of entry points those of pytest alone."""
    heads = list(SECTION.finditer(data))
    found = []
    for number, head in enumerate(heads):
        name = head.group(1).decode("utf-8", "replace").strip()
        end = heads[number + 1].start() if number + 1 < len(heads) else len(data)
        if name in ENTRY_POINTS:
            plugins = PLUGINS.search(data, head.end(), end)
            if plugins:
                key = f"{name}.{PLUGIN_GROUP}"
                found.append(Section(key, plugins.start(), min(plugins.end(), end)))
        elif DECIDING.fullmatch(name):
            found.append(Section(name, head.start(), end))
    return found


def join_sections(data: bytes, sections: list[Section], name: str) -> bytes:
    """Return all that stands under a name."""
    return b"".join(data[each.start : each.end] for each in sections if each.name == name)


def with_section(data: bytes, name: str, wanted: bytes) -> bytes:
    """Return an ini file with a section in the place of its own, or at its end."""
    own = [each for each in sections_of(data) if each.name == name]
    if own:
        for each in reversed(own[1:]):
            data = data[: each.start] + data[each.end :]
        return data[: own[0].start] + end_line(wanted, data) + data[own[0].end :]
    section, _, key = name.rpartition(".")
    if key != PLUGIN_GROUP:
        return end_line(data, data) + wanted
    for head in SECTION.finditer(data):
        if head.group(1).decode("utf-8", "replace").strip() == section:
            return data[: head.end()] + end_line(wanted, data) + data[head.end() :]
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    return end_line(data, data) + b"[" + section.encode() + b"]" + newline + wanted


def end_line(text: bytes, like: bytes) -> bytes:
    """Return a text with the end of its last line."""
    if not text or text.endswith(b"\n"):
        return text
    return text + (b"\r\n" if b"\r\n" in like else b"\n")


def restore_setup_script(data: bytes, reference: bytes) -> tuple[bytes, list[str]]:
    """Put back what a setup.py says of pytest's plugins, which is all that decides there."""
    before, after = PythonText(reference), PythonText(data)
    old, new = list(plugin_values(before)), list(plugin_values(after))
    was, now = [before.code(node) for node in old], [after.code(node) for node in new]
    if was == now:
        return data, []
    if len(was) != len(now):
        raise UnreadableFile("it changes pytest's plugins")
    edits = [TextEdit(*after.span(node), text) for node, text in zip(new, was)]
    return after.encode(edits), ["the entry points of pytest11"]


def plugin_values(source: PythonText) -> Iterator[ast.expr]:
    """Yield what is said of pytest's plugins: a dictionary's value, or a text that names them."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values):
                if isinstance(key, ast.Constant) and key.value == PLUGIN_GROUP:
                    yield value
        elif isinstance(node, ast.Constant) and names_plugins(node.value):
            yield node


def names_plugins(value: object) -> bool:
    """Say whether a text has entry points of pytest's plugins among others."""
    return isinstance(value, str) and PLUGIN_GROUP in value and value != PLUGIN_GROUP
