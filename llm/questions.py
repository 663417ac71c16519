"""What a model is asked, whatever service it runs on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.records import digest

MAX_OUTPUT = 4096
"""Tokens that an answer may have where nothing else is said."""
LONG_OUTPUT = 8192
"""From here an answer is streamed: a connection that is silent for minutes is often cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """The form of an answer: what the model fills in. ``schema`` is a JSON schema of an object."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question, and what it is for."""

    purpose: str
    """As ``plan``."""
    system: str
    prompt: str
    tool: Tool
    shared: tuple[str, ...] = ()
    """What comes before the prompt and is the same for many calls: the most shared first."""
    max_output: int = MAX_OUTPUT
    repository: str = ""
    strategy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedQuestion:
    """A question as a service is sent it."""

    ask: Ask
    request: Mapping[str, Any]

    @property
    def key(self) -> str:
        """What the answer is found by: the digest of all that is sent."""
        return digest(json.dumps(self.request, sort_keys=True))

    @property
    def characters(self) -> int:
        """The length of the request as ASCII JSON."""
        return len(json.dumps(self.request))


def blocks(shared: str | Sequence[str]) -> tuple[str, ...]:
    """Return what is shared as its blocks, empty ones left out."""
    return tuple(part for part in ((shared,) if isinstance(shared, str) else shared) if part)
