"""What a large suite costs: time and memory of each step, from the environment to grading.

    .venv/bin/python -m benchmarks.large_suites [--tests 50000] [--id 2000] [--files 10000]
        [--output 1000000] [--docstring 5000000] [--bugs 3] [--sandbox local] [--keep FOLDER]

Writes a project with so many tests, and runs each step as a command of its own. Memory is the
largest resident size of one process: of the command itself, and of what it starts (the sandbox).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1]
CASES_A_FILE = 50
INTERVAL = 0.2
PROJECT = """
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"
[project]
name = "widgets"
version = "1.0"
license = "MIT"
[tool.pytest.ini_options]
testpaths = ["tests"]
"""
CODE = """
def clamp(value, low, high):
    if value < low:
        return low
    if value > high:
        return high
    return value


def weigh(number, count):
    if number * 10 >= count * 8:
        return 3
    return 1
"""
TESTS = """
    import pytest
    from widgets.core import clamp, weigh

    @pytest.mark.parametrize("n", range({first}, {last}), ids=lambda n: f"{{n:0{width}d}}")
    def test_clamp(n):
        print("x" * {output})
        assert clamp(n, 10, n) == max(n, 10)
        assert weigh(n, {count}) == (3 if n * 10 >= {count} * 8 else 1)
"""


@dataclass(frozen=True, kw_only=True)
class SuiteShape:
    """How large a suite is."""

    tests: int
    id: int
    """Characters of an id."""
    files: int
    """Files of the repository; tests are in some of them."""
    output: int
    """Bytes that each test prints."""
    docstring: int


def write_suite(place: Path, shape: SuiteShape) -> None:
    """Write a project of that shape, as a git repository."""
    package, tests = place / "src" / "widgets", place / "tests"
    package.mkdir(parents=True)
    tests.mkdir()
    (place / "pyproject.toml").write_text(PROJECT)
    (package / "__init__.py").write_text("")
    line = "words of a docstring that goes on and on, for as long as it is asked to\n"
    text = line * (shape.docstring // len(line))
    (package / "core.py").write_text(f'"""{text}"""\n{CODE}')
    last = 0
    for number, first in enumerate(range(0, shape.tests, CASES_A_FILE)):
        last = min(first + CASES_A_FILE, shape.tests)
        name = f"test_{number}.py"
        width = max(1, shape.id - len(f"tests/{name}::test_clamp[]"))
        fields = {"first": first, "last": last, "width": width, "count": shape.tests}
        code = TESTS.format(**fields, output=shape.output)
        (tests / name).write_text(textwrap.dedent(code))
    for number in range(len(list(tests.iterdir())) + 3, shape.files):
        folder = package / f"part_{number // 100}"
        folder.mkdir(exist_ok=True)
        (folder / f"module_{number}.py").write_text(f'"""Module {number}."""\n')
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "initial"]):
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        subprocess.run(["git", "-C", str(place), *who, *words], check=True)


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """What a step took."""

    name: str
    seconds: float
    own: int
    """Largest resident size of the command, in MB."""
    started: int
    """The same of the largest process that it started."""
    said: str


def measure_step(name: str, arguments: Sequence[str], env: dict[str, str], log: Path) -> StepCost:
    """Run a command to its end. Raises SystemExit where it fails."""
    started, own, other = time.monotonic(), 0, 0
    with log.open("w+") as output:
        command = [sys.executable, "-m", "bot", *arguments]
        process = subprocess.Popen(command, env=env, cwd=HERE, stdout=output, stderr=output)
        while process.poll() is None:
            own = max(own, read_peak(process.pid))
            other = max([other, *(read_peak(pid) for pid in list_descendants(process.pid))])
            time.sleep(INTERVAL)
    said = log.read_text().strip().splitlines()[-3:]
    if process.returncode:
        print(log.read_text()[-3000:], file=sys.stderr)
        sys.exit(f"{name} ended with {process.returncode}")
    seconds = time.monotonic() - started
    return StepCost(name=name, seconds=seconds, own=own, started=other, said=" / ".join(said))


def read_peak(pid: int) -> int:
    """Return the largest resident size that a process has had, in MB; 0 of one that is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(found[0]) // 1024 if found else 0


def list_descendants(pid: int) -> Iterator[int]:
    """Yield the processes that a process has started, and theirs."""
    parents: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = place.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(place.parent.name))
    waiting = [pid]
    while waiting:
        for child in parents.get(waiting.pop(), ()):
            waiting.append(child)
            yield child


def list_steps(work: Path, options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Yield each step's name and arguments; those of the last need what the others wrote."""
    project, sandbox = str(work / "project"), ["--sandbox", options.sandbox]
    yield "environment and baseline", ["env", "build", project, *sandbox]
    few = ["--strategies", "procedural", "--max-bugs", str(options.bugs), "--workers", "1"]
    yield "judging", ["forge", project, *sandbox, *few]
    yield "tasks", ["tasks"]
    exported = work / "tasks.jsonl"
    yield "export jsonl", ["export", "--format", "jsonl", "-o", str(exported)]
    yield "export swe-bench", ["export", "--format", "swe-bench", "-o", str(work / "bench.jsonl")]
    yield "export parquet", ["export", "--format", "parquet", "-o", str(work / "tasks.parquet")]
    yield "export harbor", ["export", "--format", "harbor", "-o", str(work / "harbor")]
    yield "report", ["report", "-o", str(work / "report.html")]
    predictions = work / "predictions.jsonl"
    write_predictions(exported, predictions)
    graded = ["--predictions", str(predictions), "--workers", "1"]
    yield "grading", ["evaluate", *graded, "-o", str(work / "selected.json")]
    yield "grading by all", ["evaluate", *graded, "--full", "-o", str(work / "full.json")]


def write_predictions(exported: Path, place: Path) -> None:
    """Write the known fix of each task as a prediction."""
    rows = [json.loads(line) for line in exported.read_text().splitlines()]
    with place.open("w") as file:
        for row in rows:
            fix = row.get("patch") or row["fix_patch"]
            prediction = {"instance_id": row.get("instance_id") or row["id"], "model_patch": fix}
            file.write(json.dumps({**prediction, "model_name_or_path": "known-fix"}) + "\n")


def main() -> None:
    """Measure all steps and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in (("tests", 50_000), ("id", 2_000), ("files", 10_000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--output", type=int, default=1_000_000)
    parser.add_argument("--docstring", type=int, default=5_000_000)
    parser.add_argument("--bugs", type=int, default=3)
    parser.add_argument("--sandbox", default="local")
    parser.add_argument("--keep", type=Path, help="work in this folder, and leave all there")
    options = parser.parse_args()
    shape = SuiteShape(**{name: getattr(options, name) for name in SuiteShape.__annotations__})
    with tempfile.TemporaryDirectory() as temporary:
        work = options.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        write_suite(work / "project", shape)
        env = {**os.environ, "BUGFOUNDRY_STORE": str(work / "store.db")}
        env["BUGFOUNDRY_CACHE"] = str(work / "cache")
        print(shape)
        print(f"{'step':26} {'seconds':>8} {'MB':>6} {'MB started':>10}  said", flush=True)
        for name, arguments in list_steps(work, options):
            cost = measure_step(name, arguments, env, work / "log")
            print(
                f"{name:26} {cost.seconds:8.1f} {cost.own:6} {cost.started:10}  {cost.said[:150]}",
                flush=True,
            )
        print(f"the store holds {(work / 'store.db').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
