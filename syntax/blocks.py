"""Python source as a tree of statements, each with its place in the text and its normal form.

A statement has clauses (``if``, ``elif``, ``else``; ``def``; ``try``, ``except`` …), a clause has a
head and a body of statements. Statements that share a line are one.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from syntax.encodings import PLAIN, DeclaredText, EncodingRefused, read_declared
from syntax.normal import Key, Keys, is_docstring, key_of
from syntax.python import parse_expression, parse_python
from syntax.text import Text

LAYOUT = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)
FSTRING_MIDDLE = getattr(tokenize, "FSTRING_MIDDLE", -1)
"""Python 3.12 and newer take f-strings apart."""
PLAIN_STRING = re.compile(r"[uU]?(\"\"\"|\'\'\'|\"|\')((?:(?!\1)[^\\\r])*)\1")
LONE_RETURN = re.compile(r"\r(?!\n)")
INNER_FEED = re.compile(r"^[ \t]*\f[ \t\f]*[^\s#]", re.MULTILINE)
"""A form feed before code on its line: it counts in no indentation."""
DEFINITIONS = frozenset({"FunctionDef", "AsyncFunctionDef", "ClassDef"})
IMPORTS = frozenset({"Import", "ImportFrom"})


@dataclass(frozen=True, slots=True)
class NormalToken:
    """A token that is no layout: its normal form, and its bytes."""

    key: Key
    start: int
    end: int


@dataclass(eq=False, slots=True)
class Clause:
    """A head and the statements under it."""

    kind: str
    """Its keyword: ``if``, ``elif``, ``except`` … ``if`` stands for ``elif`` too in ``family``."""
    key: Key
    """Normal form of the head."""
    start: int
    """Bytes of the head: from its keyword or first decorator to its colon."""
    end: int
    body: tuple[Statement, ...]
    first: int
    """Bytes of its lines, the body's included."""
    last: int

    @property
    def family(self) -> str:
        return "if" if self.kind == "elif" else self.kind


@dataclass(eq=False, slots=True)
class Statement:
    """A statement with the lines it takes; two of them are equal when their keys are."""

    kind: str
    """Name of its class in ``ast``."""
    name: str
    """Of a definition; a property's setter is ``name.setter``."""
    key: Key
    start: int
    """Bytes of the code itself."""
    end: int
    first: int
    """Bytes of its lines: from the start of the first to the end of the last."""
    last: int
    indent: int
    clauses: tuple[Clause, ...]
    node: ast.stmt
    docstring: bool = False
    size: int = field(default=0)
    """How many statements it is, heads included; imports and docstrings count nothing."""

    def walk(self) -> Iterator[Statement]:
        """Yield it and all that is under it."""
        yield self
        for clause in self.clauses:
            for each in clause.body:
                yield from each.walk()


@dataclass(eq=False, slots=True)
class Module:
    """A parsed file."""

    text: Text
    body: tuple[Statement, ...]
    tokens: list[NormalToken]
    strings: list[tuple[int, int]]
    """Lines, from 0, that begin within a string: they are never indented anew."""
    comments: set[int]
    """Lines that hold a comment alone."""
    tree: ast.Module
    _starts: list[int] = field(default_factory=list)

    def tokens_of(self, start: int, end: int) -> list[NormalToken]:
        """Return the tokens that lie in a range."""
        low = bisect_left(self._starts, start)
        high = bisect_left(self._starts, end)
        return self.tokens[low:high]

    def line(self, number: int) -> bytes:
        """Return a line, from 0."""
        return self.text.data[self.text.starts[number] : self.text.line_end(number)]

    @property
    def remarks(self) -> set[bytes]:
        """The texts of the comments that have a line of their own."""
        return {self.line(number).strip() for number in self.comments}

    def walk(self) -> Iterator[Statement]:
        """Yield all statements."""
        for each in self.body:
            yield from each.walk()


def parse(data: bytes) -> Module | None:
    """Parse a file; None when it is no Python of today, or its lines are not told apart.

    Lines end in a line feed, with or without a carriage return. Places are those of the bytes
    that are kept, in whatever encoding the file declares; a byte-order mark is before its lines.
    """
    try:
        declared = read_declared(data)
    except EncodingRefused:
        return None
    source = declared.utf8.decode()
    if declared.is_stateful or INNER_FEED.search(source) or LONE_RETURN.search(source):
        return None
    tree = parse_python(source)
    if tree is None:
        return None
    try:
        raw = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError):
        return None
    module = BlockParser(declared, source, tree, raw).module()
    return None if joins_lines(module.body) else module


