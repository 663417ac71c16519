"""Work out the expressions of GitHub workflows, as far as their values are in the files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.detect.shell import UNKNOWN

TOKEN = re.compile(
    r"\s*(?:('(?:[^']|'')*')|(\d+(?:\.\d+)?)|([A-Za-z_][\w-]*(?:\.[\w*-]+|\[\s*'[^']*'\s*\])*)"
    r"|(\|\||&&|==|!=|!|\(|\)|,))"
)
MOST_TOKENS = 100
Contexts = Mapping[str, Mapping[str, Any]]
"""Values by the context they are looked up in: ``matrix``, ``env``, ``inputs``, ``runner``."""


class Undecided(Exception):
    """The value is known only when the workflow runs."""


def fill(text: str, contexts: Contexts) -> str:
    """Replace ``${{ … }}`` in a text by its value; what only a run could tell stays unknown."""

    def value(match: re.Match[str]) -> str:
        try:
            return format_value(evaluate(match[1], contexts))
        except Undecided:
            return UNKNOWN

    return re.sub(r"\$\{\{(.{0,500}?)\}\}", value, text, flags=re.DOTALL)


def holds(condition: object, contexts: Contexts) -> bool:
    """Say whether an ``if`` lets a step run; one that cannot be decided does."""
    text = re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", format_value(condition), flags=re.DOTALL)
    try:
        return bool(evaluate(text, contexts))
    except Undecided:
        return True


def evaluate(text: str, contexts: Contexts) -> Any:
    """Return the value of an expression. Raises Undecided."""
    tokens: list[tuple[str, str, str, str]] = []
    place = 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        if match is None or len(tokens) == MOST_TOKENS:
            raise Undecided
        first, second, third, fourth = match.groups(default="")
        tokens.append((first, second, third, fourth))
        place = match.end()
    parser = ExpressionParser(tokens, contexts)
    value = parser.parse_disjunction()
    if parser.rest or isinstance(value, Undecided):
        raise Undecided
    return value


class ExpressionParser:
    """Walks over the tokens of one expression. An undecided part is a value until it matters."""

    def __init__(self, tokens: list[tuple[str, str, str, str]], contexts: Contexts) -> None:
        self.rest, self.contexts = tokens, contexts

    def take(self, *operators: str) -> str:
        if self.rest and self.rest[0][3] and self.rest[0][3] in operators:
            return self.rest.pop(0)[3]
        return ""

    def parse_disjunction(self) -> Any:
        left = self.parse_conjunction()
        while self.take("||"):
            right = self.parse_conjunction()
            if isinstance(left, Undecided):
                left = right if not isinstance(right, Undecided) and right is True else left
            else:
                left = left or right
        return left

    def parse_conjunction(self) -> Any:
        left = self.parse_comparison()
        while self.take("&&"):
            right = self.parse_comparison()
            if isinstance(left, Undecided):
                left = right if not isinstance(right, Undecided) and not right else left
            else:
                left = left and right
        return left

    def parse_comparison(self) -> Any:
        left = self.parse_operand()
        while operator := self.take("==", "!="):
            right = self.parse_operand()
            if isinstance(left, Undecided) or isinstance(right, Undecided):
                left = Undecided()
            else:
                left = (format_value(left).lower() == format_value(right).lower()) == (
                    operator == "=="
                )
        return left

    def parse_operand(self) -> Any:
        if self.take("!"):
            value = self.parse_operand()
            return value if isinstance(value, Undecided) else not value
        if self.take("("):
            value = self.parse_disjunction()
            if not self.take(")"):
                raise Undecided
            return value
        if not self.rest:
            raise Undecided
        string, number, name, _ = self.rest.pop(0)
        if string:
            return string[1:-1].replace("''", "'")
        if number:
            return number
        if self.take("("):
            return self.function(name)
        return self.lookup(name)

    def function(self, name: str) -> Any:
        given: list[Any] = []
        while not self.take(")"):
            given.append(self.parse_disjunction())
            if not self.take(",") and (not self.rest or self.rest[0][3] != ")"):
                raise Undecided
        return call(name.lower(), given)

    def lookup(self, name: str) -> Any:
        if name in ("true", "false", "null"):
            return {"true": True, "false": False}.get(name)
        first, *keys = re.sub(r"\[\s*'([^']*)'\s*\]", r".\1", name).split(".")
        if first not in self.contexts:
            return Undecided()
        value: Any = self.contexts[first]
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return Undecided() if isinstance(value, str) and "$" in value else value


def call(name: str, given: list[Any]) -> Any:
    """Return the value of one of the few functions that need nothing but their arguments."""
    if name in ("always", "success"):
        return True
    if name in ("failure", "cancelled"):
        return False
    if any(isinstance(each, Undecided) for each in given):
        return Undecided()
    words = [format_value(each) for each in given]
    if name == "format" and words:
        return re.sub(
            r"\{(\d+)\}", lambda m: "".join(words[1 + int(m[1]) : 2 + int(m[1])]), words[0]
        )
    if name in ("contains", "startswith", "endswith") and len(words) == 2:
        text, part = words[0].lower(), words[1].lower()
        if name == "contains":
            held = given[0] if isinstance(given[0], list) else None
            return part in text if held is None else part in map(str.lower, map(format_value, held))
        return text.startswith(part) if name == "startswith" else text.endswith(part)
    return Undecided()


def format_value(value: Any) -> str:
    """Return a value as GitHub writes it; lists and tables stay unknown."""
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return UNKNOWN
    return str(value).lower() if isinstance(value, bool) else str(value)
