"""What a service that runs a model has to offer; one adapter for each kind of service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from llm.answers import Reply
from llm.questions import Ask

OnBegin = Callable[[], None]
"""Called when the answer begins: from then on its prefixes are cached."""


class Service(Protocol):
    """One model of one service."""

    @property
    def name(self) -> str:
        """Of the model."""

    def request(self, ask: Ask) -> Mapping[str, Any]:
        """Return what is sent: always the same for the same question."""

    def max_output(self, request: Mapping[str, Any]) -> int:
        """Return the most tokens that a request's answer can have."""

    def prefixes(self, request: Mapping[str, Any]) -> Sequence[str]:
        """Return the digests of the prefixes that the request has cached, the shortest first."""

    async def send(self, request: Mapping[str, Any], on_begin: OnBegin | None = None) -> Reply:
        """Send it once. Raises Failed. Where ``begun`` is given somebody waits for it."""
