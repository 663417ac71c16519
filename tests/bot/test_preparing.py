"""What an earlier run has left: when it serves, and when it is made anew."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from forge.run.preparation import find_prepared
from harness.runs.coverage import encode, make_coverage
from harness.runs.selection import ExecutionTrace
from storage.store import Store
from tests.storage.samples import ENVIRONMENT, REPOSITORY, make_baseline


class Builder:
    """A backend of which nothing is asked but whether an environment is still there."""

    kind = ENVIRONMENT.sandbox

    async def exists(self, environment: object) -> bool:
        return True


SEEN = make_coverage({"": ExecutionTrace()}, [])
assert SEEN is not None
OLD = zlib.compress(json.dumps({"format": 1}).encode())


@pytest.mark.parametrize(("coverage", "serves"), [(encode(SEEN), True), (None, True), (OLD, False)])
async def test_coverage_of_an_older_version_is_measured_again(
    tmp_path: Path, coverage: bytes | None, serves: bool
) -> None:
    """Without any, a repository is judged by the whole suite: that has been decided."""
    backend: Any = Builder()
    with Store(tmp_path / "store.db") as store:
        store.add_repository(REPOSITORY)
        store.add_environment(ENVIRONMENT)
        store.add_baseline(make_baseline())
        store.set_coverage(ENVIRONMENT.id, coverage)
        found = await find_prepared(REPOSITORY, backend, [ENVIRONMENT.plan], store)
    assert (found is not None) == serves
