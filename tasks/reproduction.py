"""A reproduction script is believed when it was run: with the bug it shows something, without not.

Who runs it is not known here: ``Run`` is given, and runs a script in a sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from tasks.giveaways import Secrets
from tasks.masks import mask_output, strip_run_noise

OUTPUT_LIMIT = 1200
READS_SOURCE = re.compile(
    r"\b(?:inspect|linecache|dis|ast|tokenize|marshal|importlib\.resources|pkgutil)\b"
    r"|__file__|__code__|__cached__|getsource|co_code|\bgc\.|\.py\b(?!\w)"
)
"""What tells the two sides apart by the code itself, and not by what it does."""
RUNS_TESTS = re.compile(r"\b(?:pytest|unittest|doctest|nose)\b")


class Ran(Protocol):
    """How a script ended."""

    @property
    def exit(self) -> int | None:
        """Exit code, negative for a signal; None when it took too long."""

    @property
    def output(self) -> str: ...


Run = Callable[[str, bool], Awaitable[Ran]]
"""Runs a script on the code as it is with the bug (True) or without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a script shows. ``reason`` is empty when it shows the symptom, else says why not."""

    reason: str
    output: str = ""
    """What it prints with the bug, masked."""
    detail: str = ""


async def check_script(script: str, run: Run, secrets: Secrets) -> Shown:
    """Run a script twice on each side and say whether it shows the symptom.

    Without the bug it has to succeed; with it, to end or to print otherwise, both times.
    Raises SandboxError.
    """
    if match := RUNS_TESTS.search(script) or READS_SOURCE.search(script):
        return Shown(reason="script-looks-inside", detail=match[0])
    without = await run(script, False)
    printed = mask_output(without.output, secrets, limit=OUTPUT_LIMIT)
    if without.exit is None:
        return Shown(reason="script-hangs-without-bug", detail=printed)
    if without.exit != 0:
        return Shown(reason="script-fails-without-bug", detail=printed)
    broken = await run(script, True)
    output = mask_output(broken.output, secrets, limit=OUTPUT_LIMIT)
    if make_comparable(broken) == make_comparable(without):
        return Shown(reason="script-shows-nothing", detail=printed)
    again = [await run(script, False), await run(script, True)]
    if [make_comparable(each) for each in again] != [
        make_comparable(without),
        make_comparable(broken),
    ]:
        return Shown(reason="script-unsteady", detail=output)
    return Shown(reason="", output=output)


def make_comparable(ran: Ran) -> tuple[int | None, str]:
    """Return how a script ended, without what differs from run to run.

    What one that hangs has printed until then depends on the machine.
    """
    return (ran.exit, "" if ran.exit is None else strip_run_noise(ran.output))
