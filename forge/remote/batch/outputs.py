"""What a workflow goes by: the outputs that a plan comes to."""

from __future__ import annotations

import json

from forge.remote.batch.partition import Planned


def outputs(planned: Planned | None) -> dict[str, str]:
    """Return what a workflow goes by: the matrix of a plan, an empty one for None."""
    numbers = [] if planned is None else [shard.number for shard in planned.shards]
    return {
        "matrix": json.dumps({"shard": numbers}, separators=(",", ":")),
        "shards": str(len(numbers)),
        "minutes": str(0 if planned is None else planned.minutes),
    }
