"""Put back the examples of docstrings and texts that are tests, and leave the rest as it is."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Tuple, Union

from syntax.intake.sources import (
    DEFINITIONS,
    LINE_END,
    PythonText,
    TextEdit,
    UnreadableFile,
    statements,
)

QUOTES = re.compile(r"([a-zA-Z]*)(\"\"\"|'''|\"|')")
EXAMPLE = doctest.DocTestParser._EXAMPLE_RE  # type: ignore[attr-defined]
COMMENT = re.compile(r"[ \t]*>>>[ \t]*(#.*)?\n?$")
Examples = List[Tuple[str, str, Dict[int, bool]]]
Documented = Union[ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]


class DocumentedEntity(NamedTuple):
    """A definition, or the module, with its docstring."""

    node: Documented
    literal: ast.expr | None
    doc: str


def restore_examples(
    data: bytes, reference: bytes, entities: Optional[FrozenSet[str]]
) -> tuple[bytes, list[str]]:
    """Return a Python file with the examples of docstrings as in the reference, and whose they are.

    ``entities`` are the qualified names whose examples are tests, None for all. What the
    reference does not have gets none: it could be looked at in the place of a test. Raises
    UnreadableFile.
    """
    before, after = PythonText(reference), PythonText(data)
    old, new = definitions(before), definitions(after)
    if entities is None:
        entities = frozenset(old)
    compare_tables(before, after, entities)
    moved = {id(each) for name in entities - new.keys() for each in find_aliased(after, new, name)}
    added = {name for name in new.keys() - old.keys() if moved.isdisjoint(map(id, new[name]))}
    differing = [
        name
        for name in sorted({*entities, *added})
        if list_examples(new.get(name, [])) != list_examples(old.get(name, []))
    ]
    edits = list(overwritten_docs(before, after))
    if not differing and not edits:
        return data, []
    told = [describe_entity(name) for name in differing] or ["the docstrings that it writes over"]
    result = data
    for keep_prose in (True, False):
        for name in differing:
            edits += edits_of(before, after, old.get(name, []), new, name, keep_prose=keep_prose)
        result = after.encode(edits)
        if all(is_restored(result, old, name) for name in differing if name in new):
            return result, told
        edits = list(overwritten_docs(before, after))
    raise UnreadableFile("its examples cannot be put back alone")


def restore_text(data: bytes, reference: bytes) -> tuple[bytes, list[str]]:
    """Return a text with the examples of the reference in the place of its own."""
    try:
        old, new = reference.decode("utf-8"), data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFile("it is not UTF-8") from error
    if examples_in(old) == examples_in(new):
        return data, []
    first = LINE_END.search(new)
    joined = replace_blocks(new, list(blocks(old)))
    result = LINE_END.sub("\n", joined).replace("\n", first.group() if first else "\n")
    if examples_in(result) != examples_in(old):
        raise UnreadableFile("its examples cannot be put back alone")
    return result.encode("utf-8"), ["its examples"]


def describe_entity(name: str) -> str:
    """Name what has the examples."""
    return f"the examples of {name}" if name else "the module's examples"


def definitions(source: PythonText) -> dict[str, list[DocumentedEntity]]:
    """Return the module and its definitions by qualified name, several of one name in order."""
    found: dict[str, list[DocumentedEntity]] = {"": [definition_of(source.tree)]}
    waiting: list[tuple[str, ast.AST]] = [("", source.tree)]
    while waiting:
        around, scope = waiting.pop()
        for each, _ in statements(scope):
            if isinstance(each, DEFINITIONS):
                name = f"{around}.{each.name}" if around else each.name
                found.setdefault(name, []).append(definition_of(each))
                if isinstance(each, ast.ClassDef):
                    waiting.append((name, each))
    return found


def definition_of(node: Documented) -> DocumentedEntity:
    """Read a definition's docstring."""
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        value = first.value.value
        if isinstance(value, str):
            return DocumentedEntity(node, first.value, value)
    return DocumentedEntity(node, None, "")


def list_examples(found: list[DocumentedEntity]) -> list[Examples]:
    """Return the examples of each definition that has some."""
    return [some for each in found if (some := examples_in(each.doc))]


def examples_in(text: str) -> Examples:
    """Return the examples of a text: source, expected output and options."""
    try:
        found = doctest.DocTestParser().get_examples(LINE_END.sub("\n", text))
    except ValueError:
        return [(text, "", {})]
    return [(each.source, each.want, each.options) for each in found]


