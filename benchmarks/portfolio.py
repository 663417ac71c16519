"""All strategies, with statements by a model: the estimate, a budget that ends, resuming, costs.

    .venv/bin/python -m benchmarks.portfolio CHECKOUT [--folder WORK] [--page docs/portfolio.md]

Runs the real command again and again, as a person would: what would it cost; a run whose budget
runs out; the same command with a larger budget, which goes on; what it cost; one task of each
strategy. The model is the tests' scripted Messages API server, which answers by rules from what
each request shows (tests/furniture/answers.py), and bills what was really sent. After each run the
calls are counted at the server: none may be asked twice. ``--page`` writes what was printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from forge.run.sources import STRATEGIES
from llm.client import DEFAULT_MODEL
from llm.prices import Tokens, compute_cost, price_of
from storage.records import Bug, Task, digest
from storage.store import Store
from tasks.statements import is_template
from tests.furniture.answers import answer
from tests.furniture.messages_api import Service, messages_api

ROOT = Path(__file__).parents[1]
STORE = "portfolio.db"
WIDTH = "132"
LISTED_TESTS = 4
LISTED_OPERATORS = 9
LISTED_OUTPUT = 12
"""Lines of what a script of a statement prints."""
TEST = re.compile(r"  \S+\.py::|  … and \d+ more$")
ROW = re.compile(r" \S.* +\d+ +\d+ +\d+ +\d+% +[\d.]+$")
PAGE = """# All strategies in one run

