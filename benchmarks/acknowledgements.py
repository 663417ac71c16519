"""Whether deliveries are acknowledged in time, and each of them kept once, while there is work.

    .venv/bin/python -m benchmarks.acknowledgements [--rate 200] [--seconds 60] [--connections 8]

Starts a GitHub that answers (`benchmarks.fast_github`) and the service as processes of their own,
and sends the service signed deliveries of what happened there, each at its own time whatever became
of those before it (an open loop): a delivery that has to wait counts its waiting. Meanwhile the
service handles them, asking that GitHub as always, at the pace that GitHub allows. A first round,
in which the GitHub learns its answers, does not count. Prints how long answers took, what is in the
store at the end, and how many deliveries were handled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from benchmarks.fast_github import READY
from bot.service.inbox.webhooks import signature

AIM = 0.1
"""Seconds within which 99 of 100 are to be acknowledged."""
GIVEN_UP = 10.0
"""Seconds after which GitHub gives up."""
PATIENCE = 120.0
"""Seconds that the GitHub has to be ready."""

Told = Sequence[tuple[str, bytes]]
"""Deliveries: event and body."""


@dataclass(slots=True)
class Sent:
    """What was sent, and what became of it."""

    guids: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """From when it was due until its answer."""
    statuses: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What became of the deliveries in the queue."""

    meanwhile: int
    """Handled while they came."""
    seconds: float
    """For which they came."""
    states: Counter[str]
    """When the last had come."""
    emptied: float | None
    """Seconds from then until none waited; None where that was not waited for."""
    failures: int
    """Of those, done at another attempt, or given up."""


def headers(event: str, body: bytes, guid: str, secret: str) -> Mapping[str, str]:
    """Return what GitHub sends with a body."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": signature(body, secret),
    }


async def send(
    url: str, told: Told, secret: str, *, rate: float, seconds: float, connections: int
) -> Sent:
    """Send deliveries at a steady rate, one kind after the other."""
    sent = Sent()
    limit = aiohttp.TCPConnector(limit=connections)
    timeout = aiohttp.ClientTimeout(total=GIVEN_UP)
    async with aiohttp.ClientSession(connector=limit, timeout=timeout) as session:
        tasks = []
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            event, body = told[number % len(told)]
            guid = str(uuid4())
            signed = headers(event, body, guid, secret)
            tasks.append(asyncio.create_task(one(session, url, body, signed, guid, due, sent)))
        await asyncio.gather(*tasks)
    return sent


async def one(
    session: aiohttp.ClientSession,
    url: str,
    body: bytes,
    signed: Mapping[str, str],
    guid: str,
    due: float,
    sent: Sent,
) -> None:
    """Send one delivery."""
    try:
        async with session.post(url, data=body, headers=signed) as answer:
            status = answer.status
            await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        status = 0
    sent.seconds.append(time.perf_counter() - due)
    sent.statuses[status] += 1
    if status == 202:
        sent.guids.append(guid)


@contextmanager
def github(folder: Path, repositories: int) -> Iterator[tuple[Mapping[str, Any], Told]]:
    """A GitHub that answers; gives what App it has, and what it tells of."""
    command = [sys.executable, "-m", "benchmarks.fast_github", str(folder)]
    command += ["--repositories", str(repositories)]
    with subprocess.Popen(command) as process:
        try:
            ready, began = folder / READY, time.monotonic()
            while not ready.exists():
                if process.poll() is not None or time.monotonic() - began > PATIENCE:
                    raise SystemExit("the GitHub did not start")
                time.sleep(0.1)
            found = [json.loads(line) for line in (folder / "told.jsonl").read_text().splitlines()]
            told = [(event, json.dumps(payload).encode()) for event, payload in found]
            yield json.loads(ready.read_text()), told
        finally:
            process.terminate()


@contextmanager
def service(folder: Path, about: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """A running service of an App; gives where deliveries go, and the process."""
    (folder / "bugfoundry.toml").write_text(
        f'[app]\nid = "{about["id"]}"\nslug = "{about["slug"]}"\nprivate_key_file = "key.pem"\n'
        f'webhook_secret_file = "hook"\napi_url = "{about["url"]}"\nweb_url = "{about["url"]}"\n'
        '[serve]\nport = 0\nstore = "bugfoundry.db"\ncache = "cache"\n[work]\nprocesses = 0\n'
    )
    command = [sys.executable, "-m", "bot", "serve", "--config", str(folder / "bugfoundry.toml")]
    log = folder / "log"
    with log.open("w") as file, subprocess.Popen(command, stderr=file) as process:
        try:
            yield address(log, process) + "/webhooks", process.pid
        finally:
            process.terminate()


def address(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Wait until the service listens, and return its address."""
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if line.startswith("serving at "):
                return line.removeprefix("serving at ")
        time.sleep(0.05)
    raise SystemExit(f"the service did not start:\n{log.read_text()}")