def blocks(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each example of a text stands, and its lines."""
    for match in EXAMPLE.finditer(text.replace("\r\n", " \n")):
        lines = text[match.start() : match.end()]
        if not COMMENT.match(LINE_END.sub("\n", lines)):
            yield match.start(), match.end(), lines


def replace_blocks(text: str, wanted: list[tuple[int, int, str]]) -> str:
    """Return a text with other examples in the place of its own."""
    own = list(blocks(text))
    lines = [code if code.endswith(("\n", "\r")) else code + "\n" for _, _, code in wanted]
    if len(own) != len(lines):
        joined = "\n".join(lines)
        if not own:
            return f"{text.rstrip()}\n\n{joined}{text[len(text.rstrip()) :].strip(' ')}"
        lines = [joined, *([""] * (len(own) - 1))]
    for (start, end, code), new in sorted(zip(own, lines), reverse=True):
        open_ended = bool(new) and not code.endswith(("\n", "\r"))
        text = text[:start] + (new.rstrip("\r\n") if open_ended else new) + text[end:]
    return text


def edits_of(
    before: PythonText,
    after: PythonText,
    old: list[DocumentedEntity],
    new: Mapping[str, list[DocumentedEntity]],
    name: str,
    *,
    keep_prose: bool,
) -> Iterator[TextEdit]:
    """Yield what puts the examples of one name back: in its docstring, or with all of it."""
    kept = next((each for each in old if examples_in(each.doc)), None)
    found = new.get(name) or find_aliased(after, new, name)
    holders = [each for each in found if examples_in(each.doc)] or found[-1:]
    for each in holders:
        if each.literal is None:
            if kept is not None:
                yield insert_docstring(before, after, each, kept)
            continue
        start, end = after.span(each.literal)
        wanted = "" if kept is None else literal_text(before, kept)
        if keep_prose or kept is None:
            body = "" if kept is None else body_of(wanted)[1]
            opening, own, closing = body_of(after.text[start:end])
            text = opening + replace_blocks(own, list(blocks(body))) + closing
            yield TextEdit(start, end, text)
        else:
            yield TextEdit(start, end, wanted)


def find_aliased(
    after: PythonText, new: Mapping[str, list[DocumentedEntity]], name: str
) -> list[DocumentedEntity]:
    """Return the definition that stands under another name, where a name is only assigned."""
    for each in after.tree.body:
        if not isinstance(each, ast.Assign) or not isinstance(each.value, ast.Name):
            continue
        if any(isinstance(target, ast.Name) and target.id == name for target in each.targets):
            return list(new.get(each.value.id, []))
    return []


def literal_text(source: PythonText, found: DocumentedEntity) -> str:
    """Return a docstring as it is written."""
    assert found.literal is not None
    start, end = source.span(found.literal)
    return source.text[start:end]


def body_of(literal: str) -> tuple[str, str, str]:
    """Split a string as it is written: what opens it, its text, what closes it."""
    match = QUOTES.match(literal)
    if match is None:
        raise UnreadableFile("a docstring is no plain string")
    quote = match.group(2)
    return match.group(), literal[match.end() : -len(quote)], quote


def insert_docstring(
    before: PythonText, after: PythonText, found: DocumentedEntity, kept: DocumentedEntity
) -> TextEdit:
    """Write a docstring that was taken out."""
    literal = literal_text(before, kept)
    if isinstance(found.node, ast.Module):
        return TextEdit(0, 0, literal + "\n")
    first = found.node.body[0]
    start = after.starts[first.lineno - 1]
    indent = after.text[start : after.offset(first.lineno, first.col_offset)]
    if indent.strip() or getattr(first, "decorator_list", None):
        raise UnreadableFile("a docstring was taken out where none can be put in")
    return TextEdit(start, start, f"{indent}{literal}\n")


def is_restored(data: bytes, old: Mapping[str, list[DocumentedEntity]], name: str) -> bool:
    """Say whether all that has examples under a name has those of the reference."""
    try:
        found = list_examples(definitions(PythonText(data)).get(name, []))
    except UnreadableFile:
        return False
    wanted = list_examples(old.get(name, []))
    return found == wanted or (bool(wanted) and all(each == wanted[0] for each in found))


def overwritten_docs(before: PythonText, after: PythonText) -> Iterator[TextEdit]:
    """Yield what takes out assignments to ``__doc__`` that the reference does not have."""
    known = {before.code(node) for node in doc_writers(before)}
    for node in doc_writers(after):
        if after.code(node) not in known:
            yield TextEdit(*after.span(node), "pass")


def doc_writers(source: PythonText) -> Iterator[ast.stmt]:
    """Yield the assignments to a docstring, wherever they stand."""
    for node in ast.walk(source.tree):
        if (isinstance(node, ast.Assign) and any(is_doc(target) for target in node.targets)) or (
            isinstance(node, (ast.AugAssign, ast.AnnAssign)) and is_doc(node.target)
        ):
            yield node


def is_doc(target: ast.expr) -> bool:
    """Say whether a target is a docstring."""
    if isinstance(target, ast.Attribute):
        return target.attr == "__doc__"
    return isinstance(target, ast.Name) and target.id == "__doc__"


def compare_tables(before: PythonText, after: PythonText, entities: Collection[str]) -> None:
    """Raise UnreadableFile where examples in ``__test__`` differ, which have no docstring."""
    tabled = any(name.split(".")[0] == "__test__" for name in entities)
    if tabled and tables(before) != tables(after):
        raise UnreadableFile("its __test__ was changed")


def tables(source: PythonText) -> list[str]:
    """Return what is assigned to ``__test__``."""
    return [
        ast.dump(each)
        for each, _ in statements(source.tree)
        if "__test__" in {node.id for node in ast.walk(each) if isinstance(node, ast.Name)}
    ]
