"""Who calls whom, cheaply: by the names in the syntax trees, without running or resolving a thing.

A name that many functions bear tells nothing, and is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tree_sitter import Node

from mutators.base.operator import ParsedSource
from syntax.languages import language_of

MOST_BEARERS = 3
"""A name that more functions bear is no evidence of a call."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function with the names that it calls."""

    path: str
    name: str
    """Qualified inside the file, as ``Class.method``."""
    start: int
    end: int
    calls: frozenset[str]

    @property
    def plain_name(self) -> str:
        """What a call names it by: a class, where it is the one that makes its objects."""
        parts = self.name.split(".")
        return parts[-2] if parts[-1] in ("__init__", "__new__") and parts[1:] else parts[-1]


@dataclass(slots=True)
class CallGraph:
    """The functions of some files, and which of them seem to call which."""

    functions: dict[str, list[Function]] = field(default_factory=dict)
    """Of each file, in the order of their starts."""
    _bearers: dict[str, list[Function]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> CallGraph:
        """Read files; those of no known language have no functions."""
        found = cls()
        for path in sorted(files):
            language = language_of(path)
            if language is None:
                continue
            found.functions[path] = sorted(
                functions(ParsedSource.of(path, files[path], language)), key=lambda each: each.start
            )
            for function in found.functions[path]:
                found._bearers[function.plain_name].append(function)
        return found

    def around(self, path: str, place: int) -> Function | None:
        """The innermost function around a place of a file."""
        inside = [each for each in self.functions.get(path, ()) if each.start <= place < each.end]
        return inside[-1] if inside else None

    def called_by(self, function: Function) -> list[Function]:
        """The functions that one seems to call, itself left out."""
        found = []
        for name in sorted(function.calls):
            bearers = self._bearers.get(name, [])
            if len(bearers) <= MOST_BEARERS:
                found += [bearer for bearer in bearers if bearer != function]
        return found


def functions(source: ParsedSource) -> Iterator[Function]:
    """Yield the functions of a file; what a nested one calls is its outer one's too."""
    stack = [(source.root, "")]
    while stack:
        node, around = stack.pop()
        word = source.word(node)
        if word in ("function", "class"):
            name = node.child_by_field_name("name")
            own = source.code(name).decode("utf-8", "replace") if name is not None else "?"
            around = f"{around}.{own}" if around else own
        if word == "function":
            calls = frozenset(called_names(node, source))
            yield Function(source.path, around, node.start_byte, node.end_byte, calls)
        stack += [(child, around) for child in node.named_children]


def called_names(node: Node, source: ParsedSource) -> Iterator[str]:
    """Yield the last part of each name that is called, or handed on as it is, within a node."""
    waiting = list(node.named_children)
    while waiting:
        found = waiting.pop()
        waiting += found.named_children
        if source.word(found) != "call":
            continue
        function = found.child_by_field_name("function")
        if function is not None and function.type == "attribute":
            function = function.child_by_field_name("attribute")
        if function is not None and function.type == "identifier":
            yield source.code(function).decode("utf-8", "replace")
