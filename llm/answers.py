"""What a model said, as it is kept and as it is read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator

from llm.errors import Declined, MalformedAnswer
from llm.prices import Tokens
from llm.questions import Tool
from storage.records import ModelCall

SAID_LIMIT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as a service gave it."""

    given: Any
    """What the model filled in; a string that it said instead; None for neither."""
    tokens: Tokens


def join_texts(texts: Iterable[str]) -> str:
    """Return what a model said in place of an answer, as one line."""
    return " ".join(" ".join(texts).split())[:SAID_LIMIT]


def answer_of(call: ModelCall, tool: Tool) -> dict[str, Any]:
    """Return a stored call's answer. Raises Declined or MalformedAnswer when it was none."""
    answer = json.loads(call.answer)
    if isinstance(answer, str):
        raise Declined(f"the model declined: {answer[:200]}")
    if not isinstance(answer, dict):
        raise MalformedAnswer("the model's answer does not have the form: it is not complete")
    wrong = next(Draft202012Validator(tool.schema).iter_errors(answer), None)
    if wrong is not None:
        what = " ".join(wrong.message.split())
        raise MalformedAnswer(
            f"the model's answer does not have the form: {wrong.json_path}: {what[:300]}"
        )
    return answer
