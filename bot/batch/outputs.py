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


def tell_workflow(planned: Planned | None, *, missing: int = 0) -> None:
    """Write the matrix of a plan, an empty one for None. Raises ConfigError outside a workflow."""
    path = os.environ.get("GITHUB_OUTPUT")
    if not path:
        raise ConfigError(NO_FILE)
    with Path(path).open("a") as file:
        for name, value in outputs(planned, missing).items():
            file.write(f"{name}={value}\n")


def outputs(planned: Planned | None, missing: int) -> Mapping[str, str]:
    """Return the outputs of a step: each on one line, made of numbers alone."""
    numbers = [] if planned is None else [shard.number for shard in planned.shards]
    return {
        "matrix": json.dumps({"shard": numbers}, separators=(",", ":")),
        "shards": str(len(numbers)),
        "minutes": str(0 if planned is None else planned.minutes),
        "missing": str(missing),
    }
