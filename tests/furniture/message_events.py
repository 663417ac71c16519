"""A message as the events by which the Messages API streams it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

TYPES: Mapping[str, str] = {
    "message_start": "RawMessageStartEvent",
    "content_block_start": "RawContentBlockStartEvent",
    "content_block_delta": "RawContentBlockDeltaEvent",
    "content_block_stop": "RawContentBlockStopEvent",
    "message_delta": "RawMessageDeltaEvent",
    "message_stop": "RawMessageStopEvent",
}
PIECE = 40
"""Characters of a block that come in one event."""


def events(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events of a message, each checked against the SDK's type."""
    from anthropic import types

    usage = message["usage"]
    start = {
        **message,
        "content": [],
        "stop_reason": None,
        "usage": {**usage, "output_tokens": 1},
    }
    found: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(message["content"]):
        found += block_events(index, block)
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    billed = {"output_tokens": usage["output_tokens"]}
    found.append({"type": "message_delta", "delta": delta, "usage": billed})
    found.append({"type": "message_stop"})
    for event in found:
        getattr(types, TYPES[event["type"]]).model_validate(event)
    return found


def block_events(index: int, block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The events of one block: it comes empty, then in pieces."""
    if block["type"] == "tool_use":
        empty = {**block, "input": {}}
        name, kind, text = "partial_json", "input_json_delta", json.dumps(block["input"])
    else:
        empty = {**block, "text": ""}
        name, kind, text = "text", "text_delta", block["text"]
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    deltas = [
        {"type": "content_block_delta", "index": index, "delta": {"type": kind, name: piece}}
        for piece in pieces
    ]
    return [
        {"type": "content_block_start", "index": index, "content_block": empty},
        *deltas,
        {"type": "content_block_stop", "index": index},
    ]
