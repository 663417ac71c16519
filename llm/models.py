"""What is known of each model, besides its price: what a request to it may hold. Pure.

https://platform.claude.com/docs/en/models/overview, and the pages "What's new" of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_MODEL = "claude-sonnet-5-5"

OFF: Mapping[str, Any] = {"thinking": {"type": "disabled"}}
BETWEEN_TOOLS: Mapping[str, Any] = {"thinking": {"type": "between_tools"}}
"""The least that a model which cannot be kept from thinking offers; with one tool, none."""
LOW: Mapping[str, Any] = {"output_config": {"effort": "low"}}
THOUGHT = 4096
"""Tokens of output that thinking may take, besides the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a model is asked. What is not known is as the strictest of the known ones."""

    least_cached: int = 4096
    """Tokens: a shorter prefix is not cached, and nothing says so."""
    forced: bool = False
    """Takes a ``tool_choice`` that names the tool; others answer 400 and have to be told."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that keep it from thinking at length before it answers."""
    thought: int = 0
    """Tokens to allow for thinking that cannot be kept away."""


OLD = Traits(least_cached=4096, forced=True)
THINKER = Traits(least_cached=512, extra=LOW, thought=THOUGHT)
KNOWN: Mapping[str, Traits] = {
    "claude-haiku-5-5": Traits(forced=True, extra=OFF),
    "claude-sonnet-5-5": Traits(least_cached=1024, extra=BETWEEN_TOOLS),
    "claude-opus-5-5": THINKER,
    "claude-fable-5-1": THINKER,
    "claude-mythos-5-1": THINKER,
    "claude-fable-5": THINKER,
    "claude-mythos-5": THINKER,
    "claude-sonnet-5": Traits(least_cached=1024, forced=True, extra=OFF),
    "claude-opus-5": Traits(least_cached=512, forced=True, extra=OFF),
    "claude-opus-4-8": Traits(least_cached=1024, forced=True),
    "claude-opus-4-7": Traits(least_cached=2048, forced=True),
    "claude-opus-4-6": OLD,
    "claude-opus-4-5": OLD,
    "claude-haiku-4-5": OLD,
    "claude-sonnet-4-6": Traits(least_cached=1024, forced=True),
    "claude-sonnet-4-5": Traits(least_cached=1024, forced=True),
}
UNKNOWN = Traits(thought=THOUGHT)


def traits(model: str) -> Traits:
    """Return what is known of a model, by its name or by that of one of its dated versions."""
    for name, known in KNOWN.items():
        if is_version(model, name):
            return known
    return UNKNOWN


def is_version(model: str, name: str) -> bool:
    """Say whether a model is the one of this name, or a dated version of it."""
    return model == name or model.startswith(f"{name}-20")
