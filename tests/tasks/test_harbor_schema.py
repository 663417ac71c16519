"""Harbor's own package reads our task folders, and knows every setting in them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from harness.sandboxes.interpreters import find_interpreter
from harness.sandboxes.sandbox import BuildFailed
from tasks.export import export_folder
from tests.furniture.environments import install_package
from tests.tasks.made import Made

pytestmark = [pytest.mark.network, pytest.mark.slow]
HARBOR = "harbor==0.26.0"
READS = """
import json, sys, tomllib
from pathlib import Path
from harbor.models.task.config import TaskConfig
from harbor.models.task.task import Task

place = Path(sys.argv[1])
task = Task(place)
unknown = []


def compare(table, model, where):
    for name, value in table.items():
        if name not in model.model_fields:
            unknown.append(f"{where}.{name}")
        elif isinstance(value, dict):
            kind = model.model_fields[name].annotation
            for each in (kind, *getattr(kind, "__args__", ())):
                if hasattr(each, "model_fields"):
                    compare(value, each, f"{where}.{name}")


compare(tomllib.loads((place / "task.toml").read_text()), TaskConfig, "")
print(json.dumps({
    "name": task.config.task.name,
    "network": task.config.environment.network_mode.value,
    "verifier": task.config.verifier.user,
    "instruction": task.instruction,
    "schema": TaskConfig().schema_version,
    "unknown": unknown,
}))
"""


@pytest.fixture(scope="module")
def harbor() -> Path:
    """A Python that has Harbor, which wants 3.12 or newer."""
    for version in ("3.12", "3.13"):
        try:
            python = find_interpreter(version).executable
            break
        except BuildFailed:
            continue
    else:
        absent = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        absent("Harbor wants Python 3.12 or newer, and there is none")
    return install_package(HARBOR, python) / "bin/python"


def test_harbor_reads_a_task_and_knows_every_setting(
    made: Made, tmp_path: Path, harbor: Path
) -> None:
    folder = tmp_path / "set"
    export_folder("harbor", made.store, made.trees, [made.task], folder, runner=b"")

    done = subprocess.run(
        [harbor, "-c", READS, folder / made.task.id], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout.splitlines()[-1])

    assert told["unknown"] == []
    assert told["name"] == f"bugfoundry/{made.task.id}"
    assert told["schema"] == "1.4"
    assert told["network"] == "no-network"
    assert told["verifier"] == "root"
    assert made.task.statement.strip() in told["instruction"]
