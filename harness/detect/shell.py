"""Split shell scripts into commands, as far as that can be done without running them."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

UNKNOWN = "$unknown"
"""Stands in a word for what only a run could tell; whatever holds a ``$`` is not believed."""
LONGEST = 5000
"""Characters of a line; what is longer was not written by hand, or is meant to hurt."""
KEYWORDS = frozenset({"then", "else", "do", "!", "{", "(", "time", "command", "exec", "sudo"})
ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellCommand:
    """One command of a script, with the variables that are known when it runs."""

    words: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    """Where it runs, relative to the root of the tree; ``..`` in front when that is outside."""


def split_script(
    text: str, env: Mapping[str, str] | None = None, folder: str = ""
) -> list[ShellCommand]:
    """Return the commands of a script; ``env`` is what is set before it starts.

    What the script exports and itself refers to is taken for a helper, and not passed on.
    """
    exported, local = dict(env or {}), dict[str, str]()
    helpers = set(re.findall(r"\$\{?(\w+)", text)).difference(exported)
    found = []
    for line in logical_lines(text):
        for words in command_words(substitute(line, {**exported, **local})):
            set_here, words = assignments(words)
            if words[:1] == ["export"]:
                exported |= assignments(words[1:])[0]
            elif words[:1] == ["cd"]:
                folder = inside(folder, words[1]) if len(words) == 2 else folder
            elif not words:
                local |= {k: v for k, v in set_here.items() if len(v) < LONGEST}
            else:
                passed = {k: v for k, v in exported.items() if k not in helpers}
                variables = tuple(sorted({**passed, **set_here}.items()))
                found.append(ShellCommand(words=tuple(words), env=variables, folder=folder))
    return found


def logical_lines(text: str) -> Iterator[str]:
    """Yield lines with continued ones joined; comments and texts fed to commands left out."""
    end = ""
    for line in re.sub(r"\\\r?\n\s*", " ", text).splitlines():
        if end:
            end = "" if line.strip() == end else end
            continue
        if len(line) > LONGEST:
            continue
        fed = re.search(r"<<-?\s*['\"]?(\w+)", line)
        end = fed[1] if fed else ""
        yield re.sub(r"(^|\s)#.*$", "", line)


def substitute(text: str, known: Mapping[str, str]) -> str:
    """Replace variables that are known; the others, and what commands print, stay unknown."""
    text = re.sub(r"\"?\$(?:[@*]|\{[@*]\})\"?", "", text)
    text = re.sub(r"`[^`]*`", UNKNOWN, text)
    while (shorter := re.sub(r"\$\([^()]*\)", UNKNOWN, text)) != text:
        text = shorter

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[3]
        return known.get(name, match[2] if match[2] is not None else match[0])

    return re.sub(r"\$\{(\w+)(?::?-([^}]*))?\}|\$(\w+)", value, text)


def command_words(line: str) -> Iterator[list[str]]:
    """Yield the words of each command of a line; nothing when its quotes do not close."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        tokens = list(lexer)
    except ValueError:
        return
    words: list[str] = []
    for token in [*tokens, ";"]:
        if not token.strip(";&|"):
            if words:
                yield words
            words = []
        elif words or token not in KEYWORDS:
            words.append(token.lstrip("(") if not words else token)


def assignments(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the variables set in front of a command, and the command's own words."""
    found: dict[str, str] = {}
    for place, word in enumerate(words):
        match = ASSIGNMENT.fullmatch(word)
        if match is None:
            return found, words[place:] if word != "env" else assignments(words[place + 1 :])[1]
        found[match[1]] = match[2]
    return found, []


def inside(folder: str, path: str) -> str:
    """Return a path as seen from the root; the root itself is empty."""
    joined = posixpath.normpath(posixpath.join(folder or ".", path))
    return "" if joined == "." else joined
