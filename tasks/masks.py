"""What tests and scripts print, as a user would have seen it: no tests, no lines of the code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from syntax.paths import is_test_path
from tasks.giveaways import Secrets, leaks, names_of_tests

MESSAGE_LIMIT = 1500
FRAME = re.compile(r'^(\s*)File "([^"\n]{1,500})"(?:, line \d+)?(?:, in (.*))?$')
CARETS = re.compile(r"^[\s~^]+$")
VOLATILE = (
    (re.compile(r"\b0x[0-9a-fA-F]{1,16}(?=\.\.\.)"), "0x"),
    (re.compile(r"\.\.\.(?:0?x)?[0-9a-fA-F]{6,16}(?=>)"), "..."),
    (re.compile(r"\b0x[0-9a-fA-F]{6,16}\b"), "0x…"),
    (re.compile(r"(?:/private)?/(?:tmp|var/folders)/[\w./+-]{1,300}"), "/tmp/…"),
    (re.compile(r"\.py:\d+"), ".py"),
    (re.compile(r"\n *\n? *(?:Use -v to get more diff|\(pytest_assertion plugin:.*)"), ""),
)
"""What differs from run to run, leads to a line, or is of the tool that ran."""
INSTEAD = "example"
"""Stands for the names of tests: what a user calls the code from."""


def mask_output(text: str, secrets: Secrets, *, limit: int = MESSAGE_LIMIT) -> str:
    """Return what was printed without what a user would not have seen, bounded.

    Frames keep the functions they are in; the code of a frame is kept where it is the caller's.
    A line that still gives something away is left out.
    """
    text = text.encode("utf-8", "replace").decode()
    text = "\n".join(without_places(text.splitlines()))
    for name in names_of_tests(secrets.tests):
        instead = f"{INSTEAD}.py" if name.endswith(".py") else INSTEAD
        text = re.sub(re.escape(name), instead, text, flags=re.I)
    text = strip_run_noise(text)
    kept = [line for line in text.splitlines() if not leaks(line, secrets)]
    while kept and leaks("\n".join(kept), secrets):
        kept.pop()
    return shorten_text("\n".join(kept).strip("\n"), limit)


def without_places(lines: Iterable[str]) -> Iterator[str]:
    """Take the places out of tracebacks: numbers of lines, folders, and code not the caller's."""
    inside = ""
    for line in lines:
        if found := FRAME.match(line):
            own = is_test_path(found[2])
            inside = found[1] + "  " if not own else ""
            name = f"{INSTEAD}.py" if own else mask_path(found[2])
            function = INSTEAD if own else found[3]
            yield f'{found[1]}File "{name}"' + (f", in {function}" if function else "")
        elif CARETS.match(line) and line.strip():
            continue
        elif not (inside and line.startswith(inside)):
            inside = ""
            yield line


def mask_path(path: str) -> str:
    """Return what is shown of a file's path: nothing of the repository's own."""
    return path.rpartition("/")[2] if path.startswith("/") else "…"


def strip_run_noise(text: str) -> str:
    """Return a text without what differs from run to run."""
    for pattern, instead in VOLATILE:
        text = pattern.sub(instead, text)
    return text


def shorten_text(text: str, limit: int) -> str:
    """Leave out the middle of a long text."""
    if len(text) <= limit:
        return text
    half = (limit - 5) // 2
    return f"{text[:half].rstrip()}\n[…]\n{text[-half:].lstrip()}"


def exception_of(message: str) -> str:
    """Return the end of a traceback, from the line that names the exception on; else all."""
    lines = message.strip().splitlines()
    frames = [number for number, line in enumerate(lines) if FRAME.match(line)]
    if not frames:
        return "\n".join(lines)
    last = frames[-1]
    indent = len(lines[last]) - len(lines[last].lstrip())
    for number in range(last + 1, len(lines)):
        if len(lines[number]) - len(lines[number].lstrip()) < indent and lines[number].strip():
            return "\n".join(lines[number:])
    return lines[-1]
