"""Furniture: a small batch, and what its shards would deliver."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import replace

from forge.remote.batch.artifacts import Artifact
from forge.remote.batch.bugs import gather
from forge.remote.batch.environments import Packed
from forge.remote.batch.line_files import to_line
from forge.remote.batch.partition import Planned, Shard
from forge.remote.batch.plans import Batch, make_batch
from forge.remote.batch.shard_lines import VerdictFileLine, head_of, pack_verdict
from harness.judge.judge import HARNESS_VERSION
from storage.records import (
    Baseline,
    BaselineTest,
    Bug,
    Environment,
    FileChange,
    Origin,
    Plan,
    Repository,
    Verdict,
)
from syntax.patches import unified_diff

TREE = "1" * 40
PATH = "src/shop.py"
SOURCE = "".join(f"value_{number} = {number}\n" for number in range(100))
GREEN = tuple(f"tests/test_shop.py::test_{number}" for number in range(10))

REPOSITORY = Repository(owner="acme", name="shop", commit="2" * 40, tree=TREE, source="acme/shop")
ENVIRONMENT = Environment(
    tree=TREE,
    plan=Plan(name="plain", python="3.11", install=()),
    sandbox="local",
    python="3.11.7",
    lock="pytest==8.3",
    base="linux",
    arch="x86_64",
    handle="plain",
)


def bug(number: int) -> Bug:
    """The bug that changes one line."""
    changed = SOURCE.replace(f"value_{number} = {number}\n", f"value_{number} = -1\n")
    patch = unified_diff(PATH, SOURCE.encode(), changed.encode())
    sha256 = hashlib.sha256(changed.encode()).hexdigest()
    return Bug(
        tree=TREE,
        patch=patch,
        changes=(FileChange(path=PATH, mode="100644", sha256=sha256),),
        origin=Origin(strategy="procedural", operator="constant", path=PATH, line=number + 1),
    )


def packed(**changed: object) -> Packed:
    """Its environment: ten tests that serve, of a tenth of a second."""
    tests = tuple(BaselineTest(id=test, outcome="passed", seconds=0.1) for test in GREEN)
    baseline = Baseline(environment=ENVIRONMENT.id, tests=tests, seconds=1.0, runs=2)
    made = Packed(repository=REPOSITORY, environment=ENVIRONMENT, baseline=baseline)
    return replace(made, **changed)  # type: ignore[arg-type]


def batch_of(bugs: int = 12, *, shards: int = 3) -> Batch:
    """A batch of so many bugs in so many shards."""
    found = gather(TREE, [bug(number) for number in range(bugs)], {PATH: SOURCE.encode()}.get)
    return make_batch(packed(), found, aim=1, workers=1, shards=shards)


def verdict_on(name: str, reason: str = "valid") -> Verdict:
    """A verdict; of a valid bug the first test fails."""
    valid = reason == "valid"
    return Verdict(
        bug=name,
        environment=ENVIRONMENT.id,
        harness=HARNESS_VERSION,
        mode="full",
        reason=reason,
        fail_to_pass=GREEN[:1] if valid else (),
        pass_to_pass=GREEN[1:] if valid else (),
        seconds=0.5,
        kinds=(("failed", 1),) if valid else (),
    )


def ids(batch: Batch, shard: Shard) -> list[str]:
    """The bugs of a shard."""
    return [batch.bugs.bugs[place].id for place in shard.bugs]


def delivered(
    batch: Batch,
    shard: Shard,
    *,
    planned: Planned | None = None,
    judged: Sequence[Verdict] | None = None,
    flying: Iterable[str] = (),
    ended: str | None = "done",
) -> bytes:
    """What a shard writes that judged some bugs, with others in flight when it ended or died."""
    verdicts = [verdict_on(name) for name in ids(batch, shard)] if judged is None else judged
    lines: list[object] = [head_of(planned or batch.planned, shard), VerdictFileLine(started=1)]
    for verdict in verdicts:
        said = dict.fromkeys(verdict.fail_to_pass[:1], "E   assert 1 == 2")
        green = batch.packed.baseline.green
        lines += [
            VerdictFileLine(begun=verdict.bug),
            VerdictFileLine(verdict=pack_verdict(verdict, green, said)),
        ]
    lines += [VerdictFileLine(begun=name) for name in flying]
    lines += (
        []
        if ended is None
        else [VerdictFileLine(ended=ended, tests=10 * len(verdicts), seconds=3.0)]
    )
    return b"".join(to_line(line) for line in lines)


def artifact(data: bytes, name: str = "verdicts-1-0") -> Artifact:
    return Artifact(name=name, data=data)


def zipped(files: dict[str, bytes]) -> bytes:
    """An archive, as GitHub hands one out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()
