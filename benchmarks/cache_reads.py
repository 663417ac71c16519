"""How much of what a model reads comes from its cache, when functions are written anew.

    .venv/bin/python -m benchmarks.cache_reads CHECKOUT [--max-bugs N]

Asks the tests' scripted Messages API server, several calls at once as a run does. It bills the
tokens of what was really sent by the real rules of the cache: the least prefix, four breakpoints,
five minutes, and nothing to read until the answer that wrote it has begun.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llm.budget import Budget, DollarLimits
from llm.claude import Claude
from llm.client import DEFAULT_MODEL, Model
from llm.prices import price_of
from mutators.model.rewrite import REWRITE
from storage.store import Store
from syntax.paths import is_source_path
from tests.furniture.answers import answer
from tests.furniture.messages_api import Service, messages_api

Bills = Sequence[tuple[Mapping[str, Any], dict[str, Any]]]


def model(service: Service) -> Model:
    """The default model of the scripted service, with a store of its own."""
    assert service.client is not None
    calls = Store(":memory:").calls
    return Model(
        service=Claude(service.client, DEFAULT_MODEL),
        price=price_of(DEFAULT_MODEL),
        budget=Budget(calls, DollarLimits(run=1000.0)),
        calls=calls,
    )


async def bills_of(files: Mapping[str, bytes], max_bugs: int) -> Bills:
    """Have functions written anew until there are bugs enough; return requests and usages."""
    async with messages_api(answer, repeat=True) as service:
        async for _ in REWRITE.bugs(
            "0" * 40, files, {}, model=model(service), seed=0, max_bugs=max_bugs
        ):
            pass
        return service.bills


def share(usages: Sequence[Mapping[str, int]]) -> float:
    """Return how much of the input was read from the cache, 0 to 1."""
    read = sum(usage["cache_read_input_tokens"] for usage in usages)
    paid = sum(u["input_tokens"] + u["cache_creation_input_tokens"] for u in usages)
    return read / max(read + paid, 1)


def after_the_first(bills: Bills) -> list[dict[str, Any]]:
    """Return the usages but those of the first call about each file."""
    seen: set[str] = set()
    later = []
    for request, usage in bills:
        *shared, _ = request["messages"][0]["content"]
        if shared[-1]["text"] in seen:
            later.append(usage)
        seen.add(shared[-1]["text"])
    return later


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cache_reads", description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--max-bugs", type=int, default=100)
    options = parser.parse_args()
    files = {
        path: file.read_bytes()
        for file in sorted(options.checkout.rglob("*.py"))
        if is_source_path(path := file.relative_to(options.checkout).as_posix())
    }
    bills = asyncio.run(bills_of(files, options.max_bugs))
    later, every = after_the_first(bills), [usage for _, usage in bills]
    print(
        f"{len(bills)} calls about {len(bills) - len(later)} files, {options.max_bugs} bugs wanted"
    )
    print(f"read from the cache after the first call of a file: {share(later):.0%} of the input")
    print(f"read from the cache in all calls: {share(every):.0%} of the input")


if __name__ == "__main__":
    main()
