"""The slowest tests of a run, written into docs/tests.md.

./run test --junitxml=/tmp/junit.xml
.venv/bin/python -m benchmarks.slowest_tests /tmp/junit.xml "2 cores of a quiet machine"
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

PAGE = Path(__file__).parents[1] / "docs" / "tests.md"
BEGIN, END = "<!-- slowest: begin -->\n", "<!-- slowest: end -->\n"
SHOWN = 20


def read_run(report: Path) -> tuple[float, list[tuple[float, str]]]:
    """Return the seconds that a run took, and each test with its own, slowest first."""
    root = ElementTree.parse(report).getroot()
    whole = float(next(root.iter("testsuite")).get("time", 0))
    tests = [
        (float(case.get("time", 0)), f"{case.get('classname')}::{case.get('name')}")
        for case in root.iter("testcase")
    ]
    return whole, sorted(tests, reverse=True)


def table(whole: float, tests: list[tuple[float, str]], machine: str) -> Iterator[str]:
    """Give the lines of the table, with what it was measured on."""
    yield (
        f"Measured on {date.today()}: {len(tests)} tests in {whole / 60:.1f} minutes on {machine} "
        f"({os.cpu_count()} cores, Python {platform.python_version()}).\n\n"
    )
    yield "| seconds | test |\n|---:|---|\n"
    for seconds, name in tests[:SHOWN]:
        shown = name.replace("|", "\\|")
        yield f"| {seconds:.1f} | `{shown}` |\n"


def main() -> None:
    report, machine = Path(sys.argv[1]), sys.argv[2]
    head, _, rest = PAGE.read_text().partition(BEGIN)
    lines = "".join(table(*read_run(report), machine))
    PAGE.write_text(head + BEGIN + lines + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
