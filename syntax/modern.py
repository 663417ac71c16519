"""Python 2 as Python 3, as far as its syntax goes: what a person would change by hand."""

from __future__ import annotations

import re

from syntax.blocks import Module, parse

RULES = (
    (re.compile(rb"^(\s*except\s+[^:\n]+?)\s*,\s*(\w+)\s*:", re.M), rb"\1 as \2:"),
    (re.compile(rb"^(\s*)print\s*$", re.M), rb"\1print()"),
    (re.compile(rb"^(\s*)print\s+(?![(=])([^\n]+?),?[ \t]*$", re.M), rb"\1print(\2)"),
    (re.compile(rb"^(\s*)print\s*>>\s*([\w.]+)\s*,\s*([^\n]+)$", re.M), rb"\1print(\3, file=\2)"),
    (
        re.compile(rb"^(\s*)raise\s+([\w.]+)\s*,\s*([^,\n]+?)[ \t]*$", re.M),
        rb"\1raise \2(\3)",
    ),
    (
        re.compile(rb"^(\s*)raise\s+([\w.]+(?:\([^\n]*\))?)\s*,\s*([^,\n]+),\s*([^,\n]+)$", re.M),
        rb"\1raise \2",
    ),
    (re.compile(rb"^(\s*)exec\s+([^\n]+?)\s+in\s+([^\n]+)$", re.M), rb"\1exec(\2, \3)"),
    (re.compile(rb"\b[uU][rR](?=['\"])"), b"r"),
    (re.compile(rb"(?<![\w.'\"])0([0-7]{2,})\b(?!['\"])"), rb"0o\1"),
    (re.compile(rb"\b(\d+)[lL]\b"), rb"\1"),
    (re.compile(rb"(?<=[\w)\]])\s*<>\s*(?=[\w(\[])"), b" != "),
    (re.compile(rb"`([\w.]+)`(?=\s*[,)%+:\n])"), rb"repr(\1)"),
)


def modernise_source(data: bytes) -> bytes:
    """Return a file in which statements that only Python 2 knows are written as those of Python 3.

    Line by line, and only what is told by its form: for files that do not parse otherwise.
    """
    for pattern, replacement in RULES:
        data = pattern.sub(replacement, data)
    return data.expandtabs(8) if b"\n\t" in data and b"\n    " in data else data


def parse_modernised(data: bytes | None) -> Module | None:
    """Parse a file of any time, in the Python of today where it is not in it already."""
    if data is None:
        return None
    return parse(data) or parse(modernise_source(data))
