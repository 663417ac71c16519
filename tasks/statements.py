"""A plain problem statement, made of what fails and of nothing that shows the bug."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.nouns import choose_form
from tasks.masks import exception_of, strip_run_noise

LISTED_TESTS = 20
LISTED_MESSAGES = 3
MESSAGE_LINES = 4
MESSAGE_LIMIT = 400

TITLE = "# Tests of {name} fail"
OPENING = "Something in {name} that worked is broken. {count} now:"
TESTS_MORE = "- and {count} more"
SPILLED = (
    "When all tests run together, another {count} {fail}; run alone, {they} {passes} even now."
)
"""Of tests that serve in no list: whoever runs the whole suite sees them, too."""
CLOSING = "Find the cause and fix it. The tests are right; leave them as they are."


def statement(
    name: str,
    failing: Sequence[str],
    messages: Mapping[str, str] | None = None,
    *,
    spilled: int = 0,
) -> str:
    """Say which tests fail and, where known, their first messages.

    ``spilled`` is how many more fail in company alone. ``messages`` maps tests to what they
    reported. Of a traceback only the exception is told, and of other reports the first line, since
    what stands around it leads to the bug.
    """
    count = "This test fails" if len(failing) == 1 else f"These {len(failing)} tests fail"
    parts = [TITLE.format(name=name), OPENING.format(name=name, count=count), _tests(failing)]
    if spilled:
        parts.append(describe_spilled(spilled))
    if told := _messages(failing, messages or {}):
        parts += [f"What {choose_form(len(failing), 'it says', 'they say')}:", told]
    return "\n\n".join([*parts, CLOSING]) + "\n"


def describe_spilled(spilled: int) -> str:
    """Say that tests fail in company alone."""
    return SPILLED.format(
        count="one" if spilled == 1 else f"{spilled:,}",
        fail=choose_form(spilled, "fails", "fail"),
        they=choose_form(spilled, "it", "they"),
        passes=choose_form(spilled, "passes", "pass"),
    )


def is_template(text: str) -> bool:
    """Say whether a statement is such a plain one, and nobody's words."""
    return text.startswith(TITLE.partition("{")[0]) and text.endswith(f"{CLOSING}\n")


def _tests(failing: Sequence[str]) -> str:
    lines = [f"- `{_printable(test)}`" for test in failing[:LISTED_TESTS]]
    if more := len(failing) - LISTED_TESTS:
        lines += [TESTS_MORE.format(count=more)] if more > 0 else []
    return "\n".join(lines)


def _messages(failing: Sequence[str], messages: Mapping[str, str]) -> str:
    said = [_exception(messages[test]) for test in failing if test in messages]
    told = list(dict.fromkeys(text for text in said if text))[:LISTED_MESSAGES]
    return "\n\n".join(
        "\n".join(f"    {line}" for line in _printable(text).splitlines()) for text in told
    )


def _exception(message: str) -> str:
    """Return the exception of a traceback with what explains it; else the first line."""
    message = strip_run_noise(message.strip())
    whole = exception_of(message)
    lines = [line for line in whole.splitlines() if line.strip()]
    kept = lines[: MESSAGE_LINES if whole != message else 1]
    return "\n".join(kept)[:MESSAGE_LIMIT]


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("`", "'")
