"""A Python file as text and tree, with places in the text that edits can be made at."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LINE_END = re.compile(r"\r\n|\r|\n")
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class UnreadableFile(Exception):
    """A file in which what is to be put back cannot be found: it is put back as a whole."""


class TextEdit(NamedTuple):
    """What stands between two offsets is to be this text."""

    start: int
    end: int
    text: str


class PythonText:
    """A parsed file. Raises UnreadableFile where Python cannot parse it."""

    def __init__(self, data: bytes) -> None:
        try:
            self.encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            self.text = data.decode(self.encoding)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.tree = ast.parse(data)
        except (SyntaxError, ValueError, RecursionError, MemoryError, LookupError) as error:
            raise UnreadableFile("it cannot be parsed") from error
        self.starts = [0, *(end.end() for end in LINE_END.finditer(self.text))]
        first = LINE_END.search(self.text)
        self.newline = first.group() if first else "\n"

    def offset(self, line: int, column: int) -> int:
        """Return the place in the text of a line, from 1, and a column in UTF-8 bytes."""
        start = self.starts[line - 1]
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        before = self.text[start:end].encode("utf-8", "surrogatepass")[:column]
        return start + len(before.decode("utf-8", "surrogatepass"))

    def span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        """Return where a node begins, decorators included, and ends."""
        line, column = node.lineno, node.col_offset
        for decorator in getattr(node, "decorator_list", ())[:1]:
            line = decorator.lineno
            column = len(self.line(line)) - len(self.line(line).lstrip())
        start = self.offset(line, column)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return start, self.offset(node.end_lineno, node.end_col_offset)

    def code(self, node: ast.stmt | ast.expr) -> str:
        """Return a node's text, with plain line feeds."""
        start, end = self.span(node)
        return LINE_END.sub("\n", self.text[start:end])

    def line(self, number: int) -> str:
        """Return a line, from 1."""
        start = self.starts[number - 1]
        return self.text[start : self.starts[number] if number < len(self.starts) else None]

    def encode(self, edits: Iterable[TextEdit]) -> bytes:
        """Return the file after edits that do not overlap; inserted lines end as its own do."""
        text = self.text
        for edit in sorted(edits, reverse=True):
            inserted = LINE_END.sub("\n", edit.text).replace("\n", self.newline)
            text = text[: edit.start] + inserted + text[edit.end :]
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise UnreadableFile(f"it cannot be written as {self.encoding}") from error


def blocks_of(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of statements right under a node that is no definition."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block
    for inner in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield inner.body


def statements(node: ast.AST) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield the statements that run in a node's own scope, and whether each is the only one."""
    for block in blocks_of(node):
        for each in block:
            yield each, len(block) == 1
            if not isinstance(each, DEFINITIONS):
                yield from statements(each)
