"""Whether deliveries are acknowledged in time, and each of them kept once, while there is work.

    .venv/bin/python -m benchmarks.acknowledge [--rate 200] [--seconds 60] [--connections 8]

Starts the service as a process of its own and sends it signed deliveries, each at its own time
whatever became of those before it (an open loop): a delivery that has to wait counts its waiting.
The queue is worked meanwhile; no GitHub answers, so what asks it fails and is tried again. Prints
how long answers took and what is in the store at the end.
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
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.service.webhooks import signature

SECRET = "It's a Secret to Everybody"
AIM = 0.1
"""Seconds within which 99 of 100 are to be acknowledged."""
GIVEN_UP = 10.0
"""Seconds after which GitHub gives up."""
REPOSITORIES = 40
EVENTS: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("star", "created", {}),
    ("push", "", {"ref": "refs/heads/main", "after": "0" * 40}),
    ("issues", "edited", {"issue": {"number": 1, "labels": []}}),
    ("pull_request", "closed", {"pull_request": {"number": 2, "merged": True}, "number": 2}),
    ("label", "created", {"label": {"name": "bugfoundry"}}),
    ("check_run", "completed", {"check_run": {"id": 3}}),
)
FILL = "x" * 8000
"""A usual payload has about ten kilobytes."""


@dataclass(slots=True)
class Sent:
    """What was sent, and what became of it."""

    guids: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """From when it was due until its answer."""
    statuses: Counter[int] = field(default_factory=Counter)


def payload(number: int) -> tuple[str, bytes]:
    """Return the event and body of a delivery."""
    event, action, more = EVENTS[number % len(EVENTS)]
    repository = number % REPOSITORIES + 1
    body = {
        "action": action,
        "repository": {"id": repository, "full_name": f"octo/r{repository}", "fill": FILL},
        "installation": {"id": repository % 7 + 1},
        "sender": {"login": "octocat", "type": "User"},
        **more,
    }
    return event, json.dumps(body).encode()


def headers(event: str, body: bytes, guid: str) -> Mapping[str, str]:
    """Return what GitHub sends with a body."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": signature(body, SECRET),
    }


async def send(url: str, *, rate: float, seconds: float, connections: int) -> Sent:
    """Send deliveries at a steady rate."""
    sent = Sent()
    limit = aiohttp.TCPConnector(limit=connections)
    timeout = aiohttp.ClientTimeout(total=GIVEN_UP)
    async with aiohttp.ClientSession(connector=limit, timeout=timeout) as session:
        tasks = []
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(one(session, url, number, due, sent)))
        await asyncio.gather(*tasks)
    return sent


async def one(
    session: aiohttp.ClientSession, url: str, number: int, due: float, sent: Sent
) -> None:
    """Send one delivery."""
    event, body = payload(number)
    guid = str(uuid4())
    try:
        async with session.post(url, data=body, headers=headers(event, body, guid)) as answer:
            status = answer.status
            await answer.read()
    except (aiohttp.ClientError, TimeoutError):
        status = 0
    sent.seconds.append(time.perf_counter() - due)
    sent.statuses[status] += 1
    if status == 202:
        sent.guids.append(guid)


@contextmanager
def service(folder: Path) -> Iterator[str]:
    """A running service; gives where deliveries go."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    (folder / "key.pem").write_bytes(key)
    (folder / "hook").write_text(SECRET)
    (folder / "bugfoundry.toml").write_text(
        '[app]\nid = "1"\nprivate_key_file = "key.pem"\nwebhook_secret_file = "hook"\n'
        'api_url = "http://127.0.0.1:9"\n'
        '[serve]\nport = 0\nstore = "bugfoundry.db"\ncache = "cache"\n[work]\nprocesses = 0\n'
    )
    command = [sys.executable, "-m", "bot", "serve", "--config", str(folder / "bugfoundry.toml")]
    log = folder / "log"
    with log.open("w") as file, subprocess.Popen(command, stderr=file) as process:
        try:
            yield address(log, process) + "/webhooks"
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


def kept(store: Path) -> tuple[Counter[str], Counter[str]]:
    """Return how often each delivery is in the store, and how its jobs stand."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        guids = Counter(row[0] for row in db.execute("select guid from deliveries"))
        jobs = Counter(
            row[0] for row in db.execute("select state from jobs where kind = 'delivery'")
        )
    return guids, jobs


def told(sent: Sent, guids: Counter[str], jobs: Counter[str], load: float) -> bool:
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
    print(f"\nstatuses: {dict(sent.statuses)}; later than {1000 * AIM:.0f} ms: {late}")
    print(f"jobs at the end: {dict(jobs)}; load of the machine before and after: {load:.1f}, "
          f"{os.getloadavg()[0]:.1f}")  # fmt: skip
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
    parser.add_argument("--folder", help="where the store is for the while; its disk counts")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="bugfoundry-", dir=asked.folder) as name:
        folder = Path(name)
        with service(folder) as url:
            sent = asyncio.run(
                send(url, rate=asked.rate, seconds=asked.seconds, connections=asked.connections)
            )
        guids, jobs = kept(folder / "bugfoundry.db")
    sys.exit(0 if told(sent, guids, jobs, load) else 1)


if __name__ == "__main__":
    main()