def processor_seconds(process: int) -> float:
    """Return what a process has used; https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kept(store: Path) -> Counter[str]:
    """Return how often each delivery is in the store."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        return Counter(row[0] for row in db.execute("select guid from deliveries"))


def handled(store: Path, *, began: float, seconds: float, patience: float) -> Handled:
    """Return what became of the deliveries; waits until none waits, or so many seconds."""
    came = "kind = 'delivery' and state = 'done' and ended between ? and ?"
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        states = standing(db)
        [meanwhile] = db.execute(
            f"select count(*) from jobs where {came}", (began, began + seconds)
        )
        waited = time.time()
        while open_ones(now := standing(db)) and time.time() - waited < patience:
            time.sleep(0.25)
        emptied = None if open_ones(now) else time.time() - began - seconds
        tried = "kind = 'delivery' and (attempts > 1 or state = 'failed')"
        [again] = db.execute(f"select count(*) from jobs where {tried}")
    return Handled(
        meanwhile=meanwhile[0], seconds=seconds, states=states, emptied=emptied, failures=again[0]
    )


def standing(db: sqlite3.Connection) -> Counter[str]:
    """Return how many deliveries are in which state."""
    asked = "select state, count(*) from jobs where kind = 'delivery' group by state"
    return Counter(dict(db.execute(asked)))


def open_ones(states: Counter[str]) -> int:
    """Return how many are still to be handled."""
    return states["waiting"] + states["running"]


def report(sent: Sent, guids: Counter[str], queue: Handled) -> bool:
    """Print what came of it, and return whether the aim is reached."""
    lost = [guid for guid in sent.guids if guid not in guids]
    twice = sum(count - 1 for count in guids.values())
    cuts = statistics.quantiles(sent.seconds, n=1000)
    late = sum(second > AIM for second in sent.seconds)
    print("| sent | acknowledged | lost | twice | 50 % | 90 % | 99 % | 99.9 % | most |")
    print("|---|---|---|---|---|---|---|---|---|")
    times = [cuts[499], cuts[899], cuts[989], cuts[998], max(sent.seconds)]
    shown = " | ".join(f"{1000 * second:.1f} ms" for second in times)
    print(f"| {len(sent.seconds)} | {len(sent.guids)} | {len(lost)} | {twice} | {shown} |")
    print(f"\nstatuses: {dict(sent.statuses)}; later than {1000 * AIM:.0f} ms: {late}\n")
    print("| handled while they came | a second | waiting then | none waited after | failures |")
    print("|---|---|---|---|---|")
    emptied = "not waited for" if queue.emptied is None else f"{queue.emptied:.0f} s"
    a_second = queue.meanwhile / queue.seconds
    waiting = open_ones(queue.states)
    print(f"| {queue.meanwhile} | {a_second:.0f} | {waiting} | {emptied} | {queue.failures} |")
    everything = len(sent.guids) == len(sent.seconds)
    return everything and not lost and not twice and cuts[989] <= AIM


def main() -> None:
    """Run the benchmark; the exit code is 1 when the aim is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--repositories", type=int, default=40, help="each with its own owner")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds for the rest")
    parser.add_argument("--folder", help="where the store is for the while; its disk counts")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bugfoundry-", dir=asked.folder) as name:
        folder = Path(name)
        with (
            github(folder, asked.repositories) as (about, told),
            service(folder, about) as (url, process),
        ):
            store, secret = folder / "bugfoundry.db", (folder / "hook").read_text()

            def deliver(seconds: float) -> Sent:
                rate, connections = asked.rate, asked.connections
                sending = send(
                    url, told, secret, rate=rate, seconds=seconds, connections=connections
                )
                return asyncio.run(sending)

            # Each once: the GitHub answers at its speed what it was asked before.
            deliver(len(told) / asked.rate)
            handled(store, began=time.time(), seconds=1.0, patience=asked.patience)
            before, began, used = kept(store), time.time(), processor_seconds(process)
            sent = deliver(asked.seconds)
            took = time.time() - began
            queue = handled(store, began=began, seconds=took, patience=asked.patience)
            used = processor_seconds(process) - used
        guids = kept(store) - before
    reached = report(sent, guids, queue)
    each = 1000 * used / len(sent.seconds)
    print(
        f"\nthe service used {used:.1f} s of a processor, {each:.1f} ms a delivery; "
        f"{os.cpu_count()} processors, load before and after: {load:.1f}, {os.getloadavg()[0]:.1f}"
    )
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
