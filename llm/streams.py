"""Put a streamed answer together: text, what a tool was called with, and the usage.

The SDK's own helper parses a tool's arguments while they come, and gives up the whole answer, its
usage with it, when they are no JSON; here they are read at the end, and what is wrong is the
model's answer, which was paid for.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from anthropic.types import (
    Message,
    MessageDeltaUsage,
    RawMessageStreamEvent,
    TextBlock,
    ToolUseBlock,
    Usage,
)

from llm.service import OnBegin


@dataclass
class Streamed:
    """A message as far as it has come."""

    message: Message | None = None
    pieces: dict[int, list[str]] = field(default_factory=dict)

    def add(self, event: RawMessageStreamEvent) -> None:
        """Take in the next event."""
        if event.type == "message_start":
            self.message = event.message
        elif self.message is None:
            return
        elif event.type == "content_block_start":
            self.message.content.append(event.content_block)
        elif event.type == "content_block_delta":
            if event.delta.type == "text_delta":
                self.pieces.setdefault(event.index, []).append(event.delta.text)
            elif event.delta.type == "input_json_delta":
                self.pieces.setdefault(event.index, []).append(event.delta.partial_json)
        elif event.type == "message_delta":
            self.message.stop_reason = event.delta.stop_reason
            bill(self.message.usage, event.usage)

    def whole(self) -> Message | None:
        """Return the message; None when it has no end."""
        message = self.message
        if message is None or message.stop_reason is None:
            return None
        for index, block in enumerate(message.content):
            text = "".join(self.pieces.get(index, ()))
            if isinstance(block, TextBlock):
                block.text += text
            elif isinstance(block, ToolUseBlock) and text:
                block.input = parse_arguments(text)
        return message


async def assemble_message(
    events: AsyncIterator[RawMessageStreamEvent], on_begin: OnBegin | None
) -> Message | None:
    """Return the message of these events; None when it broke off."""
    streamed = Streamed()
    async for event in events:
        streamed.add(event)
        if event.type == "message_start" and on_begin is not None:
            on_begin()
    return streamed.whole()


def parse_arguments(text: str) -> Any:
    """Return what a tool was called with; None when that is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def bill(usage: Usage, later: MessageDeltaUsage) -> None:
    """Take in a later usage: its counts are totals, and those it leaves out still hold."""
    names: Iterable[str] = (
        "input_tokens",
        "output_tokens",
        "cache_creation_input_tokens",
        "cache_read_input_tokens",
    )
    for name in names:
        count = getattr(later, name)
        if count is not None:
            setattr(usage, name, count)
