"""The two languages of the runner: frames to whoever asks, lines from whoever runs tests."""

from __future__ import annotations

import json
import os
import re
import struct
from typing import Any

DETAIL_LIMIT = 300
REPORT_LIMIT = 4000
LINE_LIMIT = 1 << 20
"""Bytes of one message on the pipe of a run. What is longer is not ours: tests can write there."""
TEST_ID_LIMIT = 1 << 16
"""Bytes of a test's id. A test with a longer one is not run, and is named with this limit."""
SHOWN_ID = 200
TIMED_OUT = "no end within the time limit"
PATIENCE = 2
"""Tests that may hang before the others are given less time, where that is asked for."""
DIGITS = re.compile(r"[0-9a-f]+\Z")


def read_exactly(fd: int, size: int) -> bytes | None:
    """Read ``size`` bytes, or None at the end of the stream."""
    parts = []
    while size:
        part = os.read(fd, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_frame(fd: int) -> dict[str, Any] | None:
    """Read one frame (``harness/sandboxes/sandbox.py``), or None at the end of the stream."""
    head = read_exactly(fd, 4)
    if head is None:
        return None
    body = read_exactly(fd, struct.unpack(">I", head)[0])
    return None if body is None else json.loads(body.decode("utf-8"))


def write_all(fd: int, data: bytes) -> None:
    """Write all of it: a pipe may take a part."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def write_frame(fd: int, frame: dict[str, Any]) -> None:
    """Write one frame."""
    body = json.dumps(frame).encode("utf-8")
    write_all(fd, struct.pack(">I", len(body)) + body)


def take_channel() -> tuple[int, int]:
    """Move the channel off the standard descriptors, so that nothing else can reach it."""
    source, target = os.dup(0), os.dup(1)
    os.set_inheritable(source, False)
    os.set_inheritable(target, False)
    # What a process prints that inherits these does not get among the frames.
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    return source, target


MESSAGES: dict[str, dict[str, Any]] = {
    "seen": {
        "test": str,
        "code": dict,
        "lines": dict,
        "introspected": dict,
        "opened": list,
        "opaque": bool,
        "more": bool,
    },
    "collected": {"tests": list, "more": bool},
    "left-out": {"test": str, "why": str},
    "too-long": {"what": str, "bytes": int},
    "collect-error": {"path": str, "detail": str},
    "collect-skip": {"path": str, "detail": str},
    "start": {"test": str},
    "outcome": {"test": str, "outcome": str, "seconds": (int, float), "detail": str},
    "cannot-fork": {},
    "forged": {},
    "cannot-swap": {"why": str},
    "finished": {"code": int},
}
"""What may come through the pipe, and the types of its fields."""


def parse_message(line: bytes) -> dict[str, Any] | None:
    """Read one line of the pipe; None for anything that is no message: tests can write there."""
    try:
        message = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):  # brackets nested a thousand times
        return None
    event = message.get("event") if isinstance(message, dict) else None
    fields = MESSAGES.get(event) if isinstance(event, str) else None
    if fields is None or not all(isinstance(message.get(f), t) for f, t in fields.items()):
        return None
    if event == "seen" and not has_plain_masks(message):
        return None
    if event == "collected" and not all(isinstance(test, str) for test in message["tests"]):
        return None
    return dict(message)


def has_plain_masks(message: dict[str, Any]) -> bool:
    """Say whether what a test was seen to run has the types that it must have."""
    masks = [*message["code"].values(), *message["lines"].values()]
    masks += message["introspected"].values()
    return all(isinstance(path, str) for path in message["opened"]) and all(
        isinstance(mask, str) and DIGITS.match(mask) is not None for mask in masks
    )
