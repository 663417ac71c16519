"""A plain problem statement, made of what fails and of nothing that shows the bug."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LISTED_TESTS = 20
LISTED_MESSAGES = 3
MESSAGE_LIMIT = 400

TITLE = "# Tests of {name} fail"
OPENING = "Something in {name} that worked is broken. {count} now:"
TESTS_MORE = "- and {count} more"
MESSAGES = "What they say:"
CLOSING = "Find the cause and fix it. The tests are right; leave them as they are."


def statement(name: str, failing: Sequence[str], messages: Mapping[str, str] | None = None) -> str:
    """Say which tests fail and, where known, their first messages.

    ``messages`` maps tests to what they reported; only the first line of each is used, since
    the lines below it are tracebacks that lead to the bug.
    """
    count = "This test fails" if len(failing) == 1 else f"These {len(failing)} tests fail"
    parts = [TITLE.format(name=name), OPENING.format(name=name, count=count), _tests(failing)]
    if told := _messages(failing, messages or {}):
        parts += [MESSAGES, told]
    return "\n\n".join([*parts, CLOSING]) + "\n"


def _tests(failing: Sequence[str]) -> str:
    lines = [f"- `{_printable(test)}`" for test in failing[:LISTED_TESTS]]
    if more := len(failing) - LISTED_TESTS:
        lines += [TESTS_MORE.format(count=more)] if more > 0 else []
    return "\n".join(lines)


def _messages(failing: Sequence[str], messages: Mapping[str, str]) -> str:
    first = [messages[test].strip().partition("\n")[0] for test in failing if test in messages]
    told = list(dict.fromkeys(line[:MESSAGE_LIMIT] for line in first if line))
    return "\n".join(f"    {_printable(line)}" for line in told[:LISTED_MESSAGES])


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("`", "'")
