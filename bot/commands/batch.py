"""``bugfoundry batch``: bugs judged by other machines, each step by a command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from bot.batch.artifacts import read_folder
from bot.batch.collecting import Collected, Collecting, ShardState
from bot.batch.gathering import propose, stored
from bot.batch.ingesting import MIRROR, Ingested, ingest, mirror_of
from bot.batch.obtaining import obtain
from bot.batch.outputs import outputs
from bot.batch.planning import Planned
from bot.batch.plans import (
    PLAN,
    Batch,
    expectations,
    make_batch,
    plan_name,
    read_batch,
    read_waves,
    write_batch,
    write_plan,
)
from bot.batch.shards import Judged, run_shard
from bot.batch.waves import next_wave
from bot.commands.forge import known_operators, known_strategies
from bot.commands.options import (
    BaseImageOption,
    HumanProfileOption,
    JsonOption,
    LikeHumanOption,
    SandboxChoice,
    SandboxOption,
    StoreOption,
    chosen_profile,
    err,
    open_store,
    out,
    print_json,
)
from bot.mirroring import Mirror
from bot.nouns import counted
from bot.progress import Quiet
from bot.running import run_interruptible
from bot.settings import Settings
from bot.steps import write_outputs
from harness import backends
from harness.judge import HARNESS_VERSION
from harness.local import LocalBackend
from harness.sandbox import Backend, Limits
from storage.errors import BatchError, ConfigError, SandboxError
from storage.paths import cache_dir
from storage.records import MinuteLimit
from storage.store import Store

app = typer.Typer(
    help="Have bugs judged by other machines: plan shards, run one, collect verdicts.",
    no_args_is_help=True,
)
FolderArgument = Annotated[Path, typer.Argument(help="The folder that `batch plan` wrote.")]
PlanOption = Annotated[
    str, typer.Option("--plan", help="The plan in it to go by: that of a later wave, for instance.")
]
IMAGE = "--image {image!r}: name an image by its digest, as `bugfoundry env push` prints it"
PLAIN = (
    "a job does not run code of others as a plain process: install bubblewrap, or use --sandbox "
    "docker"
)


@app.command("plan")
def plan_command(
    source: Annotated[str, typer.Argument(help="As for `bugfoundry forge`.")],
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    max_bugs: Annotated[int, typer.Option(min=1, help="How many bugs to propose.")] = 100,
    seed: Annotated[int, typer.Option(help="Chooses which bugs are sampled.")] = 0,
    strategies: Annotated[
        str, typer.Option(help="As for `bugfoundry forge`; combine needs verdicts, and cannot be.")
    ] = "mirror,procedural",
    operator: Annotated[
        list[str] | None, typer.Option(help="Use only this operator (repeatable).")
    ] = None,
    like_human: LikeHumanOption = False,
    human_profile: HumanProfileOption = None,
    only_stored: Annotated[
        bool,
        typer.Option("--stored", help="Propose nothing: take what the store has without verdict."),
    ] = False,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long a shard should take.")] = 10.0,
    shards: Annotated[
        int | None, typer.Option(min=1, max=256, help="How many; by --minutes if not said.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Sandboxes that judge side by side in a shard.")
    ] = 4,
    image: Annotated[
        str,
        typer.Option(
            help="The environment's image in a registry, by digest; built where not said."
        ),
    ] = "",
    sandbox: SandboxOption = SandboxChoice.auto,
    base_image: BaseImageOption = None,
    full: Annotated[bool, typer.Option("--full", help="Judge by the whole suite.")] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Tell a workflow: matrix, shards, minutes.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose bugs, and spread them over shards that are expected to take equally long.

    Writes the bugs and their environment, each as one file that is named by its content, and
    plan.json. Says beforehand how many runner minutes it expects.

    Example: bugfoundry batch plan pypi:itsdangerous --max-bugs 200 --shards 4 -o batch
    """
    names, at_most = known_strategies(strategies)
    settings = Settings(
        source=source,
        cache=cache_dir(),
        sandbox=sandbox.value,
        base_image=base_image,
        seed=seed,
        max_bugs=max_bugs,
        operators=known_operators(operator),
        profile=chosen_profile(like_human, human_profile),
        strategies=names,
        at_most=at_most,
        full=full,
        github_url=os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        github_token=os.environ.get("GITHUB_TOKEN", ""),
    )
    with open_store(store) as opened:
        packed, bugs = (
            stored(settings, image=image, store=opened)
            if only_stored
            else run_interruptible(
                lambda: propose(settings, image=image, store=opened, reporter=Quiet(err))
            )
        )
        judged = len(opened.judged(packed.environment.id, HARNESS_VERSION, packed.mode))
    batch = make_batch(packed, bugs, aim=minutes, workers=workers, judged=judged, shards=shards)
    write_batch(folder, batch)
    planned = batch.planned
    if github:
        write_outputs({**outputs(planned), "image": packed.image})
    if as_json:
        print_json(planned)
    else:
        print_plan(planned, folder)


