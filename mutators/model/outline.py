"""What is told of a repository and of a file to all who ask about it: the part that is cached.

No body of a function is ever part of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tree_sitter import Node

from llm.marks import data
from mutators.base.operator import ParsedSource
from mutators.model.definitions import Definition, definitions
from mutators.model.neighbours import lines_of, signature
from mutators.model.project import ProjectView
from syntax.patches import decode

MODULES_LIMIT = 6000
INTERFACE_LIMIT = 16_000
FILE_LIMIT = 24_000
STATEMENT_LIMIT = 600
"""Characters up to which a statement of a module is shown whole."""
WORD = re.compile(rb"\w+")
IMPORTING = frozenset({b"from", b"import", b"as"})


def modules(project: ProjectView) -> str:
    """Return the files of a repository with the first line of what each says of itself."""
    return format_section(
        "The project's files:", join_within_limit(map_lines(project), MODULES_LIMIT)
    )


def map_lines(project: ProjectView) -> Iterator[str]:
    """Yield a line for each file."""
    for path in project.files:
        text = next(iter(lines_of(decode(read_docstring(project.source(path))))), "")
        yield f"{path}: {text}" if text else path


def interface(project: ProjectView) -> str:
    """Return the files of a repository with the signatures that others may use."""
    return format_section(
        "The project's interface:", join_within_limit(interface_lines(project), INTERFACE_LIMIT)
    )


def interface_lines(project: ProjectView) -> Iterator[str]:
    """Yield a line for each file and for each public function and class."""
    for line, path in zip(map_lines(project), project.files, strict=True):
        yield f"# {line}"
        for each in project.definitions(path):
            if not any(part.startswith("_") for part in each.name.split(".")):
                indent = "    " * each.name.count(".")
                lines = decode(each.head).split("\n")
                yield indent + " ".join(line.strip() for line in lines)


def surface(source: ParsedSource, users: Collection[Definition]) -> str:
    """Return the imports and names of a file that some definitions use; nothing else of it."""
    used = {word for each in users for word in WORD.findall(each.code)}
    shown = [
        statement(source, node)
        for node in list_loose_statements(source)
        if find_bound_names(source, node) & used
    ]
    return format_section("What the file imports and names:", join_within_limit(shown, FILE_LIMIT))


def skeleton(source: ParsedSource) -> str:
    """Return a file without the bodies of its functions."""
    heads: list[tuple[int, str]] = [
        (n.start_byte, statement(source, n)) for n in list_loose_statements(source)
    ]
    for each in definitions(source):
        heads.append((each.start, describe_definition(each)))
        if each.is_class and each.body is not None:
            inner = [n for n in each.body.named_children if is_loose(source, n)]
            heads += [
                (n.start_byte, statement(source, n, decode(source.indent(n))))
                for n in inner
                if n != (each.docstring.parent if each.docstring else None)
            ]
    found = [text for _, text in sorted(heads)]
    return format_section(
        "The file, without the bodies of its functions:",
        join_within_limit([f"# {source.path}", *found], FILE_LIMIT),
    )


def describe_definition(definition: Definition) -> str:
    """Return a head with what its docstring says first."""
    return signature(definition) + ("" if definition.is_class else " ...")


def list_loose_statements(source: ParsedSource) -> Iterator[Node]:
    """Yield the statements of a module that define no function or class."""
    own = source.root.named_children
    first = own[0] if own and read_docstring(source) else None
    yield from (n for n in own if n != first and is_loose(source, n))


def is_loose(source: ParsedSource, node: Node) -> bool:
    """Say whether a statement holds no definition, and is no comment."""
    stack = [node]
    while stack:
        found = stack.pop()
        if source.word(found) in ("function", "class"):
            return False
        stack += found.named_children
    return node.type != "comment"


def statement(source: ParsedSource, node: Node, indent: str = "") -> str:
    """Return a statement, or its beginning where it is long."""
    text = decode(source.code(node))
    whole = len(text) <= STATEMENT_LIMIT
    return indent + (text if whole else f"{text[:STATEMENT_LIMIT].splitlines()[0]} ...")


def find_bound_names(source: ParsedSource, node: Node) -> set[bytes]:
    """Return the names that a statement may give to a module: by an import or an assignment."""
    found: set[bytes] = set()
    stack = [node]
    while stack:
        inner = stack.pop()
        if "import" in inner.type:
            found |= {*WORD.findall(source.code(inner))} - IMPORTING
        elif source.word(inner) in ("assignment", "augmented"):
            left = inner.child_by_field_name("left")
            found |= {*WORD.findall(source.code(left))} if left is not None else set()
        else:
            stack += inner.named_children
    return found


def read_docstring(source: ParsedSource) -> bytes:
    """Return what a file says of itself."""
    first = next((c for c in source.root.named_children if c.type != "comment"), None)
    if first is None or source.word(first) != "statement" or len(first.named_children) != 1:
        return b""
    only = first.named_children[0]
    return source.code(only) if source.word(only) == "string" else b""


def join_within_limit(lines: Iterator[str] | list[str], limit: int) -> str:
    """Join lines up to a number of characters; the last line says where some are left out."""
    found: list[str] = []
    for line in lines:
        limit -= len(line) + 1
        if limit < 0:
            found.append("...")
            break
        found.append(line)
    return "\n".join(found)


def format_section(heading: str, text: str) -> str:
    """Return a text under its heading, as data. A path is a name that others chose."""
    return f"{heading}\n{data(text)}" if text else ""
