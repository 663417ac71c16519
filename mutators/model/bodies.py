"""A body as a model wrote it, made to stand in the place of the one that was there."""

from __future__ import annotations

from tree_sitter import Node

from mutators.base.operator import ParsedSource
from mutators.model.definitions import Definition, body_range
from syntax.replacements import EditsRefused, as_bytes
from syntax.splices import Splice
from syntax.text import Text, split_lines


def body_splice(definition: Definition, body: str) -> Splice:
    """Return the change that gives a function this body.

    It is indented as the old one was; a docstring in front of it is left out, since the
    function's own stays. Raises EditsRefused when it is no body.
    """
    old = body_range(definition)
    assert old is not None
    start, end = old
    source = definition.source
    lines = without_docstring(source, as_bytes(body.replace("\r\n", "\n"), b"", 1))
    text = reindent_body(source, lines, indent_of(source.text.data[start:end]))
    if source.newline == b"\r\n":
        text = text.replace(b"\n", b"\r\n")
    if not source.text.data[:end].endswith(b"\n"):
        text = text.rstrip(b"\r\n")
    return Splice(start, end, text)


def indent_of(code: bytes) -> bytes:
    """Return the white space before the first line that says something."""
    line = next(line for line in split_lines(code) if line.strip())
    return line[: len(line) - len(line.lstrip())]


def without_docstring(source: ParsedSource, body: bytes) -> bytes:
    """Return a body without blank lines around it and without the docstring that opens it.

    Refuses a function in place of its body.
    """
    lines = [line.rstrip(b"\n") for line in split_lines(body)]
    while lines and not lines[0].strip():
        del lines[0]
    while lines and not lines[-1].strip():
        del lines[-1]
    if not lines:
        raise EditsRefused("not-a-body", "there is no statement")
    text = b"\n".join(lines) + b"\n"
    statements = parse_body(source, text)
    code = [node for node in statements if node.type != "comment"]
    if len(code) == 1 and source.word(strip_decorators(code[0])) in ("function", "class"):
        raise EditsRefused("not-a-body", "it is a definition; only its statements are asked for")
    if code and is_string(source, code[0]):
        end = Text.of(text).line_end(code[0].end_point.row)
        return without_docstring(source, text[end:])
    return text


def parse_body(source: ParsedSource, body: bytes) -> list[Node]:
    """Return the statements of a body, whatever its indentation; rows are those of the body."""
    root = source.language.parse(body)
    nodes = root.named_children
    return nodes[0].named_children if len(nodes) == 1 and nodes[0].type == "block" else nodes


def strip_decorators(node: Node) -> Node:
    """Return a definition without its decorators; any other statement as it is."""
    inner = node.child_by_field_name("definition")
    return node if inner is None else inner


def is_string(source: ParsedSource, node: Node) -> bool:
    """Say whether a statement is a string alone."""
    only = node.named_children
    return source.word(node) == "statement" and len(only) == 1 and source.word(only[0]) == "string"


def reindent_body(source: ParsedSource, body: bytes, indent: bytes) -> bytes:
    """Give a body another indentation; lines that begin within a text stay as they are.

    Those of a docstring move with the code.
    """
    own = indent_of(body)
    texts, docstrings = string_rows(source, body)
    found = []
    for row, line in enumerate(split_lines(body)):
        if row in texts or (row in docstrings and not line.startswith(own)):
            found.append(line)
        elif not line.strip():
            found.append(b"\n")
        elif line.startswith(own):
            found.append(indent + line[len(own) :])
        else:
            raise EditsRefused("not-a-body", "a line is indented less than the first")
    return b"".join(found)


def string_rows(source: ParsedSource, body: bytes) -> tuple[set[int], set[int]]:
    """Return the rows that begin within a text, and within a string that stands alone."""
    texts: set[int] = set()
    docstrings: set[int] = set()
    stack = [source.language.parse(body)]
    while stack:
        node = stack.pop()
        if source.word(node) == "string":
            alone = node.parent is not None and is_string(source, node.parent)
            rows = range(node.start_point.row + 1, node.end_point.row + 1)
            (docstrings if alone else texts).update(rows)
        else:
            stack += node.named_children
    return texts, docstrings
