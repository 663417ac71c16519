"""A problem statement written by a language model, from what a user could have seen of a bug.

The model is never shown the bug, its fix or its tests. What it writes is checked by code all the
same, and a script in it is run on both sides, before any of it is believed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llm.client import Model
from llm.errors import BudgetSpent, Declined, MalformedAnswer, Overloaded
from llm.marks import NEVER_AN_INSTRUCTION, data
from llm.questions import Ask, Tool, blocks
from storage.errors import ModelError, SandboxError
from tasks.drafts import CAME_OF_IT, Draft, DraftRefused, check, compose_statement
from tasks.masks import MESSAGE_LIMIT
from tasks.observed import DOC_LIMIT, MOST_ENTITIES, MOST_MESSAGES, Observed
from tasks.reproduction import Run, check_script
from tasks.voices import NO_SAMPLES, STYLES, Style, style_of

ATTEMPTS = 3
DETAIL_LIMIT = 1500
TITLE_LIMIT = 150
BODY_LIMIT = 5000
SCRIPT_LIMIT = 3000
MAX_OUTPUT = 3000
SHORT_MESSAGE = 150
"""Characters of a failing test's message that is short."""
SIGNATURE = 500
"""Characters of a signature that is long."""

SYSTEM = f"""You help to make tasks on which people and programs practise finding bugs. You write
the report of a bug as a user of the project would have, one who met it in their own code and knows
nothing of its inside. You are given what was printed when it was met, what is documented of what
misbehaves, and the way in which people write the issues of this project.
Say what goes wrong and how one comes to see it, so precisely that a developer who reads only your
report can find the bug and can tell when it is gone: with which input, what happens, what should
happen. Say nothing of the cause, of the code inside, of a fix, or of how the bug came to be, and
never speak of tests or of a test suite: a user meets the bug in their own code, and `example` in
what was printed stands for it. State only what can be told from what you are given.
Write in the voice of the project's issues, not in that of an assistant, and in the style that is
asked for.
Code of a script goes into `script` and nowhere else: it is run on the project with the bug and
without it. It must succeed without the bug, print something else or fail with it, print the same
each time, need no network and no other package, import the project as its users do, and look
neither into its source nor at its tests. What it prints with the bug is put under it by itself.
{NEVER_AN_INSTRUCTION}"""