class BlockParser:
    """Builds the tree of one file."""

    def __init__(
        self, declared: DeclaredText, source: str, tree: ast.Module, raw: list[tokenize.TokenInfo]
    ) -> None:
        text = Text.of(declared.raw)
        self._text = Text(text.data, (len(declared.mark), *text.starts[1:]))
        self._declared = declared
        self._lines = source.split("\n")
        self._ascii = source.isascii()
        self._utf8 = self._ascii or declared.codec in PLAIN
        self._tree = tree
        self._keys = Keys({})
        self._dropped = sorted(self._annotations())
        self._strings: list[tuple[int, int]] = []
        self._comments: set[int] = set()
        self._all = list(self._read_tokens(raw))
        self._starts = [token.start for token in self._all]

    def module(self) -> Module:
        """Return the parsed file."""
        body = self._body(self._tree.body)
        kept = [token for token in self._all if not self._is_dropped(token)]
        kept = without_trailing_commas(kept)
        starts = [token.start for token in kept]
        return Module(self._text, body, kept, self._strings, self._comments, self._tree, starts)

    def _offset(self, line: int, column: int) -> int:
        """Bytes of a place that ``ast`` gives: line from 1, column in bytes."""
        starts = self._text.starts
        if line > len(starts):
            return len(self._text.data)
        if not self._utf8:
            before = self._lines[line - 1].encode()[:column].decode()
            column = len(self._declared.encode(before))
        return starts[line - 1] + column

    def _place(self, line: int, column: int) -> int:
        """Bytes of a place that ``tokenize`` gives: line from 1, column in characters."""
        if line > len(self._text.starts):
            return len(self._text.data)
        if not self._ascii:
            column = len(self._declared.encode(self._lines[line - 1][:column]))
        return self._text.starts[line - 1] + column

    def _read_tokens(self, raw: list[tokenize.TokenInfo]) -> Iterator[NormalToken]:
        for kind, value, start, end, line in raw:
            if kind == tokenize.COMMENT and line.lstrip().startswith("#"):
                self._comments.add(start[0] - 1)
            if kind in (tokenize.STRING, FSTRING_MIDDLE) and end[0] > start[0]:
                self._strings.append((start[0], end[0] - 1))
            if kind in LAYOUT:
                continue
            key: Key = value
            if kind == tokenize.STRING:
                key = key_of_string(value)
            yield NormalToken(key, self._place(*start), self._place(*end))

    def _annotations(self) -> Iterator[tuple[int, int]]:
        """Yield the bytes of annotations, without the colon or arrow before them."""
        for node in ast.walk(self._tree):
            found: ast.expr | None = None
            if isinstance(node, ast.arg):
                found = node.annotation
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found = node.returns
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                found = node.annotation
            if found is not None:
                yield (
                    self._offset(found.lineno, found.col_offset),
                    self._offset(found.end_lineno or 0, found.end_col_offset or 0),
                )

    def _is_dropped(self, token: NormalToken) -> bool:
        number = bisect_right(self._dropped, (token.start, 1 << 60)) - 1
        if number >= 0 and token.start < self._dropped[number][1]:
            return True
        if token.key in (":", "->"):
            after = bisect_right(self._starts, token.start)
            if after < len(self._all):
                next_start = self._all[after].start
                at = bisect_left(self._dropped, (next_start, 0))
                return at < len(self._dropped) and self._dropped[at][0] == next_start
        return False

    def _body(self, nodes: Sequence[ast.stmt]) -> tuple[Statement, ...]:
        return tuple(self._statement(node, number == 0) for number, node in enumerate(nodes))

    def _extent(self, node: ast.stmt) -> tuple[int, int]:
        start = self._offset(node.lineno, node.col_offset)
        for decorator in getattr(node, "decorator_list", ())[:1]:
            start = self._before(self._offset(decorator.lineno, decorator.col_offset), "@")
        return start, self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def _before(self, place: int, key: str) -> int:
        """Return where the last token with a key begins that comes before a place."""
        number = bisect_left(self._starts, place) - 1
        while self._all[number].key != key:
            number -= 1
        return self._all[number].start

    def _statement(self, node: ast.stmt, at_top: bool) -> Statement:
        start, end = self._extent(node)
        first_line, last_line = self._text.line_at(start), self._text.line_at(max(end - 1, start))
        first = self._text.starts[first_line]
        kind = type(node).__name__
        docstring = at_top and is_docstring(node)
        clauses = self._clauses(node, start, end)
        size = 0 if docstring or kind in IMPORTS else 1
        for number, clause in enumerate(clauses):
            size += sum(each.size for each in clause.body)
            size += 1 if number and clause.kind in ("elif", "except", "case") else 0
        return Statement(
            kind=kind,
            name=name_of(node),
            key=self._keys.of(node),
            start=start,
            end=end,
            first=first,
            last=self._text.line_end(last_line),
            indent=start - first,
            clauses=clauses,
            node=node,
            docstring=docstring,
            size=size,
        )

    def _clauses(self, node: ast.stmt, start: int, end: int) -> tuple[Clause, ...]:
        """Split a compound statement; none where a body stands on the line of its head."""
        parts = list(self._parts(node))
        found: list[Clause] = []
        at = start
        for kind, head, body in parts:
            token = bisect_left(self._starts, at)
            while token < len(self._all) and self._all[token].key == ";":
                token += 1
            if token >= len(self._all):
                return ()
            begin = self._all[token].start
            body_start, _ = self._extent(body[0])
            colon = self._colon(token, body_start)
            first = self._text.starts[self._text.line_at(begin)]
            statements = self._body(body)
            if colon is None or shares_lines(statements, colon, self._text):
                return ()
            at = statements[-1].end
            last = statements[-1].last
            found.append(Clause(kind, head, begin, colon, statements, first, last))
        return tuple(found)

    def _colon(self, token: int, body: int) -> int | None:
        """Return where the colon of a head ends: the last that comes before the body."""
        before = bisect_left(self._starts, body) - 1
        if before < token or self._all[before].key != ":":
            return None
        return self._all[before].end

    def _parts(self, node: ast.stmt) -> Iterator[tuple[str, Key, list[ast.stmt]]]:
        """Yield keyword, key of the head, and body of each clause."""
        of = self._keys.of
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield (
                "def" if not isinstance(node, ast.ClassDef) else "class",
                self._keys.head(node),
                node.body,
            )
        elif isinstance(node, ast.If):
            keyword = "if"
            while True:
                yield keyword, of(node.test), node.body
                rest = node.orelse
                if len(rest) == 1 and isinstance(rest[0], ast.If) and self._is_elif(rest[0]):
                    node, keyword = rest[0], "elif"
                    continue
                if rest:
                    yield "else", None, rest
                return
        elif isinstance(node, ast.For | ast.AsyncFor):
            yield "for", (of(node.target), of(node.iter)), node.body
            if node.orelse:
                yield "else", None, node.orelse
        elif isinstance(node, ast.While):
            yield "while", of(node.test), node.body
            if node.orelse:
                yield "else", None, node.orelse
        elif isinstance(node, ast.With | ast.AsyncWith):
            yield "with", of(node.items), node.body
        elif isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            yield "try", None, node.body  # type: ignore[attr-defined]
            for handler in node.handlers:  # type: ignore[attr-defined]
                yield "except", (of(handler.type), handler.name), handler.body
            for keyword, body in (("else", node.orelse), ("finally", node.finalbody)):  # type: ignore[attr-defined]
                if body:
                    yield keyword, None, body

    def _is_elif(self, node: ast.If) -> bool:
        at = self._offset(node.lineno, node.col_offset)
        return self._text.data.startswith(b"elif", at)


