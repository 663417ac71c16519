"""A name that is never thought of: it goes with all that leans on it, in several places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tree_sitter import Node

from mutators.base.forgotten_names import LITERALS, Forgetting
from mutators.base.leftovers import Tidying, at_top
from mutators.base.operator import NOT_POSITIONAL, ParsedSource, Scattered, arguments, operands
from mutators.base.uses import around, binds, find_own_attributes, imports, inside, named_in, uses
from mutators.operators.classes import is_special
from syntax.languages import Word
from syntax.splices import Splices

MOST_USES = 12
"""A name with more uses is no small idea that somebody may forget."""
MOST_OF_MODULE = 6
"""The same for a name of the whole module."""
FOUND = frozenset({"default_parameter", "typed_default_parameter"})


def find_scattered_change(found: Forgetting) -> Iterator[Splices]:
    """Yield a change, if there is one and it is in several places."""
    change = found.changes()
    if change is not None and len(change) > 1:
        yield change


class ForgetParameter(Scattered):
    """``def f(a, strict=False)`` becomes ``def f(a)``, as if strictness had not been thought of."""

    name: ClassVar[str] = "forget-parameter"
    description: ClassVar[str] = "forget an optional parameter, and what depends on it"
    words: ClassVar[tuple[Word, ...]] = ("function",)

    def changes(self, node: Node, source: ParsedSource) -> Iterator[Splices]:
        parameters, body = (node.child_by_field_name(n) for n in ("parameters", "body"))
        if parameters is None or body is None:
            return
        for parameter in operands(parameters):
            name, value = (parameter.child_by_field_name(n) for n in ("name", "value"))
            if parameter.type not in FOUND or name is None or value is None:
                continue
            read = first_value(source.code(name), body, source)
            if not read or len(read) > MOST_USES:
                continue
            found = Forgetting.of(source)
            found.erasure.erase_item(parameter)
            for keyword in find_keyword_arguments(node, source.code(name), source):
                found.erasure.erase_item(keyword)
            literal = source.code(value) if value.type in LITERALS else None
            for use in read:
                found.remove_value(use, literal)
            if not is_passed_by_position(node, parameter, source):
                yield from find_scattered_change(found)


def first_value(name: bytes, body: Node, source: ParsedSource) -> list[Node]:
    """Where a body reads what it was given for a parameter, up to where it gets another value."""
    found = inside(uses(source).names.get(name, []), body)
    again = next((node for node in found if binds(node)), None)
    if again is None or again.parent is None:
        return found
    end = again.parent.end_byte
    return [node for node in found if node.start_byte < end and not binds(node)]


def find_keyword_arguments(function: Node, name: bytes, source: ParsedSource) -> list[Node]:
    """The keyword arguments by which the file hands a parameter to a function."""
    names = called_as(function, source)
    return [
        keyword
        for keyword in uses(source).keywords.get(name, [])
        if (call := around(keyword, source, "call")) is not None and callee(call, source) in names
    ]


def called_as(function: Node, source: ParsedSource) -> set[bytes]:
    """The names that a function is called by."""
    name = function.child_by_field_name("name")
    found = {source.code(name)} if name is not None else set()
    owner = around(function, source, "class", "function")
    of_class = owner.child_by_field_name("name") if owner is not None else None
    if found == {b"__init__"} and of_class is not None:
        return {source.code(of_class), b"__init__", b"cls"}
    return found


def callee(call: Node, source: ParsedSource) -> bytes:
    """The last name of what is called."""
    function = call.child_by_field_name("function")
    if function is not None and function.type == "attribute":
        function = function.child_by_field_name("attribute")
    return source.code(function) if function is not None else b""


def is_passed_by_position(function: Node, parameter: Node, source: ParsedSource) -> bool:
    """Say whether the file hands a parameter, or one after it, to a function by its place."""
    parameters = parameter.parent
    if parameters is None:
        return True
    parts = [p for p in operands(parameters) if p.type != "positional_separator"]
    place = parts.index(parameter)
    if any(p.type in ("keyword_separator", "list_splat_pattern") for p in parts[:place]):
        return False
    if source.code(parts[0]) in (b"self", b"cls"):
        place -= 1
    for name in called_as(function, source):
        for node in [*uses(source).names.get(name, []), *uses(source).attributes.get(name, [])]:
            call = node.parent
            if call is not None and call.type == "call" and reaches(call, node, place):
                return True
    return False


def reaches(call: Node, function: Node, place: int) -> bool:
    """Say whether a call hands on so many arguments by place."""
    if call.child_by_field_name("function") != function:
        return False
    items = arguments(call)
    plain = [item for item in items if item.type not in NOT_POSITIONAL]
    return len(plain) > place or any(item.type == "list_splat" for item in items)


class ForgetAttribute(Scattered):
    """``self.closed = False`` goes from a class, and all that asks whether it is closed."""

    name: ClassVar[str] = "forget-attribute"
    description: ClassVar[str] = "forget an attribute of a class, and what depends on it"
    words: ClassVar[tuple[Word, ...]] = ("class",)

    def changes(self, node: Node, source: ParsedSource) -> Iterator[Splices]:
        names = dict.fromkeys(
            source.code(target.children[-1])
            for target in inside(attributes_of_self(source), node)
            if binds(target) and around(target, source, "class") == node
        )
        for name in names:
            found = find_own_attributes(name, node, source)
            if 1 < len(found) <= MOST_USES and len(found) == len(uses(source).attributes[name]):
                yield from find_scattered_change(without_attribute(found, source))


def attributes_of_self(source: ParsedSource) -> list[Node]:
    """Every attribute of ``self`` in a file."""
    found = source.notes.get("attributes of self")
    if not isinstance(found, list):
        nodes = [node for nodes in uses(source).attributes.values() for node in nodes]
        found = [node for node in nodes if source.code(node).startswith(b"self.")]
        source.notes["attributes of self"] = found
    return found


def without_attribute(found: list[Node], source: ParsedSource) -> Forgetting:
    """Forget an attribute: it never has another value than its first."""
    result = Forgetting.of(source)
    bound = [node for node in found if binds(node)]
    value = bound[0].parent.child_by_field_name("right") if bound[0].parent is not None else None
    literal = source.code(value) if value is not None and value.type in LITERALS else None
    for node in bound:
        result.remove_value(node)
    for node in found:
        result.remove_value(node, literal)
    return result


class ForgetVariable(Scattered):
    """``extra = pad(width)`` goes from a function, and what is computed from it."""

    name: ClassVar[str] = "forget-variable"
    description: ClassVar[str] = "forget a variable of a function, and what depends on it"
    words: ClassVar[tuple[Word, ...]] = ("function",)

    def changes(self, node: Node, source: ParsedSource) -> Iterator[Splices]:
        body = node.child_by_field_name("body")
        if body is None:
            return
        for name in dict.fromkeys(find_assigned_names(body, source)):
            found = named_in(name, node, source)
            if 1 < len(found) <= MOST_USES:
                result = Forgetting.of(source)
                for use in [n for n in found if binds(n)]:
                    result.remove_value(use)
                for use in found:
                    result.remove_value(use)
                yield from find_scattered_change(result)


def find_assigned_names(body: Node, source: ParsedSource) -> Iterator[bytes]:
    """The names that the statements of a body assign, those of inner functions left out."""
    waiting = [body]
    while waiting:
        node = waiting.pop()
        if node.type == "assignment":
            target = node.child_by_field_name("left")
            if target is not None and target.type == "identifier":
                yield source.code(target)
        elif source.word(node) not in ("function", "class"):
            waiting += reversed(node.named_children)


class ForgetHelper(Scattered):
    """``def _escape(text): …`` goes, and ``_escape(name)`` becomes ``name``."""

    name: ClassVar[str] = "forget-helper"
    description: ClassVar[str] = "forget a helper, and use what it prepared as it is"
    words: ClassVar[tuple[Word, ...]] = ("function",)

    def changes(self, node: Node, source: ParsedSource) -> Iterator[Splices]:
        label = node.child_by_field_name("name")
        name = source.code(label) if label is not None else b""
        if not name.startswith(b"_") or is_special(name) or node.parent is None:
            return
        if node.parent.type == "decorated_definition":
            return
        owner = around(node, source, "class", "function")
        if owner is None:
            found = [n for n in uses(source).names.get(name, []) if n != label]
        elif owner.type == "class_definition":
            found = find_own_attributes(name, owner, source)
            if len(found) != len(uses(source).attributes.get(name, [])):
                return
        else:
            return
        found = [n for n in found if not node.start_byte <= n.start_byte < node.end_byte]
        if found and len(found) <= MOST_OF_MODULE and quote_name(name) not in source.text.data:
            result = Forgetting.of(source)
            result.erasure.erase_statement(node)
            for use in found:
                result.remove_value(use)
            yield from find_scattered_change(result)


def quote_name(name: bytes) -> bytes:
    """A name as a text, as lists of public names hold it."""
    return b'"%s"' % name


class ForgetConstant(Scattered):
    """``_LIMIT = 80`` goes from a module, and what depends on it."""

    name: ClassVar[str] = "forget-constant"
    description: ClassVar[str] = "forget a private constant of a module, and what depends on it"
    words: ClassVar[tuple[Word, ...]] = ("assignment",)

    def changes(self, node: Node, source: ParsedSource) -> Iterator[Splices]:
        target, statement = node.child_by_field_name("left"), node.parent
        if target is None or target.type != "identifier" or statement is None:
            return
        name = source.code(target)
        if not at_top(statement) or not name.startswith(b"_") or is_special(name):
            return
        found = [n for n in uses(source).names.get(name, []) if n != target]
        if not found or len(found) > MOST_OF_MODULE or any(binds(n) for n in found):
            return
        result = Forgetting.of(source)
        result.erasure.erase_statement(statement)
        for use in found:
            result.remove_value(use)
        yield from find_scattered_change(result)


class ForgetImport(Scattered):
    """``from html import escape`` goes, and ``escape(text)`` becomes ``text``."""

    name: ClassVar[str] = "forget-import"
    description: ClassVar[str] = "forget a name that is imported, and what depends on it"
    words: ClassVar[tuple[Word, ...]] = ("import",)

    def changes(self, node: Node, source: ParsedSource) -> Iterator[Splices]:
        if not at_top(node) or source.path.endswith("__init__.py"):
            return
        for name, part, statement in imports(source):
            if statement != node or quote_name(name) in source.text.data:
                continue
            found = [n for n in uses(source).names.get(name, []) if not is_in(n, statement)]
            if not found or len(found) > MOST_OF_MODULE or any(binds(n) for n in found):
                continue
            result = Forgetting.of(source, modules=True)
            Tidying(source, result.erasure).take_import(part, statement)
            for use in found:
                result.remove_value(use)
            yield from find_scattered_change(result)


def is_in(node: Node, around: Node) -> bool:
    """Say whether a node lies in another."""
    return around.start_byte <= node.start_byte and node.end_byte <= around.end_byte


class ForgetKeyword(Scattered):
    """``strict=strict`` goes from each call of ``parse`` in a file."""

    name: ClassVar[str] = "forget-keyword"
    description: ClassVar[str] = "forget to hand on a keyword argument, at each call"
    words: ClassVar[tuple[Word, ...]] = ("keyword",)

    def changes(self, node: Node, source: ParsedSource) -> Iterator[Splices]:
        name, call = node.child_by_field_name("name"), around(node, source, "call")
        if name is None or call is None:
            return
        wanted = callee(call, source)
        found = [
            each
            for each in uses(source).keywords.get(source.code(name), [])
            if (own_call := around(each, source, "call")) is not None
            and callee(own_call, source) == wanted
        ]
        if found and found[0] == node and 1 < len(found) <= MOST_USES:
            result = Forgetting.of(source)
            for each in found:
                result.erasure.erase_item(each)
            yield from find_scattered_change(result)