TOOL = Tool(
    name="report",
    description="The report of the bug.",
    schema={
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 8, "maxLength": TITLE_LIMIT},
            "body": {
                "type": "string",
                "maxLength": BODY_LIMIT,
                "description": "Markdown, without the title and without the script.",
            },
            "script": {
                "type": "string",
                "maxLength": SCRIPT_LIMIT,
                "description": "Python that shows the bug when it is run; empty for none.",
            },
        },
        "required": ["title", "body", "script"],
        "additionalProperties": False,
    },
)
FIRST = "Write the report."
NEXT = "Write the report again, as a whole."
REASONS: Mapping[type[ModelError], str] = {
    BudgetSpent: "budget",
    Declined: "model-refused",
    Overloaded: "overloaded",
    MalformedAnswer: "malformed-answer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenStatement:
    """A statement that passed every check."""

    statement: str
    style: str
    script: str = ""
    """The script that it holds, which was run."""
    attempts: tuple[str, ...] = ()
    """Why earlier answers were refused, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritten:
    """Why there is no statement: the named reason of the last attempt."""

    reason: str
    style: str
    attempts: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RefusedStatement:
    """An answer that did not do, and why."""

    answer: str
    refused: DraftRefused


async def write_statement(
    model: Model, observed: Observed, *, run: Run | None = None, attempts: int = ATTEMPTS
) -> WrittenStatement | Unwritten:
    """Have a statement written, until one passes or attempts or the budget are spent.

    ``run`` runs a script with the bug or without it; without it no statement holds a script.
    """
    if not observed.messages:
        return Unwritten(reason="nothing-was-seen", style="")
    style = style_of(observed.bug, scripts=run is not None)
    turns: list[RefusedStatement] = []
    while len(turns) < attempts:
        answer: dict[str, Any] = {}
        try:
            answer = await model.answer_ask(ask_of(observed, style, turns, scripts=run is not None))
            text, script = await accept_answer(answer, style, observed, run)
            reasons = tuple(turn.refused.reason for turn in turns)
            return WrittenStatement(
                statement=text, style=style.name, script=script, attempts=reasons
            )
        except DraftRefused as refused:
            turns.append(
                RefusedStatement(json.dumps(answer, ensure_ascii=False, indent=1), refused)
            )
        except MalformedAnswer as error:
            turns.append(RefusedStatement("", DraftRefused("malformed-answer", str(error))))
        except ModelError as error:
            return make_unwritten(
                turns, style, REASONS.get(type(error), "model-failed"), str(error)
            )
        except SandboxError as error:
            return make_unwritten(turns, style, "sandbox-broken", str(error))
    return make_unwritten(turns, style)


def ask_of(
    observed: Observed, style: Style, turns: Sequence[RefusedStatement], *, scripts: bool
) -> Ask:
    """Return the next question on a bug: what was seen of it, and what came of each answer."""
    return Ask(
        purpose="statement",
        system=SYSTEM,
        shared=blocks(repository_part(observed)),
        prompt="\n\n".join(
            [bug_part(observed), asked_for(style, scripts), compose_question(turns)]
        ),
        tool=TOOL,
        max_output=MAX_OUTPUT,
    )


def plan_ask_bounds(observed: Observed) -> tuple[Ask, list[Ask]]:
    """Return the shortest question that may be asked on a bug, and the longest, attempt by attempt.

    ``observed`` holds what is known of any bug of the repository, and nothing of this one.
    """
    shortest = replace(observed, messages=("x" * SHORT_MESSAGE,))
    longest = replace(
        observed,
        messages=("x" * MESSAGE_LIMIT,) * MOST_MESSAGES,
        public="x" * (DOC_LIMIT + SIGNATURE) * MOST_ENTITIES,
    )
    answer = {"title": "x" * TITLE_LIMIT, "body": "x" * BODY_LIMIT, "script": "x" * SCRIPT_LIMIT}
    refused = DraftRefused("script-shows-nothing", "x" * DETAIL_LIMIT)
    failed = RefusedStatement(json.dumps(answer, indent=1), refused)
    style = max(STYLES, key=lambda style: len(style.asks))
    asks = [ask_of(longest, style, [failed] * n, scripts=True) for n in range(ATTEMPTS)]
    return ask_of(shortest, STYLES[0], [], scripts=True), asks


def make_unwritten(
    turns: Sequence[RefusedStatement], style: Style, reason: str = "", detail: str = ""
) -> Unwritten:
    """Return that there is no statement: as given, or as the last attempt came out."""
    last = turns[-1].refused if turns else DraftRefused("no-attempts")
    return Unwritten(
        reason=reason or last.reason,
        style=style.name,
        attempts=tuple(turn.refused.reason for turn in turns),
        detail=detail or last.detail,
    )


async def accept_answer(
    answer: Mapping[str, Any], style: Style, observed: Observed, run: Run | None
) -> tuple[str, str]:
    """Return statement and script of an answer that passes. Raises Refused or SandboxError."""
    draft = Draft.parse_answer(answer)
    check(draft, style, observed.secrets, scripts=run is not None)
    if not draft.script or run is None:
        return compose_statement(draft, observed), ""
    found = await check_script(draft.script, run, observed.secrets)
    if found.reason:
        raise DraftRefused(found.reason, found.detail)
    return compose_statement(draft, observed, printed=found.output), draft.script


def repository_part(observed: Observed) -> str:
    """Return what is the same for all bugs of a repository."""
    parts = [f"The project:\n{data(observed.name)}"]
    if observed.readme:
        parts.append(f"From its README:\n{data(observed.readme)}")
    if observed.samples:
        parts.append("Issues of this project, for the voice alone; they are about other things:")
        parts += [data(sample) for sample in observed.samples]
    else:
        parts.append(NO_SAMPLES)
    return "\n\n".join(parts)


def bug_part(observed: Observed) -> str:
    """Return what was seen of the bug."""
    parts = []
    if observed.public:
        parts.append(f"What misbehaves, as it is documented:\n{data(observed.public)}")
    parts.append("What was printed where it was met:")
    return "\n\n".join([*parts, *(data(message) for message in observed.messages)])


def asked_for(style: Style, scripts: bool) -> str:
    """Say which style is wanted."""
    words = f"The style: {style.asks} At most {style.longest} characters of text."
    return words if scripts or style.script == "no" else f"{words} Leave out any script."


def compose_question(turns: Sequence[RefusedStatement]) -> str:
    """Return what is asked: the first time for a report, then with what came of each answer."""
    parts = []
    for number, turn in enumerate(turns, 1):
        parts.append(f"Your answer {number} was:\n{data(turn.answer or 'not complete')}")
        parts.append(CAME_OF_IT[turn.refused.reason])
        if turn.refused.detail:
            parts.append(data(turn.refused.detail[:DETAIL_LIMIT]))
    return "\n\n".join([*parts, NEXT if turns else FIRST])
