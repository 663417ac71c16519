"""Put questions to a model, several at once, and make bugs of the answers in their order."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from llm.client import Model
from llm.errors import BudgetSpent, Declined, MalformedAnswer, NotAnswered, Overloaded, Submitted
from llm.estimates import NotAsked
from llm.questions import Ask
from mutators.base.checks import Compiles
from mutators.model.definitions import Definition
from mutators.model.project import ProjectView
from mutators.model.proposals import Maker
from storage.errors import ModelError
from storage.records import Bug, Strategy
from syntax.replacements import EditsRefused

AT_ONCE = 4
DETAIL_LIMIT = 300
LATER = (Submitted, NotAsked)
"""Failures that are none: the answer comes to a later run that asks the same."""
GOES_ON: Mapping[type[ModelError], str] = {
    Declined: "model-refused",
    MalformedAnswer: "malformed-answer",
    NotAnswered: "not-answered",
}
"""Failures of one question, after which the next is asked, by their named reason."""
ENDS: Mapping[type[ModelError], str] = {BudgetSpent: "budget", Overloaded: "overloaded"}
"""Failures after which nothing more is asked; any other is ``model-failed``."""


@dataclass(slots=True)
class Counts:
    """What a run of a strategy came to, as it comes."""

    asked: int = 0
    """Questions, those that were answered from the store included."""
    answered: int = 0
    """Answers that had the form."""
    later: int = 0
    """Questions that are answered in a later run: they are in a batch, or only estimated."""
    proposed: int = 0
    """Bugs."""
    refused: Counter[str] = field(default_factory=Counter)
    """Answers, and changes in them, that were not taken: by reason."""
    ended: str = ""
    """Why it ended before there was nothing more to ask or enough was found; empty if it did not.

    ``budget``, ``overloaded``, ``model-failed``, or ``later`` when answers are still to come.
    """
    detail: str = ""

    def record_failure(self, error: ModelError) -> bool:
        """Count a failure; say whether the next question may be asked."""
        if isinstance(error, LATER):
            self.later += 1
            self.ended, self.detail = "later", format_error(error)
            return True
        if (reason := GOES_ON.get(type(error))) is not None:
            self.refused[reason] += 1
            return True
        self.ended = ENDS.get(type(error), "model-failed")
        self.detail = format_error(error)
        return False


def format_error(error: ModelError) -> str:
    """Return what an error says as a line."""
    return " ".join(str(error).split())[:DETAIL_LIMIT]


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionQuestion:
    """What is asked about one definition."""

    definition: Definition
    ask: Ask


class ModelStrategy(Protocol):
    """A strategy that asks a model: its questions, and what becomes of an answer."""

    candidates: int
    """Changes asked for in one question."""

    def questions(self) -> Iterator[DefinitionQuestion]:
        """Yield what may be asked, the same for a seed."""

    def changes(self, answer: Mapping[str, Any]) -> list[Any]:
        """Return the changes that an answer holds."""

    def bug(self, question: DefinitionQuestion, change: Any) -> Bug:
        """Make a bug of a change. Raises EditsRefused."""


def count_questions(max_bugs: int | None, candidates: int) -> int | None:
    """How many questions it takes for that many bugs, if every answer is taken whole."""
    return None if max_bugs is None else -(-max_bugs // candidates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Modelled:
    """A strategy that asks a model."""

    name: Strategy
    asker: Callable[[ProjectView, int, int | None, int, Maker | None], ModelStrategy]
    """Given the project, the seed, the bugs wanted, the changes asked for in one question, and what
    makes bugs of them, where any are to be made."""
    candidates: int
    """Changes asked for in one question, where nothing else is said."""
    most_lines: int | None = None
    silent: bool = False
    """As of ``Maker``."""

    async def bugs(
        self,
        tree: str,
        files: Mapping[str, bytes],
        modes: Mapping[str, str],
        *,
        model: Model,
        seed: int,
        max_bugs: int | None,
        candidates: int | None = None,
        at_once: int = AT_ONCE,
        compiles: Compiles | None = None,
        counts: Counts | None = None,
        tests: tuple[str, ...] = (),
    ) -> AsyncGenerator[Bug, None]:
        """Yield distinct bugs that a model makes.

        ``compiles`` asks another Python than the running one. ``counts`` is told what came of the
        questions, and why they ended. ``tests`` are ids: no bug is made in a test.
        """
        maker = Maker(
            tree=tree,
            modes=modes,
            strategy=self.name,
            seed=seed,
            most_lines=self.most_lines,
            silent=self.silent,
            model=model.name,
            compiles=compiles,
        )
        candidates = candidates or self.candidates
        asker = self.asker(ProjectView(files, tests), seed, max_bugs, candidates, maker)
        found = asked_for(
            asker, model, max_bugs=max_bugs, at_once=at_once, counts=counts or Counts()
        )
        async with aclosing(found):
            async for bug in found:
                yield bug

    def plan_questions(
        self,
        files: Mapping[str, bytes],
        *,
        seed: int,
        max_bugs: int | None,
        candidates: int | None = None,
    ) -> list[Ask]:
        """Return what would be asked if every answer were taken whole; nothing is sent."""
        candidates = candidates or self.candidates
        asker = self.asker(ProjectView(files), seed, max_bugs, candidates, None)
        return [
            each.ask for each in islice(asker.questions(), count_questions(max_bugs, candidates))
        ]


async def asked_for(
    asker: ModelStrategy, model: Model, *, max_bugs: int | None, at_once: int, counts: Counts
) -> AsyncGenerator[Bug, None]:
    """Yield bugs until there are enough, or nothing more can be asked."""

    def count_needed() -> int | None:
        left = None if max_bugs is None else max_bugs - counts.proposed
        questions = count_questions(left, asker.candidates)
        return None if questions is None else questions - counts.later

    found = answers(model, asker.questions(), at_once=at_once, count_needed=count_needed)
    async with aclosing(found):
        async for question, answer in found:
            counts.asked += 1
            if isinstance(answer, ModelError):
                if counts.record_failure(answer):
                    continue
                return
            counts.answered += 1
            for change in asker.changes(answer)[: asker.candidates]:
                try:
                    bug = await asyncio.to_thread(asker.bug, question, change)
                except EditsRefused as error:
                    counts.refused[error.reason] += 1
                    continue
                counts.proposed += 1
                yield bug
                if counts.proposed == max_bugs:
                    return


Answer = tuple[DefinitionQuestion, dict[str, Any] | ModelError]


async def answers(
    model: Model,
    questions: Iterator[DefinitionQuestion],
    *,
    at_once: int = AT_ONCE,
    count_needed: Callable[[], int | None],
) -> AsyncGenerator[Answer, None]:
    """Yield each question with its answer or failure, in order.

    ``needed`` says how many answers may still be of use, None for all: no more are under way, so
    that none is paid for and not taken. A question that the budget does not allow beside others
    is asked once more when they are done, since what they set aside is more than they cost.
    """
    waiting: deque[tuple[DefinitionQuestion, asyncio.Task[dict[str, Any]]]] = deque()
    more = True
    try:
        while True:
            limit = count_needed()
            limit = at_once if limit is None else min(at_once, limit)
            while more and len(waiting) < limit:
                question = await asyncio.to_thread(next, questions, None)
                more = question is not None
                if question is not None:
                    asking = asyncio.create_task(model.answer_ask(question.ask))
                    waiting.append((question, asking))
            if not waiting:
                return
            yield await wait_for_answer(model, *waiting.popleft(), [task for _, task in waiting])
    finally:
        for _, task in waiting:
            task.cancel()
        await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)


async def wait_for_answer(
    model: Model,
    question: DefinitionQuestion,
    asking: asyncio.Task[dict[str, Any]],
    others: list[asyncio.Task[dict[str, Any]]],
) -> Answer:
    """Wait for an answer."""
    try:
        try:
            return question, await asking
        except BudgetSpent:
            if not others:
                raise
            await asyncio.wait(others)
            return question, await model.answer_ask(question.ask)
    except ModelError as error:
        return question, error
