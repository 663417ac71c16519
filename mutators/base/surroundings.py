"""What a file offers to a mistake: names in scope, sibling attributes and keys, and their kinds.

A kind is guessed from how a name is used: what is added to a number is a number, what is stripped
is text. Names of one kind can be mistaken for one another without the code looking odd.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from mutators.base.likeness import likeness
from mutators.base.operator import ParsedSource
from mutators.base.traits import STRONG, traits_of, traits_of_value

NAMES_OF_OBJECTS = frozenset({b"self", b"cls", b"_", b"__class__"})
PARAMETERS = {
    "identifier": None,
    "default_parameter": "name",
    "typed_default_parameter": "name",
    "typed_parameter": None,
    "list_splat_pattern": None,
    "dictionary_splat_pattern": None,
}
PATTERNS = frozenset(
    {"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "as_pattern_target"}
)
OWN_SCOPE = frozenset(
    {
        "list_comprehension",
        "set_comprehension",
        "dictionary_comprehension",
        "generator_expression",
        "lambda",
    }
)
NO_NAMES = frozenset(
    {"type", "import_statement", "import_from_statement", "future_import_statement"}
    | {"global_statement", "nonlocal_statement", "delete_statement"}
)


@dataclass(eq=False, slots=True)
class Scope:
    """A function or the module: where its names hold a value, and what each is used for."""

    bound: dict[bytes, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    traits: dict[bytes, set[str]] = field(default_factory=lambda: defaultdict(set))
    hidden: set[bytes] = field(default_factory=set)
    """Names of comprehensions and lambdas within, and those that are global."""

    def at(self, place: int) -> list[bytes]:
        """The names that hold a value at a place."""
        return [
            name
            for name, ranges in self.bound.items()
            if name not in self.hidden and any(low <= place < high for low, high in ranges)
        ]


@dataclass(eq=False, slots=True)
class Surroundings:
    """One file's names, attributes and keys."""

    reads: dict[int, Scope] = field(default_factory=dict)
    """From the id of a name that is read, to the scope it is read in."""
    members: dict[bytes, dict[bytes, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    """From an object (``self`` with the place of its class) to its attributes and their traits."""
    keys: dict[bytes, dict[bytes, int]] = field(default_factory=lambda: defaultdict(dict))
    """From an object to the text keys it is asked for, with the place of the first."""
    methods: dict[int, dict[bytes, int]] = field(default_factory=dict)
    """From where a class starts to its methods, each with the number of its parameters."""
    classes: list[tuple[int, int]] = field(default_factory=list)
    """Where each class starts and ends, in order of their starts."""

    def class_at(self, place: int) -> int:
        """Where the innermost class around a place starts; -1 for none."""
        at = bisect_right(self.classes, (place, 1 << 60)) - 1
        while at >= 0 and self.classes[at][1] <= place:
            at -= 1
        return self.classes[at][0] if at >= 0 else -1

    def object_key(self, code: bytes, place: int) -> bytes:
        """What an object is known by: ``self`` is another one in each class."""
        first = code.split(b".")[0]
        return b"%d:%s" % (self.class_at(place), code) if first in NAMES_OF_OBJECTS else code


def surroundings(source: ParsedSource) -> Surroundings:
    """Read a file once, for all operators that ask."""
    found = source.notes.get("surroundings")
    if not isinstance(found, Surroundings):
        found = SurroundingsReader(source).read_surroundings()
        source.notes["surroundings"] = found
    return found


@dataclass(frozen=True, slots=True)
class Step:
    """A node on the way through the file, with what is around it."""

    node: Node
    role: str | None
    """Its field in the parent."""
    parent: Node | None
    scope: Scope
    end: int
    """Where the block it lies in ends."""


class SurroundingsReader:
    """Walks over a file once."""

    def __init__(self, source: ParsedSource) -> None:
        self._source = source
        self._found = Surroundings()

    def read_surroundings(self) -> Surroundings:
        """Return what the file offers."""
        root = self._source.root
        steps = [Step(root, None, None, Scope(), root.end_byte)]
        while steps:
            step = steps.pop()
            if step.node.type not in NO_NAMES:
                steps += reversed(list(self._enter(step)))
        return self._found

    def _enter(self, step: Step) -> Iterator[Step]:
        node, scope = step.node, step.scope
        kind = node.type
        if kind == "function_definition":
            scope = self._function(node)
        elif kind == "class_definition":
            self._class(node)
        elif kind == "identifier":
            self._name(step)
        elif kind == "attribute":
            self._attribute(step)
        elif kind == "string":
            self._key(step)
        elif kind in ("assignment", "augmented_assignment", "named_expression"):
            self._bind(node.child_by_field_name("left") or node.child_by_field_name("name"), step)
        elif kind in ("for_statement", "for_in_clause"):
            self._bind(node.child_by_field_name("left"), step)
        elif kind == "as_pattern_target":
            self._bind(node, step)
        elif kind == "lambda":
            parameters = node.child_by_field_name("parameters")
            scope.hidden.update(targets(parameters, self._source) if parameters else ())
        end = node.end_byte if kind == "block" else step.end
        for number, child in enumerate(node.children):
            if child.is_named:
                yield Step(child, node.field_name_for_child(number), node, scope, end)

    def _function(self, node: Node) -> Scope:
        scope = Scope()
        body, parameters = (node.child_by_field_name(n) for n in ("body", "parameters"))
        for child in parameters.named_children if parameters and body else ():
            for name in targets(child, self._source):
                if name not in NAMES_OF_OBJECTS and body is not None:
                    scope.bound[name].append((body.start_byte, body.end_byte))
                    annotation = child.child_by_field_name("type")
                    if annotation is not None:
                        code = self._source.code(annotation).decode("utf-8", "replace")
                        scope.traits[name].add(f"type:{code}")
                    value = child.child_by_field_name("value")
                    scope.traits[name] |= traits_of_value(value, self._source) if value else set()
        return scope

    def _class(self, node: Node) -> None:
        self._found.classes.append((node.start_byte, node.end_byte))
        found = self._found.methods.setdefault(node.start_byte, {})
        body = node.child_by_field_name("body")
        for child in body.named_children if body else ():
            name, parameters = (child.child_by_field_name(n) for n in ("name", "parameters"))
            if child.type == "function_definition" and name and parameters:
                found[self._source.code(name)] = parameters.named_child_count

    def _bind(self, target: Node | None, step: Step) -> None:
        """Note the names that a statement binds, and from where on they hold a value."""
        node = step.node
        if target is None or node.type == "augmented_assignment":
            return
        names = targets(target, self._source)
        if node.type == "for_in_clause":
            step.scope.hidden.update(names)
            return
        body = node.child_by_field_name("body") if node.type == "for_statement" else None
        span = (body.start_byte, body.end_byte) if body else (node.end_byte, step.end)
        for name in names:
            if name not in NAMES_OF_OBJECTS:
                step.scope.bound[name].append(span)
        if len(names) == 1 and target.type == "identifier":
            value = node.child_by_field_name("right") or node.child_by_field_name("value")
            if value is not None and node.type != "for_statement":
                step.scope.traits[names[0]] |= traits_of_value(value, self._source)

    def _name(self, step: Step) -> None:
        node, parent = step.node, step.parent
        if parent is None or not reads(step):
            return
        name = self._source.code(node)
        found = traits_of(node, step.role, parent, self._source)
        step.scope.traits[name] |= found
        if "called" not in found and name not in NAMES_OF_OBJECTS:
            self._found.reads[node.id] = step.scope

    def _attribute(self, step: Step) -> None:
        node, parent = step.node, step.parent
        owner, name = (node.child_by_field_name(n) for n in ("object", "attribute"))
        if owner is None or name is None or parent is None:
            return
        if owner.type not in ("identifier", "attribute"):
            return
        key = self._found.object_key(self._source.code(owner), node.start_byte)
        found = traits_of(node, step.role, parent, self._source)
        self._found.members[key][self._source.code(name)] |= found

    def _key(self, step: Step) -> None:
        asked = key_of(step.node, step.parent, self._source)
        if asked is not None:
            owner = self._found.object_key(asked[0], step.node.start_byte)
            self._found.keys[owner].setdefault(asked[1], step.node.start_byte)


def targets(node: Node, source: ParsedSource) -> list[bytes]:
    """The plain names that a target or parameter binds."""
    if node.type == "identifier":
        return [source.code(node)]
    if node.type in ("default_parameter", "typed_default_parameter"):
        name = node.child_by_field_name("name")
        return [] if name is None else targets(name, source)
    if node.type == "typed_parameter":
        return targets(node.named_children[0], source)
    if node.type in PATTERNS | {"dictionary_splat_pattern", "lambda_parameters", "tuple"}:
        return [name for child in node.named_children for name in targets(child, source)]
    return []


def reads(step: Step) -> bool:
    """Say whether an identifier is read there, and not bound or a mere label."""
    parent, role = step.parent, step.role
    kind = parent.type if parent is not None else ""
    if kind in PATTERNS or kind in PARAMETERS or kind in ("parameters", "lambda_parameters"):
        return kind in ("default_parameter", "typed_default_parameter") and role == "value"
    if kind in ("function_definition", "class_definition", "dotted_name", "decorator"):
        return False
    if kind == "attribute":
        return role == "object"
    return role not in ("left", "name") or kind in (
        "binary_operator",
        "boolean_operator",
        "comparison_operator",
    )


ASKING = frozenset({b"get", b"pop", b"setdefault", b"has_key", b"getlist"})


def key_of(node: Node, parent: Node | None, source: ParsedSource) -> tuple[bytes, bytes] | None:
    """The object and the key, where a text is the key of an object that has a name."""
    if parent is None or node.child_count != 3 or node.children[1].type != "string_content":
        return None
    if source.code(node.children[0])[:1] not in (b'"', b"'"):
        return None
    key = source.code(node.children[1])
    owner = None
    if parent.type == "subscript":
        owner = parent.child_by_field_name("value")
    elif parent.type == "argument_list" and parent.named_children[0] == node and parent.parent:
        function = parent.parent.child_by_field_name("function")
        if function is not None and function.type == "attribute":
            name = function.child_by_field_name("attribute")
            if name is not None and source.code(name) in ASKING:
                owner = function.child_by_field_name("object")
    if owner is None or owner.type not in ("identifier", "attribute"):
        return None
    return source.code(owner), key


def same_kind(one: set[str], other: set[str]) -> int:
    """How well two sets of traits agree: 3 for a kind in common, below 0 for different ones."""
    shared = one & other
    if shared & STRONG or any(trait.startswith("type:") for trait in shared):
        return 3
    if one & STRONG and other & STRONG:
        return -3
    if shared:
        return 1
    return -2 if one and other else 0


def nearest(
    name: bytes, traits: dict[bytes, set[str]], others: list[bytes], *, least: int
) -> bytes | None:
    """The name that is most easily written for another, when there is one."""
    own = traits.get(name, set())
    scores = {
        other: same_kind(own, traits.get(other, set())) + likeness(name, other)
        for other in others
        if other != name
    }
    best = max(scores, key=lambda other: (scores[other], other), default=None)
    return best if best is not None and scores[best] >= least else None
