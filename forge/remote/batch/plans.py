"""A plan on disk: ``plan.json`` beside the files that it names."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from forge.remote.batch import PLAN
from forge.remote.batch.bugs import KIND as BUGS
from forge.remote.batch.bugs import Bugs, bug_lines, read_bugs
from forge.remote.batch.durations import Expected, Expecting
from forge.remote.batch.environments import KIND as ENVIRONMENT
from forge.remote.batch.environments import Packed, environment_lines, read_environment
from forge.remote.batch.line_files import SCHEMA, convert, name_of, parse_line, write_lines
from forge.remote.batch.partition import MOST_SHARDS, Planned, minutes, spread_bugs
from harness.judge.judge import HARNESS_VERSION
from harness.judge.trust import audit_first_and_sampled, audit_named
from storage.errors import BatchError
from storage.whole_files import write_whole_file

LARGEST_PLAN = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A plan with what it names, read and held against each other."""

    planned: Planned
    packed: Packed
    bugs: Bugs


def expectations(batch: Batch) -> list[Expected]:
    """Return what each bug of a batch will take."""
    bugs = batch.bugs.bugs
    audits = audit_named({bugs[place].id for place in batch.planned.audited})
    return Expecting(batch.packed.baseline, batch.packed.coverage).expect(batch.bugs, audits)


def make_batch(
    packed: Packed,
    bugs: Bugs,
    *,
    aim: float,
    workers: int,
    judged: int = 0,
    shards: int | None = None,
) -> Batch:
    """Spread bugs over shards.

    ``aim`` is how many minutes a shard should take with so many ``workers``; ``judged`` bugs of
    the environment were judged before. Raises BatchError.
    """
    if not bugs.bugs:
        raise BatchError("there is no bug to judge")
    if bugs.tree != packed.environment.tree:
        raise BatchError("bugs and environment are of different trees")
    expecting = Expecting(packed.baseline, packed.coverage)
    expected = expecting.expect(bugs, audit_first_and_sampled(judged))
    parts, left = spread_bugs(
        expected, range(len(bugs.bugs)), aim=aim, workers=workers, shards=shards
    )
    planned = Planned(
        bugs=name_of(BUGS, bug_lines(bugs)),
        environment_file=name_of(ENVIRONMENT, environment_lines(packed)),
        tree=bugs.tree,
        environment=packed.environment.id,
        harness=HARNESS_VERSION,
        mode=packed.mode,
        shards=parts,
        audited=tuple(place for place, each in enumerate(expected) if each.audited),
        left=left,
        workers=workers,
        minutes=minutes(parts, workers),
    )
    return Batch(planned=planned, packed=packed, bugs=bugs)


def write_batch(folder: Path, batch: Batch) -> None:
    """Write the files of a batch into a folder, and its plan last."""
    write_lines(folder, BUGS, bug_lines(batch.bugs))
    write_lines(folder, ENVIRONMENT, environment_lines(batch.packed))
    write_plan(folder / PLAN, batch.planned)


def write_plan(path: Path, planned: Planned) -> None:
    """Write a plan; what was there is replaced whole."""
    text = json.dumps(msgspec.to_builtins(planned), separators=(",", ":"))
    write_whole_file(path, text.encode())


def read_plan(path: Path) -> Planned:
    """Read a plan and check it. Raises BatchError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BatchError(f"{path}: {error.strerror}; `bugfoundry batch plan` writes it") from error
    return parse_plan(data, str(path))


def parse_plan(data: bytes, what: str) -> Planned:
    """Decode a plan and check it. Raises BatchError."""
    if len(data) > LARGEST_PLAN:
        raise BatchError(f"{what} is larger than a plan may be")
    planned = convert(parse_line(data, what), Planned, what)
    if planned.schema != SCHEMA:
        raise BatchError(f"{what} is of schema {planned.schema}, this bugfoundry reads {SCHEMA}")
    if planned.harness != HARNESS_VERSION:
        raise BatchError(
            f"{what} is for version {planned.harness} of the rules, this bugfoundry judges by "
            f"{HARNESS_VERSION}; use the same version on both sides"
        )
    check(planned, what)
    return planned


def accept_wave(batch: Batch, data: bytes) -> Planned:
    """Decode the plan of a later wave that a run made for itself. Raises BatchError.

    It may only have planned bugs of the batch judged again.
    """
    planned, first = parse_plan(data, "the plan of another wave"), batch.planned
    same = replace(planned, shards=(), left=(), deaths=(), wave=0, minutes=0) == replace(
        first, shards=(), left=(), deaths=(), wave=0, minutes=0
    )
    mine = {place for shard in first.shards for place in shard.bugs}
    if not same or planned.wave <= first.wave:
        raise BatchError("the plan of another wave is not of this batch")
    if not mine.issuperset(place for shard in planned.shards for place in shard.bugs):
        raise BatchError("the plan of another wave has bugs that were not planned")
    return planned


def plan_name(number: int) -> str:
    """Return the name of a plan in its folder, from 1."""
    return PLAN if number == 1 else f"plan-{number}.json"


def read_waves(folder: Path) -> list[Planned]:
    """Read the plans of all waves, the first first. Raises BatchError."""
    plans = [read_plan(folder / PLAN)]
    while (path := folder / plan_name(len(plans) + 1)).exists():
        plans.append(read_plan(path))
    first = plans[0]
    if any(
        (each.bugs, each.environment_file) != (first.bugs, first.environment_file) for each in plans
    ):
        raise BatchError(f"{folder} holds plans of different batches")
    return plans


def check(planned: Planned, what: str) -> None:
    """Check that no bug is in two shards. Raises BatchError."""
    numbers = [shard.number for shard in planned.shards]
    places = [place for shard in planned.shards for place in shard.bugs]
    if len(numbers) > MOST_SHARDS or len(set(numbers)) != len(numbers):
        raise BatchError(f"{what} has more shards than {MOST_SHARDS}, or one number twice")
    if len(set(places)) != len(places) or any(place < 0 for place in places):
        raise BatchError(f"{what} has a bug in two shards")


def read_batch(folder: Path, plan: str = PLAN) -> Batch:
    """Read a plan with all that it names. Raises BatchError where the parts do not fit."""
    planned = read_plan(folder / plan)
    bugs = read_bugs(folder / planned.bugs)
    packed = read_environment(folder / planned.environment_file)
    last = max((place for shard in planned.shards for place in shard.bugs), default=-1)
    fits = planned.tree == bugs.tree == packed.environment.tree and last < len(bugs.bugs)
    if not fits or planned.environment != packed.environment.id:
        raise BatchError(f"{folder}: the plan does not fit the batch that lies beside it")
    return Batch(planned=planned, packed=packed, bugs=bugs)
