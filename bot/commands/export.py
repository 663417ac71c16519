"""``bugfoundry export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.options import StoreOption, err, open_store
from bot.commands.rollout import export_trajectories
from harness.local import RUNNER
from storage.errors import ConfigError, StoreError
from storage.paths import cache_dir
from storage.trees import Trees
from tasks.export import FOLDERS, export, export_folder
from tasks.withheld import WORDS, allowed


class Format(StrEnum):
    """The formats of the field, and our own in two dresses."""

    swe_smith = "swe-smith"
    swe_bench = "swe-bench"
    jsonl = "jsonl"
    parquet = "parquet"
    harbor = "harbor"
    hf = "hf"
    trajectories = "trajectories"


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
    private: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Write those of this private repository alone."),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write the tasks to a file or, for harbor and hf, to a folder.

    Left out are those of repositories that opted out of the service, and of private ones.

    swe-smith rows hold the patch that makes the bug, swe-bench rows the patch that fixes it;
    jsonl and parquet hold our full record, from which `bugfoundry verify` runs tasks again from
    nothing. harbor is a folder for each task, hf a data set with its card.

    trajectories are what agents did, for training.

    Example: bugfoundry export --format swe-bench -o tasks.jsonl
    """
    if form is Format.trajectories:
        if rollouts is None:
            raise ConfigError("name what `bugfoundry rollout` wrote with --rollouts")
        count = export_trajectories(rollouts, output, resolved=resolved)
        err.print(f"{count} trajectories written to {output}", highlight=False, soft_wrap=True)
        return
    with open_store(store) as opened:
        if not opened.tasks():
            raise StoreError("the store holds no tasks yet; make some with `bugfoundry forge`")
        chosen = allowed(opened, private=private)
        for reason, count in sorted(chosen.withheld.items()):
            text = f"{count} tasks left out: {WORDS[reason]}"
            err.print(text, highlight=False, markup=False, soft_wrap=True)
        if not chosen.tasks:
            raise StoreError(f"no task is left to export, so {output} was not written")
        trees = Trees(cache_dir())
        if form.value in FOLDERS:
            count = export_folder(
                form.value,
                opened,
                trees,
                chosen.tasks,
                output,
                runner=RUNNER.read_bytes(),
                image=image,
                split=split,
            )
        else:
            count = export(form.value, opened, trees, chosen.tasks, output, split=split)
    err.print(f"{count} tasks written to {output} ({form.value})", highlight=False, soft_wrap=True)
