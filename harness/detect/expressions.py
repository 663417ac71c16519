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
            return written(evaluate(match[1], contexts))
        except Undecided:
            return UNKNOWN

    return re.sub(r"\$\{\{(.{0,500}?)\}\}", value, text, flags=re.DOTALL)


def holds(condition: object, contexts: Contexts) -> bool:
    """Say whether an ``if`` lets a step run; one that cannot be decided does."""
    text = re.sub(r"^\s*\$\{\{(.*)\}\}\s*$", r"\1", written(condition), flags=re.DOTALL)
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
    parser = Parser(tokens, contexts)
    value = parser.either()
    if parser.rest or isinstance(value, Undecided):
        raise Undecided
    return value


class Parser:
    """Walks over the tokens of one expression. An undecided part is a value until it matters."""

    def __init__(self, tokens: list[tuple[str, str, str, str]], contexts: Contexts) -> None:
        self.rest, self.contexts = tokens, contexts

    def take(self, *operators: str) -> str:
        if self.rest and self.rest[0][3] and self.rest[0][3] in operators:
            return self.rest.pop(0)[3]
        return ""

    def either(self) -> Any:
        left = self.both()
        while self.take("||"):
            right = self.both()
            if isinstance(left, Undecided):
                left = right if not isinstance(right, Undecided) and right is True else left
            else:
                left = left or right
        return left

    def both(self) -> Any:
        left = self.compared()
        while self.take("&&"):
            right = self.compared()
            if isinstance(left, Undecided):
                left = right if not isinstance(right, Undecided) and not right else left
            else:
                left = left and right
        return left

    def compared(self) -> Any:
        left = self.single()
        while operator := self.take("==", "!="):
            right = self.single()
            if isinstance(left, Undecided) or isinstance(right, Undecided):
                left = Undecided()
            else:
                left = (written(left).lower() == written(right).lower()) == (operator == "==")
        return left

    def single(self) -> Any:
        if self.take("!"):
            value = self.single()
            return value if isinstance(value, Undecided) else not value
        if self.take("("):
            value = self.either()
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
            given.append(self.either())
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
    words = [written(each) for each in given]
    if name == "format" and words:
        return re.sub(
            r"\{(\d+)\}", lambda m: "".join(words[1 + int(m[1]) : 2 + int(m[1])]), words[0]
        )
    if name in ("contains", "startswith", "endswith") and len(words) == 2:
        text, part = words[0].lower(), words[1].lower()
        if name == "contains":
            held = given[0] if isinstance(given[0], list) else None
            return part in text if held is None else part in map(str.lower, map(written, held))
        return text.startswith(part) if name == "startswith" else text.endswith(part)
    return Undecided()


def written(value: Any) -> str:
    """Return a value as GitHub writes it; lists and tables stay unknown."""
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return UNKNOWN
    return str(value).lower() if isinstance(value, bool) else str(value)
