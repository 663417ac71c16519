"""What a workflow is told: step outputs, by the file that GitHub names in the environment.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from bot.batch.planning import Planned
from storage.errors import ConfigError

NO_FILE = "--github is for a step of a workflow: the variable GITHUB_OUTPUT names no file"


def write_outputs(values: Mapping[str, str]) -> None:
    """Write a step's outputs. Raises ConfigError outside a workflow, or for more than a line."""
    path = os.environ.get("GITHUB_OUTPUT")
    if not path:
        raise ConfigError(NO_FILE)
    for name, value in values.items():
        if "\n" in value or "\r" in value:
            raise ConfigError(f"the output {name} would take more than a line")
    with Path(path).open("a") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())


def outputs(planned: Planned | None) -> dict[str, str]:
    """Return what a workflow goes by: the matrix of a plan, an empty one for None."""
    numbers = [] if planned is None else [shard.number for shard in planned.shards]
    return {
        "matrix": json.dumps({"shard": numbers}, separators=(",", ":")),
        "shards": str(len(numbers)),
        "minutes": str(0 if planned is None else planned.minutes),
    }