What `python -m benchmarks.portfolio` printed for {name} on {date}, shortened: five strategies and
statements by a model, a budget that runs out, and a run that goes on. The model is the scripted
server of the tests: it speaks the Messages API, bills the tokens of what was really sent by the
real rules of the cache, and answers by simple rules from what a request shows. So the calls, the
dollars and the pipeline are real; how good the bugs and the words are says nothing of a language
model.
"""


@dataclass
class Show:
    """Commands that are run, and what they print."""

    folder: Path
    source: str
    service: Service
    parts: list[str] = field(default_factory=list)
    counted: int = 0

    async def run(self, *words: str) -> str:
        """Run the command; print and return what it printed."""
        shown = f"$ bugfoundry {shlex.join(words)}"
        print(f"\n{shown}", flush=True)
        assert self.service.client is not None
        done = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", *words),
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "COLUMNS": WIDTH,
                "BUGFOUNDRY_STORE": STORE,
                "BUGFOUNDRY_CACHE": str(self.folder / "cache"),
                "ANTHROPIC_API_KEY": "scripted",
                "ANTHROPIC_BASE_URL": str(self.service.client.base_url),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await done.communicate()
        text = "\n".join(line.rstrip() for line in out.decode().splitlines())
        print(text, flush=True)
        if done.returncode:
            raise SystemExit(f"bugfoundry ended with exit code {done.returncode}")
        self.parts.append(fenced(f"{shown}\n{text}"))
        return text

    def tell(self, text: str) -> None:
        """Say something between two commands."""
        print(f"\n{text}", flush=True)
        self.parts.append(text)

    def count(self) -> None:
        """Say what the server was asked since the last time, and check that nothing came twice."""
        keys = [digest(json.dumps(body, sort_keys=True)) for body in self.service.asked]
        twice = len(keys) - len(set(keys))
        new, self.counted = len(keys) - self.counted, len(keys)
        self.tell(
            f"The server was asked {new} calls in this run, {len(keys)} in all, {twice} of them "
            f"twice, and has billed ${billed(self.service):.4f} so far."
        )
        if twice:
            raise SystemExit("a call was paid twice")


def billed(service: Service) -> float:
    """Dollars of all that the server answered, by its own count of tokens."""
    price = price_of(DEFAULT_MODEL)
    found = 0.0
    for usage in service.usages:
        tokens = Tokens(
            input=usage["input_tokens"],
            output=usage["output_tokens"],
            cache_write=usage["cache_creation_input_tokens"],
            cache_read=usage["cache_read_input_tokens"],
        )
        found += compute_cost(price, tokens)
    return found


async def portfolio(options: argparse.Namespace, folder: Path) -> None:
    """Run all of it in a folder."""
    name = options.source.resolve().name
    if not (folder / name).exists():
        subprocess.run(["git", "clone", "-q", options.source.resolve(), folder / name], check=True)
    async with messages_api(answer, repeat=True) as service:
        show = Show(folder, name, service)
        await run_all(show, options)
    if options.page is not None:
        options.page.write_text(page(name, show.parts))


async def run_all(show: Show, options: argparse.Namespace) -> None:
    strategies = f"mirror:{options.mirror},{','.join(STRATEGIES[1:])}"
    words = ["forge", show.source, "--strategies", strategies, "--statements", "model"]
    words += ["--max-bugs", str(options.max_bugs), "--sandbox", options.sandbox]
    show.tell("## What it would cost")
    await show.run(*words, "--model-budget", f"{options.large}", "--estimate")
    show.tell("## A budget that runs out")
    await show.run(*words, "--model-budget", f"{options.small}")
    show.count()
    show.tell("## The same command with a larger budget goes on")
    await show.run(*words, "--model-budget", f"{options.large}")
    show.count()
    show.tell("## Once more: nothing is asked")
    await show.run(*words, "--model-budget", f"{options.large}")
    show.count()
    show.tell("## What it cost")
    await show.run("costs")
    with Store(show.folder / STORE) as store:
        chosen = one_of_each(store)
    for strategy, task in chosen.items():
        show.tell(f"## A task of {strategy}")
        await show.run("show", task.id)


def one_of_each(store: Store) -> dict[str, Task]:
    """A task of each strategy: one whose statement the model wrote, with a small patch."""
    found: dict[str, list[tuple[Task, Bug]]] = {}
    for task in store.tasks():
        bug = store.bug(task.bug)
        if bug is not None:
            found.setdefault(bug.origin.strategy, []).append((task, bug))

    def rank(each: tuple[Task, Bug]) -> tuple[bool, bool, int]:
        task, bug = each
        return is_template(task.statement), "```python" not in task.statement, len(bug.patch)

    return {name: min(found[name], key=rank)[0] for name in STRATEGIES if name in found}


def page(name: str, parts: list[str]) -> str:
    """Return the page of what was printed."""
    heading = PAGE.format(name=name, date=time.strftime("%Y-%m-%d"))
    return "\n\n".join([heading.rstrip(), *map(shortened, parts)]) + "\n"


def fenced(text: str) -> str:
    """Put what was printed into a block; a statement may hold blocks of its own."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def shortened(text: str) -> str:
    """Leave out most of the names of tests, of the rows of operators, of what scripts print."""
    kept: list[str] = []
    tests = rows = output = 0
    fence = ""
    for line in text.splitlines():
        if line.startswith("```"):
            fence = "" if fence else line
        tests = tests + 1 if TEST.match(line) else 0
        rows = rows + 1 if ROW.match(line) and not line.startswith(" all ") else 0
        output = output + 1 if fence == "```" else 0
        over = max(tests - LISTED_TESTS, rows - LISTED_OPERATORS, output - LISTED_OUTPUT)
        if over <= 0:
            kept.append(line)
        elif over == 1:
            kept.append("  …")
    return "\n".join(kept)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.portfolio",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", type=Path, help="a git checkout with its history")
    parser.add_argument("--folder", type=Path, help="where store, cache and clone are kept")
    parser.add_argument("--page", type=Path, help="write what was printed here, as Markdown")
    parser.add_argument("--sandbox", choices=("auto", "docker", "local"), default="local")
    parser.add_argument("--max-bugs", type=int, default=60)
    parser.add_argument("--mirror", type=int, default=12, help="bugs of the mirror at most")
    parser.add_argument("--small", type=float, default=0.3, help="dollars of the first run")
    parser.add_argument("--large", type=float, default=20.0, help="dollars of the second run")
    return parser.parse_args()


def main() -> None:
    options = read_options()
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
        asyncio.run(portfolio(options, options.folder.resolve()))
        return
    with tempfile.TemporaryDirectory(prefix="portfolio-") as folder:
        asyncio.run(portfolio(options, Path(folder)))


if __name__ == "__main__":
    main()
