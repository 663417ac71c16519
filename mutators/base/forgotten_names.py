"""Forget a name: what a file would be had nobody ever thought of it.

A fix often adds a name (a parameter, an attribute, a helper) and leans on it in several places.
Undone, all of them go at once. That is done here by partial evaluation, after N. D. Jones, C. K.
Gomard and P. Sestoft, *Partial Evaluation and Automatic Program Generation*, 1993: a name that is
forgotten has its default for a value, or none, and what depends on it is computed away: arguments,
operands, branches, statements, and names that hold nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tree_sitter import Node

from mutators.base.erasure import Erasure
from mutators.base.leftovers import Tidying
from mutators.base.likeness import words
from mutators.base.operator import NOT_POSITIONAL, ParsedSource, arguments, operands
from mutators.base.uses import around, binds, find_own_attributes, is_plain, named_in
from syntax.splices import Splices

MOST = 24
"""Pieces that are taken out at most."""
MOST_LINES = 60
"""Lines that they come to at most."""
ASKED = frozenset(
    {"not_operator", "boolean_operator", "if_statement", "elif_clause", "while_statement"}
    | {"if_clause", "assert_statement"}
)
"""Where it matters only whether a value is true."""
THROUGH = frozenset(
    {"attribute", "subscript", "await", "unary_operator", "lambda", "parenthesized_expression"}
    | {"generator_expression", "list_comprehension", "set_comprehension", "list_splat"}
    | {"dictionary_comprehension", "slice"}
)
"""Expressions that are nothing without a part of theirs."""
STATEMENTS = frozenset(
    {"expression_statement", "augmented_assignment", "raise_statement", "assert_statement"}
    | {"delete_statement"}
)
ANSWERS = frozenset(b"is has get find load len term count make create build lookup open".split())
"""First words of helpers that give something else than what they are given."""
PREPARED = frozenset({"argument_list", "assignment", "keyword_argument", "return_statement"})
"""Where a value may be used that nothing was prepared of."""
LISTS = frozenset({"list", "set", "tuple", "dictionary"})
BOTH_WAYS = frozenset({b"+", b"*", b"|", b"&", b"^"})
FALSE = frozenset({b"None", b"False", b"0", b'""', b"''", b"()", b"[]", b"{}", b"0.0"})
LITERALS = frozenset({"none", "true", "false", "integer", "float", "string", "tuple"})
"""Values that can be written wherever a name stood: nothing is done to them in their place."""


SIMPLE = frozenset({"identifier", "attribute", "call", "subscript", "string", "integer", "float"})


@dataclass(slots=True)
class Forgetting:
    """One name being forgotten, with all that goes with it."""

    source: ParsedSource
    erasure: Erasure
    stuck: list[Node] = field(default_factory=list)
    """What cannot be taken out by itself: something around it has to be."""
    modules: bool = False
    """Whether the name may be a module's: its functions are helpers too."""

    @classmethod
    def of(cls, source: ParsedSource, *, modules: bool = False) -> Forgetting:
        """Begin with nothing."""
        return cls(source, Erasure(source), modules=modules)

    def changes(self) -> Splices | None:
        """Return what is left to be done to the file; None where something stays that cannot."""
        if any(not self.erasure.covers(node) for node in self.stuck):
            return None
        if self.erasure.size > MOST:
            return None
        tidying = Tidying(self.source, self.erasure)
        tidying.tidy()
        splices = self.erasure.splices()
        return splices if splices and self._is_small(splices) and tidying.is_sound() else None

    def _is_small(self, splices: Splices) -> bool:
        data = self.source.text.data
        return sum(data.count(b"\n", s.start, s.end) for s in splices) <= MOST_LINES

    def remove_value(self, node: Node, literal: bytes | None = None) -> None:
        """Take out a value with what depends on it; ``literal`` is what stands for it."""
        parent = node.parent
        if parent is None or self.erasure.covers(node):
            return
        if self.erasure.size > MOST:
            self.stuck.append(self.source.root)
            return
        kind, truth = parent.type, None if literal is None else literal not in FALSE
        whole = self._was_left(node)
        if whole is not None:
            self.remove_value(whole)
            return
        if kind in ASKED or (kind == "conditional_expression" and operands(parent)[1] == node):
            self.resolve_truth(node, truth)
        elif kind == "conditional_expression":
            self.erasure.keep_part(
                parent, operands(parent)[2 if operands(parent)[0] == node else 0]
            )
        elif kind == "comparison_operator":
            self._resolve_comparison(node, parent, literal)
        elif kind == "parenthesized_expression":
            self.remove_value(parent, literal)
        elif literal not in (None, b"None") and not self._hands_on(node, parent):
            self.erasure.keep_part(node, literal or b"")
        else:
            self._remove_enclosing(node, parent)

    def _was_left(self, node: Node) -> Node | None:
        """The expression that a value is all that was left of; now nothing is."""
        whole = next((n for n, left in self.erasure.becomes.values() if left == node), None)
        if whole is not None:
            del self.erasure.becomes[whole.id]
        return whole

    def _hands_on(self, node: Node, parent: Node) -> bool:
        """Say whether a value is a keyword argument of the same name."""
        name = parent.child_by_field_name("name")
        return (
            parent.type == "keyword_argument"
            and name is not None
            and self.source.code(name) == self.source.code(node)
        )

    def _remove_enclosing(self, node: Node, parent: Node) -> None:
        """Take out what a value that does not exist is part of."""
        kind, erasure = parent.type, self.erasure
        if kind in THROUGH:
            self.remove_value(parent)
        elif kind in ("keyword_argument", "pair", "dictionary_splat"):
            erasure.erase_item(parent)
        elif kind == "argument_list" and node.type in NOT_POSITIONAL:
            erasure.erase_item(node)
        elif kind == "argument_list" and parent.parent is not None:
            self.remove_value(parent.parent)
        elif kind == "call":
            self._remove_call(node, parent)
        elif kind == "binary_operator":
            self._operand(node, parent)
        elif kind in LISTS:
            erasure.erase_item(node)
        elif kind == "interpolation" and parent.parent is not None:
            self._remove_interpolation(parent, parent.parent)
        elif kind in STATEMENTS:
            self._statement(parent)
        elif kind == "assignment":
            self._remove_assignment(node, parent)
        elif kind == "for_in_clause" and not binds(node) and parent.parent is not None:
            self.remove_value(parent.parent)
        elif kind == "for_statement" and not binds(node):
            erasure.erase_statement(parent)
        elif kind in ("return_statement", "yield"):
            self._remove_return(parent)
        elif kind == "decorator":
            erasure.erase_statement(parent)
        else:
            self.stuck.append(node)

    def _statement(self, node: Node) -> None:
        parent = node.parent
        if node.type == "augmented_assignment" and parent is not None:
            node = parent
        self.erasure.erase_statement(node)

    def _remove_return(self, node: Node) -> None:
        """A return or yield goes where the function goes on without it."""
        block = node.parent
        if node.type == "yield":
            if block is not None and block.type == "expression_statement":
                self.erasure.erase_statement(block)
            else:
                self.stuck.append(node)
        elif block is not None and block.parent is not None:
            if self.source.word(block.parent) == "function":
                self.stuck.append(node)
            else:
                self.erasure.erase_statement(node)

    def _remove_call(self, node: Node, call: Node) -> None:
        """Take out a call: what it was to prepare is used as it is."""
        items, parent = arguments(call), call.parent
        plain = [item for item in items if item.type not in NOT_POSITIONAL]
        helps = self.modules or node.type == "identifier" or self._is_own(node)
        used = (
            parent is not None and parent.type in PREPARED and not is_query_name(node, self.source)
        )
        if helps and used and len(plain) == 1 and items[0] == plain[0] and is_simple(plain[0]):
            self._use_as_it_is(call, plain[0])
        else:
            self.remove_value(call)

    def _is_own(self, node: Node) -> bool:
        return self.source.code(node).startswith(b"self.") and is_plain(node)

    def _remove_interpolation(self, part: Node, text: Node) -> None:
        """A text that tells of nothing else is nothing any more."""
        parts = [child for child in text.named_children if child.type == "interpolation"]
        if len(parts) > 1:
            self.erasure.keep_part(part, b"")
        else:
            self.remove_value(text)

    def _use_as_it_is(self, call: Node, value: Node) -> None:
        """Leave a value; where it is assigned to itself, nothing is left."""
        parent = call.parent
        target = parent.child_by_field_name("left") if parent is not None else None
        if target is None or self.source.code(target) != self.source.code(value):
            self.keep_part(call, value)
        elif parent is not None and parent.type == "assignment" and parent.parent is not None:
            self.erasure.erase_statement(parent.parent)

    def keep_part(self, node: Node, left: Node) -> None:
        """Leave a part of an expression, without parentheses that it does not need."""
        parent = node.parent
        while parent is not None and parent.type == "parenthesized_expression" and is_simple(left):
            node, parent = parent, parent.parent
        self.erasure.keep_part(node, left)

    def _operand(self, node: Node, parent: Node) -> None:
        """Leave the other operand, where the operator allows it."""
        left, sign, right = (parent.child_by_field_name(n) for n in ("left", "operator", "right"))
        if left is None or right is None or sign is None or is_annotation(parent):
            self.stuck.append(node)
        elif right == node and self.source.code(sign) != b"%":
            self.keep_part(parent, left)
        elif left == node and self.source.code(sign) in BOTH_WAYS:
            self.keep_part(parent, right)
        else:
            self.remove_value(parent)

    def _resolve_comparison(self, node: Node, parent: Node, literal: bytes | None) -> None:
        parts = operands(parent)
        if literal is None or len(parts) != 2:
            self.resolve_truth(parent, None)
            return
        other = self.source.code(parts[1] if parts[0] == node else parts[0])
        sign = self.source.text.data[parts[0].end_byte : parts[1].start_byte].split()
        equal = other == literal
        if sign in ([b"is"], [b"=="]) and (equal or literal == b"None" or other == b"None"):
            self.resolve_truth(parent, equal)
        elif sign in ([b"is", b"not"], [b"!="]) and (equal or b"None" in (literal, other)):
            self.resolve_truth(parent, not equal)
        elif literal == b"None":
            self.resolve_truth(parent, False if sign != [b"not", b"in"] else None)
        else:
            self.erasure.keep_part(node, literal)

    def resolve_truth(self, node: Node, truth: bool | None) -> None:
        """Go on where only the truth of a value matters; None is a question nobody asks."""
        parent = node.parent
        if parent is None or self.erasure.covers(node):
            return
        kind = parent.type
        whole = self._was_left(node)
        if whole is not None or kind == "parenthesized_expression":
            self.resolve_truth(whole or parent, truth)
        elif kind == "not_operator":
            self.resolve_truth(parent, None if truth is None else not truth)
        elif kind == "boolean_operator":
            self._resolve_boolean(node, parent, truth)
        elif kind == "conditional_expression":
            self.erasure.keep_part(parent, operands(parent)[0 if truth else 2])
        elif kind == "if_statement":
            self._branch(parent, truth)
        elif kind == "elif_clause":
            self._elif(parent, truth)
        elif kind == "while_statement" and not truth:
            self.erasure.erase_statement(parent)
        elif kind == "if_clause":
            self._filter(parent, truth)
        elif kind == "assert_statement":
            self.erasure.erase_statement(parent)
        elif truth is None:
            self._remove_enclosing(node, parent)
        elif self._hands_on(node, parent):
            self.erasure.erase_item(parent)
        else:
            self.erasure.keep_part(node, b"True" if truth else b"False")

    def _resolve_boolean(self, node: Node, parent: Node, truth: bool | None) -> None:
        left, sign, right = (parent.child_by_field_name(n) for n in ("left", "operator", "right"))
        if left is None or right is None or sign is None:
            self.stuck.append(node)
            return
        decides = self.source.code(sign) == b"or"
        if truth is decides:
            self.resolve_truth(parent, truth)
        else:
            self.keep_part(parent, left if right == node else right)

    def _branch(self, node: Node, truth: bool | None, after: Node | None = None) -> None:
        """Leave of an if statement what would be run; ``after`` is the last clause that is gone."""
        start = after.end_byte if after is not None else node.start_byte
        others = [c for c in node.children_by_field_name("alternative") if c.start_byte >= start]
        block = node.child_by_field_name("consequence")
        if truth and block is not None:
            self._unwrap(node, block)
        elif not others:
            self.erasure.erase_statement(node)
        elif others[0].type == "elif_clause":
            self.erasure.cut_range(node, node.start_byte, others[0].start_byte + len(b"el"))
        else:
            block = others[0].child_by_field_name("body")
            self._unwrap(node, block) if block is not None else self.stuck.append(node)

    def _unwrap(self, node: Node, block: Node) -> None:
        if block.start_point[0] == node.start_point[0] or not operands(block):
            self.stuck.append(node)
            return
        self.erasure.keep_part(node, block)
        self.erasure.end_after(node, block)

    def _elif(self, node: Node, truth: bool | None) -> None:
        whole = node.parent
        if truth or whole is None:
            self.stuck.append(node)
        elif self.erasure.cuts.pop(whole.id, None) is not None:  # It had become the first.
            self._branch(whole, None, node)
        else:
            self.erasure.erase_clause(node)

    def _filter(self, node: Node, truth: bool | None) -> None:
        """The condition of a comprehension: without it, all is taken."""
        if truth is False and node.parent is not None:
            self.remove_value(node.parent)
        else:
            self.erasure.erase_clause(node)

    def _remove_assignment(self, node: Node, parent: Node) -> None:
        """An assignment goes; so does the name that it gave its only value."""
        target, statement = parent.child_by_field_name("left"), parent.parent
        if target is None or statement is None or statement.type != "expression_statement":
            self.stuck.append(node)
            return
        if target != node and target.type not in ("identifier", "attribute", "subscript"):
            self.stuck.append(node)
            return
        scope = around(parent, self.source, "function", "class")
        if scope is None or (self.source.word(scope) == "class" and target != node):
            self.stuck.append(node)
            return
        self.erasure.erase_statement(statement)
        if target.type == "identifier" and target != node:
            self.forget_local(target, scope)
        elif target.type == "attribute" and target != node:
            self.forget_attribute(target)

    def forget_local(self, target: Node, function: Node) -> None:
        """Forget a variable that is bound nowhere any more."""
        found = named_in(self.source.code(target), function, self.source)
        left = [node for node in found if not self.erasure.covers(node)]
        bound = [node for node in left if binds(node)]
        if not bound:
            for node in left:
                self.remove_value(node)
        elif len(left) > len(bound) and not any(is_before(node, target) for node in bound):
            self.stuck.append(function)

    def forget_attribute(self, node: Node) -> None:
        """Forget an attribute of ``self`` that is bound nowhere any more in its class."""
        name, scope = node.child_by_field_name("attribute"), around(node, self.source, "class")
        if name is None or scope is None or not self.source.code(node).startswith(b"self."):
            return
        found = find_own_attributes(self.source.code(name), scope, self.source)
        left = [each for each in found if not self.erasure.covers(each)]
        if not any(binds(each) for each in left):
            for each in left:
                self.remove_value(each)


def is_simple(node: Node) -> bool:
    """Say whether an argument can stand for what was to be made of it."""
    return node.type in SIMPLE


def is_query_name(function: Node, source: ParsedSource) -> bool:
    """Say whether a helper's name tells that it gives back something of another kind."""
    said = words(source.code(function).rsplit(b".", 1)[-1])
    return bool(said) and said[0] in ANSWERS


def is_before(bound: Node, target: Node) -> bool:
    """Say whether a name surely has a value where another was given it: it is bound above."""
    if bound.start_byte > target.start_byte:
        return False
    block = bound.parent
    while block is not None and block.type not in ("block", "function_definition"):
        block = block.parent
    return block is not None and block.end_byte >= target.end_byte


def is_annotation(node: Node) -> bool:
    """Say whether an operation is one of types."""
    parent = node.parent
    while parent is not None and parent.type == "binary_operator":
        parent = parent.parent
    return parent is not None and parent.type == "type"
