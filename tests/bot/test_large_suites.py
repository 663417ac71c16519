"""A suite of full size, from the environment to grading. Smaller ones are in tests/harness."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]


@pytest.mark.long
def test_a_suite_of_full_size_is_served_from_environment_to_grading(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.large_suites", "--keep", str(tmp_path / "work")]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    print(done.stdout)
    assert "50000 of 50000 tests serve" in done.stdout