def key_of_string(value: str) -> Key:
    """Return the normal form of a string as it is written."""
    plain = PLAIN_STRING.fullmatch(value)
    if plain is not None:
        return ("Constant", "str", repr(plain[2]))
    try:
        return key_of(parse_expression(value).body)
    except SyntaxError:
        return value


def shares_lines(body: Sequence[Statement], colon: int, text: Text) -> bool:
    """Say whether statements share a line with one another or with their head."""
    if text.line_at(colon) == text.line_at(body[0].start):
        return True
    return any(one.last > other.first for one, other in pairwise(body))


def joins_lines(body: Sequence[Statement]) -> bool:
    """Say whether a line holds several statements of a module that are not all imports."""
    return any(
        one.last > other.first and not {one.kind, other.kind} <= IMPORTS
        for one, other in pairwise(body)
    )


def name_of(node: ast.stmt) -> str:
    """Return the name under which a definition is found again."""
    name = getattr(node, "name", "")
    for each in getattr(node, "decorator_list", ()):
        if isinstance(each, ast.Attribute) and each.attr in ("setter", "deleter", "getter"):
            return f"{name}.{each.attr}"
        if "overload" in ast.dump(each):
            return f"{name}.overload"
    return str(name)


def without_trailing_commas(tokens: list[NormalToken]) -> list[NormalToken]:
    """Drop the commas that formatters add before a closing bracket."""
    found = []
    for number, token in enumerate(tokens):
        closes = tokens[number + 1].key if number + 1 < len(tokens) else ""
        tuple_of_one = number > 1 and tokens[number - 2].key == "("
        if token.key == "," and (closes in ("]", "}") or (closes == ")" and not tuple_of_one)):
            continue
        found.append(token)
    return found
