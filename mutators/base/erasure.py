"""Take pieces out of a file so that the rest reads as if they had never been there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from mutators.base.operator import ParsedSource, operands, spans_text
from syntax.splices import Splice, Splices, merge
from syntax.text import Text

Left = tuple[Node, Node | bytes]
"""A node with the part of it that is left, or the text that it becomes."""
LAST = frozenset({"return_statement", "raise_statement", "break_statement", "continue_statement"})
WHOLE = frozenset({"if_statement", "for_statement", "while_statement", "with_statement"})
"""Statements that are nothing without their body, where they have no other branch."""

CLAUSES = frozenset({"elif_clause", "else_clause", "finally_clause"})


@dataclass(slots=True)
class Erasure:
    """What is taken out of one file, before it is written down as splices."""

    source: ParsedSource
    statements: dict[int, Node] = field(default_factory=dict)
    items: dict[int, Node] = field(default_factory=dict)
    """Parts of lists: arguments, parameters, elements."""
    becomes: dict[int, Left] = field(default_factory=dict)
    cuts: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Clauses, and ranges that are none of the above, by node."""
    empty: dict[int, Node] = field(default_factory=dict)
    """Blocks that nothing is left of but a statement that does nothing."""
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def covers(self, node: Node) -> bool:
        """Say whether a node is taken out already."""
        return any(low <= node.start_byte and node.end_byte <= high for low, high in self.ranges)

    @property
    def size(self) -> int:
        """How many pieces are taken out."""
        return len(self.statements) + len(self.items) + len(self.becomes) + len(self.cuts)

    def erase_statement(self, node: Node) -> None:
        """Take out a statement, with its decorators."""
        parent = node.parent
        if (
            parent is not None
            and parent.type == "decorated_definition"
            and node.type != "decorator"
        ):
            node = parent
        self.statements[node.id] = node
        self.ranges.append((node.start_byte, node.end_byte))

    def erase_item(self, node: Node) -> None:
        """Take out a part of a list."""
        self.items[node.id] = node
        self.ranges.append((node.start_byte, node.end_byte))

    def keep_part(self, node: Node, left: Node | bytes) -> None:
        """Leave of a node a part alone, or put a text in its place."""
        self.becomes[node.id] = node, left
        if isinstance(left, bytes):
            self.ranges.append((node.start_byte, node.end_byte))
        else:
            self.ranges.append((node.start_byte, left.start_byte))
            self.ranges.append((left.end_byte, node.end_byte))

    def cut_range(self, node: Node, start: int, end: int) -> None:
        """Take out a range that belongs to a node."""
        self.cuts[node.id] = start, end
        self.ranges.append((start, end))

    def erase_clause(self, node: Node) -> None:
        """Take out a clause: its lines, or from the end of what is before it."""
        text, before = self.source.text, node.prev_named_sibling
        low, high = self.source.line_start(node), text.line_end(text.line_at(node.end_byte - 1))
        alone = not text.data[low : node.start_byte].strip()
        if alone and not text.data[node.end_byte : high].strip():
            self.cut_range(node, low, high)
        else:
            self.cut_range(node, before.end_byte if before is not None else low, node.end_byte)

    def end_after(self, node: Node, block: Node) -> None:
        """Take out what follows a statement in whose place a block now leaves for good."""
        if operands(block)[-1].type in LAST and node.parent is not None:
            for other in operands(node.parent):
                if other.start_byte >= node.end_byte:
                    self.erase_statement(other)

    def splices(self) -> Splices | None:
        """Return the changes in the order of the text; None where they cannot be written down."""
        self.settle()
        left = [block for block in self.empty.values() if not self._is_covered_block(block)]
        if len(left) > 1:  # Nobody writes code like that.
            return None
        try:
            return tuple(self._find_outermost_splices(0, len(self.source.text.data)))
        except ValueError:
            return None

    def settle(self) -> None:
        """Take out what is nothing without what went before."""
        while self._settle():
            pass

    def _settle(self) -> bool:
        """Deal with one block that nothing is left of; say whether there was one."""
        for node in list(self.statements.values()):
            block = node.parent
            if block is None or block.type != "block" or block.id in self.empty:
                continue
            if self._is_covered_block(block) or not all(
                child.id in self.statements for child in operands(block)
            ):
                continue
            self.empty[block.id] = block
            self._remove_emptied_owner(block)
            return True
        return False

    def _is_covered_block(self, block: Node) -> bool:
        return block.parent is not None and self.covers(block.parent)

    def _remove_emptied_owner(self, block: Node) -> None:
        """Take out what is nothing without its block."""
        owner = block.parent
        if owner is None:
            return
        others = owner.children_by_field_name("alternative")
        whole = next((n for n, left in self.becomes.values() if left == block), None)
        if whole is not None:
            self.erase_statement(whole)
        elif owner.type in WHOLE and not others:
            self.erase_statement(owner)
        elif self._is_empty_chain(owner):
            self.erase_statement(owner if owner.type == "if_statement" else owner.parent or owner)
        elif owner.type in CLAUSES and last_clause(owner):
            self.erase_clause(owner)
        elif owner.type == "try_statement" and operands(owner)[-1].type == "except_clause":
            self.erase_statement(owner)

    def _is_empty_chain(self, owner: Node) -> bool:
        """Say whether nothing is left in any branch of an if statement."""
        whole = owner if owner.type == "if_statement" else owner.parent
        if whole is None or whole.type != "if_statement":
            return False
        parts = [whole, *whole.children_by_field_name("alternative")]
        left = [p for p in parts[1:] if not self.covers(p)]
        blocks = [
            p.child_by_field_name("consequence") or p.child_by_field_name("body") for p in left
        ]
        first = whole.child_by_field_name("consequence")
        return all(block is None or block.id in self.empty for block in [first, *blocks])

    def _find_outermost_splices(self, start: int, end: int) -> Iterator[Splice]:
        """Yield the outermost changes in a range."""
        at = start
        for low, high, made in sorted(self._list_changes(), key=lambda each: (each[0], -each[1])):
            if low >= at and high <= end and (low, high) != (start, end):
                yield made if isinstance(made, Splice) else self._splice_remainder(*made)
                at = max(at, high)

    def _list_changes(self) -> Iterator[tuple[int, int, Splice | Left]]:
        """Yield where each change is; what is left of a node is written down in its turn alone."""
        lists: dict[int, list[Node]] = {}
        for node in self.statements.values():
            line = self._lines(node)
            yield line.start, line.end, line
        for node, left in self.becomes.values():
            yield node.start_byte, node.end_byte, (node, left)
        for low, high in self.cuts.values():
            yield low, high, Splice(low, high, b"")
        for node in self.items.values():
            if node.parent is not None:
                lists.setdefault(node.parent.id, []).append(node)
        for nodes in lists.values():
            for splice in without(nodes, self.items, self.source):
                yield splice.start, splice.end, splice

    def _splice_remainder(self, node: Node, left: Node | bytes) -> Splice:
        if isinstance(left, bytes):
            return Splice(node.start_byte, node.end_byte, left)
        if left.type == "block":
            return Splice(node.start_byte, node.end_byte, self._reindent_block(left, node))
        return Splice(node.start_byte, node.end_byte, self.code(left))

    def code(self, node: Node) -> bytes:
        """The bytes of a node after what is taken out of it."""
        own = self.becomes.get(node.id)
        if own is not None:
            return self._splice_remainder(*own).text
        return self._piece(node.start_byte, node.end_byte)

    def _piece(self, start: int, end: int) -> bytes:
        """The bytes of a range after what is taken out of it."""
        data, splices = self.source.text.data, list(self._find_outermost_splices(start, end))
        if not splices:
            return data[start:end]
        one = merge(data, splices)
        return data[start : one.start] + one.text + data[one.end : end]

    def _reindent_block(self, block: Node, node: Node) -> bytes:
        """The statements of a block in the place of the statement it was in."""
        text = self.source.text
        inner, outer = self.source.indent(block), self.source.indent(node)
        if spans_text(block) or inner == outer or not inner.startswith(outer):
            raise ValueError("a text over several lines cannot be moved")
        end = text.line_end(text.line_at(block.end_byte - 1))
        lines = self._piece(self.source.line_start(block), end).rstrip().split(b"\n")
        moved = [outer + x[len(inner) :] if x.startswith(inner) else x for x in lines]
        return b"\n".join(moved)[len(outer) :]

    def _is_first(self, node: Node, block: Node) -> bool:
        """Say whether a statement begins its block, but for others that go."""
        earlier = [n for n in operands(block) if n.start_byte < node.start_byte]
        return block.type == "block" and all(n.id in self.statements for n in earlier)

    def _lines(self, node: Node) -> Splice:
        """A statement's lines, with the remark above it and the blank line that would be double."""
        source = self.source
        text = source.text
        block = node.parent
        if block is not None and block.id in self.empty and operands(block)[0] == node:
            return source.replace(node, source.language.empty_block)
        first = text.line_at(node.start_byte)
        last = text.line_at(max(node.end_byte - 1, node.start_byte))
        before = text.data[text.starts[first] : node.start_byte]
        after = text.data[node.end_byte : text.line_end(last)].strip()
        if before.strip() or (after and not after.startswith(b"#")):
            return source.replace(node, source.language.empty_block)
        while first > 0 and is_remark_above(text.lines(first - 1, first)[0], before):
            first -= 1
        above = blank_lines(text, first, -1)
        opens = first == 0 or (block is not None and self._is_first(node, block))
        below = blank_lines(text, last, 1)
        last += below if opens else min(above, below)
        return Splice(text.starts[first], text.line_end(last), b"")


