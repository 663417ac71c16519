"""What tokens cost, in dollars for a million. Pure.

https://platform.claude.com/docs/en/about-claude/pricing
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from llm.models import is_version
from storage.errors import ConfigError

MILLION = 1_000_000
CACHE_WRITE = 1.25
"""Times the price of input, for a prefix that is kept five minutes."""
BATCH = 0.5
"""Times the price of everything, for a call that is answered in a batch."""
TOOL_PROMPT = 1000
"""Tokens that a service adds to a request with tools; those known to us add fewer than 700."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars for a million tokens."""

    input: float
    output: float
    cache_read: float = 0.1
    """Times the price of input."""
    long_from: int = 0
    """A request with more tokens of input than this costs ``long_factor`` times as much; 0 for
    no such step."""
    long_factor: float = 1.0

    def factor(self, input_tokens: int) -> float:
        """Return how many times the price a request of this size costs."""
        return self.long_factor if self.long_from and input_tokens > self.long_from else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one call, by kind; ``input`` leaves out what went to or came from a cache."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0

    @property
    def prompt(self) -> int:
        return self.input + self.cache_write + self.cache_read


FREE = Price(input=0, output=0)
"""Of a model that runs on one's own machine."""
OPUS = Price(input=5, output=25)
KNOWN: Mapping[str, Price] = {
    "claude-haiku-5-5": Price(input=0.1, output=0.5, long_from=100_000, long_factor=5),
    "claude-sonnet-5-5": Price(input=2, output=10, cache_read=0.05),
    "claude-opus-5-5": Price(input=4, output=20, cache_read=0.05),
    "claude-fable-5-1": Price(input=10, output=50, cache_read=0.025),
    "claude-mythos-5-1": Price(input=10, output=50, cache_read=0.025),
    "claude-fable-5": Price(input=10, output=50),
    "claude-mythos-5": Price(input=10, output=50),
    "claude-sonnet-5": Price(input=2, output=10),
    "claude-opus-5": OPUS,
    "claude-opus-4-8": OPUS,
    "claude-opus-4-7": OPUS,
    "claude-opus-4-6": OPUS,
    "claude-opus-4-5": OPUS,
    "claude-sonnet-4-6": Price(input=3, output=15),
    "claude-sonnet-4-5": Price(input=3, output=15),
    "claude-haiku-4-5": Price(input=1, output=5),
}


def price_of(model: str, given: str | None = None) -> Price:
    """Return a model's price: the one given (``IN/OUT``), else the known one.

    Raises ConfigError when there is none: an unknown price would make any budget a guess.
    """
    if given:
        return given_price(given)
    for name, price in KNOWN.items():
        if is_version(model, name):
            return price
    raise ConfigError(
        f"the price of {model} is not known; set BUGFOUNDRY_MODEL_PRICE, dollars for a million "
        "tokens of input and of output, as 3/15"
    )


def given_price(given: str) -> Price:
    """Read a price as a person writes it. Raises ConfigError."""
    try:
        parts = [float(part) for part in given.split("/")]
    except ValueError:
        parts = []
    # A comparison that NaN and infinity fail, which would let any budget pass.
    if len(parts) != 2 or not all(0 <= part < MILLION for part in parts):
        raise ConfigError(
            f"BUGFOUNDRY_MODEL_PRICE is {given!r}; write dollars for a million tokens of input "
            "and of output, as 3/15"
        )
    return Price(input=parts[0], output=parts[1])


def compute_cost(price: Price, tokens: Tokens, *, batch: bool = False) -> float:
    """Return what a call cost, in dollars."""
    read_in = tokens.input + CACHE_WRITE * tokens.cache_write + price.cache_read * tokens.cache_read
    dollars = (read_in * price.input + tokens.output * price.output) / MILLION
    return dollars * price.factor(tokens.prompt) * (BATCH if batch else 1.0)


def worst_case(price: Price, characters: int, max_output: int, *, batch: bool = False) -> float:
    """Return the most that a call can cost, by the length of its request as ASCII JSON.

    A token holds at least a byte, and no byte takes less than a character there. The whole of it
    may have to be written to a cache.
    """
    tokens = Tokens(cache_write=characters + TOOL_PROMPT, output=max_output)
    return compute_cost(price, tokens, batch=batch)
