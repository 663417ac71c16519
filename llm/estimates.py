"""Say what a run would cost, without a call.

Tokens are counted by a rule of thumb on the request itself, since the service's own count is a
call too: one token holds from 2 to 5 characters of code or prose (current tokenizers: about 2.7).
The least is what is to be paid when prefixes are read from the cache after their first use, and
answers are short; the most is what would be set aside, which no call can pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from llm.client import Model
from llm.prices import Tokens, compute_cost
from llm.questions import Ask, PreparedQuestion
from storage.errors import ModelError
from storage.records import ModelCall, digest

MOST_CHARACTERS_A_TOKEN = 5
FEWEST_CHARACTERS_A_TOKEN = 2
SHORTEST_ANSWER = 50
"""Tokens."""


class NotAsked(ModelError):
    """The model was not asked: this is an estimate."""


@dataclass
class Estimate:
    """What was counted so far."""

    least_calls: int = 0
    most_calls: int = 0
    stored: int = 0
    """Calls that are answered from the store, and cost nothing."""
    least_tokens: int = 0
    most_tokens: int = 0
    """Of input."""
    least: float = 0.0
    most: float = 0.0
    """Dollars."""


@dataclass(frozen=True, kw_only=True)
class Estimator(Model):
    """A model that is never asked: what is stored is answered, all else is counted.

    ``ask`` raises NotAsked, a ModelError, for what would have been a call. Those made with
    ``within`` count into the same estimate.
    """

    batch: bool = False
    """Whether the calls would be sent in batches."""
    estimate: Estimate = field(default_factory=Estimate)
    counted: set[str] = field(default_factory=set)
    """Digests of the requests and the prefixes that were counted."""

    async def call(self, ask: Ask) -> ModelCall:
        """Return a stored call. Raises NotAsked when there is none."""
        self.count(ask)
        stored = self.calls.get(PreparedQuestion(ask=ask, request=self.service.request(ask)).key)
        if stored is not None:
            return stored
        raise NotAsked("the model is not asked for an estimate")

    def count(self, ask: Ask, *, least: bool = True, most: bool = True) -> None:
        """Count a question once: as one of the fewest that are asked, of the most, or both."""
        prepared = PreparedQuestion(ask=ask, request=self.service.request(ask))
        if prepared.key in self.counted:
            return
        self.counted.add(prepared.key)
        if self.calls.get(prepared.key) is not None:
            self.estimate.stored += 1
            return
        if least:
            self._count_least(prepared)
        if most:
            self.estimate.most_calls += 1
            self.estimate.most_tokens += prepared.characters // FEWEST_CHARACTERS_A_TOKEN
            self.estimate.most += self.worst_case(prepared, batch=self.batch)

    def _count_least(self, prepared: PreparedQuestion) -> None:
        shared = self._count_shared(prepared.ask.shared)
        least = Tokens(
            input=(prepared.characters - shared) // MOST_CHARACTERS_A_TOKEN,
            cache_read=shared // MOST_CHARACTERS_A_TOKEN,
            output=SHORTEST_ANSWER,
        )
        self.estimate.least_calls += 1
        self.estimate.least_tokens += least.prompt
        self.estimate.least += compute_cost(self.price, least, batch=self.batch)

    def _count_shared(self, blocks: Sequence[str]) -> int:
        """Return the characters that an earlier call began with too; remember this one's."""
        known = length = 0
        so_far = ""
        for block in blocks:
            so_far = digest(so_far, block)
            length += len(block)
            if so_far in self.counted:
                known = length
            self.counted.add(so_far)
        return known
