"""A scripted model's slips: small changes of the kind that is asked for, made from the code shown.

They stand for what a model would answer; how likely it is that a test sees them is no matter here.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Slip = tuple[ast.AST, str]
"""A node of the code, and what stands in its place."""


@dataclass(frozen=True)
class Code:
    """A definition as it is shown."""

    text: str
    tree: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

    @classmethod
    def read(cls, text: str) -> Code | None:
        """Parse a definition, indented as it stands in its file; None where that cannot be done."""
        plain = textwrap.dedent(text)
        try:
            (tree,) = ast.parse(plain).body
        except (SyntaxError, ValueError):
            return None
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        return cls(plain, tree) if isinstance(tree, kinds) else None

    def of(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.text, node) or ""

    def inside(self) -> Iterator[ast.AST]:
        """Every node of a body: no signature, decorator or docstring."""
        stack: list[ast.AST] = [self.tree]
        while stack:
            node = stack.pop(0)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                stack += body
            else:
                yield node
                stack += ast.iter_child_nodes(node)

    def blocks(self) -> Iterator[list[ast.stmt]]:
        """Every list of statements with more than one."""
        for node in (self.tree, *self.inside()):
            for name in ("body", "orelse", "finalbody"):
                block = getattr(node, name, None)
                if isinstance(block, list) and len(block) > 1:
                    yield block


def conditions(code: Code) -> Iterator[Slip]:
    for node in code.inside():
        if isinstance(node, ast.BoolOp):
            yield node, code.of(node.values[0])
        if isinstance(node, ast.If | ast.IfExp):
            yield node.test, f"not ({code.of(node.test)})"


SWAPS: Mapping[type[ast.AST], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.FloorDiv: "%",
}


def operators(code: Code) -> Iterator[Slip]:
    for node in code.inside():
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in SWAPS:
            right = code.of(node.comparators[0])
            yield node, f"{code.of(node.left)} {SWAPS[type(node.ops[0])]} {right}"
        if isinstance(node, ast.BinOp) and type(node.op) in SWAPS:
            yield node, f"{code.of(node.left)} {SWAPS[type(node.op)]} {code.of(node.right)}"


def guards(code: Code) -> Iterator[Slip]:
    ends = (ast.Return, ast.Raise, ast.Continue, ast.Break)
    for block in code.blocks():
        for node in block:
            if isinstance(node, ast.If) and not node.orelse and isinstance(node.body[-1], ends):
                yield node, ""


def cases(code: Code) -> Iterator[Slip]:
    for node in code.inside():
        if isinstance(node, ast.If) and node.orelse and not isinstance(node.orelse[0], ast.If):
            yield node.test, "True"
        if isinstance(node, ast.IfExp):
            yield node, code.of(node.body)


def truths(code: Code) -> Iterator[Slip]:
    for node in code.inside():
        if isinstance(node, ast.Compare) and isinstance(node.comparators[0], ast.Constant):
            if isinstance(node.ops[0], ast.IsNot) and node.comparators[0].value is None:
                yield node, code.of(node.left)
            if isinstance(node.ops[0], ast.Is) and node.comparators[0].value is None:
                yield node, f"not {code.of(node.left)}"
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name | ast.Attribute):
            yield node.test, f"{code.of(node.test)} is not None"


def numbers(code: Code) -> Iterator[Slip]:
    for node in code.inside():
        if isinstance(node, ast.Constant) and type(node.value) is int:
            yield node, str(node.value + 1)


def values(code: Code) -> Iterator[Slip]:
    for node in code.inside():
        if isinstance(node, ast.Constant) and type(node.value) is bool:
            yield node, str(not node.value)
        if isinstance(node, ast.Constant) and node.value == "":
            yield node, '" "'
    yield from numbers(code)


def variables(code: Code) -> Iterator[Slip]:
    nodes = [node for node in code.inside() if isinstance(node, ast.Name)]
    own = [node.id for node in nodes if isinstance(node.ctx, ast.Store)]
    if not isinstance(code.tree, ast.ClassDef):
        own = [each.arg for each in code.tree.args.args if each.arg not in ("self", "cls")] + own
    known = list(dict.fromkeys(own))
    for node in nodes:
        if isinstance(node.ctx, ast.Load) and node.id in known and len(known) > 1:
            yield node, known[known.index(node.id) - 1]


def attributes(code: Code) -> Iterator[Slip]:
    nodes = [n for n in code.inside() if isinstance(n, ast.Attribute)]
    loads = [n for n in nodes if isinstance(n.ctx, ast.Load)]
    for node in loads:
        others = [n.attr for n in loads if code.of(n.value) == code.of(node.value)]
        names = list(dict.fromkeys(others))
        if len(names) > 1:
            yield node, f"{code.of(node.value)}.{names[names.index(node.attr) - 1]}"


def calls(code: Code) -> Iterator[ast.Call]:
    for node in code.inside():
        if isinstance(node, ast.Call) and not any(isinstance(a, ast.Starred) for a in node.args):
            yield node


def written(code: Code, node: ast.Call, args: Sequence[ast.AST]) -> str:
    return f"{code.of(node.func)}({', '.join(code.of(each) for each in args)})"


def arguments(code: Code) -> Iterator[Slip]:
    for node in calls(code):
        if len(node.args) > 1:
            first, second, *rest = node.args
            yield node, written(code, node, [second, first, *rest, *node.keywords])


def keywords(code: Code) -> Iterator[Slip]:
    for node in calls(code):
        if node.keywords and node.keywords[-1].arg:
            yield node, written(code, node, [*node.args, *node.keywords[:-1]])


def lost(code: Code) -> Iterator[Slip]:
    for node in calls(code):
        if isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
            yield node, code.of(node.func.value)
        elif isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
            yield node, code.of(node.args[0])


NEAR: Mapping[str, str] = {
    "append": "extend",
    "strip": "rstrip",
    "lstrip": "strip",
    "rstrip": "strip",
    "startswith": "endswith",
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "list": "set",
    "partition": "rpartition",
    "split": "rsplit",
    "get": "pop",
    "upper": "lower",
    "lower": "upper",
    "isinstance": "issubclass",
}


def neighbours(code: Code) -> Iterator[Slip]:
    for node in calls(code):
        if isinstance(node.func, ast.Attribute) and node.func.attr in NEAR:
            yield node.func, f"{code.of(node.func.value)}.{NEAR[node.func.attr]}"
        if isinstance(node.func, ast.Name) and node.func.id in NEAR:
            yield node.func, NEAR[node.func.id]


def orders(code: Code) -> Iterator[Slip]:
    plain = (ast.Assign, ast.AugAssign, ast.Expr)
    for block in code.blocks():
        for first, second in pairwise(block):
            one_line = first.lineno == first.end_lineno and second.lineno == second.end_lineno
            if isinstance(first, plain) and isinstance(second, plain) and one_line:
                around = ast.Pass(
                    lineno=first.lineno,
                    col_offset=first.col_offset,
                    end_lineno=second.end_lineno,
                    end_col_offset=second.end_col_offset,
                )
                blank = " " * first.col_offset
                yield around, f"{code.of(second)}\n{blank}{code.of(first)}"


def states(code: Code) -> Iterator[Slip]:
    for block in code.blocks():
        for node in block:
            if isinstance(node, ast.AugAssign) or (
                isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute)
            ):
                yield node, ""


def loops(code: Code) -> Iterator[Slip]:
    for node in code.inside():
        if isinstance(node, ast.For):
            yield node.iter, f"list({code.of(node.iter)})[1:]"


def exceptions(code: Code) -> Iterator[Slip]:
    for node in code.inside():
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield node.exc.func, "RuntimeError"
        if isinstance(node, ast.ExceptHandler) and node.type is not None:
            yield node.type, "LookupError"


def results(code: Code) -> Iterator[Slip]:
    for node in code.inside():
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value, "None"


KINDS: Mapping[str, Callable[[Code], Iterator[Slip]]] = {
    "wrong-condition": conditions,
    "missing-check": guards,
    "missing-case": cases,
    "empty-and-missing": truths,
    "off-by-one": numbers,
    "wrong-variable": variables,
    "wrong-attribute": attributes,
    "wrong-value": values,
    "wrong-call": neighbours,
    "wrong-argument": arguments,
    "missing-argument": keywords,
    "missing-call": lost,
    "wrong-operator": operators,
    "wrong-order": orders,
    "stale-state": states,
    "shared-state": lost,
    "wrong-loop": loops,
    "wrong-exception": exceptions,
    "wrong-result": results,
}


def slip(text: str, kind: str, seed: int) -> dict[str, str] | None:
    """Return an edit of a definition that makes a slip of a kind; None where there is no place."""
    code = Code.read(text)
    places = list(KINDS[kind](code)) if code is not None else []
    for number in range(len(places)):
        node, new = places[(seed + number) % len(places)]
        found = edit(text, node, new)
        if found is not None:
            return found
    return None


def edit(text: str, node: ast.AST, new: str) -> dict[str, str] | None:
    """Return the edit that puts a text in the place of a node: of whole lines, that occur once."""
    lines = text.splitlines()
    blank = len(lines[0]) - len(lines[0].lstrip())
    first, last = node.lineno - 1, node.end_lineno - 1  # type: ignore[attr-defined]
    start, end = node.col_offset + blank, node.end_col_offset + blank  # type: ignore[attr-defined]
    if not all(line.isascii() for line in lines[first : last + 1]):
        return None
    head, tail = lines[first][:start], lines[last][end:]
    put = f"{head}{new}{tail}".rstrip()
    top = first
    while text.count("\n".join(lines[top : last + 1])) > 1 and top > 0:
        top -= 1
    find = "\n".join(lines[top : last + 1])
    if text.count(find) != 1 or not find.strip():
        return None
    indented = put.replace("\n", "\n" + " " * blank)
    replace = "\n".join([*lines[top:first], *([indented] if put.strip() else [])])
    if not put.strip() and last + 1 < len(lines):
        return {"find": f"{find}\n", "replace": f"{replace}\n" if replace else ""}
    return {"find": find, "replace": replace}
