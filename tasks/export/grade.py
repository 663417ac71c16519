"""Grades a task where it is: in its container, by the runner that judged it.

    grade.py RUNNER CONFIG

Runs the tests that CONFIG names and ends with 0 when all are green, 1 when not, 2 when they could
not be run. The rule is that of ``harness/judge/judge.py``: a test is green when pytest reports that
it passed, and a task is solved when every test of both lists is. One file without dependencies
(Python 3.8 or newer), that ships with exported tasks.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = struct.Struct(">I")
TESTS_A_FRAME = 1000


def send(stream: Any, frame: dict[str, Any]) -> None:
    body = json.dumps(frame).encode()
    stream.write(HEAD.pack(len(body)) + body)
    stream.flush()


def receive(stream: Any) -> dict[str, Any]:
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        raise EOFError("the runner ended early")
    found: dict[str, Any] = json.loads(stream.read(HEAD.unpack(head)[0]))
    return found


def request(config: dict[str, Any]) -> dict[str, Any]:
    """Return what the runner is asked after the tests: to run them in one fresh process."""
    return {
        "op": "run",
        "path": {"mode": "fresh", "swaps": []},
        "args": config["pytest_args"],
        "files": {},
        "isolate": False,
        "test_timeout": config["test_timeout"],
        "total_timeout": config["total_timeout"],
        "collect_timeout": config["total_timeout"],
        "hang_limit": 2,
    }


def split_tests(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tests of a task as the runner takes them ahead of the request, a part at a time."""
    tests = [*config["FAIL_TO_PASS"], *config["PASS_TO_PASS"]]
    for start in range(0, max(1, len(tests)), TESTS_A_FRAME):
        yield {"op": "part", "field": "tests", "part": tests[start : start + TESTS_A_FRAME]}


def outcomes(runner: str, config: dict[str, Any]) -> dict[str, str]:
    """Run the tests; return the outcome of each that was run."""
    process = subprocess.Popen(
        [sys.executable, runner, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    found: dict[str, str] = {}
    try:
        for frame in (*split_tests(config), request(config)):
            send(process.stdin, frame)
        while True:
            frame = receive(process.stdout)
            if frame["event"] == "outcome":
                found.setdefault(frame["test"], frame["outcome"])
            if frame["event"] == "done":
                if frame["error"]:
                    raise EOFError(frame["error"])
                if frame.get("forged"):
                    print("pytest was changed by the code under test: no outcome counts")
                    return {}
                return found
    finally:
        process.kill()
        process.wait()


def is_solved(config: dict[str, Any], found: dict[str, str]) -> bool:
    """Say whether every test of both lists is green."""
    tests = [*config["FAIL_TO_PASS"], *config["PASS_TO_PASS"]]
    return all(found.get(test) == "passed" for test in tests)


def main(runner: str, place: str) -> int:
    with Path(place).open(encoding="utf-8") as file:
        config = json.load(file)
    try:
        found = outcomes(runner, config)
    except (EOFError, OSError) as error:
        print(f"the tests could not be run: {error}")
        return 2
    for name in ("FAIL_TO_PASS", "PASS_TO_PASS"):
        red = [test for test in config[name] if found.get(test) != "passed"]
        print(f"{name}: {len(config[name]) - len(red)} of {len(config[name])} green")
        for test in red[:20]:
            print(f"  not green: {test} ({found.get(test, 'missing')})")
    return 0 if is_solved(config, found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
