"""The rules by which the Messages API caches prefixes and counts tokens, as documented.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_BREAKPOINTS = 4
LOOKBACK = 20
"""Blocks before a breakpoint at which an earlier prefix is still found."""
TTL = 300.0
TOOL_PROMPT = 346
"""Tokens that the service adds to a request with tools."""
LEAST: Mapping[str, int] = {
    "claude-sonnet-5-5": 1024,
    "claude-sonnet-4-6": 1024,
    "claude-opus-5": 512,
    "claude-opus-5-5": 512,
    "claude-opus-4-7": 2048,
    "claude-opus-4-5": 4096,
    "claude-haiku-4-5": 4096,
}


class TooManyBreakpoints(Exception):
    """The service answers 400."""


@dataclass(frozen=True)
class Usage:
    """Tokens of a request's input, by kind."""

    input: int
    write: int
    read: int


@dataclass
class PromptCache:
    """What is cached, and until when. An entry can be read once ``begun`` was called."""

    clock: Callable[[], float]
    bytes_per_token: float = 4.0
    entries: dict[str, float] = field(default_factory=dict)

    def tokens(self, text: str) -> int:
        return -(-len(text.encode()) // self.bytes_per_token).__int__() if text else 0

    def look_up(self, body: Mapping[str, Any]) -> tuple[Usage, Callable[[], None]]:
        """Return what a request costs, and what is to be called when its answer begins."""
        steps = self._prefixes(body)
        marked = [index for index, (_, _, mark) in enumerate(steps) if mark]
        if len(marked) > MOST_BREAKPOINTS:
            raise TooManyBreakpoints(f"a maximum of 4 blocks with cache_control, {len(marked)}")
        least = LEAST.get(body["model"], 1024)
        cached = [index for index in marked if steps[index][1] >= least]
        now = self.clock()
        hits = [
            index
            for mark in cached
            for index in range(max(mark - LOOKBACK, 0), mark + 1)
            if now - self.entries.get(steps[index][0], float("-inf")) < TTL
        ]
        read = max((steps[index][1] for index in hits), default=0)
        write = max((steps[index][1] for index in cached), default=read) - read
        total = steps[-1][1]

        def begun() -> None:
            later = self.clock()
            self.entries |= {steps[index][0]: later for index in (*cached, *hits)}

        return Usage(input=total - read - max(write, 0), write=max(write, 0), read=read), begun

    def _prefixes(self, body: Mapping[str, Any]) -> list[tuple[str, int, bool]]:
        """Digest and tokens of the input up to each block, and whether a breakpoint is there."""
        settings = {key: body.get(key) for key in ("model", "tool_choice", "thinking")}
        so_far = json.dumps(settings, sort_keys=True)
        count = TOOL_PROMPT if body.get("tools") else 0
        steps = []
        for block in flattened(body):
            plain = {key: value for key, value in block.items() if key != "cache_control"}
            text = json.dumps(plain, sort_keys=True, ensure_ascii=False)
            so_far = hashlib.sha256(f"{so_far}\0{text}".encode("utf-8", "replace")).hexdigest()
            count += self.tokens(block.get("text") or text)
            steps.append((so_far, count, "cache_control" in block))
        return steps


def flattened(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The blocks of a request in the order in which they are cached: tools, system, messages."""
    found: list[Mapping[str, Any]] = list(body.get("tools") or [])
    for content in (body.get("system") or [], *(m["content"] for m in body["messages"])):
        found += [{"type": "text", "text": content}] if isinstance(content, str) else content
    return found