def blank_lines(text: Text, line: int, step: int) -> int:
    """Count the blank lines next to a line, above (-1) or below (1)."""
    count, at = 0, line + step
    while 0 <= at < len(text.starts) and not text.lines(at, at + 1)[0].strip():
        count, at = count + 1, at + step
    return count


def is_remark_above(line: bytes, indent: bytes) -> bool:
    """Say whether a line is a remark on the statement below it."""
    return line.startswith(indent + b"#")


def last_clause(node: Node) -> bool:
    """Say whether no other branch comes after a clause."""
    after = node.next_named_sibling
    while after is not None and after.type == "comment":
        after = after.next_named_sibling
    return after is None


def parts_of(parent: Node) -> list[Node]:
    """The parts of a list, a signature, or an import."""
    if parent.type in ("import_from_statement", "import_statement"):
        return parent.children_by_field_name("name")
    return operands(parent)


def without(nodes: list[Node], gone: dict[int, Node], source: ParsedSource) -> Iterator[Splice]:
    """Yield the changes by which parts of one list go, with their commas.

    Raises ValueError where the list would become something else.
    """
    parent = nodes[0].parent
    assert parent is not None
    parts = parts_of(parent)
    kept = [part for part in parts if part.id not in gone]
    if parent.type == "tuple" and len(kept) < 2:
        raise ValueError("a tuple of one is written in another way")
    if not kept:
        yield Splice(parts[0].start_byte, last_byte(parts[-1]), b"")
        return
    run: list[Node] = []
    before: Node | None = None
    for part in [*parts, None]:
        if part is not None and part.id in gone:
            run.append(part)
            continue
        if run:
            yield from lines_or_range(run, before, part, source)
            run = []
        before = part


def last_byte(part: Node) -> int:
    """Where a part ends, with the comma after it."""
    after = part.next_sibling
    return after.end_byte if after is not None and after.type == "," else part.end_byte


def lines_or_range(
    run: list[Node], before: Node | None, after: Node | None, source: ParsedSource
) -> Iterator[Splice]:
    """Take out neighbouring parts: whole lines where they have some to themselves."""
    text = source.text
    low, high = source.line_start(run[0]), text.line_end(text.line_at(last_byte(run[-1])))
    alone = not text.data[low : run[0].start_byte].strip()
    rest = text.data[last_byte(run[-1]) : high].strip()
    if alone and (not rest or rest.startswith(b"#")):
        yield Splice(low, high, b"")
    elif before is not None:
        yield Splice(before.end_byte, run[-1].end_byte, b"")
    elif after is not None:
        yield Splice(run[0].start_byte, after.start_byte, b"")
