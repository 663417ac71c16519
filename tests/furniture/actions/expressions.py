"""Expressions of workflows, as in ``${{ needs.plan.outputs.shards != '0' }}``.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w-]*)"
    r"|(?P<operator>&&|\|\||==|!=|<=|>=|<|>|!|\(|\)|\[|\]|\.|,|\*))"
)
TEMPLATE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
LITERALS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
STATUS = frozenset({"success", "always", "cancelled", "failure"})

Contexts = Mapping[str, Any]
Functions = Mapping[str, Callable[..., Any]]


class ExpressionError(Exception):
    """An expression that GitHub would refuse, or that is not built here."""


def render(text: Any, contexts: Contexts, functions: Functions | None = None) -> Any:
    """Replace every ``${{ }}`` in a value; one that is nothing else keeps its type."""
    if isinstance(text, Mapping):
        return {key: render(value, contexts, functions) for key, value in text.items()}
    if isinstance(text, list):
        return [render(value, contexts, functions) for value in text]
    if not isinstance(text, str):
        return text
    whole = TEMPLATE.fullmatch(text.strip())
    if whole and "${{" not in whole[1]:
        return evaluate(whole[1], contexts, functions)
    return TEMPLATE.sub(lambda match: as_text(evaluate(match[1], contexts, functions)), text)


def condition(text: Any, contexts: Contexts, functions: Functions) -> bool:
    """Evaluate an ``if``, with or without braces; without a status function it needs success."""
    if text is None:
        return bool(functions["success"]())
    source = str(text).strip() if not isinstance(text, bool) else as_text(text)
    whole = TEMPLATE.fullmatch(source)
    source = whole[1] if whole else source
    value = truth(evaluate(source, contexts, functions))
    if any(name in STATUS for name in re.findall(r"([A-Za-z_]+)\s*\(", source)):
        return value
    return value and bool(functions["success"]())


def evaluate(source: str, contexts: Contexts, functions: Functions | None = None) -> Any:
    """Evaluate one expression. Raises ExpressionError."""
    parser = Parser(source, contexts, {**BUILT_IN, **(functions or {})})
    return parser.whole()


def truth(value: Any) -> bool:
    return value not in (None, False, "", 0) and not (
        isinstance(value, float) and math.isnan(value)
    )


def as_text(value: Any) -> str:
    """Turn a value into a string as GitHub does."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (Mapping, list)):
        return "Object" if isinstance(value, Mapping) else "Array"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def number(value: Any) -> float:
    if value is None:
        return 0.0
    try:
        return float(value) if value != "" else 0.0
    except (TypeError, ValueError):
        return math.nan


def equal(one: Any, other: Any) -> bool:
    """Compare loosely: by number where types differ, strings without regard to case."""
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if type(one) is type(other):
        return bool(one == other)
    return number(one) == number(other)


def contains(where: Any, what: Any) -> bool:
    if isinstance(where, list):
        return any(equal(each, what) for each in where)
    return as_text(what).lower() in as_text(where).lower()


def formatted(text: str, *values: Any) -> str:
    return re.sub(r"\{(\d+)\}", lambda match: as_text(values[int(match[1])]), text)


BUILT_IN: Functions = {
    "contains": contains,
    "endsWith": lambda text, end: as_text(text).lower().endswith(as_text(end).lower()),
    "format": formatted,
    "fromJSON": lambda text: json.loads(as_text(text)),
    "join": lambda values, by=",": as_text(by).join(as_text(each) for each in values),
    "startsWith": lambda text, start: as_text(text).lower().startswith(as_text(start).lower()),
    "toJSON": lambda value: json.dumps(value, indent=2),
}


class Parser:
    """Recursive descent over tokens; ``&&`` and ``||`` give back an operand, as in JavaScript."""

    def __init__(self, source: str, contexts: Contexts, functions: Functions) -> None:
        self._source = source
        self._contexts = contexts
        self._functions = functions
        self._tokens = self._read(source)
        self._place = 0

    def _read(self, source: str) -> Sequence[tuple[str, str]]:
        tokens, start = [], 0
        while source[start:].strip():
            match = TOKEN.match(source, start)
            if match is None:
                raise ExpressionError(f"{source!r} cannot be read at {source[start:]!r}")
            kind = match.lastgroup or ""
            tokens.append((kind, match[kind]))
            start = match.end()
        return tokens

    def whole(self) -> Any:
        value = self._or()
        if self._place < len(self._tokens):
            raise ExpressionError(f"{self._source!r} goes on after its end")
        return value

    def _peek(self) -> str:
        return self._tokens[self._place][1] if self._place < len(self._tokens) else ""

    def _take(self, wanted: str = "") -> tuple[str, str]:
        if self._place >= len(self._tokens) or (wanted and self._peek() != wanted):
            raise ExpressionError(f"{self._source!r}: expected {wanted or 'more'}")
        self._place += 1
        return self._tokens[self._place - 1]

    def _or(self) -> Any:
        value = self._and()
        while self._peek() == "||":
            self._take()
            other = self._and()
            value = value if truth(value) else other
        return value

    def _and(self) -> Any:
        value = self._comparison()
        while self._peek() == "&&":
            self._take()
            other = self._comparison()
            value = other if truth(value) else value
        return value

    def _comparison(self) -> Any:
        value = self._not()
        while self._peek() in ("==", "!=", "<", ">", "<=", ">="):
            operator = self._take()[1]
            other = self._not()
            if operator in ("==", "!="):
                value = equal(value, other) is (operator == "==")
            else:
                one, two = number(value), number(other)
                value = {"<": one < two, ">": one > two, "<=": one <= two, ">=": one >= two}[
                    operator
                ]
        return value

    def _not(self) -> Any:
        if self._peek() == "!":
            self._take()
            return not truth(self._not())
        return self._postfix(self._primary())

    def _primary(self) -> Any:
        kind, text = self._take()
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return float(text)
        if text == "(":
            value = self._or()
            self._take(")")
            return value
        if kind == "name":
            return self._named(text)
        raise ExpressionError(f"{self._source!r}: unexpected {text!r}")

    def _named(self, name: str) -> Any:
        if self._peek() == "(":
            return self._call(name)
        if name in LITERALS:
            return LITERALS[name]
        if name not in self._contexts:
            raise ExpressionError(f"{self._source!r}: there is no context {name!r} here")
        return self._contexts[name]

    def _call(self, name: str) -> Any:
        if name not in self._functions:
            raise ExpressionError(f"{self._source!r}: the function {name} is not to be had here")
        self._take("(")
        values = []
        while self._peek() != ")":
            values.append(self._or())
            if self._peek() == ",":
                self._take()
        self._take(")")
        return self._functions[name](*values)

    def _postfix(self, value: Any) -> Any:
        while self._peek() in (".", "["):
            if self._take()[1] == "[":
                key = self._or()
                self._take("]")
            else:
                key = self._take()[1]
            value = member(value, key)
        return value


def member(value: Any, key: Any) -> Any:
    """Return a property; of nothing, and where it is not, there is nothing."""
    if key == "*":
        return list(value.values()) if isinstance(value, Mapping) else value
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, list):
        if isinstance(key, float):
            return value[int(key)] if int(key) < len(value) else None
        return [member(each, key) for each in value]
    return None