@app.command("limit")
def limit_command(
    minutes: Annotated[float, typer.Argument(help="Runner minutes; below 0 for no limit.")],
    month: Annotated[
        bool, typer.Option("--month", help="For every month, all repositories together.")
    ] = False,
    repository: Annotated[
        str, typer.Option(help="For this one, as owner/name; for each, if not said.")
    ] = "",
    store: StoreOption = None,
) -> None:
    """Limit the runner minutes of each repository, of one, or of every month.

    Nothing is sent that is expected to pass a limit. `bugfoundry stats` shows what was used.

    Example: bugfoundry batch limit --month -- 2000
    """
    if month and repository:
        raise ConfigError("--month is for all repositories together; leave out --repository")
    scope: Literal["month", "repository"] = "month" if month else "repository"
    with open_store(store) as opened:
        opened.dispatches.set_limit(MinuteLimit(scope=scope, of=repository, minutes=minutes))


@app.command("show")
def show_command(
    folder: FolderArgument,
    plan: PlanOption = PLAN,
    github: Annotated[
        bool, typer.Option("--github", help="Tell a workflow: matrix, shards, minutes, image.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a batch, and say what its plan comes to."""
    batch = read_batch(folder, plan)
    if github:
        write_outputs({**outputs(batch.planned), "image": batch.packed.image})
    if as_json:
        print_json(batch.planned)
    else:
        print_plan(batch.planned, folder)


@app.command("run-shard")
def run_shard_command(
    folder: FolderArgument,
    number: Annotated[int, typer.Argument(min=0, help="Which shard.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to add verdicts to.")],
    plan: PlanOption = PLAN,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="End in good order after so long.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Sandboxes side by side. [default: as planned]")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The code, where the environment has to be built here.")
    ] = None,
    sandbox: SandboxOption = SandboxChoice.auto,
    base_image: BaseImageOption = None,
    github: Annotated[bool, typer.Option("--github", help="Tell a workflow: ended.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Judge one shard, as this machine judges all bugs.

    Each verdict is added to the file as soon as it is known, and is on the disk then. Stop it at
    any time: the same command goes on where it was. A bug under which it died twice, the second
    time with no other beside it, is set aside.

    Example: bugfoundry batch run-shard batch 0 -o verdicts/shard-0.jsonl
    """
    batch = read_batch(folder, plan)
    kind = batch.packed.environment.sandbox
    if sandbox is not SandboxChoice.auto and sandbox.value != kind:
        raise BatchError(f"the batch is for the {kind} sandbox; leave --sandbox out")
    backend = backends.choose(kind, cache=cache_dir(), base_image=base_image)
    refuse_plain(backend)

    async def work() -> Judged:
        environment = await obtain(batch.packed, backend, source=source, cache=cache_dir())
        return await run_shard(
            batch,
            number,
            output,
            backend=backend,
            environment=environment,
            limits=Limits(),
            workers=workers or batch.planned.workers,
            seconds=None if minutes is None else minutes * 60,
        )

    judged = run_interruptible(work)
    if github:
        write_outputs({"ended": judged.ended})
    if as_json:
        print_json(judged)
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in judged.reasons)
    out.print(
        f"shard {number}: {judged.verdicts} of {counted(judged.bugs, 'bug')} judged "
        f"({reasons or 'none'}), "
        f"{counted(judged.tests, 'test')} run in {judged.seconds:.0f} s; {judged.ended}",
        highlight=False,
        soft_wrap=True,
    )


def refuse_plain(backend: Backend) -> None:
    """Refuse to run a repository's code without a cage in a job. Raises SandboxError."""
    plain = isinstance(backend, LocalBackend) and backend.isolation == "process"
    if plain and os.environ.get("GITHUB_ACTIONS") == "true":
        raise SandboxError(PLAIN)


@app.command("collect")
def collect_command(
    folder: FolderArgument,
    artifacts: Annotated[
        Path, typer.Option(help="Folder with what the shards left: files, folders or archives.")
    ],
    again: Annotated[
        bool, typer.Option("--again", help="Write the plan of another wave for what is missing.")
    ] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Tell a workflow: matrix, shards, missing.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(
            help="The code, with its history: for an export here, and to make tasks of mirrored "
            "bugs, whose words are those of issues."
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep verdicts and tasks in the store.")
    ] = True,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put together what the shards of all waves delivered, and say what is missing.

    None of it is trusted. Exit code 1 when verdicts are missing and no plan for them was asked for.

    Example: bugfoundry batch collect batch --artifacts verdicts
    """
    batch = read_batch(folder)
    waves = read_waves(folder)
    collecting = Collecting(batch, waves)
    for artifact in read_folder(artifacts):
        collecting.take(artifact)
    collected = collecting.collected()
    ingested = None
    if keep:
        with open_store(store) as opened:
            mirror = None if source is None else mirror_in(batch, source, opened)
            ingested = ingest(batch, collected, opened, mirror)
    following = next_wave(batch, waves, collected, expectations(batch)) if again else None
    if following is not None:
        write_plan(folder / plan_name(len(waves) + 1), following)
    if github:
        write_outputs({**outputs(following), "missing": str(len(collected.missing))})
    if as_json:
        print_json(as_document(collected, ingested, following))
    else:
        print_collected(collected, ingested, following)
    if collected.missing and not again:
        raise typer.Exit(1)


def mirror_in(batch: Batch, source: str, store: Store) -> Mirror | None:
    """Return what makes tasks of mirrored bugs, with the code in the cache."""
    settings = Settings(
        source=source,
        cache=cache_dir(),
        strategies=(MIRROR, "procedural"),
        github_url=os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        github_token=os.environ.get("GITHUB_TOKEN", ""),
    )
    return run_interruptible(lambda: mirror_of(batch, settings, store=store, reporter=Quiet(err)))


def print_plan(planned: Planned, folder: Path) -> None:
    """Say what a plan comes to."""
    bugs = sum(len(shard.bugs) for shard in planned.shards)
    table = Table(box=None, header_style="bold")
    for name in ("shard", "bugs", "tests", "expected seconds"):
        table.add_column(name, justify="right")
    for shard in planned.shards:
        table.add_row(
            str(shard.number), str(len(shard.bugs)), str(shard.tests), f"{shard.seconds:.1f}"
        )
    out.print(table)
    left = f", {len(planned.left)} left for later" if planned.left else ""
    out.print(
        f"{counted(bugs, 'bug')} in {counted(len(planned.shards), 'shard')} of "
        f"{counted(planned.workers, 'worker')}{left}; the "
        f"slowest takes {planned.imbalance:.2f} times the mean; expected to be paid: "
        f"{planned.minutes} runner minutes",
        highlight=False,
        soft_wrap=True,
    )
    out.print(f"run one:  bugfoundry batch run-shard {folder} 0 -o verdicts/shard-0.jsonl")


def print_collected(
    collected: Collected, ingested: Ingested | None, following: Planned | None
) -> None:
    """Say what came, what did not, and what was not believed."""
    table = Table(box=None, header_style="bold")
    for name in ("wave", "shard", "bugs", "missing", "state", "expected", "seconds", "tests"):
        table.add_column(name, justify="left" if name == "state" else "right")
    for each in collected.shards:
        add_row(table, each)
    out.print(table)
    for fault in collected.faults:
        out.print(f"not believed: {fault}", markup=False, highlight=False, soft_wrap=True)
    for text in collected.disagreed:
        out.print(f"selecting tests went wrong: {text}", markup=False, highlight=False)
    repeated = f", {collected.repeated} delivered again" if collected.repeated else ""
    out.print(
        f"{len(collected.found)} verdicts, {len(collected.missing)} missing{repeated}",
        highlight=False,
    )
    if ingested is not None:
        also = f", {ingested.for_forge} mirrored for `forge`" if ingested.for_forge else ""
        out.print(
            f"{ingested.verdicts} verdicts are new to the store, {ingested.known} were there; "
            f"{counted(len(ingested.tasks), 'task')}{also}",
            highlight=False,
            soft_wrap=True,
        )
    if following is not None:
        out.print(
            f"planned again: {counted(len(following.shards), 'shard')}, "
            f"{counted(following.minutes, 'runner minute')}",
            highlight=False,
        )


def add_row(table: Table, state: ShardState) -> None:
    """Add what came of one shard."""
    table.add_row(
        str(state.wave),
        str(state.shard),
        str(state.bugs),
        str(len(state.missing)),
        state.state,
        f"{state.expected:.1f}",
        f"{state.seconds:.1f}",
        str(state.tests),
    )


def as_document(
    collected: Collected, ingested: Ingested | None, following: Planned | None
) -> dict[str, object]:
    """Return the same for programs; verdicts are in the store."""
    reasons: dict[str, int] = {}
    for found in collected.found.values():
        reasons[found.verdict.reason] = reasons.get(found.verdict.reason, 0) + 1
    return {
        "verdicts": len(collected.found),
        "reasons": reasons,
        "missing": len(collected.missing),
        "repeated": collected.repeated,
        "faults": collected.faults,
        "disagreed": collected.disagreed,
        "deaths": collected.deaths,
        "shards": [json_of(each) for each in collected.shards],
        "ingested": None if ingested is None else json_of(ingested),
        "again": 0 if following is None else len(following.shards),
    }


def json_of(value: object) -> object:
    """Return a record as plain values."""
    import msgspec

    return json.loads(msgspec.json.encode(value))
