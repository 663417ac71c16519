"""``bugfoundry export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.options import StoreOption, err, open_store
from bot.commands.rollout import export_trajectories
from forge.run.nouns import format_count
from storage.errors import ConfigError, StoreError
from storage.paths import cache_dir
from tasks import NEAREST

if TYPE_CHECKING:
    from tasks.gates.subject import Rules


class Format(StrEnum):
    """The formats of the field, and our own in two dresses."""

    swe_smith = "swe-smith"
    swe_bench = "swe-bench"
    jsonl = "jsonl"
    parquet = "parquet"
    harbor = "harbor"
    hf = "hf"
    trajectories = "trajectories"


AllowLicenceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-license",
        envvar="BUGFOUNDRY_ALLOWED_LICENSES",
        help="An SPDX licence to let through besides the permissive ones; may be repeated.",
    ),
]
AllowBenchmarkOption = Annotated[
    bool,
    typer.Option(
        "--allow-benchmark",
        help="Let tasks on repositories of public benchmarks through; they stay marked.",
    ),
]


def export_command(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file or folder to write.")],
    form: Annotated[Format, typer.Option("--format", help="Whose rows to write.")] = (
        Format.swe_smith
    ),
    split: Annotated[
        bool,
        typer.Option(
            "--split",
            help="Say of each task whether it is for training, validation or test; repositories "
            "of one family (forks, mirrors) are never in two.",
        ),
    ] = False,
    image: Annotated[
        str,
        typer.Option(
            help="harbor: a name under which others can pull the image; else its digest here."
        ),
    ] = "",
    rollouts: Annotated[
        Path | None,
        typer.Option(help="trajectories: the file that `bugfoundry rollout` wrote."),
    ] = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="trajectories: those that solved their task alone.")
    ] = False,
    gates: Annotated[
        list[str] | None,
        typer.Option("--gates", help="Use only this gate; may be repeated. [default: all]"),
    ] = None,
    without_gate: Annotated[
        list[str] | None,
        typer.Option(
            "--without-gate",
            envvar="BUGFOUNDRY_WITHOUT_GATES",
            help="Switch this gate off; may be repeated.",
        ),
    ] = None,
    pass_to_pass: Annotated[
        str,
        typer.Option(
            "--pass-to-pass", metavar="N|all", help="How many of PASS_TO_PASS leave: the nearest."
        ),
    ] = str(NEAREST),
    allow_license: AllowLicenceOption = None,
    allow_benchmark: AllowBenchmarkOption = False,
    private: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Write those of this private repository alone."),
    ] = None,
    allow_empty: Annotated[
        bool,
        typer.Option(
            "--allow-empty", help="Where the store holds no task, write nothing and end well."
        ),
    ] = False,
    store: StoreOption = None,
) -> None:
    """Write the tasks that pass the gates to a file or, for harbor and hf, to a folder.

    Left out are those of repositories that opted out of the service, and of private ones.

    swe-smith rows hold the patch that makes the bug, swe-bench rows the patch that fixes it;
    jsonl and parquet hold our full record, from which `bugfoundry verify` runs tasks again from
    nothing. harbor is a folder for each task, hf a data set with its card; trajectories are what
    agents did, for training. `bugfoundry gates` says what each gate stops.

    Example: bugfoundry export --format swe-bench -o tasks.jsonl
    """
    from forge.release.export import export_tasks
    from storage.trees import Trees
    from tasks.gates import choose_gates
    from tasks.withheld import WORDS, select_exportable

    if form is Format.trajectories:
        if rollouts is None:
            raise ConfigError("name what `bugfoundry rollout` wrote with --rollouts")
        count = export_trajectories(rollouts, output, resolved=resolved)
        told = format_count(count, "trajectory", "trajectories")
        err.print(f"{told} written to {output}", highlight=False, soft_wrap=True)
        return
    with open_store(store) as opened:
        if not opened.tasks():
            if allow_empty:
                err.print(f"no task, so {output} was not written", highlight=False, soft_wrap=True)
                return
            raise StoreError("the store holds no tasks yet; make some with `bugfoundry forge`")
        free = select_exportable(opened, private=private)
        for reason, count in sorted(free.withheld.items()):
            text = f"{format_count(count, 'task')} left out: {WORDS[reason]}"
            err.print(text, highlight=False, markup=False, soft_wrap=True)
        if not free.tasks:
            raise StoreError(f"no task is left to export, so {output} was not written")
        done = export_tasks(
            form.value,
            opened,
            Trees(cache_dir()),
            free.tasks,
            output,
            rules=rules_of(allow_license, allow_benchmark),
            names=choose_gates(gates or (), without_gate or ()),
            limit=how_many(pass_to_pass),
            image=image,
            split=split,
        )
    told = f"{format_count(done.tasks, 'task')} written to {output} ({form.value}); {done.summary}"
    err.print(told, highlight=False, soft_wrap=True)


def rules_of(licences: list[str] | None, benchmarks: bool) -> Rules:
    """Return the rules that options make. Raises ConfigError for a licence that is none."""
    from tasks.gates.subject import Rules
    from tasks.licences import ALLOWED, canonical

    named = set()
    for text in licences or ():
        if not (name := canonical(text)):
            raise ConfigError(f"{text!r} is no SPDX licence; https://spdx.org/licenses lists them")
        named.add(name)
    return Rules(licences=ALLOWED | named, benchmarks_allowed=benchmarks)


def how_many(text: str) -> int | None:
    """Read how many tests leave, None for all. Raises ConfigError."""
    if text == "all":
        return None
    if not text.isdecimal():
        raise ConfigError(f"--pass-to-pass takes a number or `all`, not {text!r}")
    return int(text)
