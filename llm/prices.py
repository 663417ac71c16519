"""What tokens cost, in dollars for a million. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from storage.errors import ConfigError

MILLION = 1_000_000
CACHE_WRITE = 1.25
CACHE_READ = 0.1
"""Times the price of input. https://docs.claude.com/en/docs/about-claude/pricing"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars for a million tokens."""

    input: float
    output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Tokens of one call, by kind; ``input`` leaves out what went to or came from a cache."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0


KNOWN: Mapping[str, Price] = {
    "claude-haiku-4-5": Price(input=1, output=5),
    "claude-sonnet-4-5": Price(input=3, output=15),
    "claude-sonnet-4-6": Price(input=3, output=15),
    "claude-opus-4-5": Price(input=5, output=25),
    "claude-opus-4-6": Price(input=5, output=25),
}


def price_of(model: str, given: str | None = None) -> Price:
    """Return a model's price: the one given (``IN/OUT``), else the known one.

    Raises ConfigError when there is none: an unknown price would make any budget a guess.
    """
    if given:
        try:
            parts = [float(part) for part in given.split("/")]
            return Price(input=parts[0], output=parts[1])
        except (ValueError, IndexError):
            raise ConfigError(
                f"BUGFOUNDRY_MODEL_PRICE is {given!r}; write dollars for a million tokens of input "
                "and of output, as 3/15"
            ) from None
    for name, price in KNOWN.items():
        if model == name or model.startswith(f"{name}-20"):
            return price
    raise ConfigError(
        f"the price of {model} is not known; set BUGFOUNDRY_MODEL_PRICE, dollars for a million "
        "tokens of input and of output, as 3/15"
    )


def cost(price: Price, tokens: Tokens) -> float:
    """Return what a call cost, in dollars."""
    read_in = tokens.input + CACHE_WRITE * tokens.cache_write + CACHE_READ * tokens.cache_read
    return (read_in * price.input + tokens.output * price.output) / MILLION


def worst_case(price: Price, characters: int, max_output: int) -> float:
    """Return the most that a call can cost: a token holds at least a character."""
    return (characters * CACHE_WRITE * price.input + max_output * price.output) / MILLION
