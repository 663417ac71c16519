"""Where a file uses each name: as a name, as an attribute, as a keyword of a call."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from tree_sitter import Language as Grammar
from tree_sitter import Node, Query, QueryCursor

from mutators.base.operator import ParsedSource

SOUGHT = """
(attribute attribute: (identifier) @attribute)
(keyword_argument name: (identifier) @keyword)
(identifier) @name
"""
PATTERNS = frozenset({"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern"})
BINDING = frozenset(
    {"parameters", "lambda_parameters", "as_pattern_target", "dictionary_splat_pattern"}
    | {"default_parameter", "typed_default_parameter", "typed_parameter", "named_expression"}
    | {"global_statement", "nonlocal_statement", "dotted_name", "aliased_import"}
    | {"function_definition", "class_definition"}
    | PATTERNS
)
"""Kinds of nodes in which a name is bound, or not meant for its value."""


@dataclass(frozen=True, slots=True)
class Uses:
    """The identifiers of a file, in the order of its text."""

    names: Mapping[bytes, list[Node]]
    """Names that stand for themselves, those that bind included."""
    attributes: Mapping[bytes, list[Node]]
    """Whole attributes, as ``self.name``, by their last name."""
    keywords: Mapping[bytes, list[Node]]
    """Whole keyword arguments, by their name."""
    starts: Sequence[int]
    """Where each name starts, in order."""
    ordered: Sequence[tuple[bytes, Node]]
    """The names that start there."""
    binding: frozenset[int]
    """The ids of the names that bind."""

    def between(self, low: int, high: int) -> Iterator[bytes]:
        """Yield the names that stand in a range."""
        for at in range(bisect_left(self.starts, low), bisect_left(self.starts, high)):
            yield self.ordered[at][0]


def uses(source: ParsedSource) -> Uses:
    """Read a file once, for all operators that ask."""
    found = source.notes.get("uses")
    if not isinstance(found, Uses):
        found = read_uses(source)
        source.notes["uses"] = found
    return found


@cache
def query(grammar: Grammar) -> Query:
    """What is looked for in a language."""
    return Query(grammar, SOUGHT)


def read_uses(source: ParsedSource) -> Uses:
    """Sort the identifiers of a file."""
    captured = QueryCursor(query(source.language.grammar)).captures(source.root)
    labels = {n.id for kind in ("attribute", "keyword") for n in captured.get(kind, ())}
    plain = [n for n in captured.get("name", ()) if n.id not in labels and not in_path(n)]
    ordered = [(source.code(n), n) for n in sorted(plain, key=lambda n: n.start_byte)]
    names: dict[bytes, list[Node]] = defaultdict(list)
    for name, node in ordered:
        names[name].append(node)
    return Uses(
        names=names,
        attributes=owners(captured.get("attribute", ()), source),
        keywords=owners(captured.get("keyword", ()), source),
        starts=[node.start_byte for _, node in ordered],
        ordered=ordered,
        binding=frozenset(node.id for _, node in ordered if binds(node)),
    )


def in_path(node: Node) -> bool:
    """Say whether a name is what is imported from, or what gets another name here."""
    path = node.parent
    if path is None or path.type != "dotted_name" or path.parent is None:
        return False
    named = path.parent.type == "aliased_import"
    return named or path.parent.child_by_field_name("module_name") == path


def owners(labels: Iterable[Node], source: ParsedSource) -> dict[bytes, list[Node]]:
    """The nodes that labels are part of, by label."""
    found: dict[bytes, list[Node]] = defaultdict(list)
    for label in sorted(labels, key=lambda n: n.start_byte):
        if label.parent is not None:
            found[source.code(label)].append(label.parent)
    return found


def inside(nodes: list[Node], around: Node) -> list[Node]:
    """Those of some nodes that lie in another."""
    return [n for n in nodes if around.start_byte <= n.start_byte and n.end_byte <= around.end_byte]


def binds(node: Node) -> bool:
    """Say whether a name or attribute is bound where it stands, and not read."""
    parent = node.parent
    if parent is None:
        return False
    if parent.type in ("assignment", "for_statement", "for_in_clause"):
        return parent.child_by_field_name("left") == node
    if parent.type in ("default_parameter", "typed_default_parameter"):
        return parent.child_by_field_name("value") != node
    if parent.type == "named_expression":
        return parent.child_by_field_name("name") == node
    return parent.type in BINDING


def named_in(name: bytes, function: Node, source: ParsedSource) -> list[Node]:
    """Where a name stands in a scope, the name of the scope itself left out."""
    label = function.child_by_field_name("name")
    return [n for n in inside(uses(source).names.get(name, []), function) if n != label]


def find_own_attributes(name: bytes, around: Node, source: ParsedSource) -> list[Node]:
    """The attributes of ``self`` of a name in a class."""
    found = inside(uses(source).attributes.get(name, []), around)
    return [n for n in found if source.code(n).startswith(b"self.") and is_plain(n)]


def is_plain(node: Node) -> bool:
    """Say whether an attribute is one of a mere name."""
    owner = node.child_by_field_name("object")
    return owner is not None and owner.type == "identifier"


def around(node: Node, source: ParsedSource, *words: str) -> Node | None:
    """The innermost node of some words that a node is in."""
    parent = node.parent
    while parent is not None and source.word(parent) not in words:
        parent = parent.parent
    return parent


Import = tuple[bytes, Node, Node]
"""The name that an import binds, with its part and its statement."""


def imports(source: ParsedSource) -> list[Import]:
    """The names that a module's own imports bind."""
    found = source.notes.get("imports")
    if not isinstance(found, list):
        found = list(read_imports(source))
        source.notes["imports"] = found
    return found


def read_imports(source: ParsedSource) -> Iterator[Import]:
    """Read the imports of a module."""
    for statement in source.root.named_children:
        if statement.type in ("import_statement", "import_from_statement"):
            for part in statement.children_by_field_name("name"):
                alias = part.child_by_field_name("alias")
                yield source.code(alias or part).split(b".")[0], part, statement
