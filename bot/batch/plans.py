"""A plan on disk: ``plan.json`` beside the files that it names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bot.batch.bugs import Bugs, read_bugs, write_bugs
from bot.batch.environments import Packed, read_environment, write_environment
from bot.batch.expecting import Expected, Expecting
from bot.batch.files import SCHEMA, convert
from bot.batch.planning import MOST_SHARDS, Planned, minutes, spread
from harness.judge import HARNESS_VERSION
from harness.trust import first_and_sampled, named
from storage.errors import BatchError

PLAN = "plan.json"
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
    audits = named({bugs[place].id for place in batch.planned.audited})
    return Expecting(batch.packed.baseline, batch.packed.coverage).expect(batch.bugs, audits)


def plan_batch(
    folder: Path,
    packed: Packed,
    bugs: Bugs,
    *,
    aim: float,
    workers: int,
    judged: int = 0,
    shards: int | None = None,
) -> Planned:
    """Write a batch and its plan into a folder, and return the plan.

    ``aim`` is how many minutes a shard should take with so many ``workers``; ``judged`` bugs of
    the environment were judged before. Raises BatchError.
    """
    if not bugs.bugs:
        raise BatchError("there is no bug to judge")
    if bugs.tree != packed.environment.tree:
        raise BatchError("bugs and environment are of different trees")
    expecting = Expecting(packed.baseline, packed.coverage)
    expected = expecting.expect(bugs, first_and_sampled(judged))
    parts, left = spread(expected, range(len(bugs.bugs)), aim=aim, workers=workers, shards=shards)
    planned = Planned(
        bugs=write_bugs(folder, bugs),
        environment_file=write_environment(folder, packed),
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
    write_plan(folder / PLAN, planned)
    return planned


def write_plan(path: Path, planned: Planned) -> None:
    """Write a plan; what was there is replaced whole."""
    partial = path.with_name(f".{path.name}")
    partial.write_text(json.dumps(msgspec.to_builtins(planned), separators=(",", ":")))
    partial.replace(path)


def read_plan(path: Path) -> Planned:
    """Read a plan and check it. Raises BatchError."""
    try:
        if path.stat().st_size > LARGEST_PLAN:
            raise BatchError(f"{path} is larger than a plan may be")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise BatchError(f"{path}: {error.strerror}; `bugfoundry batch plan` writes it") from error
    except (ValueError, RecursionError) as error:
        raise BatchError(f"{path} is no JSON: {error}") from error
    planned = convert(found, Planned, str(path))
    if planned.schema != SCHEMA:
        raise BatchError(f"{path} is of schema {planned.schema}, this bugfoundry reads {SCHEMA}")
    if planned.harness != HARNESS_VERSION:
        raise BatchError(
            f"{path} is for version {planned.harness} of the rules, this bugfoundry judges by "
            f"{HARNESS_VERSION}; use the same version on both sides"
        )
    check(planned, str(path))
    return planned


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
